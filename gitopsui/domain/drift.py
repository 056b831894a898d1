"""What differs between Git and the cluster, object by object, for one application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gitopsui.domain.diff import FieldChange
from gitopsui.domain.errors import InputError
from gitopsui.domain.identity import (
    CLUSTER_SCOPED,
    GroupKind,
    Manifest,
    ResourceKey,
    find_key,
    flatten,
    key_of,
)
from gitopsui.domain.ignore import IgnoreRule, active_rules
from gitopsui.domain.owner import (
    has_controller,
    is_extraneous,
    is_foreign_copy,
    is_hook,
    is_made_by_cluster,
)
from gitopsui.domain.pair import field_changes
from gitopsui.domain.schema_kinds import is_built_in
from gitopsui.domain.shipped import BUILT_IN_RULES, scaled_rules, sidecar_rules
from gitopsui.domain.silenced import SilencedChange, SilencedDrift, silenced_changes
from gitopsui.domain.tree import mapping, text

__all__ = [
    "DriftKind",
    "Examination",
    "FieldChange",
    "IgnoreRule",
    "ResourceDrift",
    "SyncStatus",
    "compare",
    "examine",
    "sync_status",
]


class DriftKind(StrEnum):
    """How one object differs."""

    MODIFIED = "MODIFIED"  # both have it, fields differ
    MISSING = "MISSING"  # Git asks for it, the cluster lacks it
    EXTRA = "EXTRA"  # the cluster has it, Git does not ask for it
    UNKNOWN = "UNKNOWN"  # it could not be compared; the reason says why


class SyncStatus(StrEnum):
    """The answer for a whole application."""

    SYNCED = "Synced"  # nothing differs
    OUT_OF_SYNC = "OutOfSync"  # something differs
    UNKNOWN = "Unknown"  # at least one object could not be compared


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """One object that differs. `changes` is empty but for MODIFIED; `reason` is a sentence for the reader."""

    key: ResourceKey
    kind: DriftKind
    changes: tuple[FieldChange, ...] = ()
    reason: str = ""


def sync_status(drifts: Iterable[ResourceDrift]) -> SyncStatus:
    """Unknown if anything is, else OutOfSync if there is any drift, else Synced."""
    kinds = {drift.kind for drift in drifts}
    if DriftKind.UNKNOWN in kinds:
        return SyncStatus.UNKNOWN
    return SyncStatus.OUT_OF_SYNC if kinds else SyncStatus.SYNCED


def compare(
    desired: Iterable[Manifest],
    live: Iterable[Manifest],
    *,
    ignore: Sequence[IgnoreRule] = (),
    namespace: str = "",
    unreadable: Mapping[GroupKind, str] | None = None,
    now: datetime | None = None,
) -> list[ResourceDrift]:
    """
    The drift of one application, sorted by resource key. An empty list means in sync.

    `live` must hold only the objects this application owns; the caller has selected them, so that
    an unknown one is extra and not a neighbour's. Mask both sides under one key or neither.
    `namespace` is where objects without one are applied; `unreadable` names the kinds whose live
    objects could not be read and why, so that they are unknown and not missing. Expired rules count
    unless `now` is given.
    """
    case = _Case.of(desired, live, ignore=ignore, namespace=namespace, now=now)
    return case.drifts(unreadable or {})


@dataclass(frozen=True, slots=True)
class Examination:
    """What counts as drift, as `compare` tells it, and what rules took out of it, both sorted by key."""

    drifts: list[ResourceDrift]
    silenced: list[SilencedDrift]


def examine(
    desired: Iterable[Manifest],
    live: Iterable[Manifest],
    *,
    ignore: Sequence[IgnoreRule] = (),
    namespace: str = "",
    unreadable: Mapping[GroupKind, str] | None = None,
    now: datetime | None = None,
) -> Examination:
    """
    Like `compare`, and with it what the rules silence, those of people before those that are shipped.
    Rules speak of fields: a whole object that is missing or extra always counts.
    """
    case = _Case.of(desired, live, ignore=ignore, namespace=namespace, now=now)
    drifts = case.drifts(unreadable or {})
    return Examination(drifts, case.silenced(drifts))


@dataclass(frozen=True, slots=True)
class _Case:
    """Both sides of one comparison brought together, with the rules that count in it."""

    wanted: _Side
    found: _Side
    rules: Sequence[IgnoreRule]
    pairs: Sequence[_Paired]
    extra: Mapping[ResourceKey, Manifest]

    @classmethod
    def of(
        cls,
        desired: Iterable[Manifest],
        live: Iterable[Manifest],
        *,
        ignore: Sequence[IgnoreRule],
        namespace: str,
        now: datetime | None,
    ) -> _Case:
        wanted, found = _Side.of(desired, namespace), _Side.of(live)
        counted = ignore if now is None else active_rules(ignore, now)
        scaled = scaled_rules((*wanted.objects.values(), *found.objects.values()))
        return cls(wanted, found, [*counted, *scaled, *BUILT_IN_RULES], *_pair(wanted, found))

    def drifts(self, unreadable: Mapping[GroupKind, str]) -> list[ResourceDrift]:
        wanted, extra = self.wanted, self.extra
        drifts = [*wanted.refused, *self.found.refused, *_extras(wanted.objects, extra)]
        for key, want, have in self.pairs:
            if have is None:
                drifts.append(_missing(key, want, unreadable, extra))
            elif (modified := _judge(key, want, have, self.rules)) is not None:
                drifts.append(modified)
        return sorted((_with_note(drift, wanted.twice) for drift in drifts), key=lambda drift: drift.key)

    def silenced(self, drifts: Sequence[ResourceDrift]) -> list[SilencedDrift]:
        told = {drift.key: drift for drift in drifts}
        found = []
        for key, want, have in self.pairs:
            drift = told.get(key)
            if have is None or (drift is not None and drift.kind is not DriftKind.MODIFIED):
                continue
            if changes := self.taken_out(key, want, have, drift.changes if drift else ()):
                found.append(SilencedDrift(key, changes))
        return sorted(found, key=lambda one: one.key)

    def taken_out(
        self, key: ResourceKey, want: Manifest, have: Manifest, counted: Sequence[FieldChange]
    ) -> tuple[SilencedChange, ...]:
        rules = _fitting(key, have, self.rules)
        try:
            return silenced_changes(key, want, have, rules=rules, counted=counted) if rules else ()
        except RecursionError:
            # What a rule took out may be nested deeper than the rest; then there is nothing to show of it.
            return ()


@dataclass(slots=True)
class _Side:
    """The objects of Git or of the cluster by key: hooks left out, of two with one key the last kept."""

    namespace: str
    objects: dict[ResourceKey, Manifest] = field(default_factory=dict)
    twice: set[ResourceKey] = field(default_factory=set)
    refused: list[ResourceDrift] = field(default_factory=list)

    @classmethod
    def of(cls, manifests: Iterable[Any], namespace: str = "") -> _Side:
        side = cls(namespace)
        for manifest in flatten(manifests):
            side.add(manifest)
        return side

    def add(self, manifest: Any) -> None:
        if is_hook(manifest):
            return
        try:
            key = self.place(_home(key_of(manifest)))
        except InputError as error:
            self.refused.append(ResourceDrift(find_key(manifest), DriftKind.UNKNOWN, reason=error.message))
            return
        if key.name.endswith("*"):
            reason = "The cluster makes up its name (generateName), so it cannot be found again."
            self.refused.append(ResourceDrift(key, DriftKind.UNKNOWN, reason=reason))
            return
        if key in self.objects:
            self.twice.add(key)
        self.objects[key] = manifest

    def place(self, key: ResourceKey) -> ResourceKey:
        if key.namespace or not self.namespace or key.group_kind in CLUSTER_SCOPED:
            return key
        return replace(key, namespace=self.namespace)


# The API server has served these under two groups, and one object may come back from either.
_MOVED = {
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "Deployment"): "apps",
    ("extensions", "ReplicaSet"): "apps",
    ("extensions", "Ingress"): "networking.k8s.io",
    ("extensions", "NetworkPolicy"): "networking.k8s.io",
}


def _home(key: ResourceKey) -> ResourceKey:
    group = _MOVED.get((key.group, key.kind))
    return replace(key, group=group) if group else key


_Paired = tuple[ResourceKey, Manifest, Manifest | None]


def _pair(wanted: _Side, found: _Side) -> tuple[list[_Paired], dict[ResourceKey, Manifest]]:
    """Each object of Git with its live one, and the live ones nobody asked for."""
    extra = {key: have for key, have in found.objects.items() if key not in wanted.objects}
    by_name: dict[tuple[str, str, str], list[ResourceKey]] = {}
    for key in extra:
        by_name.setdefault((key.group, key.kind, key.name), []).append(key)
    pairs: list[_Paired] = []
    for key, want in wanted.objects.items():
        live_key = key if key in found.objects else _elsewhere(key, by_name, wanted.namespace)
        if live_key is None:
            pairs.append((key, want, None))
        else:
            pairs.append((live_key, want, found.objects[live_key]))
            extra.pop(live_key, None)
    return pairs, extra


def _elsewhere(
    key: ResourceKey, by_name: Mapping[tuple[str, str, str], Sequence[ResourceKey]], namespace: str
) -> ResourceKey | None:
    """
    The same object under another namespace, when one side does not know: a custom kind may be
    cluster-wide though Git gives it a namespace, and Git may leave the namespace to the cluster.
    """
    others = by_name.get((key.group, key.kind, key.name), ())
    cluster_wide = [other for other in others if not other.namespace]
    if cluster_wide:
        return cluster_wide[0]
    return others[0] if len(others) == 1 and not key.namespace and not namespace else None


def _judge(
    key: ResourceKey, want: Manifest, have: Manifest, rules: Sequence[IgnoreRule]
) -> ResourceDrift | None:
    fitting = _fitting(key, have, rules)
    try:
        changes = field_changes(want, have, group=key.group, kind=key.kind, rules=fitting)
    except RecursionError:
        return ResourceDrift(key, DriftKind.UNKNOWN, reason="It is nested too deep to be compared.")
    if not changes:
        return None
    versions = (text(want.get("apiVersion")), text(have.get("apiVersion")))
    if versions[0] != versions[1] and _is_translated(key):
        reason = f"Git writes {versions[0]}, the cluster answers in {versions[1]}; their fields may differ."
        return ResourceDrift(key, DriftKind.UNKNOWN, reason=reason)
    reason = "1 field differs." if len(changes) == 1 else f"{len(changes)} fields differ."
    return ResourceDrift(key, DriftKind.MODIFIED, changes, reason)


def _fitting(key: ResourceKey, have: Manifest, rules: Sequence[IgnoreRule]) -> list[IgnoreRule]:
    return [*(rule for rule in rules if rule.is_for(key)), *sidecar_rules(key, have)]


def _is_translated(key: ResourceKey) -> bool:
    # Versions of built-in kinds share their layout or are brought to one in `normalize`, this kind excepted.
    return not is_built_in(key.group) or key.kind == "CustomResourceDefinition"


def _missing(
    key: ResourceKey,
    want: Manifest,
    unreadable: Mapping[GroupKind, str],
    extra: Mapping[ResourceKey, Manifest],
) -> ResourceDrift:
    blind = unreadable.get(key.group_kind) or unreadable.get(GroupKind(find_key(want).group, key.kind))
    if blind is not None:
        return ResourceDrift(key, DriftKind.UNKNOWN, reason=blind)
    older = sorted(other.name for other in extra if _base(other) is not None and _base(other) == _base(key))
    note = f" The cluster still has {older[0]}, an older copy." if older else ""
    reason = f"Git asks for it and the cluster does not have it.{note}"
    return ResourceDrift(key, DriftKind.MISSING, reason=reason)


def _extras(
    wanted: Mapping[ResourceKey, Manifest], extra: Mapping[ResourceKey, Manifest]
) -> list[ResourceDrift]:
    current = {_base(key) for key in wanted} - {None}
    uids = {_uid(have) for key, have in extra.items() if key in wanted} - {""}
    drifts = []
    for key, have in extra.items():
        if _is_tolerated(have) or _base(key) in current or _uid(have) in uids:
            continue
        reason = "The cluster has it and Git does not ask for it."
        if mapping(have.get("metadata")).get("deletionTimestamp"):
            reason = "Git does not ask for it and it is being deleted."
        drifts.append(ResourceDrift(key, DriftKind.EXTRA, reason=reason))
    return drifts


def _is_tolerated(have: Manifest) -> bool:
    """Whether a live object may be there without Git: the cluster made it, or it says so itself."""
    return is_made_by_cluster(have) or has_controller(have) or is_extraneous(have) or is_foreign_copy(have)


def _uid(have: Manifest) -> str:
    return text(mapping(have.get("metadata")).get("uid"))


# kustomize ends generated names in ten characters of this alphabet, made from the content:
# https://github.com/kubernetes-sigs/kustomize/blob/master/api/hasher/hasher.go
_GENERATED = re.compile(r"(?P<base>.+)-[2456789bcdfghkmt]{10}")


def _base(key: ResourceKey) -> ResourceKey | None:
    """What a generated ConfigMap or Secret is called without the hash of its content; None for any other."""
    if key.group or key.kind not in ("ConfigMap", "Secret"):
        return None
    match = _GENERATED.fullmatch(key.name)
    return replace(key, name=match["base"]) if match else None


def _with_note(drift: ResourceDrift, twice: set[ResourceKey]) -> ResourceDrift:
    if drift.key not in twice:
        return drift
    return replace(drift, reason=f"{drift.reason} Git names it twice; the last one counts.")
