"""Watches: a stream of changes, one JSON object on each line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from .address import Target
from .answers import bad_request, expired
from .exchange import Reply, Request, encode
from .forms import Form, form_of
from .reading import matcher_of, number_of
from .selectors import Matcher
from .store import Compacted, Manifest, Store, StoreEvent

LONGEST_SECONDS = 1800
_TURN_SECONDS = 1.0


def watch(request: Request, target: Target, store: Store, is_open: Callable[[], bool]) -> Reply:
    """Changes after `resourceVersion`; without one (or "0") first what is there, as ADDED."""
    query = request.query
    if query.get("sendInitialEvents"):
        raise bad_request(
            "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
        )
    revision = number_of(query, "resourceVersion")
    seconds = number_of(query, "timeoutSeconds") or LONGEST_SECONDS
    form = form_of(request.accept)
    flow = _Flow(store, target, matcher_of(target, query), form, is_open)
    flow.has_bookmarks = query.get("allowWatchBookmarks") in ("1", "true")
    return Reply(200, content_type=form.content_type, stream=flow.lines(revision, seconds))


class _Flow:
    def __init__(
        self, store: Store, target: Target, matcher: Matcher | None, form: Form, is_open: Callable[[], bool]
    ) -> None:
        self._store = store
        self._target = target
        self._matcher = matcher
        self._form = form
        self._is_open = is_open
        # Whether the end of the stream says up to where it went.
        self.has_bookmarks = False

    def lines(self, revision: int, seconds: int) -> Iterator[bytes]:
        deadline = time.monotonic() + min(seconds, LONGEST_SECONDS)
        if revision == 0:
            stored, revision = self._store.list_objects(self._target.kind.resource, self._target.namespace)
            for item in stored:
                if self._fits(item.manifest):
                    yield self._line("ADDED", item.manifest)
        try:
            yield from self._changes(revision, deadline)
        except Compacted:
            error = expired(f"too old resource version: {revision} ({self._store.revision})")
            yield encode({"type": "ERROR", "object": error.status()}) + b"\n"

    def _changes(self, revision: int, deadline: float) -> Iterator[bytes]:
        while self._is_open():
            for event in self._store.events_after(revision):
                revision = event.revision
                yield from self._lines_of(event)
            left = deadline - time.monotonic()
            if left <= 0:
                if self.has_bookmarks:
                    yield self._bookmark(revision)
                return
            self._store.wait(revision, min(left, _TURN_SECONDS))

    def _bookmark(self, revision: int) -> bytes:
        kind = self._target.kind
        head = {"kind": kind.kind, "apiVersion": kind.api_version}
        metadata = {"resourceVersion": str(max(revision, 1)), "creationTimestamp": None}
        return encode({"type": "BOOKMARK", "object": head | {"metadata": metadata}}) + b"\n"

    def _lines_of(self, event: StoreEvent) -> Iterator[bytes]:
        """A change into or out of the selection is an addition or a deletion."""
        if event.resource != self._target.kind.resource:
            return
        was = event.before is not None and self._fits(event.before.manifest)
        if event.type != "DELETED" and self._fits(event.after.manifest):
            yield self._line("MODIFIED" if was else "ADDED", event.after.manifest)
        elif was:
            yield self._line("DELETED", event.after.manifest)

    def _fits(self, manifest: Manifest) -> bool:
        if self._target.namespace and manifest["metadata"].get("namespace") != self._target.namespace:
            return False
        return self._matcher is None or self._matcher(manifest)

    def _line(self, kind: str, manifest: Manifest) -> bytes:
        return encode({"type": kind, "object": self._form.of(self._target.kind, manifest)}) + b"\n"
