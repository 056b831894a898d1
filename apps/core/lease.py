"""Who holds a lease: a name for a process that tells, on the same machine, whether it still lives."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path


def new_token() -> str:
    return secrets.token_hex(16)


def holder() -> str:
    """This process as `machine:pid:start time`; the machine is one boot and one namespace of process ids."""
    return f"{_machine()}:{os.getpid()}:{_start_time(os.getpid())}"


def is_dead(name: str) -> bool:
    """True when the holder ran on this machine and is gone. False where we cannot know."""
    machine, _, process = name.rpartition(":")[0].rpartition(":")
    start_time = name.rpartition(":")[2]
    if machine != _machine() or not process.isdecimal() or not start_time:
        return False
    return _start_time(int(process)) != start_time


@cache
def _machine() -> str:
    """Empty where the system has no /proc: then only time ends a lease."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return f"{boot}/{namespace.strip('pid:[]')}"


def _start_time(pid: int) -> str:
    """When the process began, in ticks since boot: a number used again is not the same. Empty: it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended; its parent just has not noticed.
    return "" if fields[0] == "Z" else fields[19]
