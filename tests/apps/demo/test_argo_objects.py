from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.demo.argo_objects import PAUSED, ToolObjects, definitions, is_paused
from apps.demo.reconciler import NONPROD, PROD, Application
from gitopsui.adapters.render import Tools
from gitopsui.domain.reconciler import ReconcilerState
from gitopsui.domain.reconciler_match import Target as Wanted
from gitopsui.domain.reconciler_match import common_marks, find_managers
from gitopsui.domain.reconciler_objects import parse_reconciler
from gitopsui.domain.resource import Manifest
from tests.apps.demo.cluster_stub import ClusterStub
from tests.apps.demo.test_reconciler import Scene

URL = "http://127.0.0.1:1/shop-config.git"
OPEN, PAUSE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC), datetime(2026, 3, 1, 12, 2, tzinfo=UTC)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Without tools: only the plain component can be rendered."""
    return Scene(tmp_path, Tools())


def read(cluster: ClusterStub, kind: str, name: str) -> ReconcilerState:
    (found,) = [item for key, item in cluster.objects.items() if key[0] == kind and key[2] == name]
    state = parse_reconciler(found)
    assert state is not None
    return state


def tell(scene: Scene, now: datetime) -> ToolObjects:
    tools = ToolObjects(scene.clusters, scene.reconciler, URL)
    tools.pause(now)
    scene.reconciler.reconcile()
    tools.update(now)
    return tools


def test_the_definitions_serve_every_kind_once() -> None:
    names = [item["metadata"]["name"] for item in definitions()]
    assert len(set(names)) == 4
    assert [item["spec"]["names"]["kind"] for item in definitions("argoproj.io")] == ["Application"]


def test_production_is_said_to_be_synced_to_the_newest_commit(scene: Scene) -> None:
    tell(scene, OPEN)
    state = read(scene.prod, "Application", "shop-catalog-production")
    assert (state.sync, state.source_sha) == ("Synced", scene.config.head())
    assert state.reconciled_at == OPEN


def test_what_cannot_be_rendered_is_not_compared(scene: Scene) -> None:
    tell(scene, OPEN)
    state = read(scene.prod, "Application", "shop-pricing-production")
    assert (state.sync, state.says_synced) == ("Unknown", None)
    assert state.message


def test_a_change_by_hand_is_out_of_sync_for_argo_cd_too(scene: Scene) -> None:
    tools = tell(scene, OPEN)
    scene.edit_catalog(scene.prod, "shop", 9)
    tools.update(OPEN)
    assert read(scene.prod, "Application", "shop-catalog-production").sync == "OutOfSync"


def test_flux_is_found_by_the_marks_of_what_it_applied(scene: Scene) -> None:
    tell(scene, OPEN)
    state = read(scene.nonprod, "Kustomization", "shop-catalog-staging")
    assert (state.sync, state.is_suspended) == ("Ready", False)
    namespace = Application("catalog", "staging").namespace
    live: list[Manifest] = [
        item for key, item in scene.nonprod.objects.items() if key[:2] == ("ConfigMap", namespace)
    ]
    assert find_managers([state], common_marks(live), Wanted(URL, "elsewhere", namespace)) == [state]


def test_while_flux_is_suspended_new_commits_wait(scene: Scene) -> None:
    tools = tell(scene, OPEN)
    before = scene.config.head()
    tools.pause(PAUSE)
    tools.update(PAUSE)
    scene.config.deploy("catalog", "staging", "9.9.9", at=PAUSE)
    scene.reconciler.reconcile()
    tools.update(PAUSE)
    state = read(scene.nonprod, "Kustomization", PAUSED.name)
    assert (state.is_suspended, state.source_sha) == (True, before)
    (container,) = scene.nonprod.objects["Deployment", PAUSED.namespace, "catalog"]["spec"]["template"][
        "spec"
    ]["containers"]
    assert not container["image"].endswith(":9.9.9")
    tools.pause(OPEN)
    scene.reconciler.reconcile()
    tools.update(OPEN)
    assert read(scene.nonprod, "Kustomization", PAUSED.name).source_sha == scene.config.head()


def test_nothing_is_written_while_nothing_changes(scene: Scene) -> None:
    tools = tell(scene, OPEN)
    before = scene.prod.applied_count
    tools.update(OPEN)
    assert scene.prod.applied_count == before


def test_a_cluster_that_does_not_answer_does_not_keep_the_others_waiting(scene: Scene) -> None:
    scene.nonprod.is_silent = True
    ToolObjects(scene.clusters, scene.reconciler, URL).update(OPEN)
    assert read(scene.prod, "Application", "shop-catalog-production")


def test_only_one_application_is_ever_paused() -> None:
    assert is_paused(PAUSED, PAUSE)
    assert not is_paused(PAUSED, OPEN)
    assert not is_paused(Application("cart", "staging"), PAUSE)
    assert {NONPROD, PROD} == {PAUSED.cluster, Application("cart", "production").cluster}
