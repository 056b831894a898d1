from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.demo.cluster_host import Clock, HostPlan, Tokens
from apps.demo.standin_host import StandInHost
from gitopsui.domain.resource import Manifest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD, NEWER, BROKEN = "shop:1.0.0", "shop:1.1.0", "shop:2.0.0-broken"
STEPS = 8


class Scene:
    """A stand-in with its controllers and one Deployment of three pods."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.clock.fixed_at = NOW
        plan = HostPlan(
            "test", 0, Tokens("r", "w"), self.clock, folder / "state.json", lambda image: "broken" in image
        )
        self.host = StandInHost(plan)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
        self.host.client.apply(namespace, manager="test")

    def apply(self, image: str = GOOD, replicas: int = 3) -> None:
        labels = {"app": "shop"}
        spec = {"containers": [{"name": "web", "image": image}]}
        self.host.client.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "shop", "namespace": "shop", "labels": labels},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": spec},
                },
            },
            manager="test",
        )

    def settle(self) -> None:
        for _ in range(STEPS):
            self.clock.fixed_at = self.clock() + timedelta(seconds=10)
            self.host.look()

    def deployment(self) -> Manifest:
        return self.host.client.list("apps/v1", "Deployment", "shop")[0]

    def sets(self) -> list[Manifest]:
        return self.host.client.list("apps/v1", "ReplicaSet", "shop")

    def pods(self, image: str = "") -> list[Manifest]:
        found = self.host.client.list("v1", "Pod", "shop")
        return [pod for pod in found if image in ("", pod["spec"]["containers"][0]["image"])]

    def versions(self) -> Mapping[tuple[str, str], str]:
        everything = [self.deployment(), *self.sets(), *self.pods()]
        return {
            (one["kind"], one["metadata"]["name"]): one["metadata"]["resourceVersion"] for one in everything
        }


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    try:
        yield scene
    finally:
        scene.host.close()


def is_ready(pod: Manifest) -> bool:
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def test_a_deployment_makes_a_replica_set_and_ready_pods(scene: Scene) -> None:
    scene.apply()
    scene.settle()
    (owner,) = scene.sets()
    assert owner["metadata"]["ownerReferences"][0]["uid"] == scene.deployment()["metadata"]["uid"]
    assert owner["status"]["readyReplicas"] == 3
    pods = scene.pods(GOOD)
    assert [is_ready(pod) for pod in pods] == [True] * 3
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods} == {owner["metadata"]["uid"]}
    status = scene.deployment()["status"]
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (3, 3, 3)
    assert status["observedGeneration"] == scene.deployment()["metadata"]["generation"]


def test_a_new_image_replaces_pods_without_ever_having_too_few(scene: Scene) -> None:
    scene.apply()
    scene.settle()
    scene.apply(NEWER)
    for _ in range(STEPS):
        scene.host.look()
        assert sum(map(is_ready, scene.pods())) >= 3
        assert len(scene.pods()) <= 4
    assert (len(scene.pods(NEWER)), len(scene.pods(GOOD))) == (3, 0)
    assert sorted(one["spec"]["replicas"] for one in scene.sets()) == [0, 3]


def test_a_broken_image_crash_loops_while_the_old_pods_stay(scene: Scene) -> None:
    scene.apply()
    scene.settle()
    scene.apply(BROKEN)
    scene.settle()
    assert [is_ready(pod) for pod in scene.pods(GOOD)] == [True] * 3
    (crashed,) = scene.pods(BROKEN)
    container = crashed["status"]["containerStatuses"][0]
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert (container["ready"], is_ready(crashed)) == (False, False)
    scene.clock.fixed_at = scene.clock() + timedelta(minutes=11)
    scene.host.look()
    conditions = {one["type"]: one for one in scene.deployment()["status"]["conditions"]}
    assert conditions["Progressing"]["reason"] == "ProgressDeadlineExceeded"
    assert conditions["Available"]["status"] == "True"


def test_the_image_before_the_broken_one_comes_back(scene: Scene) -> None:
    for image in (GOOD, BROKEN, GOOD):
        scene.apply(image)
        scene.settle()
    assert (len(scene.pods(GOOD)), len(scene.pods(BROKEN))) == (3, 0)
    assert len(scene.sets()) == 2


@pytest.mark.parametrize("replicas", [1, 0])
def test_scaling_down_removes_pods(scene: Scene, replicas: int) -> None:
    scene.apply()
    scene.settle()
    scene.apply(replicas=replicas)
    scene.settle()
    assert len(scene.pods()) == replicas
    assert [one["spec"]["replicas"] for one in scene.sets()] == [replicas]
    assert scene.deployment()["status"].get("readyReplicas", 0) == replicas


def test_the_pods_of_a_deleted_deployment_are_collected(scene: Scene) -> None:
    scene.apply()
    scene.settle()
    scene.host.client.delete("apps/v1", "Deployment", "shop", "shop")
    scene.settle()
    assert (scene.sets(), scene.pods()) == ([], [])


@pytest.mark.parametrize("image", [GOOD, BROKEN])
def test_a_look_at_a_settled_cluster_writes_nothing(scene: Scene, image: str) -> None:
    scene.apply()
    scene.settle()
    scene.apply(image)
    scene.settle()
    before = scene.versions()
    scene.clock.fixed_at = scene.clock() + timedelta(seconds=10)
    scene.host.look()
    assert scene.versions() == before
