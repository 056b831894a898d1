"""
One running program per data folder: who holds the lock file, and what an earlier one left behind when it was
killed. Every process it starts carries its mark in the environment, so a leftover is known for certain.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "GITOPSUI_INSTANCE"
LOCK_FILE = "running"


class AlreadyRunningError(Exception):
    """Another instance works on this folder; the text says which."""


@contextmanager
def only_instance(folder: Path, *, note: str) -> Iterator[str]:
    """
    Hold the folder while the block runs; yields the mark for the environment of its processes.

    What an instance that was killed left running is killed first. Raises AlreadyRunningError with the note
    of the one that holds the folder.
    """
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(file.read().partition("\n")[2].strip()) from error
        earlier = file.read().partition("\n")[0].strip()
        if earlier:
            kill_marked(earlier)
        mark = secrets.token_hex(16)
        file.seek(0)
        file.truncate()
        file.write(f"{mark}\n{note}\n")
        file.flush()
        yield mark
        file.seek(0)
        file.truncate()


def is_running(folder: Path) -> bool:
    """Whether an instance holds the folder just now."""
    try:
        with (folder / LOCK_FILE).open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def kill_marked(mark: str) -> int:
    """Kill every process of ours that carries the mark; how many. None where the system has no /proc."""
    wanted = f"{MARK}={mark}".encode()
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                killed += 1
    return killed


if __name__ == "__main__":
    sys.exit(1 if is_running(Path(sys.argv[1])) else 0)
