"""What the panel of reconcilers reads: what the tools say, beside what we see ourselves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.core.models import Job, JobState
from apps.environments.models import Application, KindListing, Reconciliation
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health_status import HealthStatus
from gitopsui.domain.identity import GroupKind
from gitopsui.domain.reconciler_objects import APPLICATION, HELM_RELEASE, KUSTOMIZATION

REFRESH = "environments.refresh_reconciler"
_LONG_ID = re.compile(r"(?<![0-9a-f])([0-9a-f]{7})[0-9a-f]{33,57}(?![0-9a-f])")
_KINDS = {"Argo CD": (APPLICATION,), "Flux": (KUSTOMIZATION, HELM_RELEASE)}
# The words of Flux, by the states the pages have an icon and a colour for; those of Argo CD have their own.
_WORDS = {
    "Ready": "ok",
    "Reconciling": "running",
    "Not ready": "failed",
    "Stalled": "failed",
    "Not reconciled yet": "never",
    "Unhealthy": "failed",
    "Released": "ok",
    "Not released": "failed",
    "Tests passed": "ok",
    "Tests failed": "failed",
}


@dataclass(frozen=True, slots=True)
class Refresh:
    """What became of the wish that it looks again: `state` is asked, done or refused."""

    state: str
    asked_at: datetime
    text: str = ""
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class ReconcilerRow:
    """
    One reconciler. `sync_state` and `health_state` are the state a word of Flux is drawn as, "" for the
    words that are Argo CD's.
    """

    pk: int
    tool: str
    kind: str
    namespace: str
    name: str
    sync: str
    sync_state: str
    health: str
    health_state: str
    revision: str
    message: str
    is_suspended: bool
    reconciled_at: datetime | None
    seen_at: datetime
    is_old: bool
    disagreement: str
    refresh: Refresh | None


@dataclass(frozen=True, slots=True)
class ReconcilerPanel:
    """All of one application; `problem` is why some could not be read. Nothing to show is no panel."""

    application_pk: int
    rows: tuple[ReconcilerRow, ...]
    problem: str
    own_sync: str
    own_health: str
    may_refresh: bool
    is_stale: bool = False

    @property
    def stamp(self) -> str:
        """Changes when the panel does; ages are words in minutes, which the clock of the page adds."""
        return hashlib.sha256(repr(self).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def reconcilers_of(application: Application) -> ReconcilerPanel | None:
    """The panel, or None where no reconciler is known and none could be hidden from us."""
    panel = panel_of(application)
    return panel if panel.rows or panel.problem else None


def panel_of(application: Application) -> ReconcilerPanel:
    rows = list(application.reconciliations.all())
    unread = _unread(application, rows)
    asked = [row.pk for row in rows if row.refresh_asked_at is not None]
    jobs = {job.subject_id: job for job in Job.objects.filter(kind=REFRESH, subject_id__in=asked)}
    cluster, is_stale = application.cluster, application.is_stale(timezone.now())
    return ReconcilerPanel(
        application.pk,
        tuple(_row(row, jobs.get(row.pk), is_old=is_stale or _kind_of(row) in unread) for row in rows),
        " ".join(dict.fromkeys(unread.values())),
        application.sync,
        application.health,
        may_refresh=cluster is not None and cluster.may_refresh and not cluster.is_paused,
        is_stale=is_stale,
    )


def _row(row: Reconciliation, job: Job | None, *, is_old: bool) -> ReconcilerRow:
    own: tuple[Any, ...] = (*SyncStatus, *HealthStatus)
    return ReconcilerRow(
        row.pk,
        row.tool,
        row.kind,
        row.namespace,
        row.name,
        row.sync,
        "" if row.sync in own else _WORDS.get(row.sync, "unknown"),
        row.health,
        "" if row.health in own else _WORDS.get(row.health, "unknown"),
        _LONG_ID.sub(r"\1", row.revision),
        row.message,
        row.is_suspended,
        row.reconciled_at,
        row.seen_at,
        is_old=is_old,
        disagreement=row.disagreement,
        refresh=_refresh(row, job),
    )


def _refresh(row: Reconciliation, job: Job | None) -> Refresh | None:
    if row.refresh_asked_at is None:
        return None
    is_answered = row.reconciled_at is not None and row.reconciled_at >= row.refresh_asked_at
    if job is None or job.state == JobState.DONE:
        return Refresh("done", row.refresh_asked_at, is_answered=is_answered)
    if job.state in (JobState.FAILED, JobState.QUARANTINED):
        return Refresh("refused", row.refresh_asked_at, job.last_error)
    return Refresh("asked", row.refresh_asked_at)


def _kind_of(row: Reconciliation | KindListing) -> GroupKind:
    return GroupKind(row.group, row.kind)


def _unread(application: Application, rows: Sequence[Reconciliation]) -> dict[GroupKind, str]:
    """The kinds of reconcilers that this application has, or is marked with, and why they were not read."""
    kinds = {_kind_of(row) for row in rows}
    for tool, of_tool in _KINDS.items():
        if application.managed_by.startswith(f"{tool} "):
            kinds.update(of_tool)
    if not kinds or application.cluster_id is None:
        return {}
    groups = {kind.group for kind in kinds}
    listings = KindListing.objects.filter(cluster=application.cluster_id, group__in=groups)
    found = [row for row in listings if _kind_of(row) in kinds]
    # Where all namespaces together are closed to us, the one that holds the reconcilers may be open.
    answered = {_kind_of(row) for row in found if not row.error}
    return {
        _kind_of(row): row.error for row in reversed(found) if row.error and _kind_of(row) not in answered
    }
