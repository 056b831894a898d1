"""Writes: what an API server does to an object between reading a request and storing the result."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import custom, ownership, validation
from .address import Target
from .allocation import allocate, carry_over
from .answers import ApiError, already_exists, bad_request, conflict, invalid, modified, not_found
from .catalogue import Catalogue
from .defaulting import add_defaults
from .immutability import find_immutable_changes
from .kinds import NAMESPACE, Kind
from .ownership import Operation, Shares, Writer
from .shapes import Shape, shape_of
from .store import Manifest, Store, Stored
from .typed import retyped

Clock = Callable[[], datetime]
_KEPT = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
_NOT_COUNTED = ("metadata", "status")
_NAMESPACES = NAMESPACE.resource


@dataclass(frozen=True, slots=True)
class Intent:
    """How somebody writes: as whom, for real or not, against the will of other managers or not."""

    manager: str
    is_dry_run: bool = False
    is_forced: bool = False


class Registry:
    """All writes into `store`; `clock` gives the present in UTC. Every method may raise `ApiError`."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self.store = store
        self.catalogue = catalogue
        self._clock = clock

    def now(self) -> str:
        """The present as objects write it: `2026-11-23T09:16:41Z`."""
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def get(self, target: Target) -> Stored:
        stored = self.store.get(target.kind.resource, target.namespace, target.name)
        if stored is None:
            raise not_found(target.kind.plural, target.kind.group, target.name)
        return stored

    def create(self, target: Target, body: Manifest, intent: Intent) -> Manifest:
        """Store a new object and give it back as it is stored."""
        with self.store.writing():
            manifest = identified(target, body)
            self._check_free(target, manifest)
            complete = prepared(target.kind, manifest)
            writer = writer_of(target, intent, "Update")
            before: Manifest = {"metadata": {}} | ({"spec": {}} if "spec" in complete else {})
            now = self.now()
            shares = ownership.own_update(before, complete, {}, writer, _shape(target.kind), now=now)
            return self._insert(target.kind, complete, shares, intent)

    def replace(self, target: Target, old: Stored, proposed: Manifest, intent: Intent) -> Manifest:
        """Store `proposed` in place of `old`, as an update or a patch asks for."""
        with self.store.writing():
            new = self._successor(target, old, proposed)
            given = proposed["metadata"].get("managedFields")
            shares = ownership.read_shares(proposed if given else old.manifest)
            if given == [{}]:
                shares = {}
            writer = writer_of(target, intent, "Update")
            shape = _shape(target.kind)
            shares = ownership.own_update(old.manifest, new, shares, writer, shape, now=self.now())
            return self._store(target.kind, old, new, shares, intent)

    def apply(self, target: Target, body: Manifest, intent: Intent) -> tuple[Manifest, bool]:
        """Server-side apply; the object, and whether it is new."""
        with self.store.writing():
            applied = self._applied(target, body)
            old = self.store.get(target.kind.resource, target.namespace, target.name)
            writer = writer_of(target, intent, "Apply")
            if old is not None:
                return self._apply_over(target, old, applied, writer, intent), False
            if target.subresource:
                raise not_found(target.kind.plural, target.kind.group, target.name)
            self._check_free(target, applied)
            _, others, paths = ownership.apply(
                {"metadata": {}}, applied, {}, writer, _shape(target.kind), is_forced=True
            )
            shares = ownership.own_applied({}, others, writer, paths, now=self.now())
            return self._insert(target.kind, prepared(target.kind, applied), shares, intent), True

    def _apply_over(
        self, target: Target, old: Stored, applied: Manifest, writer: Writer, intent: Intent
    ) -> Manifest:
        shape, shares = _shape(target.kind), ownership.read_shares(old.manifest)
        live = old.manifest
        merged, others, paths = ownership.apply(
            live, applied, shares, writer, shape, is_forced=intent.is_forced
        )
        new = self._successor(target, old, merged)
        shares = ownership.own_applied(shares, others, writer, paths, now=self.now())
        return self._store(target.kind, old, new, shares, intent)

    def _applied(self, target: Target, body: Manifest) -> Manifest:
        if (body.get("metadata") or {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        manifest = identified(target, body)
        for name in resets_of(target):
            manifest.pop(name, None)
        return manifest

    def _check_free(self, target: Target, manifest: Manifest) -> None:
        kind, name = target.kind, manifest["metadata"]["name"]
        if kind.is_namespaced and self.store.get(_NAMESPACES, "", target.namespace) is None:
            raise not_found("namespaces", "", target.namespace)
        if self.store.get(kind.resource, target.namespace, name) is not None:
            raise already_exists(kind.plural, kind.group, name)
        if manifest["metadata"].get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")

    def _insert(self, kind: Kind, manifest: Manifest, shares: Shares, intent: Intent) -> Manifest:
        now = self.now()
        metadata = manifest["metadata"]
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = now
        if kind.has_generation:
            metadata["generation"] = 1
        allocate(kind, manifest, self.store, now)
        _refuse(kind, manifest, _causes(kind, manifest))
        complete = ownership.write_shares(manifest, shares)
        return complete if intent.is_dry_run else self.store.put(kind.resource, complete).manifest

    def _successor(self, target: Target, old: Stored, proposed: Manifest) -> Manifest:
        """What would follow `old`: complete, allowed, and with all that a client cannot set taken from it."""
        kind, before = target.kind, old.manifest
        _check_preconditions(target, before, proposed["metadata"])
        new = prepared(kind, identified(target, proposed))
        if target.subresource == "status":
            new = before | ({"status": new["status"]} if "status" in new else {})
        elif "status" in kind.subresources:
            new.pop("status", None)
            new |= {"status": before["status"]} if "status" in before else {}
        kept = {name: before["metadata"][name] for name in _KEPT if name in before["metadata"]}
        own = {name: item for name, item in new["metadata"].items() if name not in (*_KEPT, "managedFields")}
        new = new | {"metadata": own | kept}
        if not target.subresource:
            carry_over(kind, before, new, self.store, self.now())
            _refuse(kind, new, _causes(kind, new) + find_immutable_changes(kind, before, new))
        return new

    def _store(self, kind: Kind, old: Stored, new: Manifest, shares: Shares, intent: Intent) -> Manifest:
        if kind.has_generation and _counted(old.manifest) != _counted(new):
            new = new | {
                "metadata": new["metadata"] | {"generation": new["metadata"].get("generation", 0) + 1}
            }
        new = ownership.write_shares(new, shares)
        new["metadata"]["resourceVersion"] = old.manifest["metadata"]["resourceVersion"]
        if new == old.manifest or intent.is_dry_run:
            return new
        stored = self.store.put(kind.resource, new)
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            self.store.remove(kind.resource, stored.namespace, stored.name)
        return stored.manifest


def prepared(kind: Kind, manifest: Manifest) -> Manifest:
    """A deep copy as the server reads it: typed and with defaults, or pruned by its schema."""
    validation.check_readable(kind, manifest)
    if kind.is_custom:
        return custom.completed(manifest, kind.schema or {})
    try:
        typed = retyped(manifest)
        add_defaults(kind.kind, typed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {error}'
        raise bad_request(text) from error
    return typed


def identified(target: Target, body: Mapping[str, Any]) -> Manifest:
    """A copy whose kind, namespace and name are those of the path; generated names are made here."""
    kind = target.kind
    if (
        body.get("kind", kind.kind) != kind.kind
        or body.get("apiVersion", kind.api_version) != kind.api_version
    ):
        raise bad_request(
            f"the API version in the data ({body.get('apiVersion')}, {body.get('kind')}) does not match the "
            f"expected API version ({kind.api_version}, {kind.kind})"
        )
    given = body.get("metadata") or {}
    if not isinstance(given, dict):
        raise bad_request("metadata is no object")
    metadata = dict(given)
    _name(metadata, target)
    return {**body, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


def _name(metadata: Manifest, target: Target) -> None:
    name = metadata.get("name") or target.name
    if not name and metadata.get("generateName"):
        name = f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
    if not name:
        raise invalid_name(target.kind)
    if target.name and name != target.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )
    metadata["name"] = name
    if not target.kind.is_namespaced:
        metadata.pop("namespace", None)
        return
    if metadata.get("namespace", target.namespace) != target.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    metadata["namespace"] = target.namespace


def invalid_name(kind: Kind) -> ApiError:
    return invalid(
        kind.kind, kind.group, "", [validation.required("metadata.name", "name or generateName is required")]
    )


def writer_of(target: Target, intent: Intent, operation: Operation) -> Writer:
    return Writer(
        intent.manager, operation, target.kind.api_version, target.subresource, resets=resets_of(target)
    )


def resets_of(target: Target) -> tuple[str, ...]:
    if target.subresource == "status":
        return ("spec",)
    return ("status",) if "status" in target.kind.subresources else ()


def _check_preconditions(target: Target, before: Manifest, given: Mapping[str, Any]) -> None:
    kind, known = target.kind, before["metadata"]
    if given.get("resourceVersion") not in (None, "", known["resourceVersion"]):
        raise modified(kind.plural, kind.group, target.name)
    if given.get("uid") not in (None, "", known["uid"]):
        text = f"Precondition failed: UID in precondition: {given['uid']}, UID in object meta: {known['uid']}"
        raise conflict(kind.plural, kind.group, target.name, text)


def _causes(kind: Kind, manifest: Manifest) -> list[Any]:
    causes = validation.find_causes(kind, manifest)
    return causes + (custom.find_causes(manifest, kind.schema or {}) if kind.is_custom else [])


def _refuse(kind: Kind, manifest: Manifest, causes: list[Any]) -> None:
    if causes:
        raise invalid(kind.kind, kind.group, str(manifest["metadata"].get("name", "")), causes)


def _counted(manifest: Manifest) -> Manifest:
    return {name: value for name, value in manifest.items() if name not in _NOT_COUNTED}


def _shape(kind: Kind) -> Shape:
    return shape_of(kind.kind, kind.schema if kind.is_custom else None)
