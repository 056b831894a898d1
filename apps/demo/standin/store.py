"""
What the stand-in remembers: objects, one counter of revisions, and a history for watches.

Objects are never changed in place: whoever writes hands over a new dict, so that a reader may keep one
without a lock. Every method is safe to call from any thread.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .kinds import Resource

Manifest = dict[str, Any]
Name = tuple[str, str]  # (namespace, name); the namespace of a cluster-scoped object is ""
EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class Compacted(Exception):
    """That revision is older than the history that is kept: 410 for whoever asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One object at one revision. `text` is its JSON, made once and served many times."""

    manifest: Manifest
    revision: int
    text: bytes

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.manifest["metadata"].get("namespace", ""))


@dataclass(frozen=True, slots=True, eq=False)
class StoreEvent:
    """One change; `before` is None for an object that is new."""

    revision: int
    type: EventType
    resource: Resource
    before: Stored | None
    after: Stored


class Store:
    """All objects. `history` is how many changes a watch can look back upon."""

    def __init__(self, *, history: int = 20_000) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._objects: dict[Resource, dict[Name, Stored]] = {}
        self._touched: dict[Resource, int] = {}
        self._events: deque[StoreEvent] = deque(maxlen=history)
        self._revision = 1
        self._compacted = 1
        self._owned: dict[str, set[tuple[Resource, Name]]] = {}
        self._shelf: dict[tuple[int, Resource, str], tuple[Stored, ...]] = {}

    @property
    def revision(self) -> int:
        return self._revision

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep every other writer out from reading an object to storing its successor."""
        with self._changed:
            yield

    def touched(self, resource: Resource) -> int:
        """The revision of the last change among these objects; 0 when there never was one."""
        return self._touched.get(resource, 0)

    def get(self, resource: Resource, namespace: str, name: str) -> Stored | None:
        with self._changed:
            return self._objects.get(resource, {}).get((namespace, name))

    def list_objects(self, resource: Resource, namespace: str = "") -> tuple[tuple[Stored, ...], int]:
        """The objects in the order of namespace and name, and the revision they are of. "" is every namespace."""
        with self._changed:
            found = self._objects.get(resource, {})
            names = sorted(name for name in found if not namespace or name[0] == namespace)
            return tuple(found[name] for name in names), self._revision

    def resources(self) -> tuple[Resource, ...]:
        """The resources that hold an object now."""
        with self._changed:
            return tuple(sorted(resource for resource, objects in self._objects.items() if objects))

    def owned_by(self, uid: str) -> list[tuple[Resource, Stored]]:
        """The objects that name `uid` among their owners, in a stable order."""
        with self._changed:
            found = sorted(self._owned.get(uid, ()))
            return [(resource, self._objects[resource][name]) for resource, name in found]

    def put(self, resource: Resource, manifest: Manifest) -> Stored:
        """Store an object under its name; it gets the next revision as its resourceVersion."""
        with self._changed:
            metadata = manifest["metadata"]
            name = (metadata.get("namespace", ""), metadata["name"])
            before = self._objects.setdefault(resource, {}).get(name)
            after = self._next(manifest)
            self._objects[resource][name] = after
            self._file_under_owners(resource, name, before, after)
            self._announce("MODIFIED" if before else "ADDED", resource, before, after)
            return after

    def remove(self, resource: Resource, namespace: str, name: str) -> Stored | None:
        """Take an object away and give its last state, which carries the revision of its removal."""
        with self._changed:
            before = self._objects.get(resource, {}).pop((namespace, name), None)
            if before is None:
                return None
            after = self._next(before.manifest)
            self._file_under_owners(resource, (namespace, name), before, None)
            self._announce("DELETED", resource, before, after)
            return after

    def _file_under_owners(
        self, resource: Resource, name: Name, before: Stored | None, after: Stored | None
    ) -> None:
        for uid in _owners(before) - _owners(after):
            self._owned[uid].discard((resource, name))
            if not self._owned[uid]:
                del self._owned[uid]
        for uid in _owners(after) - _owners(before):
            self._owned.setdefault(uid, set()).add((resource, name))

    def _next(self, manifest: Manifest) -> Stored:
        self._revision += 1
        numbered = manifest | {"metadata": manifest["metadata"] | {"resourceVersion": str(self._revision)}}
        return Stored(numbered, self._revision, _text(numbered))

    def _announce(self, kind: EventType, resource: Resource, before: Stored | None, after: Stored) -> None:
        if len(self._events) == self._events.maxlen:
            self._compacted = self._events[0].revision
        self._events.append(StoreEvent(after.revision, kind, resource, before, after))
        self._touched[resource] = after.revision
        self._changed.notify_all()

    # Watches and long listings

    def wait(self, revision: int, seconds: float) -> bool:
        """Sleep until something is newer than `revision`; False when the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._revision > revision, seconds)

    def wake(self) -> None:
        """Let the sleepers look around, although nothing changed: the server is going down."""
        with self._changed:
            self._revision += 1
            self._changed.notify_all()

    def events_after(self, revision: int) -> list[StoreEvent]:
        """The changes since, oldest first. Raises `Compacted` when some of them are forgotten."""
        with self._changed:
            if revision < self._compacted:
                raise Compacted
            newer: list[StoreEvent] = []
            for event in reversed(self._events):
                if event.revision <= revision:
                    break
                newer.append(event)
            return newer[::-1]

    def shelve(self, revision: int, resource: Resource, namespace: str, objects: tuple[Stored, ...]) -> None:
        """Keep a listing for the pages that follow; the oldest of 32 gives way."""
        with self._changed:
            self._shelf[(revision, resource, namespace)] = objects
            while len(self._shelf) > 32:
                del self._shelf[next(iter(self._shelf))]

    def shelved(self, revision: int, resource: Resource, namespace: str) -> tuple[Stored, ...]:
        """A listing that was kept. Raises `Compacted` when it is gone."""
        with self._changed:
            try:
                return self._shelf[(revision, resource, namespace)]
            except KeyError:
                raise Compacted from None

    def compact(self) -> None:
        """Forget the history, as a server does every five minutes: old watches and pages get 410."""
        with self._changed:
            self._revision += 1
            self._compacted = self._revision
            self._events.clear()
            self._shelf.clear()

    # A restart

    def save(self, path: Path) -> None:
        """Write everything to one JSON file, which is whole at any moment."""
        with self._changed:
            rows = [
                b'{"group":%s,"plural":%s,"manifest":%s}' % (_text(group), _text(plural), stored.text)
                for (group, plural), objects in sorted(self._objects.items())
                for stored in objects.values()
            ]
            head = b'{"revision":%d,"objects":[\n' % self._revision
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(head + b",\n".join(rows) + b"\n]}\n")
        part.replace(path)

    def load(self, path: Path) -> None:
        """Take over what `save` wrote. Raises OSError and ValueError; watches of before get 410."""
        kept: Mapping[str, Any] = json.loads(path.read_bytes())
        with self._changed:
            self._objects.clear()
            self._owned.clear()
            for row in kept["objects"]:
                metadata = row["manifest"]["metadata"]
                stored = Stored(row["manifest"], int(metadata["resourceVersion"]), _text(row["manifest"]))
                resource = (row["group"], row["plural"])
                name = (metadata.get("namespace", ""), metadata["name"])
                self._objects.setdefault(resource, {})[name] = stored
                self._file_under_owners(resource, name, None, stored)
            self._revision = int(kept["revision"])
            self._touched = dict.fromkeys(self._objects, self._revision)
            self.compact()


def _owners(stored: Stored | None) -> set[str]:
    if stored is None:
        return set()
    return {str(owner["uid"]) for owner in stored.manifest["metadata"].get("ownerReferences") or ()}


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
