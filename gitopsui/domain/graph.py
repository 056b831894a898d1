"""
The commits of a repository and how they descend from each other, small enough to be kept in memory.

A commit is a number: its place in an order in which parents stand before their children, so that later
commits are appended and numbers never change. Read downwards, numbers list children before parents.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from gitopsui.domain.errors import InputError

# What `encode` writes: this mark with its version, the length of an id, the number of commits and of edges.
MAGIC = b"GRAPH\x01"
NUMBER = "I"  # array of unsigned 32-bit integers
HEAD_BYTES = len(MAGIC) + 1 + 8

WANTED, EXCLUDED = 1, 2


class UnknownCommit(InputError):
    """The graph does not hold this commit."""

    def __init__(self, sha: str) -> None:
        super().__init__(f"The commit {sha[:12]} is not stored.", code="COMMIT_UNKNOWN")
        self.sha = sha


class UnknownParent(InputError):
    """A commit came before its parent, or its parent is missing: a part of the history is not there."""

    def __init__(self, sha: str, parent: str) -> None:
        message = f"The history is not complete: {parent[:12]}, the parent of {sha[:12]}, is missing."
        super().__init__(message, code="HISTORY_INCOMPLETE")


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """
    An immutable graph. The parents of commit n are `_parents[_starts[n]:_starts[n + 1]]`.

    `_ids` holds the binary ids one after the other; all are of one length.
    """

    _ids: bytes = b""
    _starts: array[int] = field(default_factory=lambda: array(NUMBER, (0,)))
    _parents: array[int] = field(default_factory=lambda: array(NUMBER))
    _id_bytes: int = 20
    _index: dict[bytes, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __contains__(self, sha: object) -> bool:
        return isinstance(sha, str) and self.find(sha) is not None

    def find(self, sha: str) -> int | None:
        """The number of a commit by its full id, None when it is not here."""
        try:
            return self._index.get(bytes.fromhex(sha))
        except ValueError:
            return None

    def index(self, sha: str) -> int:
        """The number of a commit by its full id. Raises UnknownCommit."""
        found = self.find(sha)
        if found is None:
            raise UnknownCommit(sha)
        return found

    def sha(self, number: int) -> str:
        start = number * self._id_bytes
        return self._ids[start : start + self._id_bytes].hex()

    def parents(self, number: int) -> tuple[int, ...]:
        """The numbers of the parents, the first parent first."""
        return tuple(self._parents[self._starts[number] : self._starts[number + 1]])

    def heads(self) -> list[int]:
        """The commits without children, newest first."""
        has_child = bytearray(len(self))
        for parent in self._parents:
            has_child[parent] = 1
        return [number for number in range(len(self) - 1, -1, -1) if not has_child[number]]

    def between(self, base: int | None, head: int) -> list[int]:
        """
        The commits that `head` has in its history and `base` has not, children before parents.

        Walks down both sides together and stops when nothing is left that only `head` has.
        """
        if base is None:
            return sorted(self.ancestors([head]), reverse=True)
        return [number for number, marks in self._walk(head, base) if marks == WANTED]

    def is_ancestor(self, ancestor: int, descendant: int) -> bool:
        """Whether the history of `descendant` holds `ancestor`; a commit is its own ancestor."""
        if ancestor > descendant:
            return False
        seen = {descendant}
        heap = [-descendant]
        while heap and -heap[0] >= ancestor:
            number = -heappop(heap)
            if number == ancestor:
                return True
            for parent in self.parents(number):
                if parent >= ancestor and parent not in seen:
                    seen.add(parent)
                    heappush(heap, -parent)
        return False

    def ancestors(self, numbers: Iterable[int]) -> set[int]:
        """These commits and all before them."""
        seen = set(numbers)
        open_ends = list(seen)
        while open_ends:
            for parent in self.parents(open_ends.pop()):
                if parent not in seen:
                    seen.add(parent)
                    open_ends.append(parent)
        return seen

    def marks_of(self, numbers: Sequence[int]) -> list[int]:
        """
        For each commit which of `numbers` its history holds, itself included: bit n stands for `numbers[n]`.
        One walk over what came after the first of them, however many are asked for.
        """
        marks = [0] * len(self)
        for place, number in enumerate(numbers):
            marks[number] |= 1 << place
        starts, parents = self._starts, self._parents
        for number in range(min(numbers, default=len(self)), len(self)):
            for parent in parents[starts[number] : starts[number + 1]]:
                marks[number] |= marks[parent]
        return marks

    def append(self, commits: Iterable[tuple[str, Iterable[str]]]) -> Graph:
        """
        A graph with these commits too: (id, ids of parents), parents before children. What is known already
        is passed over. Raises UnknownParent.
        """
        growing = _Growing(self)
        for sha, parents in commits:
            growing.add(sha, parents)
        return growing.finish()

    def keep(self, heads: Iterable[int]) -> Graph:
        """A graph of these commits and their history only; numbers change."""
        kept = sorted(self.ancestors(heads))
        if len(kept) == len(self):
            return self
        return Graph().append((self.sha(n), [self.sha(p) for p in self.parents(n)]) for n in kept)

    def encode(self) -> bytes:
        """The graph as bytes, about 28 for each commit; `decode` reads them on any machine."""
        head = MAGIC + bytes((self._id_bytes,))
        counts = array(NUMBER, (len(self), len(self._parents)))
        return b"".join(
            (head, _portable(counts), self._ids, _portable(self._starts), _portable(self._parents))
        )

    def _walk(self, one: int, other: int) -> Iterator[tuple[int, int]]:
        """
        (number, in whose history it is), children before parents, until nothing is left that only `one` has.

        A commit is met after all its children that can be met, so its marks are final.
        """
        marks = {one: WANTED}
        marks[other] = marks.get(other, 0) | EXCLUDED
        heap = sorted(-number for number in marks)
        left = sum(mark == WANTED for mark in marks.values())
        while heap and left:
            number = -heappop(heap)
            own = marks.pop(number)
            left -= own == WANTED
            for parent in self._parents[self._starts[number] : self._starts[number + 1]]:
                before = marks.get(parent, 0)
                if not before:
                    heappush(heap, -parent)
                after = before | own
                left += (after == WANTED) - (before == WANTED)
                marks[parent] = after
            yield number, own


def decode(data: bytes) -> Graph:
    """The graph of these bytes. Raises ValueError for what `encode` of this version did not write."""
    if data[: len(MAGIC)] != MAGIC or len(data) < HEAD_BYTES:
        raise ValueError("These bytes are not a commit graph of this version.")
    id_bytes = data[len(MAGIC)]
    count, edges = _numbers(data[len(MAGIC) + 1 : HEAD_BYTES])
    ids_end = HEAD_BYTES + count * id_bytes
    starts_end = ids_end + 4 * (count + 1)
    if len(data) != starts_end + 4 * edges:
        raise ValueError("The commit graph was cut.")
    ids = data[HEAD_BYTES:ids_end]
    index = {ids[start : start + id_bytes]: n for n, start in enumerate(range(0, len(ids), id_bytes))}
    return Graph(ids, _numbers(data[ids_end:starts_end]), _numbers(data[starts_end:]), id_bytes, index)


def _portable(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        return numbers.tobytes()
    swapped = array(NUMBER, numbers)
    swapped.byteswap()
    return swapped.tobytes()


def _numbers(data: bytes) -> array[int]:
    numbers = array(NUMBER)
    numbers.frombytes(data)
    if sys.byteorder != "little":
        numbers.byteswap()
    return numbers


class _Growing:
    """A graph while commits are added to a copy of it."""

    def __init__(self, graph: Graph) -> None:
        self._ids = bytearray(graph._ids)
        self._starts, self._parents = graph._starts[:], graph._parents[:]
        self._index = dict(graph._index)
        self._id_bytes = graph._id_bytes

    def add(self, sha: str, parents: Iterable[str]) -> None:
        binary = bytes.fromhex(sha)
        if binary in self._index:
            return
        if not self._index:
            self._id_bytes = len(binary)
        elif len(binary) != self._id_bytes:
            raise ValueError("A graph holds ids of one length.")
        for parent in parents:
            number = self._index.get(bytes.fromhex(parent))
            if number is None:
                raise UnknownParent(sha, parent)
            self._parents.append(number)
        self._index[binary] = len(self._starts) - 1
        self._ids += binary
        self._starts.append(len(self._parents))

    def finish(self) -> Graph:
        return Graph(bytes(self._ids), self._starts, self._parents, self._id_bytes, self._index)
