"""Listing objects page by page: limit, continue, and what a server says when a page is too old."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .answers import ApiError, bad_request, expired
from .kinds import Kind
from .selectors import build_matcher
from .store import Compacted, Store, Stored

Manifest = dict[str, Any]

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list asks for; `limit` 0 is everything."""

    labels: str = ""
    fields: str = ""
    limit: int = 0
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page, the revision of its listing, and how many objects follow (None: it does not say)."""

    objects: tuple[Stored, ...]
    revision: int
    continue_token: str
    remaining: int | None

    def metadata(self) -> Manifest:
        found: Manifest = {"resourceVersion": str(self.revision)}
        if self.continue_token:
            found["continue"] = self.continue_token
        if self.remaining:
            found["remainingItemCount"] = self.remaining
        return found


def read_list_query(query: dict[str, str]) -> ListQuery:
    """Raises `ApiError` 400."""
    try:
        limit = int(query.get("limit") or 0)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{query["limit"]}": invalid syntax') from error
    return ListQuery(
        query.get("labelSelector", ""), query.get("fieldSelector", ""), limit, query.get("continue", "")
    )


def list_page(store: Store, kind: Kind, namespace: str, query: ListQuery) -> Page:
    """Raises `ApiError`: 400 for a selector or token that cannot be read, 410 for a token that is too old."""
    matcher = build_matcher(kind, query.labels, query.fields)
    start = ("", "")
    if query.continue_token:
        revision, start = _read_token(query.continue_token)
        objects = _shelved(store, kind, namespace, revision, start)
    else:
        objects, revision = store.list(kind.resource, namespace)
    if not query.limit and matcher is None:
        return Page(_after(objects, start), revision, "", None)
    rest = [stored for stored in _after(objects, start) if matcher is None or matcher(stored.manifest)]
    shown = tuple(rest[: query.limit] if query.limit else rest)
    if len(shown) == len(rest):
        return Page(shown, revision, "", None)
    store.shelve(revision, kind.resource, namespace, objects)
    token = _token(revision, shown[-1])
    return Page(shown, revision, token, None if matcher else len(rest) - len(shown))


def _after(objects: tuple[Stored, ...], start: tuple[str, str]) -> tuple[Stored, ...]:
    if start == ("", ""):
        return objects
    return tuple(stored for stored in objects if (stored.namespace, stored.name) > start)


def _shelved(
    store: Store, kind: Kind, namespace: str, revision: int, start: tuple[str, str]
) -> tuple[Stored, ...]:
    if revision < 0:  # the token of a 410: the rest, as it is now
        return store.list(kind.resource, namespace)[0]
    try:
        return store.shelved(revision, kind.resource, namespace)
    except Compacted:
        token = _encode({"v": "meta.k8s.io/v1", "rv": -1, "start": "/".join(start)})
        raise expired(_TOO_OLD, continue_token=token) from None


def _token(revision: int, last: Stored) -> str:
    return _encode({"v": "meta.k8s.io/v1", "rv": revision, "start": f"{last.namespace}/{last.name}"})


def _encode(token: Manifest) -> str:
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def _read_token(text: str) -> tuple[int, tuple[str, str]]:
    try:
        token = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        namespace, _, name = token["start"].partition("/")
        return int(token["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error


def at_version(kind: Kind, stored: Stored) -> Manifest:
    """The object in the version that was asked for; versions differ in nothing but their name here."""
    if stored.manifest["apiVersion"] == kind.api_version:
        return stored.manifest
    return stored.manifest | {"apiVersion": kind.api_version}


def list_text(kind: Kind, page: Page) -> bytes:
    """The JSON of a list, from texts that were made once. Items of built-in kinds carry no kind, as real ones."""
    head = {"kind": kind.list_name, "apiVersion": kind.api_version, "metadata": page.metadata()}
    start = json.dumps(head, separators=(",", ":")).encode()[:-1]
    return start + b',"items":[' + b",".join(_item_texts(kind, page.objects)) + b"]}"


def _item_texts(kind: Kind, objects: Sequence[Stored]) -> list[bytes]:
    names = json.dumps({"kind": kind.kind, "apiVersion": kind.api_version}, separators=(",", ":")).encode()
    prefix = names[:-1] + b","
    if kind.is_custom:
        return [
            stored.text if stored.text.startswith(prefix) else object_text(at_version(kind, stored))
            for stored in objects
        ]
    return [b"{" + stored.text.removeprefix(prefix) for stored in objects]


def object_text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def too_old(revision: int, oldest: int) -> ApiError:
    return expired(f"too old resource version: {revision} ({oldest})")
