"""What one cell of the board says: the applications of a component in an environment, joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.environments.models import Application
from apps.environments.selectors.drift import count_in
from apps.promotions.selectors.under_way import LockMark, UnderWay, marks_of
from apps.releases.selectors.versions import shown_version
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health import HealthStatus, worst_of

NO_CLUSTER = "no cluster connected"
_SYNC_ORDER = [SyncStatus.SYNCED, SyncStatus.OUT_OF_SYNC, SyncStatus.UNKNOWN]
_TINTS = {
    HealthStatus.DEGRADED: "bad",
    HealthStatus.MISSING: "warn",
    HealthStatus.PROGRESSING: "run",
}


@dataclass(frozen=True, slots=True)
class Lead:
    """How far a cell is behind its left neighbour; `count` None where that cannot be told."""

    environment: str
    count: int | None
    reason: str
    differs: bool = True
    promote_url: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One component in one environment, as the board shows it."""

    environment: str
    state: str = "absent"
    url: str = ""
    version: str = ""
    version_reason: str = ""
    version_count: int = 1
    desired_version: str = ""
    since: datetime | None = None
    health: str = ""
    health_reason: str = ""
    sync: str = ""
    drift_count: int = 0
    drift_words: str = ""
    sync_reason: str = ""
    tint: str = ""
    is_stale: bool = False
    stale_since: datetime | None = None
    stale_reason: str = ""
    cluster_note: str = ""
    behind: int | None = None
    behind_of: str = ""
    behind_reason: str = ""
    is_first: bool = True
    promotion: UnderWay | None = None
    lock: LockMark | None = None
    promote_url: str = ""


def build_cell(
    environment: str, applications: Sequence[Application], *, lead: Lead | None, is_first: bool, now: datetime
) -> Cell:
    """The worst health and sync of the applications, the versions they run, and what is not known."""
    if not applications:
        return Cell(environment, is_first=is_first)
    watched = [one for one in applications if one.cluster_id is not None]
    stale = [one for one in watched if one.is_stale(now)]
    health, sync = worst_of([a.health for a in watched]), _worst_sync(watched)
    worst = next((a for a in watched if a.health == health), applications[0])
    return Cell(
        environment=environment,
        state="present",
        url=f"/applications/{worst.pk}/",
        health=health if watched else "",
        sync=sync,
        tint="" if stale else _tint(health, sync, watched),
        cluster_note="" if watched else _no_cluster(applications[0]),
        is_first=is_first,
        **_reasons(worst, health, sync),
        **_versions(applications),
        **_moves(applications, lead),
        **_drift(health, watched),
        **_staleness(stale),
        **(_lag(lead) if lead else {}),
    )


def _reasons(worst: Application, health: str, sync: str) -> dict[str, Any]:
    """Why health and sync are as they are, where that is not as it should be."""
    return {
        "health_reason": worst.health_note if health != HealthStatus.HEALTHY else "",
        "sync_reason": _sync_note(worst) if sync == SyncStatus.UNKNOWN else "",
    }


def _versions(applications: Sequence[Application]) -> dict[str, Any]:
    """What runs, and since when; of several versions how many."""
    first, count = applications[0], len({shown_version(application) for application in applications})
    version = shown_version(first)
    return {
        "version": version,
        "version_reason": _version_reason(first),
        "version_count": count,
        "desired_version": _asked(first) if count == 1 else "",
        "since": _since(first) if version else None,
    }


def _moves(applications: Sequence[Application], lead: Lead | None) -> dict[str, Any]:
    """What is under way or locked; where nothing is, the way to promote what is behind."""
    marks = [marks_of(application) for application in applications]
    promotion = next((one.promotion for one in marks if one.promotion), None)
    promote_url = lead.promote_url if lead is not None and lead.differs and lead.count != 0 else ""
    return {
        "promotion": promotion,
        "lock": next((one.lock for one in marks if one.lock), None),
        "promote_url": promote_url if promotion is None else "",
    }


def _drift(health: str, watched: Sequence[Application]) -> dict[str, Any]:
    """What differs; where nothing is there, there are no fields to count."""
    if health == HealthStatus.MISSING:
        return {}
    return {"drift_count": sum(one.drift_count for one in watched), "drift_words": count_in(watched).short}


def _staleness(stale: Sequence[Application]) -> dict[str, Any]:
    """Since when it is not known, and why; nothing where all are believed."""
    if not stale:
        return {}
    since = min((at for one in stale if (at := one.checked_at or one.failed_at)), default=None)
    return {"is_stale": True, "stale_since": since, "stale_reason": stale[0].error or stale[0].desired_error}


def _lag(lead: Lead) -> dict[str, Any]:
    return {"behind": lead.count, "behind_of": lead.environment, "behind_reason": lead.reason}


def _version_reason(application: Application) -> str:
    if application.refusal:
        return "not rendered here"
    if application.desired_error:
        return application.desired_error[:80]
    return "" if application.checked_at else "not checked yet"


def _asked(application: Application) -> str:
    shown = shown_version(application)
    return (
        application.desired_version
        if application.desired_version != shown and not application.desired_error
        else ""
    )


def _since(application: Application) -> datetime | None:
    """Since when the version runs, or is asked for where no cluster says what runs."""
    if application.cluster_id is not None:
        return application.live_since
    return getattr(application, "asked_since", None)


def _worst_sync(applications: Sequence[Application]) -> str:
    return max((a.sync for a in applications), key=lambda s: _SYNC_ORDER.index(SyncStatus(s)), default="")


def _sync_note(application: Application) -> str:
    """Why it is unknown, in a few words; the whole sentence stands on the page of the application."""
    code = application.desired_error_code
    notes = {
        "TOOL_MISSING": "tool not found",
        "REMOTE_BASE": "remote base",
        "REMOTE_CHART": "remote chart",
        "HELM_CHARTS": "remote chart",
        "BRANCH_GONE": "branch gone",
        "NOT_RENDERED": "not rendered here",
        "NOT_FETCHED": "not read yet",
    }
    if code:
        return notes.get(code, "rendering failed")
    return "not checked yet" if application.checked_at is None else ""


def _tint(health: str, sync: str, watched: Sequence[Application]) -> str:
    if not watched:
        return ""
    tint = _TINTS.get(HealthStatus(health), "")
    if tint == "bad":
        return tint
    if sync == SyncStatus.OUT_OF_SYNC:
        return "warn"
    return tint or ("idle" if sync == SyncStatus.UNKNOWN or health == HealthStatus.UNKNOWN else "")


def _no_cluster(application: Application) -> str:
    if application.refusal or application.desired_error:
        return f"{_sync_note(application)}, {NO_CLUSTER}"
    return NO_CLUSTER
