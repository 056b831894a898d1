"""Serve a prepared world: the loop in which controllers look, Git is applied and the story goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.demo.argo_objects import ToolObjects
from apps.demo.building import (
    OUTAGES_FILE,
    REPOSITORIES,
    STORY_FILE,
    build_reconciler,
    config_of,
    open_clusters,
    read_tokens,
    read_world,
)
from apps.demo.cluster_host import ClusterHost, OpenHost
from apps.demo.git_server import GitServer
from apps.demo.outages import Outages
from apps.demo.story import Stage, Story
from gitopsui.adapters.render import Tools
from gitopsui.domain.errors import SourceError

# How late a request to stop may be noticed.
NAP_SECONDS = 0.2
Teller = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the world moves."""

    first_event: timedelta = timedelta(seconds=20)
    between_events: timedelta = timedelta(seconds=90)
    between_looks: timedelta = timedelta(seconds=2)
    between_passes: timedelta = timedelta(seconds=6)
    between_saves: timedelta = timedelta(seconds=60)
    # Controllers ask Git now and then. Were they faster than the program, it would see drift in what they do.
    before_commit: timedelta = timedelta(seconds=20)


def play(
    data: Path,
    stop: threading.Event,
    *,
    tools: Tools,
    open_host: OpenHost,
    pace: Pace,
    tell: Teller,
) -> None:
    """As `world.run`."""
    world = read_world(data)
    ports = {cluster["name"]: int(cluster["port"]) for cluster in world["clusters"]}
    with ExitStack() as stack:
        stack.enter_context(GitServer(data / REPOSITORIES, port=int(world["git"]["port"])))
        opened = stack.enter_context(open_clusters(data, ports, read_tokens(data), open_host))
        hosts = {name: host for name, (host, _) in opened.items()}
        _Player(data, hosts, tools, tell).play(stop, pace)


class _Player:
    def __init__(self, data: Path, hosts: Mapping[str, ClusterHost], tools: Tools, tell: Teller) -> None:
        self._hosts = hosts
        self._tell = tell
        self._outages = Outages(data / OUTAGES_FILE)
        self._config = config_of(data)
        self._newest, self._newest_since = self._config.head(), time.monotonic()
        self._reconciler = build_reconciler(data, hosts, tools)
        self._reconciler.followed = self._newest
        stage = Stage(
            config=self._config,
            sources=data / REPOSITORIES,
            clusters={name: host.client for name, host in hosts.items()},
            reconciler=self._reconciler,
            clock=lambda: datetime.now(UTC),
            outages=self._outages,
        )
        self._tools = ToolObjects(stage.clusters, self._reconciler, read_world(data)["config_url"])
        self._story = Story(stage, data / STORY_FILE)

    def play(self, stop: threading.Event, pace: Pace) -> None:
        """Each act has its interval; a late one delays the others and is not made up for."""
        acts: list[tuple[timedelta, Callable[[], None]]] = [
            (pace.between_looks, self._look),
            (pace.between_passes, lambda: self._reconcile(stop, pace.before_commit)),
            (pace.between_saves, self._save),
            (pace.between_events, self._tell_next),
        ]
        start = time.monotonic()
        first_waits = (timedelta(0), timedelta(0), pace.between_saves, pace.first_event)
        due = [start + wait.total_seconds() for wait in first_waits]
        while not stop.wait(max(0.0, min(NAP_SECONDS, min(due) - time.monotonic()))):
            for i, (interval, act) in enumerate(acts):
                if time.monotonic() >= due[i] and not stop.is_set():
                    due[i] = time.monotonic() + interval.total_seconds()
                    act()

    def _look(self) -> None:
        """A cluster that does not answer stands still."""
        now = datetime.now(UTC)
        for name, host in self._hosts.items():
            host.is_silent = self._outages.is_on(name, now)
            if not host.is_silent:
                host.look()

    def _save(self) -> None:
        for host in self._hosts.values():
            host.save()

    def _reconcile(self, stop: threading.Event, before_commit: timedelta) -> None:
        try:
            self._follow(before_commit.total_seconds())
            self._tools.pause(datetime.now(UTC))
            self._reconciler.reconcile(should_stop=stop.is_set)
            self._tools.update(datetime.now(UTC))
        except SourceError as error:
            self._tell(f"A pass of the controller was left out: {error.message}")

    def _follow(self, age: float) -> None:
        """Bring the clusters to the last commit when it is so many seconds old."""
        head, now = self._config.head(), time.monotonic()
        if head != self._newest:
            self._newest, self._newest_since = head, now
        if now - self._newest_since >= age:
            self._reconciler.followed = head

    def _tell_next(self) -> None:
        try:
            sentence = self._story.advance()
        except SourceError as error:
            sentence = f"An event was left out: {error.message}"
        if sentence:
            self._tell(sentence)
