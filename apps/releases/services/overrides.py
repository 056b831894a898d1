"""Writes what people say instead of, or about, generated notes. Each act is in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person
from apps.core import audit
from apps.environments.models import Component
from apps.releases.models import NoteOverride, Release
from apps.releases.selectors.overrides import Subject
from gitopsui.domain.text import clean_text

TEXT_CHARS = 5_000
INTRODUCTION_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Wording:
    """What somebody typed; `advisory` are ids with blanks between them."""

    text: str
    audience: str
    is_hidden: bool
    advisory: str
    language: str


@transaction.atomic
def write_override(component: Component, subject: Subject, wording: Wording, *, by: Person) -> NoteOverride:
    """Store the override of this subject in this language; there is one at most."""
    found = component.note_overrides.filter(kind=subject.kind, key=subject.key, language=wording.language)
    before = found.first()
    row, _ = NoteOverride.objects.update_or_create(
        component=component,
        kind=subject.kind,
        key=subject.key,
        language=wording.language,
        defaults=asdict(wording)
        | {
            "text": clean_text(wording.text, limit=TEXT_CHARS),
            "generated": clean_text(subject.generated, limit=TEXT_CHARS),
            "edited_by": by.get_username(),
            "edited_at": timezone.now(),
        },
    )
    audit.record(
        by, "edited release note", component, label=f"{component}: {subject.title}",
        before=_told(before) if before else None, after=_told(row),
    )  # fmt: skip
    return row


@transaction.atomic
def remove_override(row: NoteOverride, *, by: Person) -> None:
    """From now on the generated text is shown again, to those it is meant for by default."""
    title = Subject(row.kind, row.key, "").title
    audit.record(
        by,
        "removed edit of release note",
        row.component,
        label=f"{row.component}: {title}",
        before=_told(row),
    )
    row.delete()


def _told(row: NoteOverride) -> dict[str, object]:
    return {
        "about": f"{row.kind} {row.key}",
        "text": row.text,
        "audience": row.audience,
        "hidden": row.is_hidden,
        "advisory": row.advisory,
        "language": row.language,
    }


@transaction.atomic
def write_introduction(release: Release, text: str, *, by: Person, render: Callable[[str], str]) -> None:
    """Store what stands above the notes of a release; `render` makes safe HTML of Markdown."""
    clean = clean_text(text.replace("\r\n", "\n").strip(), limit=INTRODUCTION_CHARS)
    before = release.introduction
    release.introduction, release.introduction_html = clean, render(clean) if clean else ""
    release.edited_by, release.edited_at = by.get_username(), timezone.now()
    release.save(update_fields=["introduction", "introduction_html", "edited_by", "edited_at"])
    audit.record(
        by, "edited introduction of release", release,
        before={"introduction": before}, after={"introduction": clean},
    )  # fmt: skip
