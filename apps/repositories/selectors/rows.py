"""What the pages of repositories read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.jobs import job_of
from apps.core.models import Job, JobState
from apps.repositories.models import POLL, Repository
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.tree import mapping, text

MEGABYTE = 1_000_000
_JOBS = {"environments.recognise": "Looking what it holds"}
_WORDS = {
    "paused": "Paused",
    "failed": "Not reachable",
    "never": "Not read yet",
    "rewritten": "History was rewritten",
    "ok": "Read",
}


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as `core/_job_progress.html` shows it."""

    pk: int
    kind_label: str
    state: str
    due_at: datetime | None
    is_due: bool
    started_at: datetime | None
    ended_at: datetime | None
    last_error: str
    progress_done: int
    progress_total: int | None
    progress_text: str


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository as the list and its page show it."""

    pk: int
    name: str
    url: str
    address: str
    roles: list[str]
    state: str
    state_text: str
    polled_at: datetime | None
    error: str
    error_hint: str
    changed_at: datetime | None
    newest_at: datetime | None
    size: str
    project_name: str
    job: JobRow | None


def row_of(repository: Repository) -> RepositoryRow:
    state = state_of(repository)
    return RepositoryRow(
        pk=repository.pk,
        name=repository.name,
        url=reverse("repository-detail", args=[repository.pk]),
        address=mask_text(repository.url),
        roles=["config"] * repository.is_config + ["source"] * repository.is_source,
        state=state,
        state_text=_WORDS[state],
        polled_at=repository.polled_at,
        error=repository.error,
        error_hint=repository.error_hint,
        changed_at=repository.changed_at,
        newest_at=_newest(repository),
        size=_size(repository.size_bytes),
        project_name=repository.project.name,
        job=_first_poll(repository),
    )


def state_of(repository: Repository) -> str:
    if repository.is_paused:
        return "paused"
    if repository.failed_at is not None:
        return "failed"
    if repository.polled_at is None:
        return "never"
    return "rewritten" if repository.rewritten_note else "ok"


def _newest(repository: Repository) -> datetime | None:
    """When the newest commit says it was made; None where there is none, or it claims a time to come."""
    commit = mapping(next(iter(repository.recent_commits), None))
    at = parse_datetime(text(commit.get("at")))
    return at if at and at <= timezone.now() else None


def _size(size: int) -> str:
    if not size:
        return ""
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE / 10 else f"{max(size // 1000, 1)} kB"


def _first_poll(repository: Repository) -> JobRow | None:
    """The job, while the first clone is on its way or held back: then people wait for it."""
    row = job_of(POLL, repository.pk)
    if row is None or (repository.polled_at is not None and row.state != JobState.QUARANTINED):
        return None
    return job_context(row)


def job_context(row: Job) -> JobRow:
    return JobRow(
        pk=row.pk,
        kind_label=_JOBS.get(row.kind, "Reading the repository"),
        state=row.state,
        due_at=row.due_at,
        is_due=row.due_at is not None and row.due_at <= timezone.now(),
        started_at=row.started_at,
        ended_at=row.ended_at,
        last_error=row.last_error,
        progress_done=row.progress_done,
        progress_total=row.progress_total,
        progress_text=row.progress_text,
    )
