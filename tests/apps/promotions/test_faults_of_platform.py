"""A database that is started again, and one that is older than the program: F70 and F71."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import DeleteModel, RemoveField, RenameField, RenameModel

from apps.demo.git_server import GitServer
from gitopsui.adapters.process import Result, Stream, run, start
from tests.adapters.git_http import Seed
from tests.ports import find_port
from tests.postgres import make_server
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).parents[3]
MANAGE = str(ROOT / "manage.py")
TOKEN = "a" * 32
THREADS = 4  # of the web process
# Of the remote: a poll that is under way when the database goes has its answer before it is back.
ANSWER = timedelta(seconds=3)


@dataclass
class Site:
    """The program on a PostgreSQL of its own: web, workers and clock as processes."""

    folder: Path
    server: Any
    git: GitServer
    port: int = 0
    promotion: int = 0
    sessions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port = find_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "gitopsui.settings",
            "DATABASE_URL": str(self.server.get_uri()),
            "GITOPSUI_DATA": str(self.folder / "data"),
            "GITOPSUI_URL": self.address,
            "GITOPSUI_TICK": "1",
            "GITOPSUI_POLL_SECONDS": "2",
            "GITOPSUI_WORKERS": "2",
            "GITOPSUI_MIN_FREE_MIB": "0",
            "GITOPSUI_TRUSTED_ENDPOINTS": urlsplit(self.git.url).netloc,
        }

    def seed(self) -> None:
        argv = [sys.executable, "-m", "tests.apps.promotions.site_seed", f"{self.git.url}/config.git"]
        result = run(argv, env=self.env, cwd=ROOT, timeout=timedelta(minutes=4), max_output=1 << 20)
        assert result.returncode == 0, result.stderr.decode()
        found = json.loads(result.stdout)
        self.promotion, self.sessions = found["promotion"], found["sessions"]

    @contextmanager
    def running(self) -> Iterator[None]:
        web = ["-m", "gunicorn", "gitopsui.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        web += ["--worker-class", "gthread", "--threads", str(THREADS), "--no-control-socket"]
        children = [
            start([sys.executable, *argv], env=self.env, cwd=ROOT, stdout=Stream.NULL, stderr=Stream.NULL)
            for argv in (web, [MANAGE, "qcluster"], [MANAGE, "tick"])
        ]
        try:
            yield
        finally:
            for child in children:
                child.kill_group()

    def ask(self, query: str) -> list[Any]:
        with psycopg.connect(self.server.get_uri(), autocommit=True) as database:
            return database.execute(query).fetchall()

    def get(self) -> int:
        """The status of a page that needs the database; 0 where nobody answers."""
        try:
            return requests.get(f"{self.address}/", allow_redirects=False, timeout=PATIENCE).status_code
        except requests.ConnectionError:
            return 0

    def approve(self, session: str) -> int:
        cookies = {f"gitopsui-session-{self.port}": session, f"gitopsui-csrf-{self.port}": TOKEN}
        form = {"base": "a" * 40, "head": "b" * 40, "diff": "c", "csrfmiddlewaretoken": TOKEN}
        url = f"{self.address}/promotions/{self.promotion}/approve/"
        return requests.post(url, form, cookies=cookies, allow_redirects=False, timeout=PATIENCE).status_code


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    Seed.create(tmp_path / "remotes" / "config.git").commit({"a": "1"})
    server = make_server()
    try:
        with GitServer(tmp_path / "remotes") as git:
            made = Site(tmp_path, server, git)
            made.seed()
            yield made
    finally:
        server.cleanup()


@contextmanager
def visited(site: Site) -> Iterator[tuple[list[tuple[float, int]], dict[str, list[int]]]]:
    """
    People open a page again and again, and each of those who may approves until it is taken: when which
    status came, and the statuses by session.
    """
    statuses: list[tuple[float, int]] = []
    said: dict[str, list[int]] = {session: [] for session in site.sessions}
    ended = threading.Event()

    def visit() -> None:
        while not ended.wait(0.05):
            statuses.append((time.monotonic(), site.get()))

    def click() -> None:
        for session in site.sessions:
            while 302 not in said[session] and not ended.wait(0.2):
                said[session].append(site.approve(session))

    people = [threading.Thread(target=visit), threading.Thread(target=click)]
    for person in people:
        person.start()
    try:
        yield statuses, said
    finally:
        ended.set()
        for person in people:
            person.join()


POLLS = "SELECT outcome FROM core_jobrun ORDER BY id"


def begin_poll(site: Site) -> int:
    """How many polls there were before the one that is under way now, and will be for a while."""
    site.git.latency = ANSWER
    begun = len(site.ask(POLLS))
    wait_for(lambda: ("running",) in site.ask(POLLS)[begun:], "a poll is under way")
    return begun


@pytest.mark.timeout(900)
def test_f70_a_database_that_is_started_again_costs_some_seconds_and_no_approval(site: Site) -> None:
    with site.running():
        wait_for(lambda: site.get() == 302, "the web process answers")
        wait_for(lambda: ("done",) in site.ask(POLLS), "the first poll")
        with visited(site) as (statuses, said):
            wait_for(lambda: any(302 in one for one in said.values()), "the first approval")
            begun = begin_poll(site)
            site.server.stop()
            site.git.latency = timedelta(0)
            wait_for(lambda: 503 in [status for _, status in statuses], "somebody sees that it is away")
            time.sleep(1.5 * ANSWER.total_seconds())
            site.server.start()
            back = time.monotonic()
            wait_for(lambda: all(302 in one for one in said.values()), "everybody has approved")
        wait_for(lambda: ("done",) in site.ask(POLLS)[begun + 1 :], "polls go on", seconds=300)

    away = [at for at, status in statuses if status == 503]
    assert {status for _, status in statuses} == {302, 503}
    assert {one for answers in said.values() for one in answers} <= {302, 503}
    # Each thread finds once that its connection is gone, and has another one for the next request.
    assert sum(at > back for at in away) <= THREADS
    found = site.ask("SELECT name, count(*) FROM promotions_approval GROUP BY name")
    assert sorted(found) == [(f"approver-{number}", 1) for number in range(len(site.sessions))]
    audited = "SELECT count(*) FROM core_auditevent WHERE verb = 'approved promotion'"
    assert site.ask(audited) == [(len(site.sessions),)]
    # The one that lost its database is taken up again, or stored what it found once it was back.
    assert {outcome for (outcome,) in site.ask(POLLS)[: begun + 1]} <= {"done", "interrupted"}
    assert {outcome for (outcome,) in site.ask(POLLS)} <= {"done", "interrupted", "running"}


def manage(data: Path, *arguments: str) -> Result:
    env = {"PATH": os.environ["PATH"], "GITOPSUI_DATA": str(data)}
    argv = [sys.executable, MANAGE, *arguments]
    return run(argv, env=env, timeout=timedelta(minutes=4), max_output=1 << 20)


@pytest.mark.parametrize("command", ["qcluster", "serve"])
def test_f71_nothing_is_started_on_a_database_that_is_older_than_the_program(
    tmp_path: Path, command: str
) -> None:
    result = manage(tmp_path / "data", command)

    assert result.returncode not in (0, -9)
    assert b"The database is older than the program. Run: manage.py migrate" in result.stderr


def test_f71_no_migration_takes_away_what_workers_of_the_release_before_still_read() -> None:
    """Expand now, contract a release later: then name here what nothing reads any more, and since when."""
    contracted: set[tuple[str, str]] = set()
    loader = MigrationLoader(None)
    ours = {key: one for key, one in loader.disk_migrations.items() if one.__module__.startswith("apps.")}
    assert len(ours) > 10

    taking = {
        key
        for key, migration in ours.items()
        for operation in migration.operations
        if isinstance(operation, DeleteModel | RemoveField | RenameField | RenameModel)
    }

    assert taking == contracted
