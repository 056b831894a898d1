"""Use another core for a part of what a command prints, with everything that has been read so far at hand."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, NoReturn, TypeVar

Item = TypeVar("Item")

_HEAD = struct.Struct("=II")  # the place of an item, the bytes of its text
# A byte for each is in a pipe before anybody takes one, and the pipes of somebody who has many hold one page.
MOST_PORTIONS = 4_096


def make_by_two(items: Sequence[Item], make: Callable[[Item], str]) -> Iterator[str]:
    """
    The texts `make` makes of the items, in their order; this process begins with the first and a copy of it
    with the last, until they meet: what they know is theirs, and so are the pages of memory they change.

    Where there is no second core or no `fork`, all are made here, and so is what a copy that came to a bad
    end leaves undone. Only for a program without threads: a copy of one may wait for ever for a lock.
    """
    if not _can_fork() or len(items) < 2:
        yield from map(make, items)
        return
    with _open_shared() as shared:
        portions = _portion(len(items))
        permits = _permit(len(portions))
        copy = os.fork()
        if not copy:
            _work_and_end(_take(permits, reversed(portions)), items, make, shared)
        try:
            made = {place: make(items[place]) for place in _take(permits, portions)}
        finally:
            os.close(permits)
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


def _portion(count: int) -> list[range]:
    """The places of all items, in portions that are taken as one."""
    step = -(-count // MOST_PORTIONS)
    return [range(start, min(start + step, count)) for start in range(0, count, step)]


def _permit(count: int) -> int:
    """The reading end of a pipe with as many bytes: who reads one may take a portion from its side."""
    taking, giving = os.pipe()
    os.write(giving, bytes(count))
    os.close(giving)
    return taking


def _take(permits: int, portions: Iterable[range]) -> Iterator[int]:
    for portion in portions:
        if not os.read(permits, 1):
            return
        yield from portion


def _work_and_end(
    places: Iterable[int], items: Sequence[Item], make: Callable[[Item], str], shared: IO[bytes]
) -> NoReturn:
    """What the process we are a copy of has still to do must not be done twice: hence the sudden end."""
    with suppress(Exception):
        for place in places:
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
