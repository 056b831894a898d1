"""Stores what a check found: open drifts with their beginning, and the rows of the resource tree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from apps.environments.models import Application, DriftedResource, ResourceState
from apps.environments.services.desired import Desired
from apps.environments.services.live import Live, owner_uid_of, placed, uid_of
from gitopsui.domain.diff import FieldChange
from gitopsui.domain.drift import DriftKind, ResourceDrift
from gitopsui.domain.health import Health, health_of
from gitopsui.domain.identity import Manifest, ResourceKey, find_key
from gitopsui.domain.ignore import IgnoreRule
from gitopsui.domain.image import images_in
from gitopsui.domain.mask_text import display, mask_text
from gitopsui.domain.secret_values import NOT_COMPARED, is_without_values
from gitopsui.domain.shape import check_shape
from gitopsui.domain.silenced import SilencedDrift
from gitopsui.domain.text import clean_json, clean_text
from gitopsui.domain.tree import mapping, text

VALUE_LIMIT = 2_000
POINTER_LIMIT = 2_000
NOTHING_COUNTS = "All that differs is silenced."
Identity = tuple[str, str, str, str]


def store_drifts(
    application: Application,
    drifts: Iterable[ResourceDrift],
    *,
    silenced: Iterable[SilencedDrift] = (),
    now: datetime,
) -> None:
    """
    Bring the open drifts level with what was found: a new one opens now, one that is still there keeps its
    beginning, whether it counts or is silenced by now, one that is gone is closed. Nothing is ever deleted.
    """
    open_rows: dict[Identity, DriftedResource] = {
        _identity(row): row for row in application.drifts.filter(resolved_at=None)
    }
    quiet = {_key_identity(one.key): one for one in silenced}
    for drift in drifts:
        identity = _key_identity(drift.key)
        if drift.kind is DriftKind.UNKNOWN:
            # What could not be compared neither opens nor closes anything.
            open_rows.pop(identity, None)
            continue
        row = open_rows.pop(identity, None) or _new_row(application, drift.key, now)
        _store_open(row, drift, quiet.pop(identity, None), now)
    for identity, one in quiet.items():
        found = open_rows.pop(identity, None)
        _store_open(found or _new_row(application, one.key, now), None, one, now)
    for row in open_rows.values():
        row.resolved_at = now
        row.save(update_fields=["resolved_at"])


def _store_open(
    row: DriftedResource, drift: ResourceDrift | None, silenced: SilencedDrift | None, now: datetime
) -> None:
    """One resource that differs: what of it counts, if anything does, and what is silenced."""
    row.verdict = (drift.kind if drift else DriftKind.MODIFIED).value
    row.reason = clean_text(drift.reason, limit=1000) if drift else NOTHING_COUNTS
    row.changes = [change_json(change) for change in drift.changes] if drift else []
    quiet = silenced.changes if silenced else ()
    row.silenced = [change_json(one.change) | _rule_json(one.rule) for one in quiet]
    row.is_silenced = drift is None
    row.desired_sha, row.last_seen_at = row.application.desired_sha, now
    row.save()


def _new_row(application: Application, key: ResourceKey, now: datetime) -> DriftedResource:
    group, kind, namespace, name = _key_identity(key)
    return DriftedResource(
        application=application, group=group, kind=kind, namespace=namespace, name=name, first_seen_at=now
    )


def _identity(row: DriftedResource) -> Identity:
    return row.group, row.kind, row.namespace, row.name


def _key_identity(key: ResourceKey) -> Identity:
    return (
        clean_text(key.group, limit=253),
        clean_text(key.kind, limit=100),
        clean_text(key.namespace, limit=253),
        clean_text(key.name, limit=300),
    )


def change_json(change: FieldChange) -> dict[str, Any]:
    return {
        "path": clean_text(change.path, limit=1000),
        "pointer": clean_text(change.pointer, limit=POINTER_LIMIT),
        "address": clean_text(change.address, limit=POINTER_LIMIT),
        "desired": _value(change.desired),
        "live": _value(change.live),
        "manager": clean_text(change.manager or "", limit=200),
        "changed_at": change.changed_at.isoformat() if change.changed_at else None,
    }


def _rule_json(rule: IgnoreRule) -> dict[str, Any]:
    """What silences a change: the level, the row of the silence (None for a shipped rule), and why."""
    return {"level": rule.level.value, "silence": rule.row, "why": clean_text(rule.reason, limit=1000)}


def _value(value: Any) -> str | None:
    """A value as text for the page; None where the field is not there."""
    if value is None:
        return None
    shown = value if isinstance(value, str) else json.dumps(clean_json(value), ensure_ascii=False)
    return clean_text(display(shown), limit=VALUE_LIMIT)


def store_resources(
    application: Application, desired: Desired, live: Live, drifts: Sequence[ResourceDrift]
) -> None:
    """Replace the rows of the resource tree, if anything in it changed."""
    blind = {row.group + "/" + row.kind for row in _kept_rows(application, live)}
    rows = _rows(application, desired, live, drifts)
    kept = [row for row in application.resources.all() if row.group + "/" + row.kind in blind]
    if _digest(application.resources.all()) == _digest([*rows, *kept]):
        return
    said = {row.uid: row.events for row in application.resources.all() if row.uid}
    for row in rows:
        row.events = said.get(row.uid, [])
    application.resources.exclude(pk__in=[row.pk for row in kept]).delete()
    ResourceState.objects.bulk_create(rows, batch_size=200)


def _kept_rows(application: Application, live: Live) -> list[ResourceState]:
    """Rows of kinds that could not be read this time: stale, never gone."""
    unread = {(kind.group, kind.kind) for kind in live.unreadable}
    return [row for row in application.resources.all() if (row.group, row.kind) in unread]


def _digest(rows: Iterable[ResourceState]) -> str:
    facts = sorted(
        [
            r.group,
            r.kind,
            r.namespace,
            r.name,
            r.uid,
            r.owner_uid,
            r.health,
            r.health_reason,
            r.sync,
            r.images,
        ]
        for r in rows
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _rows(
    application: Application, desired: Desired, live: Live, drifts: Sequence[ResourceDrift]
) -> list[ResourceState]:
    drifted = {drift.key: drift for drift in drifts}
    own = [_row(application, manifest, _sync(find_key(manifest), drifted)) for manifest in live.own]
    made = [_row(application, manifest, "owned") for manifest in live.made]
    namespace = application.namespace or "default"
    # By key, since Git may name an object twice; then the last one counts.
    absent = {
        key: manifest
        for manifest in desired.manifests
        for key in {find_key(manifest), placed(find_key(manifest), namespace)}
        if (found := drifted.get(key)) and found.kind is DriftKind.MISSING
    }
    return [*own, *made, *(_missing_row(application, manifest) for manifest in absent.values())]


def _sync(key: ResourceKey, drifted: dict[ResourceKey, ResourceDrift]) -> str:
    drift = drifted.get(key)
    if drift is None:
        return "Synced"
    return "Unknown" if drift.kind is DriftKind.UNKNOWN else "OutOfSync"


def _row(application: Application, manifest: Manifest, sync: str) -> ResourceState:
    notes = list(check_shape(manifest))
    if is_without_values(manifest):
        # Nothing is known to differ, and nothing is known to be the same.
        notes, sync = [*notes, NOT_COMPARED], ("Unknown" if sync == "Synced" else sync)
    health = health_of(manifest) or Health("", "")  # type: ignore[arg-type]
    return ResourceState(
        **_names(find_key(manifest)),
        application=application,
        uid=clean_text(uid_of(manifest), limit=64),
        owner_uid=clean_text(owner_uid_of(manifest), limit=64),
        health=str(health.status),
        health_reason=mask_text(clean_text(health.message, limit=1000)),
        sync=sync,
        images=[clean_text(mask_text(image.image), limit=1000) for image in images_in(manifest)],
        notes=[clean_text(note) for note in notes],
        created_at=_created(manifest),
    )


def _missing_row(application: Application, manifest: Manifest) -> ResourceState:
    return ResourceState(
        **_names(find_key(manifest)),
        application=application,
        health="Missing",
        health_reason="Git asks for it and the cluster does not have it.",
        sync="OutOfSync",
        images=[clean_text(mask_text(image.image), limit=1000) for image in images_in(manifest)],
        notes=[clean_text(note) for note in check_shape(manifest)],
    )


def _names(key: ResourceKey) -> dict[str, str]:
    group, kind, namespace, name = _key_identity(key)
    return {"group": group, "kind": kind, "namespace": namespace, "name": name}


def _created(manifest: Manifest) -> datetime | None:
    raw = text(mapping(manifest.get("metadata")).get("creationTimestamp"))
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
