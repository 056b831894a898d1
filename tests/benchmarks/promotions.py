"""
Promotions by pull request while forge and Git answer 200 ms late, with the workers of `manage.py serve`:
with nothing else to do, and behind 2,000 polls that wait for the other workers. And the preview of twenty.

The servers are processes of their own. The floor of a step is what it asked of the forge, 200 ms each. Behind
polls only the forge is measured that comes first; a promotion is the same to the others.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.benchmarks import promotions_data as data
from tests.benchmarks.table import Figure, show

LATENCY = timedelta(milliseconds=200)
TIMES, PREVIEWED, LOOKS = 20, 20, 25
PATIENCE_SECONDS = 120.0
LOOK_EVERY = 0.02
# How each stand-in shows a pull request.
SHOWN_BY = {"gitea": "_pull", "github": "_pull", "gitlab": "_request"}


@dataclass(slots=True)
class Step:
    """What one step took each time: seconds, and what it asked of the forge's API and of its Git."""

    seconds: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    fetches: list[int] = field(default_factory=list)

    def add(self, seconds: float, asked: tuple[int, int]) -> None:
        self.seconds.append(seconds)
        self.calls.append(asked[0])
        self.fetches.append(asked[1])

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.95) - 1]

    @property
    def floor(self) -> float:
        return LATENCY.total_seconds() * (statistics.median(self.calls) + statistics.median(self.fetches))

    def figures(self, name: str, limit: str) -> list[Figure]:
        asked = f"{statistics.median(self.calls):g} of the API, {statistics.median(self.fetches):g} of Git"
        took = f"{self.p95:.1f} s, median {statistics.median(self.seconds):.1f}, most {max(self.seconds):.1f}"
        return [
            Figure(name, f"the floor: requests, {asked}", f"{self.floor:.1f} s"),
            Figure(name, f"p95 of {len(self.seconds)}", took, limit),
        ]


# --- the servers ------------------------------------------------------------------------------------------


def remembering(kind: str) -> Any:
    """The stand-in. What has ended it does not work out again: a real one lists fifty as fast as one."""
    from tests.forges.gitea_standin import GiteaStandIn
    from tests.forges.github_standin import GitHubStandIn
    from tests.forges.gitlab_standin import GitLabStandIn

    standin = {"gitea": GiteaStandIn, "github": GitHubStandIn, "gitlab": GitLabStandIn}[kind]
    show_pull, known = getattr(standin, SHOWN_BY[kind]), dict[tuple[Any, ...], Any]()

    def show_once(forge: Any, project: Any, pull: Any, **options: Any) -> Any:
        key = (pull.number, *options.values())
        if pull.state != "open" and key in known:
            return known[key]
        shown = show_pull(forge, project, pull, **options)
        if pull.state != "open":
            known[key] = shown
        return shown

    return type("Remembering", (standin,), {SHOWN_BY[kind]: show_once})


def serve_forge(folder: str, channel: Connection, *, kind: str) -> None:
    """A forge: its API, and the Git of its repository. It counts what it was asked."""
    from apps.demo.git_server import GitServer
    from tests.adapters.git_http import Seed
    from tests.forges.ground import Account

    remotes, bot = Path(folder) / "remotes", Account("bot", data.TOKEN, "admin")
    with (
        GitServer(remotes, latency=LATENCY) as git,
        remembering(kind)(Path(folder) / "forge", [bot], latency=LATENCY) as forge,
    ):
        forge.ground.create(data.PATH, Seed(remotes / "config.git"))
        channel.send((git.host_port, forge.api_url))
        while channel.recv() != "done":
            channel.send((len(forge.requests), len(git.requests)))


def serve_polled(folder: str, channel: Connection) -> None:
    """Remotes on other machines: what they compute is none of ours to wait for."""
    from apps.demo.git_server import GitServer

    os.nice(10)
    with GitServer(Path(folder), latency=LATENCY) as git:
        channel.send(git.host_port)
        channel.recv()


@contextmanager
def serving(work: Callable[[str, Connection], None], folder: Path) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=work, args=(str(folder), theirs), daemon=True)
    server.start()
    try:
        yield ours
    finally:
        ours.send("done")
        server.join(10)


@contextmanager
def workers(folder: Path) -> Iterator[None]:
    """Both sets of workers and the clock, each as `manage.py serve` starts it."""
    from apps.core.management.commands.serve import parts

    with (folder / "workers.log").open("ab") as log:
        running = [
            subprocess.Popen(part.argv, stdout=log, stderr=log)
            for part in parts("127.0.0.1:0", [])
            if part.name != "web"
        ]
        try:
            yield
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait(60)


# --- one promotion ----------------------------------------------------------------------------------------


class Bench:
    """People at their browsers: what they press, and how long it takes until it shows."""

    def __init__(self, project: Any, forge: Connection) -> None:
        from django.test import Client

        from tests.accounts import make_people

        self.project, self.forge = project, forge
        self.people = {name: Client() for name in ("proposer", "approver")}
        for name, person in make_people(project).items():
            if name in self.people:
                self.people[name].force_login(person)

    def asked(self) -> tuple[int, int]:
        self.forge.send("count")
        calls, fetches = self.forge.recv()
        return calls, fetches

    def promote(self, slug: str) -> tuple[Any, float]:
        """The promotion, and the seconds until its pull request was open."""
        wanted = {"from": "staging", "into": "production", "component": slug}
        begun = time.perf_counter()
        answer = self.people["proposer"].post(f"/projects/{self.project.slug}/promotions/new/", wanted)
        pk = int(answer.headers["Location"].strip("/").rpartition("/")[2])
        return self.wait_for(pk, "open", "merging", "merged"), time.perf_counter() - begun

    def approve(self, promotion: Any) -> float:
        """The last approval; seconds until it was merged."""
        seen = {"base": promotion.base_sha, "head": promotion.head_sha, "diff": promotion.diff_hash}
        begun = time.perf_counter()
        self.people["approver"].post(f"/promotions/{promotion.pk}/approve/", seen)
        self.wait_for(promotion.pk, "merged")
        return time.perf_counter() - begun

    def wait_for(self, pk: int, *phases: str) -> Any:
        from apps.promotions.models import Promotion

        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            promotion = Promotion.objects.get(pk=pk)
            if promotion.phase in phases:
                return promotion
            time.sleep(LOOK_EVERY)
        raise TimeoutError(f"{promotion} is {promotion.phase}: {promotion.error or promotion.gates}")

    def wait_until_quiet(self) -> None:
        """Nobody works on a promotion and the forge has been left alone for a moment."""
        asked = (-1, -1)
        while asked != (asked := self.asked()):
            time.sleep(2 * LATENCY.total_seconds())


def arrive(promotion: Any) -> None:
    """Checks and cluster have done their part; it is looked at now, not with the next turn of the clock."""
    from apps.core import jobs
    from apps.environments.models import Application
    from apps.promotions.services.propose import ADVANCE

    for item in promotion.items.all():
        Application.objects.filter(pk=item.application_id).update(
            desired_sha=promotion.head_sha, desired_version=item.to_version, live_version=item.to_version
        )
    jobs.make_due(ADVANCE, [promotion.pk])
    jobs.enqueue_due(ADVANCE)


def begun_after(promotion: Any) -> float:
    """Seconds from the click until a worker took it."""
    from apps.core.models import JobRun
    from apps.promotions.services.propose import ADVANCE

    runs = JobRun.objects.filter(job__kind=ADVANCE, job__subject_id=promotion.pk).order_by("pk")
    return float((runs[0].started_at - promotion.planned_at).total_seconds())


def measure(bench: Bench, numbers: range, *, at_once: bool) -> dict[str, Any]:
    """One promotion after the other; `at_once`: approved while the workers still tell the forge its gates."""
    opened, merged, waits = Step(), Step(), []
    for number in numbers:
        before = bench.asked()
        promotion, seconds = bench.promote(data.name_of(number))
        opened.add(seconds, _more(bench.asked(), before))
        if not at_once:
            bench.wait_until_quiet()
        waits.append(begun_after(promotion))
        before = bench.asked()
        seconds = bench.approve(promotion)
        merged.add(seconds, _more(bench.asked(), before))
        arrive(promotion)
        bench.wait_for(promotion.pk, "deployed")
        bench.wait_until_quiet()
    return {"opened": opened, "merged": merged, "waits": waits}


def _more(now: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]


# --- the preview ------------------------------------------------------------------------------------------


def measure_preview(project: Any) -> list[Figure]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from apps.accounts.models import Role
    from tests.accounts import make_person

    client = Client()
    client.force_login(make_person("previewer", Role.PROMOTER, project))
    address = f"/projects/{project.slug}/promotions/new/?from=staging&into=production"
    client.get("/")
    took, worked = [], []
    for _ in range(LOOKS):
        begun, cpu = time.perf_counter(), time.process_time()
        answer = client.get(address)
        took.append(time.perf_counter() - begun)
        worked.append(time.process_time() - cpu)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    assert f"{PREVIEWED} components in production" in answer.content.decode()
    first, warm = took[0], sorted(took[1:])
    name = f"preview of {PREVIEWED} components"
    return [
        Figure(name, "the first of a process", f"{first:.2f} s, {worked[0]:.2f} s of the processor", "≤ 1 s"),
        Figure(name, f"p95 of {len(warm)}", f"{warm[int(len(warm) * 0.95) - 1]:.2f} s", "≤ 1 s"),
        Figure(name, "processor, median", f"{statistics.median(worked[1:]):.2f} s"),
        Figure(name, "queries, size", f"{len(queries)}, {len(answer.content) / 1000:.0f} kB"),
    ]


# --- all of it --------------------------------------------------------------------------------------------


def waiting_polls() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM django_q_ormq WHERE key = 'gitopsui'")
        return int(cursor.fetchone()[0])


def measure_alone(bench: Bench, place: data.Place, kind: str) -> None:
    with workers(place.folder):
        measure(bench, range(1), at_once=False)
        told = measure(bench, range(1, TIMES + 1), at_once=False)
        hasty = measure(bench, range(TIMES + 1, 2 * TIMES + 1), at_once=True)
    show(
        f"Promotions at {kind}, nothing else to do, load {os.getloadavg()[0]:.1f}",
        [
            *told["opened"].figures("click to pull request", "≤ 5 s"),
            *told["merged"].figures("last approval to merged", "≤ 5 s"),
            *hasty["merged"].figures("approval as soon as it is open, to merged", "≤ 5 s"),
        ],
    )


def measure_behind(bench: Bench, place: data.Place, polls: int) -> None:
    data.queue_polls(bench.project, place, polls)
    with workers(place.folder):
        measure(bench, range(2 * TIMES + 1, 2 * TIMES + 2), at_once=False)
        before = waiting_polls()
        told = measure(bench, range(2 * TIMES + 2, 3 * TIMES + 2), at_once=False)
        after = waiting_polls()
    waits = sorted(told["waits"])
    show(
        f"Promotions behind {polls} polls, load {os.getloadavg()[0]:.1f}",
        [
            Figure("polls that wait", "at the first promotion, at the last", f"{before}, {after}"),
            Figure("click until a worker begins", "most", f"{waits[-1]:.1f} s", "≤ 5 s"),
            *told["opened"].figures("click to pull request", "≤ 5 s"),
            *told["merged"].figures("last approval to merged", "≤ 5 s"),
        ],
    )


def main(polls: int, kind: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gitopsui-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for one in ("remotes", "polled"):
            (folder / one).mkdir()
        data.build_remote(folder / "remotes", 3 * TIMES + 2)
        data.build_polled(folder / "polled", polls)
        serve = partial(serve_forge, kind=kind)
        with serving(serve, folder) as forge, serving(serve_polled, folder / "polled") as polled:
            git, api = forge.recv()
            place = data.Place(folder, git, api, polled.recv())
            data.open_django(place)
            if polls:
                preview = data.fill(place, "preview", PREVIEWED, seed=data.build_source(folder))
                show(f"Preview, load {os.getloadavg()[0]:.1f}", measure_preview(preview))
            project = data.fill(place, "shop", 3 * TIMES + 2)
            data.connect_forge(project, place, kind)
            bench = Bench(project, forge)
            measure_alone(bench, place, kind)
            if polls:
                measure_behind(bench, place, polls)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
