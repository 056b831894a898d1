"""Waiting for a state, and whether a process lives. Nobody here is in a hurry: a machine may be slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 120.0  # seconds; reached only where what is waited for never comes


def wait_for(is_reached: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
    """Returns as soon as it is reached; fails with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not is_reached():
        assert time.monotonic() < deadline, f"it did not come to that: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that waits for its new parent does not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in "ZX"


def wait_until_dead(pid: int) -> None:
    wait_for(lambda: not is_alive(pid), f"the end of process {pid}")
