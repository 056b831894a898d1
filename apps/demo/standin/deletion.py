"""Deletion: finalizers hold an object back, dependents go with their owner, a namespace takes all it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .address import Target
from .answers import conflict, modified, success
from .kinds import CUSTOM_RESOURCE_DEFINITION, NAMESPACE, Resource
from .registry import Registry
from .store import Manifest, Store, Stored

# A server has controllers that take these away as soon as nothing uses the object; here nothing ever does.
_RELEASED_AT_ONCE = frozenset({"kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"})
_DONE_HERE = frozenset({"foregroundDeletion", "orphan"})


def delete(registry: Registry, target: Target, options: Mapping[str, Any], *, is_dry_run: bool) -> Manifest:
    """Take an object away; a `Status`, or the object while finalizers hold it. Raises `ApiError`."""
    store, kind = registry.store, target.kind
    with store.writing():
        old = registry.get(target)
        _check(target, old, options.get("preconditions") or {})
        if not is_dry_run:
            held = _release(registry, kind.resource, old, orphans=_orphans(options))
            if held is not None:
                return held.manifest
    details = {"name": target.name, "group": kind.group, "kind": kind.plural}
    uid = old.manifest["metadata"]["uid"]
    return success({key: value for key, value in details.items() if value} | {"uid": uid})


def _check(target: Target, old: Stored, wanted: Mapping[str, Any]) -> None:
    kind, metadata = target.kind, old.manifest["metadata"]
    if wanted.get("resourceVersion", metadata["resourceVersion"]) != metadata["resourceVersion"]:
        raise modified(kind.plural, kind.group, target.name)
    if wanted.get("uid", metadata["uid"]) != metadata["uid"]:
        text = f"Precondition failed: UID in precondition: {wanted['uid']}, UID in object meta: {metadata['uid']}"
        raise conflict(kind.plural, kind.group, target.name, text)


def _orphans(options: Mapping[str, Any]) -> bool:
    return options.get("propagationPolicy") == "Orphan" or options.get("orphanDependents") is True


def _release(registry: Registry, resource: Resource, old: Stored, *, orphans: bool = False) -> Stored | None:
    """Remove an object and what depends on it; the object again when a finalizer holds it."""
    store, metadata = registry.store, old.manifest["metadata"]
    finalizers = [
        name for name in metadata.get("finalizers") or () if name not in _RELEASED_AT_ONCE | _DONE_HERE
    ]
    if finalizers:
        if metadata.get("deletionTimestamp"):
            return old
        marks = {
            "deletionTimestamp": registry.now(),
            "deletionGracePeriodSeconds": 0,
            "finalizers": finalizers,
        }
        return store.put(resource, old.manifest | {"metadata": metadata | marks})
    store.remove(resource, old.namespace, old.name)
    if resource == NAMESPACE.resource:
        _empty_namespace(store, old.name)
    if resource == CUSTOM_RESOURCE_DEFINITION.resource:
        _remove_all(store, (old.manifest["spec"]["group"], old.manifest["spec"]["names"]["plural"]))
    _release_dependents(registry, str(metadata["uid"]), orphans=orphans)
    return None


def _release_dependents(registry: Registry, uid: str, *, orphans: bool) -> None:
    for resource, dependent in registry.store.owned_by(uid):
        metadata = dependent.manifest["metadata"]
        others = [owner for owner in metadata["ownerReferences"] if owner["uid"] != uid]
        if others or orphans:
            rest = {name: item for name, item in metadata.items() if name != "ownerReferences"}
            rest |= {"ownerReferences": others} if others else {}
            registry.store.put(resource, dependent.manifest | {"metadata": rest})
        else:
            _release(registry, resource, dependent)


def _empty_namespace(store: Store, namespace: str) -> None:
    for resource in store.resources():
        _remove_all(store, resource, namespace)


def _remove_all(store: Store, resource: Resource, namespace: str = "") -> None:
    for stored in store.list_objects(resource, namespace)[0]:
        store.remove(resource, stored.namespace, stored.name)
