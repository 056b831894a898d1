"""
What was read before, kept masked and compressed from one round to the next: what the cluster has not written
to since is neither masked nor packed again. An object is known by its uid and resourceVersion, which the API
server changes with every write.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

KNOWN_BYTES = 64 << 20
# What no round asked for so long belongs to a cluster that is read no more, or to objects that are gone.
KEPT_SECONDS = 3600.0
# One object in so many ends a run, so that a change costs as many again and no more.
RUN_LENGTH = 32


@dataclass(slots=True)
class KnownRuns:
    """
    Packed runs of objects, the most recently used last. One for the process, and threads share it: `scope`
    and what is in the run name it, so no cluster ever gets what another one listed.
    """

    max_bytes: int = KNOWN_BYTES
    clock: Callable[[], float] = time.monotonic
    size: int = 0
    _runs: OrderedDict[Hashable, tuple[bytes, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, name: Hashable) -> bytes | None:
        with self._lock:
            found = self._runs.pop(name, None)
            if found is None:
                return None
            self._runs[name] = found[0], self.clock()
            return found[0]

    def keep(self, name: Hashable, run: bytes) -> None:
        with self._lock:
            before = self._runs.pop(name, None)
            self.size += len(run) - (len(before[0]) if before else 0)
            self._runs[name] = run, self.clock()
            self._forget()

    def _forget(self) -> None:
        latest = self.clock() - KEPT_SECONDS
        while self._runs:
            name, (run, used_at) = next(iter(self._runs.items()))
            if self.size <= self.max_bytes and used_at >= latest:
                return
            del self._runs[name]
            self.size -= len(run)


@dataclass(frozen=True, slots=True)
class Known:
    """The runs of one scope: a cluster, what it may be asked for, and the key that masks what it answers."""

    runs: KnownRuns
    scope: Hashable

    def run(self, kind: Hashable, items: list[Any], pack: Callable[[], bytes]) -> bytes:
        """The run of these items as it was packed once; packed now where it is not known."""
        seal = sealed(items)
        if not seal:
            return pack()
        name = self.scope, kind, seal
        found = self.runs.find(name)
        if found is None:
            found = pack()
            self.runs.keep(name, found)
        return found


def sealed(items: Iterable[Any], before: str = "-") -> str:
    """
    A digest of what is listed and in which version, going on from `before`; it does not matter where a list
    is cut. "" where an object does not say both, and after one that did not.
    """
    for item in items:
        said = identity_of(item)
        if not before or not said:
            return ""
        before = hashlib.sha256(f"{before}\n{said}".encode("utf-8", "surrogatepass")).hexdigest()
    return before


def identity_of(item: Any) -> str:
    """Which object in which version; "" where the cluster does not say."""
    metadata = metadata_of(item)
    uid, version = metadata.get("uid"), metadata.get("resourceVersion")
    if not (isinstance(uid, str) and uid and isinstance(version, str) and version):
        return ""
    return repr((uid, version, metadata.get("namespace"), metadata.get("name")))


def metadata_of(item: Any) -> dict[str, Any]:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def namespace_of(item: Any) -> str:
    namespace = metadata_of(item).get("namespace", "")
    return namespace if isinstance(namespace, str) else ""


def cut(items: Iterable[Any]) -> Iterator[tuple[str, list[Any]]]:
    """
    Runs of one namespace each. Objects end them by their uids, not by their places, so that one that comes
    or goes leaves the other runs as they are.
    """
    run: list[Any] = []
    place = ""
    for item in items:
        if run and namespace_of(item) != place:
            yield place, run
            run = []
        place = namespace_of(item)
        run.append(item)
        if crc32(str(metadata_of(item).get("uid")).encode("utf-8", "surrogatepass")) % RUN_LENGTH == 0:
            yield place, run
            run = []
    if run:
        yield place, run
