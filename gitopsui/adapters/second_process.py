"""Use another core for a part of what a command prints, with everything that has been read so far at hand."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, NoReturn, TypeVar

Item = TypeVar("Item")

_PLACE = struct.Struct("=I")
_HEAD = struct.Struct("=II")  # the place of an item, the bytes of its text
# All tasks are in the pipe before anybody takes one, and the pipes of somebody who has many hold one page.
MOST_TASKS = 4_096 // _PLACE.size


def make_by_two(items: Sequence[Item], make: Callable[[Item], str]) -> Iterator[str]:
    """
    The texts `make` makes of the items, in their order; this process and a copy of it each take the next one.

    Where there is no second core or no `fork`, all are made here, and so is what a copy that came to a bad
    end leaves undone. Only for a program without threads: a copy of one may wait for ever for a lock.
    """
    if not _can_fork() or len(items) < 2:
        yield from map(make, items)
        return
    with _open_shared() as shared:
        waiting = _fill_pipe(len(items))
        copy = os.fork()
        if not copy:
            _work_and_end(waiting, items, make, shared)
        try:
            made = {place: make(items[place]) for place in _take(waiting, len(items))}
        finally:
            os.close(waiting)
            os.waitpid(copy, 0)
        made.update(_read(shared))
        for place, item in enumerate(items):
            yield made.pop(place) if place in made else make(item)


def _can_fork() -> bool:
    threads = sys.modules.get("threading")  # not loaded for this question alone
    is_alone = threads is None or threads.active_count() == 1
    return is_alone and hasattr(os, "fork") and (os.cpu_count() or 1) > 1


def _open_shared() -> IO[bytes]:
    """A file without a name that a copy of this process can write."""
    if hasattr(os, "memfd_create"):  # Linux
        return open(os.memfd_create("texts"), "w+b")
    import tempfile  # loads half a dozen more

    return tempfile.TemporaryFile()


def _fill_pipe(count: int) -> int:
    """The reading end of a pipe with the places of `count` items; who reads one has it for itself."""
    taking, giving = os.pipe()
    os.write(giving, b"".join(map(_PLACE.pack, range(0, count, _step(count)))))
    os.close(giving)
    return taking


def _take(waiting: int, count: int) -> Iterator[int]:
    while task := os.read(waiting, _PLACE.size):
        first = _PLACE.unpack(task)[0]
        yield from range(first, min(first + _step(count), count))


def _step(count: int) -> int:
    """How many items one task is."""
    return -(-count // MOST_TASKS)


def _work_and_end(
    waiting: int, items: Sequence[Item], make: Callable[[Item], str], shared: IO[bytes]
) -> NoReturn:
    """What the process we are a copy of has still to do must not be done twice: hence the sudden end."""
    with suppress(Exception):
        for place in _take(waiting, len(items)):
            text = make(items[place]).encode("utf-8", "surrogatepass")
            shared.write(_HEAD.pack(place, len(text)) + text)
        shared.flush()
    os._exit(0)


def _read(shared: IO[bytes]) -> Iterator[tuple[int, str]]:
    """What the copy has finished; a text that was cut off is none."""
    shared.seek(0)
    while len(head := shared.read(_HEAD.size)) == _HEAD.size:
        place, size = _HEAD.unpack(head)
        text = shared.read(size)
        if len(text) == size:
            yield place, text.decode("utf-8", "surrogatepass")
