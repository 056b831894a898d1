"""The whole program with real workers: a killed worker, a cluster that hangs, an end without orphans."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from gitopsui.adapters.process import Child, Stream, run, start
from tests.ports import find_port
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).parents[1]
MANAGE = str(ROOT / "manage.py")
LONG = timedelta(seconds=PATIENCE)
pytestmark = pytest.mark.timeout(900)


class Server:
    """`manage.py serve` on an own folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = find_port()
        self.env = {
            "PATH": os.environ["PATH"],
            "GITOPSUI_DATA": str(folder),
            "GITOPSUI_URL": f"http://127.0.0.1:{self.port}",
            "GITOPSUI_TICK": "1",
            "GITOPSUI_WORKERS": "2",
            # Longer than a machine that is busy may need to bring workers up.
            "GITOPSUI_STALL_SECONDS": "30",
        }
        self.child: Child | None = None

    def manage(self, *arguments: str) -> None:
        argv = [sys.executable, MANAGE, *arguments]
        result = run(argv, env=self.env, timeout=LONG, max_output=1 << 20)
        assert result.returncode == 0, result.stderr.decode()

    def start(self) -> None:
        argv = [sys.executable, MANAGE, "serve", "--port", str(self.port), "--grace", "60"]
        self.child = start(argv, env=self.env, stdout=Stream.NULL, stderr=Stream.INHERIT)

    def beat(self, name: str = "worker") -> str:
        return self.ask(f"SELECT beat_at FROM core_heartbeat WHERE name = '{name}'") or ""

    def find_worker(self) -> int:
        """The process that gave the last sign of life; 0 when it did not name itself."""
        text = self.ask("SELECT text FROM core_heartbeat WHERE name = 'worker'") or ""
        return int(text.removeprefix("process ") or 0)

    def is_idle(self) -> bool:
        return (
            self.ask(
                "SELECT (SELECT count(*) FROM django_q_ormq) + "
                "(SELECT count(*) FROM core_tick WHERE lease_until IS NOT NULL)"
            )
            == 0
        )

    def ask(self, query: str) -> Any:
        """The first value of the answer, None without any."""
        database = sqlite3.connect(self.folder / "gitopsui.sqlite3", timeout=PATIENCE)
        try:
            with database:
                found = database.execute(query).fetchone()
        finally:
            database.close()
        return found[0] if found else None

    def cluster(self, name: str = "worker") -> int:
        """The process id of the leader of the workers for everything, or of those of promotions."""
        mark, wanted = b"Q_CLUSTER_NAME=promotions", name != "worker"
        return next(pid for pid in self.leaders() if (mark in environment(pid)) is wanted)

    def leaders(self) -> list[int]:
        return [pid for pid in self.processes() if "qcluster" in command(pid) and group(pid) == pid]

    def clocks(self) -> list[int]:
        return [pid for pid in self.processes() if "manage.py tick" in command(pid)]

    def processes(self) -> list[int]:
        """Everything that works on our folder."""
        mark = f"GITOPSUI_DATA={self.folder}".encode()
        return [pid for pid in all_pids() if mark in environment(pid) and state(pid) != "Z"]


def all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def group(pid: int) -> int:
    """0 when it has ended meanwhile."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("data"))
    server.manage("prepare")
    return server


@pytest.fixture
def server(migrated: Server) -> Iterator[Server]:
    # The message of a worker that an earlier test killed would be taken for work that is under way.
    migrated.ask("DELETE FROM django_q_ormq")
    # A tick that was asked for with such a message would wait two minutes for it.
    migrated.ask("UPDATE core_tick SET asked_at = NULL")
    seen = migrated.beat()
    migrated.start()
    try:
        wait_for(lambda: migrated.beat() > seen, "the first sign of life")
        yield migrated
    finally:
        assert migrated.child is not None
        migrated.child.terminate_leader()
        # What does not end of itself is killed below: that is not what is tested.
        migrated.child.wait(timedelta(seconds=10))
        migrated.child.kill_group()
        for pid in migrated.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_it_serves_and_ends_without_leaving_anything_behind(server: Server) -> None:
    address = f"http://127.0.0.1:{server.port}"
    wait_for(lambda: answers(f"{address}/readyz"), "the web process is ready")

    server.manage("check")
    assert server.child is not None
    server.child.terminate_leader()
    assert server.child.wait(LONG) == 0

    wait_for(lambda: not server.processes(), "nothing is left")


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=PATIENCE).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.parametrize("name", ["worker", "worker promotions"])
def test_workers_that_hang_after_a_kill_are_replaced(server: Server, name: str) -> None:
    wait_for(lambda: len(server.leaders()) == 2, "both sets of workers are there")
    first, other = server.cluster(name), {*server.leaders()} - {server.cluster(name)}
    wait_for(server.clocks, "the clock is there")
    [clock] = server.clocks()
    # Idle, then stopped: as a cluster that hangs, it lives and does nothing.
    os.kill(clock, signal.SIGSTOP)
    wait_for(server.is_idle, "the workers are idle")
    for pid in server.processes():
        if group(pid) == first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
    os.kill(clock, signal.SIGCONT)
    seen = server.beat(name)

    wait_for(lambda: first not in server.processes(), "the hung cluster is killed")
    wait_for(lambda: server.beat(name) > seen, "the next cluster works")

    assert [pid for pid in server.processes() if group(pid) == first] == []
    assert other < {*server.leaders()}, "the other set was left alone"


def test_work_goes_on_after_workers_were_killed(server: Server) -> None:
    """As the kernel does when memory runs out; an idle one that dies may leave the cluster hanging."""
    wait_for(server.find_worker, "a worker names itself")
    for _ in range(2):
        worker = server.find_worker()
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        wait_for(lambda killed=worker: server.find_worker() not in {0, killed}, "another one works")

    seen = server.beat()
    wait_for(lambda: server.beat() > seen, "the work goes on")


def test_what_a_killed_supervisor_leaves_behind_ends(server: Server) -> None:
    assert server.child is not None
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.wait(LONG)
    server.child.kill_group()

    server.start()

    seen = server.beat()
    wait_for(lambda: server.beat() > seen, "the next instance works")
    wait_for(lambda: len(server.leaders()) == 2, "the two sets of workers of one instance alone")
