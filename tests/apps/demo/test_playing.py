from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.demo.building import build, config_of, read_world
from apps.demo.cluster_host import HostPlan
from apps.demo.playing import Pace, play
from gitopsui.adapters.git import GitPolicy, Mirror
from gitopsui.adapters.render import Tools
from tests.apps.demo.cluster_stub import HostStub
from tests.waiting import PATIENCE, wait_for

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUICK = Pace(*[timedelta(seconds=0.05)] * 6)
CALM = Pace(first_event=timedelta(hours=1))


class Serving:
    """A world that runs in a thread; `hosts` are its clusters, `told` what it said."""

    def __init__(self, data: Path, pace: Pace) -> None:
        self.told: list[str] = []
        self.hosts: list[HostStub] = []
        self.stop = threading.Event()
        arguments = {"tools": Tools(), "open_host": self._open, "pace": pace, "tell": self.told.append}
        self.thread = threading.Thread(target=play, args=(data, self.stop), kwargs=arguments)

    def _open(self, plan: HostPlan) -> HostStub:
        self.hosts.append(HostStub(plan))
        return self.hosts[-1]

    def end(self) -> None:
        self.stop.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    build(folder, NOW, tools=Tools(), open_host=HostStub, git_port=0, cluster_port=0)
    return folder


@contextmanager
def serving(data: Path, pace: Pace) -> Iterator[Serving]:
    world = Serving(data, pace)
    world.thread.start()
    try:
        yield world
    finally:
        world.end()


def test_every_repository_can_be_fetched_at_its_url(data: Path, tmp_path: Path) -> None:
    world = read_world(data)
    policy = GitPolicy(plain_http=frozenset({world["git"]["host_port"]}))
    with serving(data, CALM):
        wait_for(lambda: _answers(world["config_url"], tmp_path / "probe", policy), "an answer")
        for part in world["components"]:
            mirror = Mirror(tmp_path / part["name"], part["repository_url"], policy=policy)
            assert mirror.fetch().created


def _answers(url: str, path: Path, policy: GitPolicy) -> bool:
    try:
        return bool(Mirror(path, url, policy=policy).ls_remote().refs)
    except Exception:
        return False


def test_the_story_is_told_while_it_runs_and_controllers_look(data: Path) -> None:
    with serving(data, QUICK) as world:
        # The third cluster is lost by the second event, and then its controllers stand still.
        wait_for(
            lambda: len(world.told) >= 3 and all(len(host.looks) > 3 for host in world.hosts[:2]),
            "the story and the looks",
        )
    assert world.hosts[2].is_silent
    assert world.told[0] == "cart 3.4.0-rc.2 was released and goes to dev."
    assert all(host.is_closed for host in world.hosts)


def test_a_commit_reaches_the_clusters_only_when_it_is_some_time_old(data: Path) -> None:
    pace = replace(CALM, between_passes=timedelta(seconds=0.05), before_commit=timedelta(hours=1))
    config = config_of(data)

    def image(world: Serving) -> str:
        deployment = world.hosts[1].client.objects["Deployment", "shop", "catalog"]
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    with serving(data, pace) as world:
        wait_for(lambda: len(world.hosts) == 3 and len(world.hosts[2].looks) > 1, "looks")
        before, looks = image(world), len(world.hosts[2].looks)
        config.deploy("catalog", "production", "9.9.9", at=NOW)
        wait_for(lambda: len(world.hosts[2].looks) > looks + 1, "another look")
        assert image(world) == before
    with serving(data, replace(pace, before_commit=timedelta(0))) as world:
        wait_for(lambda: len(world.hosts) == 3 and image(world).endswith(":9.9.9"), "the new image")


def test_it_ends_at_once_though_all_it_waits_for_is_hours_away(data: Path) -> None:
    with serving(data, Pace(*[timedelta(hours=1)] * 6)) as world:
        wait_for(lambda: world.hosts and world.hosts[0].looks, "a look")
        world.end()


def test_it_can_be_served_again_at_the_same_urls(data: Path) -> None:
    before = read_world(data)
    for _ in range(2):
        with serving(data, CALM) as world:
            wait_for(lambda world=world: len(world.hosts) == 3 and world.hosts[2].looks, "looks")
    assert read_world(data) == before
    assert [host.plan.port for host in world.hosts] == [one["port"] for one in before["clusters"]]
