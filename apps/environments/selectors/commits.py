"""A commit of a config repository as pages name it, with its author and subject where they are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from apps.repositories.models import Repository
from gitopsui.domain.web_address import commit_address


@dataclass(frozen=True, slots=True)
class CommitNote:
    """`is_outside`: the address leads to the Git host and not to our own page."""

    sha: str
    subject: str
    author: str
    at: datetime | None
    url: str
    is_outside: bool
    repository_id: int


def commit_note(repository: Repository, sha: str) -> CommitNote | None:
    """The commit by what the last look at the repository kept; None without a commit."""
    if not sha:
        return None
    known: dict[str, str] = next((one for one in repository.recent_commits if one.get("sha") == sha), {})
    outside = commit_address(repository.url, sha)
    return CommitNote(
        sha=sha,
        subject=known.get("subject", ""),
        author=known.get("author", ""),
        at=parse_datetime(known["at"]) if known.get("at") else None,
        url=outside or reverse("repository-detail", args=[repository.pk]),
        is_outside=bool(outside),
        repository_id=repository.pk,
    )
