"""Jobs as their pages show them: what each does, for what, and how it goes."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from apps.core.models import Job, JobState

_KINDS = {
    "repositories.poll": ("Reading the repository", "repository-detail"),
    "repositories.commits": ("Storing its commits", "repository-detail"),
    "repositories.patches": ("Looking into its commits", "repository-detail"),
    "environments.check": ("Checking the application", "application-detail"),
    "environments.history": ("Reading its version history", "application-detail"),
    "environments.recognise": ("Looking what it holds", "set-up-repository"),
    "releases.update": ("Writing releases and notes", ""),
}


def row_of(job: Job) -> dict[str, Any]:
    label, page = _KINDS.get(job.kind, (job.kind, ""))
    return {
        "pk": job.pk,
        "kind_label": label,
        "subject": job.subject_label,
        "subject_url": reverse(page, args=[job.subject_id]) if page else "",
        "state": job.state,
        "paused": job.paused,
        "pause_reason": job.pause_reason,
        "attempts": job.attempts,
        "due_at": job.due_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "lease_until": job.lease_until,
        "last_error": job.last_error,
        "progress_done": job.progress_done,
        "progress_total": job.progress_total,
        "progress_text": job.progress_text,
    }


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


def heading_of() -> str:
    """What the list of jobs answers first: is something stuck?"""
    held = Job.objects.filter(state=JobState.QUARANTINED).count()
    failed = Job.objects.filter(state=JobState.FAILED).count()
    parts = [f"{held} held back"] * bool(held) + [f"{failed} failed"] * bool(failed)
    return ", ".join(parts) or "All jobs are well"
