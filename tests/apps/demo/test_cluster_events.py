from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.demo.cluster_events import EventLog
from tests.apps.demo.test_controllers import BROKEN, GOOD, Scene


def reasons(scene: Scene, kind: str) -> set[tuple[str, str]]:
    events = scene.host.client.list("v1", "Event", "shop")
    return {(one["type"], one["reason"]) for one in events if one["involvedObject"]["kind"] == kind}


def start(folder: Path, image: str) -> Scene:
    scene = Scene(folder)
    scene.clock.fixed_at = datetime.now(UTC)
    scene.apply(image)
    scene.settle()
    return scene


def test_a_rollout_is_told_as_kubernetes_tells_it(tmp_path: Path) -> None:
    scene = start(tmp_path, GOOD)
    pods = {("Normal", reason) for reason in ("Scheduled", "Pulled", "Created", "Started")}
    assert reasons(scene, "Pod") == pods
    assert reasons(scene, "ReplicaSet") == {("Normal", "SuccessfulCreate")}
    assert reasons(scene, "Deployment") == {("Normal", "ScalingReplicaSet")}
    assert scene.host.look() is False  # and nothing more is said of what does not change
    scene.host.close()


def test_a_crash_loop_backs_off(tmp_path: Path) -> None:
    scene = start(tmp_path, BROKEN)
    assert ("Warning", "BackOff") in reasons(scene, "Pod")
    uids = {pod["metadata"]["uid"] for pod in scene.pods()}
    backed_off = [one for one in scene.host.client.list("v1", "Event", "shop") if one["reason"] == "BackOff"]
    assert {one["involvedObject"]["uid"] for one in backed_off} <= uids
    scene.host.close()


def test_of_long_ago_there_are_none(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.clock.fixed_at = datetime.now(UTC) - timedelta(days=3)
    scene.apply(GOOD)
    scene.settle()
    assert scene.host.client.list("v1", "Event", "shop") == []
    scene.host.close()


def test_an_event_is_gone_after_an_hour(tmp_path: Path) -> None:
    scene = start(tmp_path, GOOD)
    now = [datetime.now(UTC)]
    log = EventLog(scene.host.client, lambda: now[0], lambda: now[0])
    now[0] += timedelta(hours=2)
    log.clean()
    assert scene.host.client.list("v1", "Event", "shop") == []
    scene.host.close()
