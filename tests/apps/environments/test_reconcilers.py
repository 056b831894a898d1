from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Project
from apps.core.models import AuditEvent, Job
from apps.demo.argo_objects import definitions
from apps.demo.cluster_client import ClusterClient
from apps.demo.standin import StandIn, TokenRole
from apps.demo.standin.exchange import Request
from apps.environments import tasks
from apps.environments.models import Application, Cluster, KindListing, Reconciliation
from apps.environments.selectors.reconcilers import REFRESH, reconcilers_of
from gitopsui.domain.owner import TRACKING_ID
from gitopsui.domain.resource import Manifest
from tests.accounts import make_people
from tests.adapters.git_http import LONG_AGO, Seed, serving
from tests.apps.environments.world import World, commit
from tests.domain.reconciler_samples import argo, argo_broken, changed, git_repository, kustomization

READER, WRITER, NOBODY = "token-reader", "token-writer", "token-nobody"
ROLES = {READER: TokenRole.READER, WRITER: TokenRole.WRITER, NOBODY: TokenRole.NOBODY}
CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata: {level: info}\n"
MANAGER = "argocd-controller"


class Scene:
    """An application in Git and in a stand-in that holds Argo CD and Flux."""

    def __init__(self, world: World, standin: StandIn) -> None:
        self.world, self.standin = world, standin
        self.client = ClusterClient(self._send)
        self.seed: Seed = world.seed("config", {"apps/cart/config.yaml": CONFIG})
        repository = world.connect("config")
        world.poll(repository)
        self.application: Application = world.application(repository, "apps/cart")
        for name in ("n", "argocd", "flux-system"):
            self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def _send(
        self, verb: str, path: str, query: Mapping[str, str], content_type: str, body: bytes
    ) -> tuple[int, bytes]:
        request = Request(
            verb,
            path,
            query,
            TokenRole.NOBODY,
            accept="application/json",
            content_type=content_type,
            body=body,
        )
        answer = self.standin.answer(request, f"Bearer {WRITER}")
        return answer.code, answer.body

    def install(self, *groups: str) -> None:
        for group in groups:
            self.apply(*definitions(group))

    def apply(self, *manifests: Manifest) -> None:
        for manifest in manifests:
            self.client.apply(manifest, manager=MANAGER)

    def run_it(self, level: str = "info", mark: str = "shop-cart") -> None:
        """The ConfigMap of the application, with the mark of an application of Argo CD."""
        annotations = {TRACKING_ID: f"{mark}:/ConfigMap:n/cart"} if mark else {}
        metadata = {"name": "cart", "namespace": "n", "annotations": annotations}
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"level": level}})

    def head(self) -> str:
        self.application.refresh_from_db()
        return self.application.desired_sha

    def check(self) -> None:
        """As the worker does it: in a round of the cluster, whose listings are stored."""
        self.world.poll(self.application.repository)
        Job.objects.filter(subject_id=self.application.pk).update(due_at=LONG_AGO, queued_at=None)
        tasks.check_cluster(self.world.cluster.pk)
        self.application.refresh_from_db()

    def row(self) -> Reconciliation:
        return self.application.reconciliations.get()

    def refresh(self, who: str = "proposer", **headers: str) -> Any:
        return self.world.client(who).post(
            reverse("reconciler-refresh", args=[self.row().pk]), headers=headers
        )

    def allow(self, token: str = WRITER) -> None:
        self.world.cluster.may_refresh, self.world.cluster.token = True, token
        self.world.cluster.save()

    def carry_out(self) -> Job:
        """The job of the refresh, as a worker runs it."""
        tasks.refresh_reconciler(self.row().pk)
        return Job.objects.get(kind=REFRESH, subject_id=self.row().pk)

    def annotations(self, api_version: str, kind: str, namespace: str) -> dict[str, str]:
        (found,) = self.client.list(api_version, kind, namespace)
        return dict(found["metadata"].get("annotations") or {})


@pytest.fixture
def scene(db: None, settings: Any, tmp_path: Path) -> Iterator[Scene]:
    with serving(tmp_path) as hub, StandIn(tokens=ROLES) as standin:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = (hub.server.host_port, standin.host_port)
        settings.GITOPSUI_MIRRORS = tmp_path / "mirrors"
        project = Project.objects.create(name="Shop", slug="shop")
        cluster = Cluster.objects.create(
            project=project, name="eu-1", server=standin.url, ca_data=standin.ca_pem, token=READER
        )
        world = World(hub, standin, project, cluster, make_people(project))  # type: ignore[arg-type]
        yield Scene(world, standin)


def test_without_argo_cd_and_flux_nothing_is_said(scene: Scene) -> None:
    scene.run_it()
    scene.check()
    assert scene.application.sync == "Synced"
    assert not Reconciliation.objects.exists()
    assert not KindListing.objects.exclude(error="").exists()
    assert reconcilers_of(scene.application) is None


def test_the_application_that_left_its_mark_is_read_beside_our_verdict(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("other"), argo("shop-cart", revision="a" * 40))
    scene.check()
    row = scene.row()
    assert (row.tool, row.kind, row.namespace, row.name) == (
        "Argo CD",
        "Application",
        "argocd",
        "shop-cart",
    )
    assert (row.sync, row.health, row.revision) == ("Synced", "Healthy", "a" * 40)
    assert row.message == "successfully synced (all tasks run)"
    assert row.reconciled_at is not None
    assert row.disagreement == ""


def test_commits_that_argo_cd_did_not_look_at_yet_are_counted(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.check()
    old = scene.head()
    scene.apply(argo("shop-cart", revision=old))
    commit(scene.seed, {"apps/cart/config.yaml": CONFIG.replace(b"info", b"debug")})
    commit(scene.seed, {"apps/cart/config.yaml": CONFIG.replace(b"info", b"warn")})
    scene.check()
    assert scene.application.sync == "OutOfSync"
    assert scene.row().disagreement == (
        f"Argo CD says Synced at {old[:7]}, Git is at {scene.head()[:7]}: 2 commits waiting."
    )


def test_commits_about_something_else_are_no_disagreement(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.check()
    scene.apply(argo("shop-cart", revision=scene.head()))
    commit(scene.seed, {"apps/till/config.yaml": CONFIG})
    scene.check()
    assert scene.row().disagreement == ""


def test_a_difference_that_argo_cd_does_not_see_is_pointed_out(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it(level="debug")
    scene.check()
    scene.apply(argo("shop-cart", revision=scene.head()))
    scene.check()
    assert scene.row().disagreement == "Argo CD says Synced, we see 1 field differ: it may ignore it."


def test_a_kustomization_is_found_by_its_folder_and_destination(scene: Scene) -> None:
    scene.install("kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io")
    scene.run_it(mark="")
    managed = changed(kustomization(), "spec", "path", value="./apps/cart")
    managed["spec"]["targetNamespace"] = "n"
    source = git_repository(url=scene.application.repository.url)
    for manifest in (managed, source):
        status = manifest.pop("status")
        scene.apply(manifest)
        place = (manifest["apiVersion"], f"{manifest['kind']}/status", "flux-system")
        scene.client.edit(*place, manifest["metadata"]["name"], {"status": status}, manager=MANAGER)
    scene.check()
    row = scene.row()
    assert (row.tool, row.kind, row.sync, row.is_suspended) == ("Flux", "Kustomization", "Ready", False)


def test_one_that_is_gone_is_forgotten(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    scene.client.delete("argoproj.io/v1alpha1", "Application", "argocd", "shop-cart")
    scene.check()
    assert not Reconciliation.objects.exists()


def test_a_kind_that_may_not_be_read_is_said_and_keeps_what_was_known(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    scene.standin.faults.forbid("Application")
    scene.check()
    assert scene.application.sync == "Synced"
    panel = reconcilers_of(scene.application)
    assert panel is not None
    assert "We may not list Application" in panel.problem
    assert [row.is_old for row in panel.rows] == [True]


def test_where_only_the_home_of_argo_cd_may_be_read_that_is_enough(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.standin.faults.add("forbidden", "/apis/argoproj.io/v1alpha1/applications")
    scene.check()
    assert scene.row().name == "shop-cart"
    panel = reconcilers_of(scene.application)
    assert panel is not None
    assert panel.problem == ""


def test_a_mark_of_what_cannot_be_read_is_enough_to_say_so(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.standin.faults.forbid("Application")
    scene.check()
    panel = reconcilers_of(scene.application)
    assert panel is not None
    assert (panel.rows, "We may not list Application" in panel.problem) == ((), True)


def test_a_kind_that_does_not_answer_leaves_the_check_as_it_is(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    scene.standin.faults.add("garbage", "/apis/argoproj.io/v1alpha1")
    scene.check()
    assert (scene.application.sync, scene.application.error) == ("Synced", "")
    assert scene.row().sync == "Synced"


def test_a_message_with_a_secret_is_masked(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    said = "failed to fetch https://bot:hunter2hunter2@git.example.org/config"
    broken = argo_broken()
    broken["status"]["conditions"] = [{"type": "ComparisonError", "message": said}]
    scene.apply(broken)
    scene.check()
    assert "hunter2" not in scene.row().message


def test_a_connection_that_only_reads_refuses_to_refresh(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    answer = scene.refresh(**{"HX-Request": "true"})
    assert "may only read" in answer.content.decode()
    assert scene.row().refresh_asked_at is None
    assert not AuditEvent.objects.filter(verb="asked reconciler to look again").exists()


def test_argo_cd_is_asked_by_its_annotation_and_the_audit_says_by_whom(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    scene.allow()
    answer = scene.refresh()
    assert answer.url == reverse("application-detail", args=[scene.application.pk])
    place = ("argoproj.io/v1alpha1", "Application", "argocd")
    assert scene.annotations(*place) == {}, "a request writes nothing to a cluster"
    assert scene.carry_out().state == "done"
    assert scene.annotations(*place) == {"argocd.argoproj.io/refresh": "normal"}
    event = AuditEvent.objects.get(verb="asked reconciler to look again")
    assert event.actor_name == "proposer"
    panel = reconcilers_of(scene.application)
    assert panel is not None
    assert panel.rows[0].refresh is not None
    assert panel.rows[0].refresh.state == "done"


def test_flux_is_asked_with_its_source(scene: Scene) -> None:
    scene.install("toolkit.fluxcd.io")
    scene.run_it(mark="")
    managed = changed(kustomization(), "spec", "path", value="./apps/cart")
    managed["spec"]["targetNamespace"] = "n"
    scene.apply(managed, git_repository(url=scene.application.repository.url))
    scene.check()
    scene.allow()
    scene.refresh()
    scene.carry_out()
    asked_at = scene.row().refresh_asked_at
    assert asked_at is not None
    wished = {"reconcile.fluxcd.io/requestedAt": asked_at.isoformat()}
    assert scene.annotations("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system") == wished
    assert scene.annotations("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system") == wished


def test_a_refusal_of_the_cluster_names_the_right_that_is_missing(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    scene.allow(READER)
    scene.refresh()
    assert scene.carry_out().state == "failed"
    page = scene.world.page("reconcilers", scene.application.pk)
    assert "Grant &quot;patch&quot; on applications of the API group &quot;argoproj.io&quot;" in page
    assert "in namespace argocd" in page


def test_a_right_that_was_taken_back_meanwhile_is_not_used(scene: Scene) -> None:
    scene.install("argoproj.io")
    scene.run_it()
    scene.apply(argo("shop-cart"))
    scene.check()
    scene.allow()
    scene.refresh()
    Cluster.objects.update(may_refresh=False)
    job = scene.carry_out()
    assert (job.state, job.last_error_code) == ("failed", "REFRESH_OFF")
    assert scene.annotations("argoproj.io/v1alpha1", "Application", "argocd") == {}


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404)])
def test_who_only_looks_and_who_is_a_stranger_cannot_refresh(scene: Scene, who: str, status: int) -> None:
    Reconciliation.objects.create(
        application=scene.application, group="argoproj.io", kind="Application", namespace="argocd",
        name="shop-cart", tool="Argo CD", seen_at=timezone.now(),
    )  # fmt: skip
    scene.allow()
    assert scene.refresh(who).status_code == status
    assert scene.row().refresh_asked_at is None


@pytest.mark.parametrize(("who", "has_button"), [("viewer", False), ("proposer", True), ("approver", True)])
def test_the_button_shows_only_to_whom_may_press_it(scene: Scene, who: str, has_button: bool) -> None:
    Reconciliation.objects.create(
        application=scene.application, group="argoproj.io", kind="Application", namespace="argocd",
        name="shop-cart", tool="Argo CD", sync="Synced", health="Healthy", revision="3f2a1bc" + "0" * 33,
        disagreement="Argo CD says Synced, we see 1 field differ.", seen_at=timezone.now(),
    )  # fmt: skip
    scene.allow()
    page = scene.world.page("reconcilers", scene.application.pk, who=who)
    assert ("Refresh now" in page) is has_button
    assert "3f2a1bc<" in page
    assert "we see 1 field differ" in page
