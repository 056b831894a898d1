"""What is not done again: lists that were read, charts that were rendered, objects that were compared."""

from __future__ import annotations

import copy
import functools
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.environments import connect, tasks
from apps.environments.models import Application, DesiredState, DriftedResource, KindListing, Silence
from apps.environments.services import checks, layouts
from apps.repositories.connect import mirror
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import Rendered, Renderer, RenderSource, Tools
from gitopsui.domain.drift import DriftKind
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.mask import mask
from tests.adapters.git_http import Seed
from tests.adapters.render_binaries import require_tools
from tests.apps.environments.world import GOOD, World, commit

TRACKED = "argocd.argoproj.io/tracking-id"
hide = functools.partial(mask, key=b"k" * 32)


class CountingRenderer(Renderer):
    """Renders, and remembers what it was asked to render."""

    def __init__(self, tools: Tools, scratch: Path) -> None:
        super().__init__(tools, scratch)
        self.rendered: list[str] = []

    def render(
        self, mirror: Any, commit: str, source: RenderSource, *, check_determinism: bool = False
    ) -> Rendered:
        self.rendered.append(source.path)
        return super().render(mirror, commit, source, check_determinism=check_determinism)


def deployment(name: str = "well", image: str = "registry.example.org/well:1.2.3") -> dict[str, Any]:
    labels = {"app": name}
    pod = {"containers": [{"name": "c", "image": image}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": "7"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
    }


def shop(world: World, *names: str) -> tuple[Seed, list[Application]]:
    """Applications in a folder each, with the same deployment in Git."""
    seed = world.seed("shop", {f"{name}/well.yaml": GOOD for name in names})
    repository = world.connect("shop")
    world.poll(repository)
    return seed, [world.application(repository, name) for name in names]


def look(application: Application, renderer: Renderer) -> Application:
    fresh = Application.objects.select_related("cluster", "component", "repository").get(pk=application.pk)
    assert fresh.cluster is not None
    git: Mirror = mirror(fresh.repository)
    checks.check_application(
        fresh, git=git, renderer=renderer, cluster=connect.ClusterRound(fresh.cluster), mask=hide
    )
    fresh.refresh_from_db()
    return fresh


def renderer(tmp_path: Path) -> CountingRenderer:
    return CountingRenderer(Tools(), tmp_path / "scratch")


def writes(queries: CaptureQueriesContext) -> list[str]:
    words = ("UPDATE", "INSERT", "DELETE")
    return [query["sql"] for query in queries if query["sql"].startswith(words)]


def test_what_did_not_move_costs_one_update_of_the_time(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    first = look(application, renderer(tmp_path))
    assert (first.sync, first.drift_count, len(first.compared)) == ("Synced", 0, 64)

    with CaptureQueriesContext(connection) as queries:
        second = look(application, renderer(tmp_path))

    assert len(writes(queries)) == 1
    assert "checked_at" in writes(queries)[0]
    assert second.checked_at is not None
    assert first.checked_at is not None
    assert second.checked_at > first.checked_at
    assert second.changed_at == first.changed_at


def test_a_new_resource_version_is_compared(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    assert look(application, renderer(tmp_path)).sync == "Synced"

    edited = deployment(image="registry.example.org/well:9")
    edited["metadata"]["resourceVersion"] = "8"
    world.server.objects = [edited]

    found = look(application, renderer(tmp_path))
    assert (found.sync, found.drift_count, found.live_version) == ("OutOfSync", 1, "9")


def test_an_object_that_went_away_is_missed_at_once(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    look(application, renderer(tmp_path))
    world.server.objects = []
    assert look(application, renderer(tmp_path)).sync == "OutOfSync"


def test_a_server_that_names_no_versions_is_compared_each_time(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    del world.server.objects[0]["metadata"]["resourceVersion"]
    assert look(application, renderer(tmp_path)).compared == ""
    world.server.objects[0]["spec"]["replicas"] = 4
    assert look(application, renderer(tmp_path)).sync == "OutOfSync"


def test_after_a_silent_cluster_the_same_answer_counts_again(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    look(application, renderer(tmp_path))
    world.server.is_silent = True
    with pytest.raises(ClusterError):
        look(application, renderer(tmp_path))
    world.server.is_silent = False
    well = look(application, renderer(tmp_path))
    assert (well.sync, well.failed_at, well.error) == ("Synced", None, "")


def test_a_silence_that_begins_and_ends_moves_the_verdict(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment(image="registry.example.org/well:9")]
    assert look(application, renderer(tmp_path)).sync == "OutOfSync"

    pointer = "/spec/template/spec/containers/0/image"
    silence = Silence.objects.create(
        project=world.project, json_pointers=[pointer], reason="by hand", kind="Deployment", created_by="ops"
    )
    assert look(application, renderer(tmp_path)).sync == "Synced"

    Silence.objects.filter(pk=silence.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert look(application, renderer(tmp_path)).sync == "OutOfSync"


def test_an_open_drift_stays_measured_against_the_newest_commit(world: World, tmp_path: Path) -> None:
    seed, (application,) = shop(world, "app")
    world.server.objects = [deployment(image="registry.example.org/well:9")]
    before = look(application, renderer(tmp_path))
    begun = DriftedResource.objects.get(application=application).first_seen_at

    sha = commit(seed, {"README.md": b"Nothing that is applied.\n"})
    world.poll(application.repository)
    after = look(application, renderer(tmp_path))

    drift = DriftedResource.objects.get(application=application)
    assert (after.desired_sha, drift.desired_sha, drift.first_seen_at) == (sha, sha, begun)
    assert after.compared == before.compared
    assert before.changed_at is not None
    assert after.changed_at is not None
    assert after.changed_at > before.changed_at, "the commit that is shown is another one"


def test_commits_elsewhere_render_nothing_again(world: World, tmp_path: Path) -> None:
    seed, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    counting = renderer(tmp_path)
    look(application, counting)
    for number in range(3):
        commit(seed, {f"other/{number}.yaml": GOOD})
        world.poll(application.repository)
        look(application, counting)
    assert counting.rendered == ["app"]

    commit(seed, {"app/well.yaml": GOOD.replace(b"1.2.3", b"1.2.4")})
    world.poll(application.repository)
    assert look(application, counting).desired_version == "1.2.4"
    assert counting.rendered == ["app", "app"]


def test_applications_with_equal_inputs_share_what_was_rendered(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    stage = application.environment.project.environments.create(name="twin")
    twin = copy.copy(application)
    twin.pk, twin.environment = None, stage
    twin._state = copy.copy(application._state)
    twin._state.adding = True
    twin.save()
    world.server.objects = [deployment()]
    counting = renderer(tmp_path)
    first, second = look(application, counting), look(twin, counting)
    assert counting.rendered == ["app"]
    assert first.desired_digest == second.desired_digest
    assert DesiredState.objects.count() == 1


def test_a_round_asks_for_each_kind_of_a_namespace_once(world: World) -> None:
    _, applications = shop(world, "one", "two", "three")
    world.server.objects = [deployment()]
    for application in applications:
        layouts.watch_application(application)
    del world.server.requests[:]

    tasks.check_cluster(world.cluster.pk)

    asked = Counter(request.path for request in world.server.requests)
    assert {path: count for path, count in asked.items() if count > 1} == {}
    assert asked["/apis/apps/v1/namespaces/n/deployments"] == 1
    assert set(Application.objects.values_list("sync", flat=True)) == {"Synced"}
    listed = KindListing.objects.get(cluster=world.cluster, namespace="n", kind="Deployment")
    assert (listed.object_count, listed.error, listed.complete_at is None) == (1, "", False)


DICE = b"""\
apiVersion: v1
kind: ConfigMap
metadata: {name: dice}
data:
  fixed: "as it is"
  seed: {{ randAlphaNum 20 | quote }}
"""


@pytest.mark.binary
def test_what_a_chart_makes_up_is_no_drift_and_anything_else_still_is(world: World, tmp_path: Path) -> None:
    chart = b"apiVersion: v2\nname: dice\nversion: 1.0.0\n"
    world.seed("charts", {"dice/Chart.yaml": chart, "dice/templates/a.yaml": DICE})
    repository = world.connect("charts")
    world.poll(repository)
    application = world.application(repository, "dice", renderer="helm")
    live: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"fixed": "as it is"}}
    live["metadata"] = {"name": "dice", "namespace": "n", "uid": "u", "resourceVersion": "1"}
    live["data"]["seed"] = "of another day"
    world.server.objects = [live]
    helm = CountingRenderer(require_tools("helm"), tmp_path / "scratch")

    assert look(application, helm).sync == "Synced"
    (field,) = DesiredState.objects.get().volatile
    assert (field["key"], field["path"]) == ("ConfigMap dice", "data.seed")

    live["data"]["fixed"], live["metadata"]["resourceVersion"] = "by hand", "2"
    found = look(application, helm)
    assert (found.sync, found.drift_count) == ("OutOfSync", 1)
    drift = DriftedResource.objects.get(application=application, resolved_at=None)
    assert [change["path"] for change in drift.changes] == ["data.fixed"]
    assert helm.rendered == ["dice"]


NAMED_BY_DICE = b"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: "run-{{ randAlphaNum 6 | lower }}"
"""


@pytest.mark.binary
def test_an_object_that_each_render_calls_otherwise_is_neither_missing_nor_too_many(
    world: World, tmp_path: Path
) -> None:
    chart = b"apiVersion: v2\nname: dice\nversion: 1.0.0\n"
    fixed = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\n"
    files = {"dice/Chart.yaml": chart, "dice/templates/a.yaml": NAMED_BY_DICE, "dice/templates/b.yaml": fixed}
    world.seed("charts", files)
    repository = world.connect("charts")
    world.poll(repository)
    application = world.application(repository, "dice", renderer="helm")
    names = ("fixed", "run-abc123", "left-behind")
    world.server.objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": "n",
                "uid": name,
                "annotations": {TRACKED: f"dice:/ConfigMap:n/{name}"},
            },
        }
        for name in names
    ]
    helm = CountingRenderer(require_tools("helm"), tmp_path / "scratch")

    look(application, helm)

    drifts = DriftedResource.objects.filter(application=application, resolved_at=None)
    assert {(drift.name, drift.verdict) for drift in drifts if drift.verdict != DriftKind.MODIFIED} == {
        ("left-behind", DriftKind.EXTRA)
    }
