"""A watch: what was there, what changes, a bookmark now and then, and 410 for a past that is forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .answers import bad_request
from .kinds import Kind
from .reading import ListQuery, at_version, too_old
from .selectors import Matcher, build_matcher
from .store import Compacted, Store, StoreEvent

Manifest = dict[str, Any]

_BOOKMARK_SECONDS = 60.0
_LOOK_SECONDS = 5.0  # how often a silent watch looks whether its client is still there
_DEFAULT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class WatchQuery:
    """
    `revision` None starts with everything that is there; `sends_initial` does so too and closes it
    with a marked bookmark.
    """

    revision: int | None
    seconds: float
    has_bookmarks: bool
    sends_initial: bool
    select: ListQuery


def read_watch_query(query: dict[str, str], select: ListQuery) -> WatchQuery:
    """Raises `ApiError` 400."""
    try:
        revision = int(query.get("resourceVersion") or 0)
        seconds = float(query.get("timeoutSeconds") or _DEFAULT_SECONDS)
    except ValueError as error:
        raise bad_request(f'resourceVersion: Invalid value: "{query.get("resourceVersion")}"') from error
    sends_initial = query.get("sendInitialEvents") == "true"
    return WatchQuery(
        None if not revision or sends_initial else revision,
        seconds,
        query.get("allowWatchBookmarks") == "true",
        sends_initial,
        select,
    )


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch upon the store. `goes_on` says whether anybody still listens."""

    store: Store
    kind: Kind
    namespace: str
    query: WatchQuery
    goes_on: Callable[[], bool]

    def events(self) -> Iterator[tuple[str, Manifest]]:
        """(type, object) until the time is over or nobody listens; the last may be an ERROR."""
        matcher = build_matcher(self.kind, self.query.select.labels, self.query.select.fields)
        revision = self.query.revision
        if revision is None:
            objects, revision = self.store.list(self.kind.resource, self.namespace)
            for stored in objects:
                if matcher is None or matcher(stored.manifest):
                    yield "ADDED", at_version(self.kind, stored)
            if self.query.sends_initial:
                yield "BOOKMARK", self._bookmark(revision, is_initial=True)
        try:
            yield from self._changes(revision, matcher)
        except Compacted:
            yield "ERROR", too_old(revision, self.store.revision).status()

    def _changes(self, revision: int, matcher: Matcher | None) -> Iterator[tuple[str, Manifest]]:
        ends_at = time.monotonic() + self.query.seconds
        marks_at = time.monotonic() + _BOOKMARK_SECONDS
        while True:
            for event in self.store.events_after(revision):
                revision = event.revision
                if shown := self._shown(event, matcher):
                    yield shown
            left = ends_at - time.monotonic()
            if left <= 0 or not self.goes_on():
                break
            self.store.wait(revision, min(left, _LOOK_SECONDS))
            if self.query.has_bookmarks and time.monotonic() >= marks_at:
                marks_at = time.monotonic() + _BOOKMARK_SECONDS
                yield "BOOKMARK", self._bookmark(revision)
        if self.query.has_bookmarks:
            yield "BOOKMARK", self._bookmark(revision)

    def _shown(self, event: StoreEvent, matcher: Matcher | None) -> tuple[str, Manifest] | None:
        """An object that leaves or enters a selection is deleted or added for this watch."""
        if event.resource != self.kind.resource or (self.namespace and event.after.namespace != self.namespace):
            return None
        after = at_version(self.kind, event.after)
        if matcher is None:
            return event.type, after
        was = event.before is not None and matcher(event.before.manifest)
        now = event.type != "DELETED" and matcher(event.after.manifest)
        if was and now:
            return "MODIFIED", after
        return ("ADDED", after) if now else ("DELETED", after) if was else None

    def _bookmark(self, revision: int, *, is_initial: bool = False) -> Manifest:
        metadata: Manifest = {"resourceVersion": str(revision), "creationTimestamp": None}
        if is_initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        return {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": metadata}


