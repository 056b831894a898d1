"""Jobs as their pages show them: what each does, for what, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from apps.core.models import Job, JobState

_KINDS = {
    "repositories.poll": ("Reading the repository", "repository-detail"),
    "repositories.commits": ("Storing its commits", "repository-detail"),
    "repositories.patches": ("Looking into its commits", "repository-detail"),
    "repositories.tidy": ("Tidying its mirror", "repository-detail"),
    "environments.check": ("Checking the application", "application-detail"),
    "environments.history": ("Reading its version history", "application-detail"),
    "environments.recognise": ("Looking what it holds", "set-up-repository"),
    "environments.refresh_reconciler": ("Asking its reconciler to look again", "application-detail"),
    "environments.deep_check": ("Checking it with a dry run", "application-detail"),
    "releases.update": ("Writing releases and notes", ""),
    "releases.registry": ("Asking the registry", ""),
    "releases.cut": ("Pushing the tag of a release", ""),
    "promotions.advance": ("Taking the promotion further", "promotion-detail"),
    "promotions.render": ("Rendering what the promotion changes", "promotion-detail"),
    "promotions.gates": ("Asking its external gates", "promotion-detail"),
    "promotions.prepare": ("Reading the files a promotion edits", "application-detail"),
    "promotions.auto": ("Looking whether a promotion is due", ""),
    "promotions.check_forge": ("Trying the token of the forge", ""),
    "promotions.detect_forge": ("Finding out the forge", "repository-detail"),
    "promotions.send": ("Sending the message", ""),
}
_A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class JobRow:
    """
    A job as its pages show it. `due_at` is None where nobody waits for it: it runs, is paused or held back.

    `trouble` says how often it went wrong in a row, "" where it did not.
    """

    pk: int
    kind_label: str
    subject: str
    subject_url: str
    state: str
    paused: bool
    pause_reason: str
    trouble: str
    due_at: datetime | None
    is_due: bool
    started_at: datetime | None
    ended_at: datetime | None
    lease_until: datetime | None
    last_error: str
    progress_done: int
    progress_total: int | None
    progress_text: str


def row_of(job: Job) -> JobRow:
    label, page = _KINDS.get(job.kind, (job.kind, ""))
    due_at = _due_at(job)
    return JobRow(
        pk=job.pk,
        kind_label=label,
        subject=job.subject_label,
        subject_url=reverse(page, args=[job.subject_id]) if page else "",
        state=job.state,
        paused=job.paused,
        pause_reason=job.pause_reason,
        trouble=_trouble(job),
        due_at=due_at,
        is_due=due_at is not None and due_at < timezone.now() + _A_MOMENT,
        started_at=job.started_at,
        ended_at=job.ended_at,
        lease_until=job.lease_until,
        last_error=job.last_error,
        progress_done=job.progress_done,
        progress_total=job.progress_total,
        progress_text=job.progress_text,
    )


def _due_at(job: Job) -> datetime | None:
    is_waited_for = not job.paused and job.state not in (JobState.RUNNING, JobState.QUARANTINED)
    return job.due_at if is_waited_for else None


def _trouble(job: Job) -> str:
    if job.state == JobState.QUARANTINED:
        return f"{job.attempts} starts without an end"
    if not job.failures:
        return ""
    return "once" if job.failures == 1 else f"{job.failures} times in a row"


def detail_of(job: Job) -> dict[str, Any]:
    return {"heading": _heading(job), "runs": list(job.runs.all()[:20])}


def _heading(job: Job) -> str:
    label, _ = _KINDS.get(job.kind, (job.kind, ""))
    if job.state == JobState.QUARANTINED:
        return f"{label} is held back after three starts without an end"
    if job.state == JobState.FAILED:
        return f"{label} failed{' again' if job.failures > 1 else ''}"
    if job.state == JobState.RUNNING:
        return f"{label} is under way"
    return label


def heading_of(visible: QuerySet[Job]) -> str:
    """What the list of jobs answers first: is something stuck?"""
    held = visible.filter(state=JobState.QUARANTINED).count()
    failed = visible.filter(state=JobState.FAILED).count()
    parts = [f"{held} held back"] * bool(held) + [f"{failed} failed"] * bool(failed)
    return ", ".join(parts) or "All jobs are well"
