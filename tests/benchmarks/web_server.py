"""gunicorn as an operator runs it: two processes of eight threads, on the database of `DATABASE_URL`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import find_port

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS = 2, 8


@contextmanager
def serve(application: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The port and the process id of the leader; it ends with the block."""
    port = find_port()
    argv = [
        *(sys.executable, "-W", "ignore", "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", str(PROCESSES), "--threads", str(THREADS)),
        # As `manage.py serve` starts several: an open connection would bind its reader to one.
        *("--keep-alive", "0", "--log-level", "warning", "--no-control-socket"),
    ]
    web = subprocess.Popen(argv, env={**os.environ, **environment}, cwd=ROOT)
    try:
        _wait(port)
        yield port, web.pid
    finally:
        web.terminate()
        web.wait(30)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("The web server does not listen.")


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in text.split()]


def resident_megabytes(pid: int) -> float:
    """The memory a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_seconds(pids: list[int]) -> float:
    """What the processes have used of the processors so far; unlike a time on a clock it bears neighbours."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
