"""Reads: one object, a list in pages, and the forms objects go out in."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from functools import lru_cache

from .address import Target
from .answers import ApiError, bad_request, expired
from .exchange import Reply, Request, encode, reply
from .forms import Form, at_version, form_of, partial, table
from .kinds import Kind
from .selectors import Matcher, build_matcher
from .store import Compacted, Manifest, Store, Stored

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
    "the results."
)
_NOW = -1  # in place of a revision: whatever is there
_Place = tuple[str, str]


def read_one(request: Request, target: Target, stored: Stored) -> Reply:
    form = form_of(request.accept)
    if not form.name and stored.manifest["apiVersion"] == target.kind.api_version:
        return Reply(200, stored.text)
    return reply(form.of(target.kind, stored.manifest), content_type=form.content_type)


def read_list(request: Request, target: Target, store: Store) -> Reply:
    """One page. Raises `ApiError` 400, 410 and 504."""
    query = request.query
    matcher = matcher_of(target, query)
    limit = number_of(query, "limit")
    stored, revision, start = _snapshot(query, target, store)
    found = [item for item in stored if matcher is None or matcher(item.manifest)]
    after = [item for item in found if (item.namespace, item.name) > start] if start else found
    page = after[:limit] if limit else after
    metadata: Manifest = {"resourceVersion": str(revision)}
    if len(page) < len(after):
        store.shelve(revision, target.kind.resource, target.namespace, stored)
        metadata["continue"] = _pack(revision, (page[-1].namespace, page[-1].name))
        if matcher is None:
            metadata["remainingItemCount"] = len(after) - len(page)
    return _render(form_of(request.accept), target.kind, page, metadata)


def matcher_of(target: Target, query: Mapping[str, str]) -> Matcher | None:
    """What the selectors of a query ask for. Raises `ApiError` 400."""
    fields = query.get("fieldSelector", "")
    if target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={target.name}")))
    return build_matcher(target.kind, query.get("labelSelector", ""), fields)


def number_of(query: Mapping[str, str], name: str) -> int:
    """A number that is not negative, 0 when it is left out. Raises `ApiError` 400."""
    text = query.get(name) or "0"
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Invalid value for {name}: {json.dumps(text)}: must be a number")
    return int(text)


def _snapshot(
    query: Mapping[str, str], target: Target, store: Store
) -> tuple[tuple[Stored, ...], int, _Place | None]:
    """The objects, the revision they are of, and the place after which the page begins."""
    resource, namespace = target.kind.resource, target.namespace
    wanted, start = number_of(query, "resourceVersion"), None
    if query.get("continue"):
        wanted, start = _read_token(query["continue"])
    objects, revision = store.list_objects(resource, namespace)
    is_exact = start is not None or query.get("resourceVersionMatch") == "Exact"
    if wanted > revision:
        text = f"Too large resource version: {wanted}, current: {revision}"
        raise ApiError(504, "Timeout", text, details={"retryAfterSeconds": 1})
    if not is_exact or wanted in (revision, _NOW):
        return objects, revision, start
    try:
        return store.shelved(wanted, resource, namespace), wanted, start
    except Compacted:
        raise expired(_EXPIRED, continue_token=_pack(_NOW, start) if start else "") from None


def _pack(revision: int, start: _Place) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": revision, "start": start}
    return base64.urlsafe_b64encode(encode(token)).decode()


def _read_token(text: str) -> tuple[int, _Place]:
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode()))
        namespace, name = value["start"]
        return int(value["rv"]), (str(namespace), str(name))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error


def _render(form: Form, kind: Kind, page: list[Stored], metadata: Manifest) -> Reply:
    manifests = [item.manifest for item in page]
    if form.name == "Table":
        return reply(table(manifests) | {"metadata": metadata}, content_type=form.content_type)
    if form.name:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
        return reply(head | {"items": [partial(item) for item in manifests]}, content_type=form.content_type)
    texts = [encode(at_version(kind, item.manifest)) if kind.is_custom else _bare(item) for item in page]
    head = {"kind": kind.list_name, "apiVersion": kind.api_version, "metadata": metadata}
    return Reply(200, encode(head)[:-1] + b',"items":[' + b",".join(texts) + b"]}")


@lru_cache(maxsize=16_384)
def _bare(stored: Stored) -> bytes:
    """An item of a typed list goes without its kind."""
    return encode(
        {name: value for name, value in stored.manifest.items() if name not in ("kind", "apiVersion")}
    )
