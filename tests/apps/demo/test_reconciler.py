from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.demo.config_repository import ConfigRepository, build_config_history
from apps.demo.reconciler import APPLICATIONS, NONPROD, PROD, UK, Application, Reconciler
from apps.demo.repositories import create_repository
from gitopsui.adapters.render import Renderer, Tools
from gitopsui.domain.owner import owners_of
from tests.adapters.render_binaries import require_tools
from tests.apps.demo.cluster_stub import ClusterStub

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAGING, PRODUCTION = Application("catalog", "staging"), Application("catalog", "production")


class Scene:
    """A config repository, two empty clusters and a reconciler between them."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        create_repository(folder / "shop-config.git", build_config_history(until=NOW))
        self.config = ConfigRepository(folder / "shop-config.git")
        self.nonprod, self.prod, self.uk = ClusterStub(), ClusterStub(), ClusterStub()
        self.clusters = {NONPROD: self.nonprod, PROD: self.prod, UK: self.uk}
        self.folder, self.tools = folder, tools
        self.reconciler = self.open()

    def open(self) -> Reconciler:
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        memory = self.folder / "reconciler.json"
        return Reconciler(self.config, Renderer(self.tools, scratch), self.clusters, memory)

    def edit_catalog(self, cluster: ClusterStub, namespace: str, replicas: int) -> None:
        patch = {"spec": {"replicas": replicas}}
        cluster.edit("apps/v1", "Deployment", namespace, "catalog", patch, manager="kubectl-edit")

    def replicas(self, cluster: ClusterStub, namespace: str) -> int:
        return int(cluster.objects["Deployment", namespace, "catalog"]["spec"]["replicas"])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Without tools: only the plain component can be rendered, and that quickly."""
    return Scene(tmp_path, Tools())


@pytest.mark.binary
def test_one_pass_brings_every_application_into_its_cluster(tmp_path: Path) -> None:
    scene = Scene(tmp_path, require_tools("kustomize", "helm"))
    scene.reconciler.reconcile()
    assert scene.reconciler.problems == {}
    for application in APPLICATIONS:
        key = ("Deployment", application.namespace, application.component)
        (container,) = scene.clusters[application.cluster].objects[key]["spec"]["template"]["spec"][
            "containers"
        ]
        version = scene.config.version(application.component, application.environment)
        assert container["image"] == f"registry.demo.example/shop/{application.component}:{version}"


def test_without_tools_only_the_plain_component_is_applied(scene: Scene) -> None:
    scene.reconciler.reconcile()
    assert set(scene.reconciler.problems) == {a.name for a in APPLICATIONS if a.component != "catalog"}
    assert {name for _, _, name in scene.prod.objects} == {"catalog", "catalog-config"}


def test_objects_carry_the_mark_of_argo_cd(scene: Scene) -> None:
    scene.reconciler.reconcile()
    owners = owners_of(scene.prod.objects["Deployment", "shop", "catalog"])
    assert [(owner.tool, owner.name) for owner in owners] == [("Argo CD", "shop-catalog-production")]


def test_staging_heals_itself_and_production_does_not(scene: Scene) -> None:
    scene.reconciler.reconcile()
    scene.edit_catalog(scene.nonprod, "shop-staging", 9)
    scene.edit_catalog(scene.prod, "shop", 9)
    scene.reconciler.reconcile()
    assert scene.replicas(scene.nonprod, "shop-staging") == 2
    assert scene.replicas(scene.prod, "shop") == 9


def test_a_restart_leaves_the_drift_of_production_alone(scene: Scene) -> None:
    scene.reconciler.reconcile()
    scene.edit_catalog(scene.prod, "shop", 9)
    scene.open().reconcile()
    assert scene.replicas(scene.prod, "shop") == 9


def test_production_is_applied_when_git_asks_for_something_else(scene: Scene) -> None:
    scene.reconciler.reconcile()
    scene.edit_catalog(scene.prod, "shop", 9)
    scene.config.deploy("catalog", "production", "5.1.0", at=NOW)
    scene.reconciler.reconcile()
    assert scene.replicas(scene.prod, "shop") == 4


def test_a_commit_on_another_environment_does_not_touch_production(scene: Scene) -> None:
    scene.reconciler.reconcile()
    scene.edit_catalog(scene.prod, "shop", 9)
    scene.config.deploy("catalog", "dev", "5.2.0", at=NOW)
    scene.reconciler.reconcile()
    assert scene.replicas(scene.prod, "shop") == 9


def test_a_sync_undoes_what_was_edited(scene: Scene) -> None:
    scene.reconciler.reconcile()
    scene.edit_catalog(scene.prod, "shop", 9)
    scene.reconciler.sync(PRODUCTION)
    assert scene.replicas(scene.prod, "shop") == 4


def test_what_git_no_longer_holds_is_deleted_and_what_others_own_is_kept(scene: Scene) -> None:
    scene.reconciler.reconcile()
    own, *rest = scene.reconciler.desired(STAGING)
    foreign = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "other", "namespace": "shop-staging"},
    }
    scene.nonprod.apply(foreign, manager="kubectl")
    scene.reconciler.apply(STAGING, rest)
    kinds = {(kind, name) for kind, namespace, name in scene.nonprod.objects if namespace == "shop-staging"}
    assert ("ConfigMap", "other") in kinds
    assert (own["kind"], own["metadata"]["name"]) not in kinds


def test_a_silent_cluster_is_a_problem_that_ends(scene: Scene) -> None:
    scene.nonprod.is_silent = True
    scene.reconciler.reconcile()
    assert STAGING.name in scene.reconciler.problems
    scene.nonprod.is_silent = False
    scene.reconciler.reconcile()
    assert STAGING.name not in scene.reconciler.problems


def test_a_pass_ends_early_when_it_is_told_to(scene: Scene) -> None:
    scene.reconciler.reconcile(should_stop=lambda: True)
    assert scene.nonprod.objects == {}
    assert os.listdir(scene.folder / "scratch") == []
