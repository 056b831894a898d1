"""Since when a version runs is what the cluster or Git says, never the moment of the first look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from apps.environments.services import history
from apps.repositories.connect import mirror
from gitopsui.adapters.render import Renderer, Tools
from tests.apps.environments.test_unchanged import deployment, hide, look, shop
from tests.apps.environments.world import World

BEGAN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def replica_set(replicas: int = 1, created: datetime = BEGAN, image: str = "well:1.2.3") -> dict[str, Any]:
    metadata = {
        "name": f"well-{image[-1]}",
        "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ownerReferences": [{"uid": "uid-well", "controller": True}],
    }
    pod = {"containers": [{"name": "c", "image": f"registry.example.org/{image}"}]}
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
        "spec": {"replicas": replicas, "template": {"spec": pod}}, "status": {"replicas": replicas},
    }  # fmt: skip


def renderer(tmp_path: Path) -> Renderer:
    return Renderer(Tools(), tmp_path / "scratch")


def test_the_first_look_takes_the_age_of_the_set_that_runs_the_version(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment(), replica_set()]
    seen = look(application, renderer(tmp_path))
    assert (seen.live_version, seen.live_since) == ("1.2.3", BEGAN)
    assert seen.observations.get(source="live").at == BEGAN


def test_a_set_of_an_earlier_roll_out_of_the_version_counts_too(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    later = replica_set(created=BEGAN + timedelta(days=2))
    later["metadata"]["name"] = "well-again"
    world.server.objects = [deployment(), replica_set(replicas=0), later]
    seen = look(application, renderer(tmp_path))
    assert seen.live_since == BEGAN
    assert seen.resources.filter(kind="ReplicaSet").count() == 1


def test_a_first_look_that_nothing_tells_the_age_to_claims_none(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    for _ in range(2):
        seen = look(application, renderer(tmp_path))
        assert (seen.live_version, seen.live_since) == ("1.2.3", None)
    assert seen.observations.filter(source="live").count() == 1
    assert not seen.events.filter(text__startswith="Version became").exists()


def test_the_age_that_nobody_told_comes_with_the_history_of_git(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    seen = look(application, renderer(tmp_path))
    history.read_history(seen, git=mirror(seen.repository), renderer=renderer(tmp_path), mask=hide)
    seen.refresh_from_db()
    asked = seen.observations.get(source="git")
    assert seen.live_since == asked.at


def test_a_history_that_does_not_know_the_version_does_not_date_it(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment(image="registry.example.org/well:9")]
    seen = look(application, renderer(tmp_path))
    history.read_history(seen, git=mirror(seen.repository), renderer=renderer(tmp_path), mask=hide)
    seen.refresh_from_db()
    assert (seen.live_version, seen.live_since) == ("9", None)


def test_a_version_that_came_later_runs_since_it_was_seen(world: World, tmp_path: Path) -> None:
    _, (application,) = shop(world, "app")
    world.server.objects = [deployment()]
    look(application, renderer(tmp_path))
    before = timezone.now()
    rolled = deployment(image="registry.example.org/well:9")
    rolled["metadata"]["resourceVersion"] = "8"
    world.server.objects = [rolled]
    seen = look(application, renderer(tmp_path))
    assert seen.live_version == "9"
    assert seen.live_since is not None
    assert seen.live_since >= before
    assert seen.events.filter(text="Version became 9, was 1.2.3").exists()
