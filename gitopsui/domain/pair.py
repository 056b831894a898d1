"""One object of Git beside the same object of the cluster: which fields differ, and who wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gitopsui.domain.diff import Comparison, FieldChange, Found, Step, address_of, path_of, pointer_of
from gitopsui.domain.identity import Manifest, annotations_of
from gitopsui.domain.ignore import IgnoreRule, split_pointer, without
from gitopsui.domain.managed_fields import Entry, entries_of, find_applier, find_writer, is_shared, owners_at
from gitopsui.domain.mask import BULLETS, LAST_APPLIED, is_masked
from gitopsui.domain.normalize import canonical
from gitopsui.domain.removal import FieldSet, LastApplied
from gitopsui.domain.schema import ABSENT, METADATA
from gitopsui.domain.schema_kinds import fallback_of, type_of
from gitopsui.domain.tree import mapping, objects, reach

_NOT_COMPARED = frozenset({"apiVersion", "kind", "metadata", "status"})
_COMPARED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
_SERVER_ANNOTATIONS = (
    LAST_APPLIED,
    "argocd.argoproj.io/tracking-id",
    "autoscaling.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
)
_OWN_METADATA = frozenset(
    {
        "clusterName",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generateName",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def field_changes(
    want: Manifest, have: Manifest, *, group: str, kind: str, rules: Sequence[IgnoreRule] = ()
) -> tuple[FieldChange, ...]:
    """
    The fields of one object that differ, in the order of Git, removed fields last. `rules` must all be
    for this object. Values of Secrets are never in the answer.
    """
    pointers = tuple(split_pointer(pointer) for rule in rules for pointer in rule.json_pointers)
    compared = _Pair(group, kind, pointers)
    found = compared.differences(compared.side(want), compared.side(have), want)
    if not found:
        return ()
    entries = entries_of(have)
    trusted = {manager for rule in rules for manager in rule.managers}
    return tuple(
        _change(item, entries, is_secret=(group, kind) == ("", "Secret"))
        for item in found
        if not _is_trusted(item, entries, trusted)
    )


class _Pair:
    """What the steps of one comparison share."""

    __slots__ = ("fallback", "group", "kind", "pointers", "struct")

    def __init__(self, group: str, kind: str, pointers: Sequence[tuple[str, ...]]) -> None:
        self.group, self.kind, self.pointers = group, kind, pointers
        self.struct, self.fallback = type_of(group, kind), fallback_of(group)

    def side(self, manifest: Manifest) -> Manifest:
        return canonical(without(manifest, self.pointers), self.group, self.kind)

    def differences(self, want: Manifest, have: Manifest, git: Manifest) -> list[Found]:
        body = {} if self.is_hidden(have) else {k: v for k, v in want.items() if k not in _NOT_COMPARED}
        metadata = _metadata(want)
        differ = Comparison(self.fallback)
        differ.fields(body, have, self.struct)
        differ.trail.append("metadata")
        differ.fields(metadata, mapping(have.get("metadata")), METADATA)
        return differ.found + self.removals(body, metadata, have, git)

    def is_hidden(self, have: Manifest) -> bool:
        """Whether this is a Secret of which we may see the metadata alone: a whole one always has a type."""
        return (self.group, self.kind) == ("", "Secret") and not {"data", "type", "stringData"} & have.keys()

    def removals(
        self, body: Manifest, metadata: Mapping[str, Any], have: Manifest, git: Manifest
    ) -> list[Found]:
        applier, entries = _applier(have, git)
        if applier is not None:
            differ: FieldSet | LastApplied = FieldSet(self.fallback)
            before: Mapping[str, Any] = {k: v for k, v in applier.fields.items() if k not in _UNOWNED}
            old_metadata: Any = applier.fields.get("f:metadata")
        else:
            applied = self.applied(have)
            if not applied:
                return []
            differ = LastApplied(self.fallback)
            before = {k: v for k, v in applied.items() if k not in _NOT_COMPARED}
            old = mapping(applied.get("metadata"))
            old_metadata = {name: old[name] for name in _COMPARED_METADATA if name in old}
        if not self.is_hidden(have):
            differ.removed(body, have, before, self.struct)
        differ.trail.append("metadata")
        differ.removed(metadata, mapping(have.get("metadata")), old_metadata, METADATA)
        if applier is None:
            return differ.found
        return [item for item in differ.found if not is_shared(entries, item.trail, applier)]

    def applied(self, have: Manifest) -> Manifest:
        """The object as kubectl or Argo CD applied it; empty when that is not known or not readable."""
        text = annotations_of(have).get(LAST_APPLIED)
        if not isinstance(text, str) or is_masked(text):
            return {}
        try:
            applied = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return self.side(applied) if isinstance(applied, dict) else {}


_UNOWNED = frozenset(f"f:{name}" for name in _NOT_COMPARED)


def _applier(have: Manifest, git: Manifest) -> tuple[Entry | None, tuple[Entry, ...]]:
    managers = objects(mapping(have.get("metadata")).get("managedFields"))
    if not any(entry.get("operation") == "Apply" for entry in managers):
        return None, ()
    entries = entries_of(have)
    return find_applier(entries, git), entries


def _metadata(want: Manifest) -> dict[str, Any]:
    """The metadata that Git decides about: labels, annotations and unknown fields, which are mistakes."""
    metadata = {k: v for k, v in mapping(want.get("metadata")).items() if k not in _OWN_METADATA}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        metadata["annotations"] = {
            name: value
            for name, value in annotations.items()
            if not str(name).startswith(_SERVER_ANNOTATIONS)
        }
    return metadata


def _is_trusted(item: Found, entries: Sequence[Entry], trusted: set[str]) -> bool:
    return bool(trusted) and any(entry.manager in trusted for entry in owners_at(entries, item.trail))


def _change(item: Found, entries: Sequence[Entry], *, is_secret: bool) -> FieldChange:
    writer = None if item.live is ABSENT else find_writer(entries, item.trail)
    is_hidden = is_secret and item.trail[0].name in ("data", "stringData")
    return FieldChange(
        path=path_of(item.trail),
        desired=_shown(item.desired, is_hidden=is_hidden),
        live=_shown(item.live, is_hidden=is_hidden),
        manager=writer.manager if writer else None,
        changed_at=writer.at if writer else None,
        pointer=pointer_of(item.trail),
        address=address_of(item.trail),
    )


def live_change(have: Manifest, trail: Sequence[Step]) -> FieldChange | None:
    """A field that only the cluster has, told like a change; None where it is not there."""
    value = reach(have, *(step.name for step in trail))
    if value is None:
        return None
    return _change(Found(tuple(trail), ABSENT, value), entries_of(have), is_secret=False)


def _shown(value: Any, *, is_hidden: bool) -> Any:
    if value is ABSENT or value is None:
        return None
    if not is_hidden or (isinstance(value, str) and is_masked(value)):
        return value
    if isinstance(value, dict):
        return {name: _shown(item, is_hidden=True) for name, item in value.items()}
    return BULLETS
