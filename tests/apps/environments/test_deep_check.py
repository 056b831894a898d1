"""A deep check and granted Secrets, from a repository and an API server to every page, with canaries."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEvent, Job
from apps.demo.standin import TokenRole
from apps.environments import connect, tasks
from apps.environments.models import Application, Cluster, DeepCheck
from apps.environments.selectors.deep_check import DEEP_CHECK, DeepCheckPanel, deep_check_of
from apps.environments.services import deep_check
from apps.repositories.connect import mirror
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import Rendered, RenderSource
from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.volatile import VolatileField
from tests.adapters.git_http import LONG_AGO
from tests.apps.environments.standin_world import StandInWorld, standing_world
from tests.apps.environments.world import World, dump_tables

CANARY = "canary-deep-secret-4711"
DEPLOYMENT = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: web
        image: registry.example.org/shop:1.0.0
        env: [{name: PASSWORD, value: canary-deep-secret-4711}]
"""
CONFIG = b"""\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green}
"""
REFUSED = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: broken}
spec:
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, image: d}]}}
"""
SECRET = b"""\
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: canary-deep-secret-4711}
"""
UNKNOWN = b"""\
apiVersion: nobody.example/v1
kind: Nothing
metadata: {name: none}
"""
FILES = {
    "app/deployment.yaml": DEPLOYMENT,
    "app/config.yaml": CONFIG,
    "app/broken.yaml": REFUSED,
    "app/secret.yaml": SECRET,
    "app/unknown.yaml": UNKNOWN,
}


@pytest.fixture
def there(world: World, settings: Any) -> Iterator[StandInWorld]:
    yield from standing_world(world, settings)


def check(application: Application, world: World, who: str = "proposer") -> DeepCheckPanel:
    answer = world.client(who).post(reverse("deep-check-run", args=[application.pk]))
    assert answer.status_code == 302
    Job.objects.filter(kind=DEEP_CHECK, subject_id=application.pk).update(due_at=LONG_AGO)
    tasks.run_deep_check(application.pk)
    application.refresh_from_db()
    return deep_check_of(application)


def verdicts(panel: DeepCheckPanel) -> dict[str, str]:
    return {one.name: one.verdict for one in panel.rows}


def test_the_api_server_says_what_would_change(there: StandInWorld) -> None:
    application = there.application(FILES)
    there.apply(DEPLOYMENT, CONFIG)
    there.patch("/api/v1/namespaces/n/configmaps/settings", {"data": {"colour": "blue"}})

    panel = check(application, there.world)

    assert panel.state == "done"
    assert verdicts(panel) == {
        "broken": "refused",
        "settings": "changed",
        "none": "unknown",
        "login": "skipped",
    }
    assert panel.unchanged_count == 1
    changed = next(one for one in panel.rows if one.verdict == "changed")
    assert [(row["path"], row["desired"], row["live"], row["manager"]) for row in changed.changes] == [
        ("data.colour", "green", "blue", "kubectl-edit")
    ]
    refused = next(one for one in panel.rows if one.verdict == "refused")
    assert "spec.template.metadata.labels" in refused.reason
    assert there.colour() == "blue"  # nothing was stored
    page = there.world.page("deep-check", application.pk)
    assert "data.colour" in page
    assert "hx-get" not in page  # settled: it does not ask again
    assert CANARY not in page
    assert AuditEvent.objects.filter(verb="asked for a deep check of application").count() == 1


def test_what_is_not_there_would_be_created(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    panel = check(application, there.world)
    assert verdicts(panel) == {"settings": "created"}
    assert there.find("/api/v1/namespaces/n/configmaps/settings") is None


def test_a_missing_right_is_named(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG}, role=TokenRole.READER)
    panel = check(application, there.world)
    assert verdicts(panel) == {"settings": "forbidden"}
    assert '"patch" configmaps' in panel.rows[0].reason


def test_what_the_server_adds_and_others_own_is_no_change(there: StandInWorld) -> None:
    application = there.application({"app/deployment.yaml": DEPLOYMENT})
    there.apply(DEPLOYMENT)
    side = {"spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}]}}}}
    there.patch("/apis/apps/v1/namespaces/n/deployments/shop", side, strategic=True)
    panel = check(application, there.world)
    assert (panel.rows, panel.unchanged_count) == ((), 1)


def test_it_is_not_offered_without_the_grant(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    Cluster.objects.update(may_dry_run=False)
    page = there.world.page("deep-check", application.pk)
    assert "was not granted dry runs" in page
    assert "<form" not in page
    there.world.client("proposer").post(reverse("deep-check-run", args=[application.pk]))
    assert not DeepCheck.objects.exists()


def test_a_viewer_sees_it_and_cannot_ask(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    assert "<form" not in there.world.page("deep-check", application.pk, who="viewer")
    answer = there.world.client("viewer").post(reverse("deep-check-run", args=[application.pk]))
    assert answer.status_code in (403, 404)
    assert not DeepCheck.objects.exists()


def test_a_grant_that_is_taken_back_ends_what_was_asked(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    there.world.client("proposer").post(reverse("deep-check-run", args=[application.pk]))
    Cluster.objects.update(may_dry_run=False)
    Job.objects.filter(kind=DEEP_CHECK).update(due_at=LONG_AGO)
    tasks.run_deep_check(application.pk)
    panel = deep_check_of(Application.objects.get(pk=application.pk))
    assert panel.state == "done"
    assert "was not granted dry runs" in panel.error


def test_a_silent_cluster_is_the_answer(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    there.standin.faults.add("unavailable")
    panel = check(application, there.world)
    assert panel.state == "done"
    assert "busy" in panel.error or "down" in panel.error


def test_the_panel_asks_again_until_it_is_settled(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    address = reverse("deep-check-run", args=[application.pk])
    page = there.world.client("proposer").post(address, headers={"HX-Request": "true"}).content.decode()
    assert f'hx-get="{reverse("deep-check", args=[application.pk])}"' in page
    assert "<form" not in page
    Job.objects.filter(kind=DEEP_CHECK).update(state="quarantined")
    settled = there.world.page("deep-check", application.pk, who="proposer")
    assert "It did not come to an end" in settled
    assert "hx-get" not in settled


def test_granted_secrets_are_compared_and_never_shown(there: StandInWorld) -> None:
    application = there.application({"app/secret.yaml": SECRET}, reads_secrets=True)
    there.apply(SECRET)
    there.world.check(application)
    assert (application.sync, application.drift_count) == ("Synced", 0)
    other = base64.b64encode(b"canary-other-value-0815").decode()
    there.patch("/api/v1/namespaces/n/secrets/login", {"data": {"password": other}})

    there.world.check(application)
    panel = check(application, there.world)

    assert (application.sync, application.drift_count) == ("OutOfSync", 1)
    (row,) = application.drifts.filter(resolved_at=None)
    assert [change["path"] for change in row.changes] == ["data.password"]
    assert verdicts(panel) == {"login": "changed"}
    assert_nothing_leaks(there.world, other)


def test_a_secret_without_the_grant_is_neither_drift_nor_plainly_green(there: StandInWorld) -> None:
    application = there.application({"app/secret.yaml": SECRET, "app/config.yaml": CONFIG})
    there.apply(SECRET, CONFIG)
    other = base64.b64encode(b"canary-other-value-0815").decode()
    there.patch("/api/v1/namespaces/n/secrets/login", {"data": {"password": other}})
    there.world.check(application)
    assert (application.sync, application.drift_count) == ("Synced", 0)
    assert "Values of 1 Secret are not compared" in application.sync_reason
    row = application.resources.get(kind="Secret")
    assert row.sync == "Unknown"
    assert any("not compared" in note for note in row.notes)
    assert application.resources.get(kind="ConfigMap").sync == "Synced"
    assert_nothing_leaks(there.world, other)


def test_a_label_of_a_secret_is_compared_without_the_grant(there: StandInWorld) -> None:
    labelled = SECRET.replace(b"{name: login}", b"{name: login, labels: {app: shop}}")
    application = there.application({"app/secret.yaml": labelled})
    there.apply(labelled)
    there.patch("/api/v1/namespaces/n/secrets/login", {"metadata": {"labels": {"app": "till"}}})
    there.world.check(application)
    assert application.sync == "OutOfSync"
    assert application.resources.get(kind="Secret").sync == "OutOfSync"


def assert_nothing_leaks(world: World, *encoded: str) -> None:
    """No value of a Secret in a table, a line of the log or a page, in the clear or as it travels."""
    plain = (CANARY, "canary-other-value-0815")
    secrets = [*plain, *(base64.b64encode(one.encode()).decode() for one in plain), *encoded]
    places = [*dump_tables(), *world.every_page(), *(("log", line) for line in world.logged)]
    for place, text in places:
        for secret in secrets:
            assert secret not in text, (place, secret[:12])


def test_a_refusal_quotes_no_value_of_git(there: StandInWorld) -> None:
    wrong = DEPLOYMENT.replace(b"replicas: 1", b'replicas: "canary-deep-secret-4711"')
    application = there.application({"app/deployment.yaml": wrong})
    check(application, there.world)
    (finding,) = DeepCheck.objects.get().findings
    assert finding["verdict"] == "refused"
    assert "replicas" in finding["reason"]
    assert CANARY not in finding["reason"]


class Dice:
    """A renderer whose chart makes up a field and a name anew each time."""

    def __init__(self) -> None:
        self.is_checked: list[bool] = []

    def inputs_digest(self, mirror: Mirror, commit: str, source: RenderSource) -> str:
        return "d" * 64

    def render(
        self, mirror: Mirror, commit: str, source: RenderSource, *, check_determinism: bool = False
    ) -> Rendered:
        self.is_checked.append(check_determinism)
        fixed = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
        named = {**fixed, "metadata": {"name": "run-x7f3k"}}
        volatile = (
            VolatileField(ResourceKey("", "ConfigMap", "", "settings"), "data.colour", "/data/colour"),
            VolatileField(ResourceKey("", "ConfigMap", "", "run-x7f3k"), "metadata.name", ""),
        )
        manifests = ({**fixed, "data": {"colour": "made up"}}, named)
        return Rendered(manifests, (), (), "helm", volatile=volatile if check_determinism else ())


def test_what_a_chart_makes_up_anew_is_no_change(there: StandInWorld) -> None:
    application = there.application({"app/config.yaml": CONFIG})
    application.renderer = "helm"
    there.apply(CONFIG)
    deep_check.ask_deep_check(application, by=there.world.people["proposer"], now=timezone.now())
    dice = Dice()
    with connect.dry_run_door(application.cluster) as cluster:
        git = mirror(application.repository)
        deep_check.run_deep_check(application, git=git, renderer=dice, cluster=cluster, now=timezone.now())

    panel = deep_check_of(application)
    assert dice.is_checked == [True]
    assert (verdicts(panel), panel.unchanged_count) == ({"run-x7f3k": "skipped"}, 1)
