"""Marks a release bad, so that nothing offers it any more, and takes the mark back."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit
from apps.releases.models import Release
from apps.releases.services.registry import refresh_newest
from gitopsui.domain.text import clean_text

REASON_CHARS = 1_000


@transaction.atomic
def mark_bad(release: Release, reason: str, *, by: Person) -> None:
    """A release that is bad already gets the new reason."""
    _store(release, is_bad=True, reason=clean_text(reason.strip(), limit=REASON_CHARS))
    audit.record(by, "marked release bad", release, after={"reason": release.bad_reason})


@transaction.atomic
def unmark_bad(release: Release, *, by: Person) -> None:
    """Nothing happens to a release that is not bad."""
    if not release.is_bad:
        return
    before = release.bad_reason
    _store(release, is_bad=False, reason="")
    audit.record(by, "took back that release is bad", release, before={"reason": before})


def _store(release: Release, *, is_bad: bool, reason: str) -> None:
    release.is_bad, release.bad_reason = is_bad, reason
    release.save(update_fields=["is_bad", "bad_reason"])
    # What is newest, and so what is offered, depends on what is bad.
    refresh_newest(release.component)
