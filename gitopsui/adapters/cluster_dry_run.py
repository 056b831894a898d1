"""
What an API server itself says that applying an object would do: server-side apply as a dry run. Nothing is
stored by it (`dryRun=All`), and only connections that were granted it may ask.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from gitopsui.adapters.cluster_call import ClusterCall, read_object, unexpected_status
from gitopsui.adapters.cluster_discovery import ApiKind, Discovery
from gitopsui.adapters.cluster_listing import SECRET, Mask
from gitopsui.adapters.cluster_role import NAMESPACE
from gitopsui.adapters.http_socket import Deadline
from gitopsui.adapters.http_transport import Exchange
from gitopsui.domain.errors import ClusterError, InputError
from gitopsui.domain.mask_text import BULLETS, mask_text
from gitopsui.domain.normalize import canonical
from gitopsui.domain.resource import Manifest, group_kind_of
from gitopsui.domain.text import clean_text
from gitopsui.domain.tree import mapping

APPLY = "application/apply-patch+yaml"
# An object of etcd is at most 1.5 MiB; what is larger is refused there in any case.
MAX_BODY_BYTES = 3 << 20
# Names of roles may hold colons and blanks; none may end the part of the path that it is.
NAME = re.compile(r"[^/%\x00-\x1f\x7f]{1,253}")
MESSAGE_CHARS = 500
MOST_FIELDS = 10

# What a client does not apply; a rendered object that holds it all the same would be refused or a conflict.
_NOT_APPLIED = ("status",)
_NOT_APPLIED_METADATA = (
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
# Shorter texts stand in any sentence by chance.
_SHORTEST_HIDDEN = 4


class Outcome(StrEnum):
    """What the API server made of one object."""

    APPLIED = "applied"  # it is there; `applied` beside `live` says what would change
    CREATED = "created"  # it is not there and would be made
    REFUSED = "refused"  # the server would not take it
    FORBIDDEN = "forbidden"  # our account lacks a right


@dataclass(frozen=True, slots=True)
class DryRun:
    """Both objects are masked; `message` is a sentence and quotes no value that is masked."""

    outcome: Outcome
    live: Manifest | None = None
    applied: Manifest | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One object to be applied: its kind, and where it lives ("" for a kind without namespaces)."""

    kind: ApiKind
    namespace: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.kind.path(self.namespace)}/{quote(self.name, safe='')}"


def find_place(manifest: Manifest, discovery: Discovery, namespace: str) -> Place | None:
    """Where it would be applied; None when its kind is not known. Raises InputError for what has no place."""
    version = str(manifest.get("apiVersion", ""))
    kind = discovery.find(group_kind_of(manifest), version=version.rpartition("/")[2])
    if kind is None:
        return None
    if kind.api_version != version:
        raise InputError(f"The cluster does not serve {kind.kind} in {version}.", code="KIND_VERSION")
    metadata = mapping(manifest.get("metadata"))
    name = metadata.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in (".", ".."):
        raise InputError("It has no name that an API server takes.", code="NAME")
    home = (metadata.get("namespace") or namespace) if kind.is_namespaced else ""
    if kind.is_namespaced and not (isinstance(home, str) and NAMESPACE.fullmatch(home)):
        raise InputError("Its namespace is not the name of one.", code="NAMESPACE")
    return Place(kind, home, name)


def dry_run(
    call: ClusterCall, place: Place, manifest: Manifest, *, manager: str, mask: Mask, deadline: Deadline
) -> DryRun:
    """Raises ClusterError, as `ClusterCall.get`."""
    body = json.dumps(applicable(manifest, place)).encode("utf-8", "surrogatepass")
    if len(body) > MAX_BODY_BYTES:
        return DryRun(Outcome.REFUSED, message="It is larger than an API server takes.")
    found = call.get(place.path, deadline)
    if found.status == 403:
        return forbidden(place, "get")
    if found.status not in (200, 404):
        raise unexpected_status(found.status)
    query = {"dryRun": "All", "fieldManager": manager, "force": "true"}
    answer = call.patch(place.path, deadline, query=query, content_type=APPLY, body=body)
    if answer.status not in (200, 201):
        return refusal(answer, place, manifest, mask)
    applied = masked(answer, place.kind, mask)
    if found.status == 404:
        return DryRun(Outcome.CREATED, applied=applied)
    return DryRun(Outcome.APPLIED, masked(found, place.kind, mask), applied)


def applicable(manifest: Manifest, place: Place) -> Manifest:
    """
    The object as a client applies it, with its namespace. The texts of a Secret go as data, since what is
    applied as `stringData` is owned under a name that the stored object does not have.
    """
    if place.kind.group_kind == SECRET:
        manifest = canonical(manifest, SECRET.group, SECRET.kind)
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name not in _NOT_APPLIED_METADATA
    }
    metadata.pop("namespace", None)
    if place.namespace:
        metadata["namespace"] = place.namespace
    rest = {name: value for name, value in manifest.items() if name not in _NOT_APPLIED}
    return {**rest, "metadata": metadata}


def masked(answer: Exchange, kind: ApiKind, mask: Mask) -> Manifest:
    manifest = read_object(answer)
    if not isinstance(manifest.get("metadata"), dict):
        raise ClusterError("The API server answered with something that is no object.", code="CLUSTER_ERROR")
    try:
        return mask({**manifest, "apiVersion": kind.api_version, "kind": kind.kind})
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError):
        raise ClusterError(f"A {kind.kind} could not be masked.", code="CLUSTER_ERROR") from None


def refusal(answer: Exchange, place: Place, manifest: Manifest, mask: Mask) -> DryRun:
    if answer.status == 403 and is_missing_right(answer):
        return forbidden(place, "patch")
    status = read_status(answer)
    fields = [text for cause in causes_of(status) if isinstance(text := cause.get("field"), str)]
    if place.kind.group_kind == SECRET:
        # A message may quote what it refuses.
        named = clean_text(", ".join(fields[:MOST_FIELDS]), limit=MESSAGE_CHARS)
        return DryRun(Outcome.REFUSED, message=f"The API server refuses it{f': {named}' if named else ''}.")
    message = status.get("message")
    said = redacted(message if isinstance(message, str) else "", manifest, mask)
    shown = clean_text(mask_text(said), limit=MESSAGE_CHARS) or f"status {answer.status}"
    return DryRun(Outcome.REFUSED, message=f"The API server refuses it: {shown}")


def is_missing_right(answer: Exchange) -> bool:
    """Whether a 403 is about our account; quotas and admission plugins answer 403 as well."""
    message = read_status(answer).get("message")
    return not isinstance(message, str) or " cannot " in message


def read_status(answer: Exchange) -> dict[str, Any]:
    try:
        return read_object(answer)
    except ClusterError:
        return {}


def causes_of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []


def redacted(message: str, manifest: Manifest, mask: Mask) -> str:
    """The message without any value of the manifest that is masked."""
    for value in sorted(set(hidden_values(manifest, mask(manifest))), key=len, reverse=True):
        message = message.replace(value, BULLETS)
    return message


def hidden_values(raw: Any, shown: Any) -> Iterator[str]:
    """The texts and numbers of `raw` that are something else in its masked copy."""
    if isinstance(raw, dict) and isinstance(shown, dict):
        for name, value in raw.items():
            yield from hidden_values(value, shown.get(name))
    elif isinstance(raw, list) and isinstance(shown, list):
        for value, other in zip(raw, shown, strict=False):
            yield from hidden_values(value, other)
    elif isinstance(raw, dict | list):
        for value in raw.values() if isinstance(raw, dict) else raw:
            yield from hidden_values(value, None)
    elif raw != shown and len(str(raw)) >= _SHORTEST_HIDDEN:
        yield str(raw)


def forbidden(place: Place, verb: str) -> DryRun:
    kind = place.kind
    group = f' of the API group "{kind.group}"' if kind.group else ""
    where = f" in namespace {place.namespace}" if place.namespace else ""
    also = ' and, for what is not there yet, "create"' if verb == "patch" else ""
    return DryRun(
        Outcome.FORBIDDEN,
        message=f'Our service account may not "{verb}" {kind.plural}{group}{where}: grant it "{verb}"{also}.',
    )
