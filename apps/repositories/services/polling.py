"""A remote is asked what it has, and what it answered is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.repositories.models import Repository, Revision
from apps.repositories.services.commits import watch_commits
from gitopsui.adapters.git import FetchResult, Mirror
from gitopsui.adapters.git_output import Progress, Ref
from gitopsui.domain.errors import InputError, SourceError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

RECENT_COMMITS = 20
SUBJECT_LIMIT = 200
Report = Callable[[int, int, str], None]


def poll_repository(repository: Repository, *, git: Mirror, report: Report | None = None) -> bool:
    """
    Ask the remote what it has and bring the mirror level; whether anything changed.

    A failure is stored with the time of the first one, what was read before stays as it is, and the
    error goes on to the job, which tries again.
    """
    try:
        remote = git.ls_remote()
        is_known = remote.digest == repository.refs_digest and git.exists()
        fetched = None if is_known else git.fetch(on_progress=_listener(report))
        refs = [] if is_known else git.refs()
        size = None if is_known else git.size_bytes()
        commits = [] if is_known else _recent(git, repository.watched_branch or remote.head or "", refs)
    except (SourceError, InputError) as error:
        record_failure(repository, error, at=timezone.now())
        raise
    if fetched is not None:
        repository.recent_commits = commits
    _record_answer(repository, remote.digest, _short(remote.head), refs, fetched, size)
    watch_commits(repository)
    return fetched is not None


def _recent(git: Mirror, branch: str, refs: Iterable[Ref]) -> list[dict[str, str | None]]:
    """The newest commits of the watched branch, as the page of the repository lists them."""
    if branch not in {ref.name for ref in refs}:
        return []
    return [
        {
            "sha": commit.sha,
            "subject": mask_text(clean_text(commit.message.partition("\n")[0], limit=SUBJECT_LIMIT)),
            "author": clean_text(commit.author_name, limit=200) or "(unknown author)",
            "at": commit.committed_at.isoformat() if commit.committed_at else None,
        }
        for commit in git.log(branch, limit=RECENT_COMMITS)
    ]


def _listener(report: Report | None) -> Callable[[Progress], None] | None:
    if report is None:
        return None
    return lambda progress: report(progress.done, progress.total or 0, _words(progress))


def _words(progress: Progress) -> str:
    of = f" of {progress.total:,}" if progress.total else ""
    detail = f", {progress.detail}" if progress.detail else ""
    return f"{progress.phase.lower()}, {progress.done:,}{of}{detail}"


def _short(head: str | None) -> str:
    return (head or "").removeprefix("refs/heads/")


def record_failure(repository: Repository, error: SourceError | InputError, *, at: datetime) -> None:
    """Keep the last answer and say since when there is none."""
    repository.failed_at = repository.failed_at or at
    repository.error = mask_text(error.message)
    repository.error_code = error.code
    repository.error_hint = getattr(error, "hint", "")
    repository.save(update_fields=["failed_at", "error", "error_code", "error_hint"])


def _record_answer(
    repository: Repository,
    digest: str,
    head: str,
    refs: Iterable[Ref],
    fetched: FetchResult | None,
    size: int | None,
) -> None:
    now = timezone.now()
    with transaction.atomic():
        if fetched is not None:
            store_refs(repository, refs, now=now)
            repository.changed_at = now
            repository.rewritten_note = _rewritten(fetched, now) or repository.rewritten_note
        if size is not None:
            repository.size_bytes = size
        repository.default_branch = head or repository.default_branch
        repository.refs_digest, repository.polled_at = digest, now
        repository.failed_at = None
        repository.error = repository.error_code = repository.error_hint = ""
        repository.save()


def _rewritten(fetched: FetchResult, now: datetime) -> str:
    moves = [
        f"{change.name.removeprefix('refs/heads/')} from {(change.old_sha or '')[:8]} "
        f"to {(change.new_sha or '')[:8]}"
        for change in fetched.rewritten
    ]
    return f"History was rewritten on {now:%Y-%m-%d %H:%M} UTC: {', '.join(moves)}." if moves else ""


def store_refs(repository: Repository, refs: Iterable[Ref], *, now: datetime) -> None:
    """Bring the stored refs level with `refs`. What the remote no longer has is marked gone, not deleted."""
    stored = {row.name: row for row in repository.revisions.all()}
    seen: set[str] = set()
    fresh: list[Revision] = []
    moved: list[Revision] = []
    for ref in refs:
        seen.add(ref.name)
        row = stored.get(ref.name)
        if row is None:
            fresh.append(_row(repository, ref, now))
        elif (row.sha, row.gone_at) != (ref.sha, None):
            moved.append(_move(row, ref, now))
    Revision.objects.bulk_create(fresh, batch_size=500)
    Revision.objects.bulk_update(moved, _MOVING, batch_size=200)
    gone = [row.pk for name, row in stored.items() if name not in seen and row.gone_at is None]
    for start in range(0, len(gone), 500):
        Revision.objects.filter(pk__in=gone[start : start + 500]).update(gone_at=now)


_MOVING = ["sha", "commit_sha", "dated_at", "is_annotated", "seen_at", "gone_at", "previous_sha"]


def _row(repository: Repository, ref: Ref, now: datetime) -> Revision:
    return Revision(
        repository=repository,
        name=clean_text(ref.name, limit=500),
        short=clean_text(ref.short, limit=500),
        kind=str(ref.kind),
        sha=ref.sha,
        commit_sha=ref.commit_sha or "",
        dated_at=ref.date,
        is_annotated=ref.is_annotated,
        seen_at=now,
    )


def _move(row: Revision, ref: Ref, now: datetime) -> Revision:
    if row.sha != ref.sha:
        row.previous_sha, row.seen_at = row.commit_sha, now
    row.sha, row.commit_sha, row.dated_at = ref.sha, ref.commit_sha or "", ref.date
    row.is_annotated, row.gone_at = ref.is_annotated, None
    return row
