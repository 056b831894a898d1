"""What differed in an application until now, and what still does: its findings, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.environments.models import Application, DriftedResource
from apps.environments.selectors.commits import CommitNote, commit_note
from apps.environments.selectors.drift import DriftRow, drift_rows

MOST_FIELDS = 20
MOST_KINDS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference from when it was first seen until it was gone; `until` None while it is there."""

    kind: str
    name: str
    verdict: str
    is_silenced: bool
    since: datetime
    until: datetime | None
    lasted: timedelta | None
    reason: str
    commit: CommitNote | None
    rows: list[DriftRow]
    rest: int
    managers: list[str]


def findings_of(application: Application, kind: str) -> QuerySet[DriftedResource]:
    """All findings, open and closed, newest first; of one kind where one is given."""
    found = application.drifts.order_by("-first_seen_at", "-pk")
    return found.filter(kind=kind) if kind else found


def kinds_of(application: Application) -> list[str]:
    """The kinds that ever differed, for the filter."""
    kinds = application.drifts.order_by("kind").values_list("kind", flat=True).distinct()
    return list(kinds[:MOST_KINDS])


def finding_of(application: Application, row: DriftedResource) -> Finding:
    rows = drift_rows(row)
    return Finding(
        kind=row.kind,
        name=row.name,
        verdict=row.verdict,
        is_silenced=row.is_silenced,
        since=row.first_seen_at,
        until=row.resolved_at,
        lasted=row.resolved_at - row.first_seen_at if row.resolved_at else None,
        reason="" if rows else row.reason,
        commit=commit_note(application.repository, row.desired_sha),
        rows=rows[:MOST_FIELDS],
        rest=max(0, len(rows) - MOST_FIELDS),
        managers=_managers(row.changes),
    )


def _managers(changes: list[dict[str, Any]]) -> list[str]:
    """Who wrote the live values, each once, in the order of the fields."""
    return list(dict.fromkeys(change["manager"] for change in changes if change["manager"]))
