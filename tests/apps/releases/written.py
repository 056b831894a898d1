"""A component with two releases whose notes are told, without a repository behind them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from apps.environments.models import Component
from apps.releases.models import NoteOverride, Release
from gitopsui.domain.commit import Commit
from gitopsui.domain.notes import build_notes, to_dict

AT = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
XSS = "<img src=x onerror=alert(1)>\u202e"


def sha_of(number: int) -> str:
    return f"{number:040x}"


def write_release(component: Component, version: str, messages: Iterable[str], **facts: Any) -> Release:
    """A release with notes of these messages; its commits count up from a number of its own."""
    start = component.releases.count() * 100 + 1
    commits = [
        Commit(sha_of(start + index), (), "Ada Example", "ada@example.org", AT, AT, message)
        for index, message in enumerate(messages)
    ]
    notes = build_notes(commits, base="v0.9.0", head=f"v{version}")
    values: dict[str, Any] = {
        "position": 1_000 - component.releases.count(),
        "commit_sha": sha_of(start),
        "dated_at": AT,
        "base_tag": "v0.9.0",
        "notes": to_dict(notes),
        "notes_sha": sha_of(start),
        "commit_count": len(commits),
        "change_count": notes.entry_count,
    }
    return Release.objects.create(component=component, tag=f"v{version}", version=version, **values | facts)


def override(component: Component, kind: str, key: str, **facts: Any) -> NoteOverride:
    values = {"edited_by": "ada", "edited_at": AT} | facts
    return NoteOverride.objects.create(component=component, kind=kind, key=key, **values)
