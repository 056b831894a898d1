"""One check of one application: gather desired and live, compare them, record the verdict at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.environments.models import Application, ApplicationEvent, VersionObservation
from apps.environments.services.desired import Desired, Mask, RenderDoor, read_desired, version_in
from apps.environments.services.events import update_events
from apps.environments.services.findings import store_drifts, store_resources
from apps.environments.services.live import Live, LiveDoor, placed, read_live
from apps.environments.services.orphans import record_unclaimed
from apps.environments.services.reconcilers import OwnVerdict, update_reconcilers
from apps.environments.services.silences import rules_for, with_silenced
from apps.environments.services.unchanged import is_unchanged, kept_mark, mark_of, record_unchanged
from apps.environments.services.unmoved import Bases, basis_of
from gitopsui.adapters.git import Mirror
from gitopsui.domain.cluster_hints import hint_of
from gitopsui.domain.drift import (
    DriftKind,
    Examination,
    IgnoreRule,
    ResourceDrift,
    SyncStatus,
    compare,
    examine,
    sync_status,
)
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.health import Health, HealthStatus, application_health
from gitopsui.domain.health_pods import summarise_pods
from gitopsui.domain.identity import GroupKind, find_key
from gitopsui.domain.image import running_digest
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.owner import Owner
from gitopsui.domain.running_since import running_since
from gitopsui.domain.secret_values import describe_not_compared
from gitopsui.domain.shipped import aggregated_rules
from gitopsui.domain.silenced import SilencedDrift
from gitopsui.domain.text import clean_text
from gitopsui.domain.volatile import VolatileField, is_made_up, volatile_rules

NOTE_LIMIT = 100
DIGEST_LIMIT = 200
NOT_READ_NOW = "Its file in Git cannot be read now; this is the last that is known."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found out. `live` is None where there is no cluster to ask."""

    desired: Desired
    live: Live | None
    drifts: tuple[ResourceDrift, ...]
    sync: SyncStatus
    sync_reason: str
    health: Health
    health_note: str = ""
    silenced: tuple[SilencedDrift, ...] = ()

    @property
    def drift_count(self) -> int:
        """Fields that differ, and whole resources that are missing or too many."""
        return sum(
            len(drift.changes) if drift.kind is DriftKind.MODIFIED else 1
            for drift in self.drifts
            if drift.kind is not DriftKind.UNKNOWN
        )


def check_application(
    application: Application,
    *,
    git: Mirror,
    renderer: RenderDoor,
    cluster: LiveDoor | None,
    mask: Mask,
    bases: Bases | None = None,
) -> None:
    """
    Gather, compare, record; where nothing moved since the last time, record that alone. When the cluster
    does not answer, its error is stored with the time of the first failure, the last findings stay, and
    ClusterError goes on to the job. What the verdict rests on is kept in `bases`.
    """
    now = timezone.now()
    desired = read_desired(application, git=git, renderer=renderer, mask=mask, now=now)
    try:
        live = _ask(application, desired, cluster)
    except ClusterError as error:
        record_failure(application, error, desired=desired, at=now)
        raise
    rules = rules_for(application, now=now)
    mark = mark_of(application, desired, live, rules)
    own = _conclude(application, desired, live, mark=mark, now=now)
    if application.cluster is not None and live is not None:
        record_unclaimed(application.cluster, live.unclaimed)
    update_events(application, live, cluster=cluster)
    told = update_reconcilers(application, own, git=git, cluster=cluster, now=timezone.now())
    if bases is not None:
        bases.keep(application, basis_of(application, desired, live, mark=mark, rules=rules, told=told))


def _conclude(
    application: Application, desired: Desired, live: Live | None, *, mark: str, now: datetime
) -> OwnVerdict:
    """Bring what is stored level with what was read, for which `mark` stands."""
    if is_unchanged(application, mark):
        record_unchanged(application, desired, now=timezone.now())
        sync, health = SyncStatus(application.sync), HealthStatus(application.health)
        return OwnVerdict(sync, health, desired.sha, application.drift_count, live)
    verdict = judge(application, desired, live, now=now)
    record_check(application, verdict, mark=mark, now=timezone.now())
    return OwnVerdict(
        verdict.sync, verdict.health.status, verdict.desired.sha, verdict.drift_count, verdict.live
    )


def _ask(application: Application, desired: Desired, cluster: LiveDoor | None) -> Live | None:
    if cluster is None or desired.error is not None:
        return None
    manifests = (*desired.manifests, *desired.kept)
    return read_live(manifests, namespace=application.namespace or "default", cluster=cluster)


def judge(application: Application, desired: Desired, live: Live | None, *, now: datetime) -> Verdict:
    """The verdict, without writing anything. What cannot be known is Unknown, with the reason."""
    if live is None and (desired.error is None or application.cluster_id is None):
        reason = (
            desired.error.message if desired.error else "No cluster is connected, so nothing can be compared."
        )
        health = Health(HealthStatus.UNKNOWN, "No cluster is connected.")
        return Verdict(desired, None, (), SyncStatus.UNKNOWN, reason, health)
    if live is None or desired.error is not None:
        reason = f"{desired.error.message} {desired.error.hint}".strip() if desired.error else ""
        health = Health(HealthStatus.UNKNOWN, "What belongs to it is not known while it cannot be rendered.")
        return Verdict(desired, None, (), SyncStatus.UNKNOWN, reason, health)
    unreadable = {kind: _unread(kind, reason) for kind, reason in live.unreadable.items()}
    namespace = application.namespace or "default"
    rules = (*rules_for(application, now=now), *volatile_rules(desired.volatile))
    found = _examine(desired, live, namespace=namespace, unreadable=unreadable, rules=rules, now=now)
    drifts = found.drifts
    asked = {find_key(manifest).group_kind for manifest in desired.manifests}
    blind = {kind: reason for kind, reason in unreadable.items() if kind in asked}
    sync, reason = _sync(drifts, desired, blind)
    health, note = _health(desired, live, drifts, blind)
    reason = " ".join(filter(None, (with_silenced(reason, found), describe_not_compared(live.own))))
    return Verdict(desired, live, tuple(drifts), sync, reason, health, note, tuple(found.silenced))


def _examine(
    desired: Desired,
    live: Live,
    *,
    namespace: str,
    unreadable: Mapping[GroupKind, str],
    rules: Sequence[IgnoreRule],
    now: datetime,
) -> Examination:
    """
    What differs and what rules silence of it; the objects of files that cannot be read are unknown, neither
    well nor too many. The rules of an aggregated ClusterRole are the cluster's, whatever Git writes there.
    """
    manifests = (*desired.manifests, *desired.kept)
    ignore = (*rules, *aggregated_rules(manifests))
    found = examine(manifests, live.own, ignore=ignore, namespace=namespace, unreadable=unreadable, now=now)
    # Against an empty cluster every kept object is told by the key it is compared under.
    kept = {drift.key for drift in compare(desired.kept, (), namespace=namespace, now=now)}
    unknown = [ResourceDrift(key, DriftKind.UNKNOWN, reason=NOT_READ_NOW) for key in sorted(kept)]
    named_there = [replace(field, key=placed(field.key, namespace)) for field in desired.volatile]
    made_up = [*desired.volatile, *named_there]
    return Examination(
        [one for one in found.drifts if one.key not in kept and not _is_earlier(one, made_up)] + unknown,
        [one for one in found.silenced if one.key not in kept],
    )


def _is_earlier(drift: ResourceDrift, made_up: Sequence[VolatileField]) -> bool:
    """Whether it is extra for no other reason than that each render gives it another name."""
    return drift.kind is DriftKind.EXTRA and is_made_up(drift.key, made_up)


def _unread(kind: GroupKind, reason: str) -> str:
    return f"{kind} could not be read: {mask_text(clean_text(reason))}"


def _sync(
    drifts: Sequence[ResourceDrift], desired: Desired, blind: Mapping[GroupKind, str]
) -> tuple[SyncStatus, str]:
    if blind:
        return SyncStatus.UNKNOWN, " ".join(sorted(set(blind.values())))
    if desired.is_incomplete:
        return (
            SyncStatus.UNKNOWN,
            "Some files of the folder cannot be read, so Git may ask for more than this.",
        )
    if not desired.manifests:
        return SyncStatus.UNKNOWN, "The folder holds no manifests, so there is nothing to compare."
    status = sync_status(drifts)
    if status is SyncStatus.UNKNOWN:
        return status, next(drift.reason for drift in drifts if drift.kind is DriftKind.UNKNOWN)
    return status, _describe(drifts)


def _describe(drifts: Sequence[ResourceDrift]) -> str:
    """`3 fields in 2 resources differ. 1 resource is missing.`"""
    if not drifts:
        return "Everything Git asks for is in the cluster as asked."
    modified = [drift for drift in drifts if drift.kind is DriftKind.MODIFIED]
    parts = []
    if modified:
        fields = sum(len(drift.changes) for drift in modified)
        parts.append(
            f"{_count(fields, 'field')} in {_count(len(modified), 'resource')} "
            f"{'differs' if fields == 1 else 'differ'}."
        )
    missing = sum(drift.kind is DriftKind.MISSING for drift in drifts)
    if missing:
        parts.append(f"{_count(missing, 'resource')} {'is' if missing == 1 else 'are'} missing.")
    extra = sum(drift.kind is DriftKind.EXTRA for drift in drifts)
    if extra:
        parts.append(f"{_count(extra, 'resource')} {'is' if extra == 1 else 'are'} not in Git.")
    return " ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _health(
    desired: Desired, live: Live, drifts: Sequence[ResourceDrift], blind: Mapping[GroupKind, str]
) -> tuple[Health, str]:
    missing = [drift.key for drift in drifts if drift.kind is DriftKind.MISSING]
    if not desired.manifests:
        return Health(HealthStatus.UNKNOWN, "There is nothing whose health could be told."), ""
    health = application_health(live.own, live.pods, missing=missing)
    if blind and health.status is HealthStatus.HEALTHY:
        # Never a green that rests on what nobody saw.
        return Health(HealthStatus.UNKNOWN, " ".join(sorted(set(blind.values())))), ""
    note = summarise_pods(live.pods) if health.status is not HealthStatus.HEALTHY else ""
    return health, note or _ready(live)


def _ready(live: Live) -> str:
    """`2 of 3 ready` over the pods; "" without pods."""
    pods = live.pods
    ready = sum(
        any(c.get("type") == "Ready" and c.get("status") == "True" for c in _conditions(pod)) for pod in pods
    )
    return f"{ready} of {len(pods)} ready" if pods else ""


def _conditions(pod: Mapping[str, object]) -> list[Mapping[str, object]]:
    status = pod.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return [c for c in conditions if isinstance(c, dict)] if isinstance(conditions, list) else []


def record_failure(application: Application, error: ClusterError, *, desired: Desired, at: datetime) -> None:
    """The cluster is silent: keep the last findings with their time, and what Git asks for all the same."""
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if row.failed_at is None:
            row.failed_at, row.changed_at = at, at
        row.error, row.error_hint = mask_text(clean_text(error.message)), hint_of(error)
        _apply_desired(row, desired, at)
        row.save()


def record_check(application: Application, verdict: Verdict, *, mark: str = "", now: datetime) -> None:
    """
    Store the verdict, its findings and what changed since the last one, in one transaction. `mark` stands
    for all it was made from.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        row.component = application.component
        before = _shown(row)
        _apply_desired(row, verdict.desired, now)
        if row.is_branch_gone and row.cluster_id is not None and row.checked_at is not None:
            # Nothing was confirmed: the last verdict stays as it is, with its time.
            _finish(row, before, now)
            return
        row.checked_at = now
        row.failed_at, row.error, row.error_hint = None, "", ""
        row.compared = kept_mark(mark, verdict.sync)
        _apply_status(row, verdict, now)
        if verdict.live is not None:
            row.compared_sha = verdict.desired.sha
            _apply_live(row, verdict.live, now)
            store_drifts(row, verdict.drifts, silenced=verdict.silenced, now=now)
            store_resources(row, verdict.desired, verdict.live, verdict.drifts)
        _finish(row, before, now)


def _finish(row: Application, before: tuple[object, ...], now: datetime) -> None:
    if _shown(row) != before:
        row.changed_at = now
    row.save()


def _shown(row: Application) -> tuple[object, ...]:
    return (
        row.sync, row.sync_reason, row.drift_count, row.health, row.health_reason, row.health_note,
        row.live_version, row.desired_version, row.desired_sha, row.desired_error, row.desired_notes,
        row.failed_at,
    )  # fmt: skip


def _apply_desired(row: Application, desired: Desired, now: datetime) -> None:
    error = desired.error
    row.desired_error = mask_text(clean_text(error.message)) if error else ""
    row.desired_error_code = error.code if error else ""
    row.desired_error_hint = error.hint if error else ""
    row.desired_at, row.desired_notes = now, list(desired.notes)
    if desired.sha:
        row.desired_sha = desired.sha
    if error is None:
        if not desired.is_incomplete:
            # Else the digest stays that of the last complete state, whose objects are kept.
            row.desired_digest = desired.digest
        row.desired_version = version_in((*desired.manifests, *desired.kept), row)
    elif row.declared_version and not row.desired_version:
        row.desired_version = row.declared_version


def _apply_status(row: Application, verdict: Verdict, now: datetime) -> None:
    if row.sync != verdict.sync or row.sync_since is None:
        _say(row, now, f"Sync became {verdict.sync}{_was(row.sync, row.sync_since)}")
        row.sync_since = now
    if row.health != verdict.health.status or row.health_since is None:
        _say(row, now, f"Health became {verdict.health.status}{_was(row.health, row.health_since)}")
        row.health_since = now
    row.sync, row.sync_reason = verdict.sync, clean_text(verdict.sync_reason, limit=1000)
    row.drift_count = verdict.drift_count
    row.health = verdict.health.status
    row.health_reason = mask_text(clean_text(verdict.health.message, limit=1000))
    row.health_note = clean_text(verdict.health_note, limit=NOTE_LIMIT)


def _was(status: str, since: datetime | None) -> str:
    return f", was {status}" if since is not None else ""


def _apply_live(row: Application, live: Live, now: datetime) -> None:
    version = version_in(live.own, row)
    row.live_digest = running_digest(live.pods, image=row.component.image)[:DIGEST_LIMIT]
    if live.owner is not None:
        row.managed_by = clean_text(_named(live.owner), limit=300)
    is_first = row.live_since is None and not row.observations.filter(source="live").exists()
    if version == row.live_version and not is_first:
        return
    since = _running_since(row, version, live, now) if is_first else now
    VersionObservation.objects.create(application=row, at=since or now, source="live", version=version)
    if not is_first:
        _say(row, now, f"Version became {version or 'unknown'}, was {row.live_version or 'unknown'}")
    row.live_version, row.live_since = version, since


def _running_since(row: Application, version: str, live: Live, now: datetime) -> datetime | None:
    """
    The first look cannot see when a version came. Its ReplicaSets and Pods tell, else the commit that asked
    for it where the history is read; else nobody knows.
    """
    if not version:
        return None
    since = running_since(version, (*live.made, *live.former), image=row.component.image)
    if since is not None:
        return min(since, now)
    asked = row.observations.filter(source="git").order_by("-at").first()
    return asked.at if asked is not None and asked.version == version else None


def _named(owner: Owner) -> str:
    return f"{owner.tool} {owner.name}"


def _say(row: Application, at: datetime, text: str) -> None:
    ApplicationEvent.objects.create(application=row, at=at, text=clean_text(text))
