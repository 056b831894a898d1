"""Use another core for a part of what a command prints, with everything that has been read so far at hand."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

CHUNK_CHARACTERS = 1 << 20


@contextmanager
def beside(work: Callable[[], Iterable[str]]) -> Iterator[Iterator[str]]:
    """
    The pieces of text `work` makes, made in a copy of this process while this one does something else.

    Where there is no second core, no `fork`, or the copy came to a bad end, they are made here when they are
    asked for. Only for a program without threads: a copy of one with threads may wait for ever for a lock.
    """
    if not _can_fork():
        yield iter(work())
        return
    # Not a pipe: that would hold no more than 64 KiB, and the copy would wait for us.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="") as found:
        copy = os.fork()
        if not copy:
            _work_and_end(work, found)
        waiting = [copy]
        try:
            yield _read(waiting, found, work)
        finally:
            for pid in waiting:
                os.waitpid(pid, 0)


def _can_fork() -> bool:
    threads = sys.modules.get("threading")  # not loaded for this question alone
    is_alone = threads is None or threads.active_count() == 1
    return is_alone and hasattr(os, "fork") and (os.cpu_count() or 1) > 1


def _work_and_end(work: Callable[[], Iterable[str]], found: IO[str]) -> None:
    """Never returns: nothing of what the process we are a copy of has still to do may be done twice."""
    status = 1
    try:
        found.writelines(work())
        found.flush()
        status = 0
    finally:
        os._exit(status)


def _read(waiting: list[int], found: IO[str], work: Callable[[], Iterable[str]]) -> Iterator[str]:
    _, status = os.waitpid(waiting.pop(), 0)
    if status:
        print("gitopsui: the second process ended early; its part is done again.", file=sys.stderr)
        yield from work()
        return
    found.seek(0)
    while piece := found.read(CHUNK_CHARACTERS):
        yield piece
