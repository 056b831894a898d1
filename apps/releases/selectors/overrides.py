"""What people said about entries and releases, and the notes as a reader sees them with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.urls import reverse
from django.utils.http import urlencode

from apps.environments.models import Component
from apps.releases.models import NoteOverride, Release
from apps.repositories.selectors.commits import commits_by_id
from gitopsui.domain.commit import parse_message
from gitopsui.domain.note_overrides import (
    Audience,
    Index,
    Override,
    Said,
    apply_overrides,
    generated_text,
    index_overrides,
    summarise,
    tell_commit,
)
from gitopsui.domain.text import clean_text

KINDS = ("commit", "pull_request", "release")
MOST_LISTED = 500
KEPT_SECONDS = 3_600
SUMMARY_CHARS = 300
_FIELDS = (
    "kind", "key", "text", "audience", "is_hidden", "advisory", "language", "edited_by", "edited_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What an override is about; `generated` is what the notes say of themselves."""

    kind: str
    key: str
    generated: str

    @property
    def title(self) -> str:
        if self.kind == "commit":
            return f"commit {self.key[:7]}"
        return f"#{self.key}" if self.kind == "pull_request" else f"release {self.key}"


def audience_of(text: str, default: Audience = Audience.INTERNAL) -> Audience:
    """The audience an address names."""
    return Audience(text) if text in list(Audience) else default


def read_overrides(component: Component) -> list[Override]:
    """All of a component, in one query."""
    return [as_override(*row) for row in component.note_overrides.values_list(*_FIELDS)]


def as_override(
    kind: str, key: str, text: str, audience: str, is_hidden: bool, advisory: str, language: str, *by: Any
) -> Override:
    edited_by, edited_at = by
    advisories = tuple(advisory.split())
    return Override(
        kind, key, text, Audience(audience), is_hidden, advisories, language, edited_by, edited_at
    )


def shown_notes(
    component: Component,
    notes: Mapping[str, Any],
    *,
    audience: Audience,
    language: str = "",
    overrides: Iterable[Override] | None = None,
) -> dict[str, Any]:
    """Notes with what people said about them; one query unless the overrides are at hand."""
    found = read_overrides(component) if overrides is None else overrides
    return apply_overrides(notes, found, audience=audience, language=language)


def index_of(component: Component) -> Index:
    """What people said about the commits of a component, for `tell_commit`; one query."""
    return index_overrides(read_overrides(component))


def index_of_repository(pk: int) -> Index:
    """The same of all components that a repository is the source of: what is hidden in one is hidden."""
    rows = NoteOverride.objects.filter(component__source=pk, kind__in=("commit", "pull_request"))
    return index_overrides(as_override(*row) for row in rows.values_list(*_FIELDS))


def tell_subject(subject: str, index: Index, *, sha: str) -> Said:
    """What is shown in place of the subject of a commit of the repository that `index` is of."""
    return tell_commit(subject, index, sha=sha, pull_requests=numbers_in(subject))


def numbers_in(message: str) -> tuple[int, ...]:
    """The pull request a commit names."""
    found = parse_message(message).pull_request
    return (found,) if found else ()


def told_summaries(releases: Iterable[Release]) -> dict[int, str]:
    """
    The summaries of releases, by id, as the people of the project may read them: without what somebody hid,
    with what somebody wrote. One query; the notes, which may be long, are only read where something that the
    summary rests on is new.
    """
    listed = list(releases)
    said: dict[int, list[Override]] = {}
    rows = NoteOverride.objects.filter(component__in={one.component_id for one in listed})
    for component, *row in rows.values_list("component_id", *_FIELDS):
        said.setdefault(component, []).append(as_override(*row))
    keys = {one.pk: _key(one, said[one.component_id]) for one in listed if one.component_id in said}
    known: dict[str, str] = cache.get_many(keys.values()) if keys else {}
    fresh = _summarise([one for one in listed if one.pk in keys and keys[one.pk] not in known], said)
    if fresh:
        cache.set_many({keys[pk]: text for pk, text in fresh.items()}, KEPT_SECONDS)
    told = {pk: known[key] for pk, key in keys.items() if key in known}
    return {one.pk: one.summary for one in listed} | told | fresh


def _key(release: Release, said: Sequence[Override]) -> str:
    facts = repr((release.pk, release.notes_sha, release.change_count, release.summary, said))
    return f"told-summary:{hashlib.sha256(facts.encode()).hexdigest()}"


def _summarise(releases: Iterable[Release], said: Mapping[int, Sequence[Override]]) -> dict[int, str]:
    component_of = {one.pk: one.component_id for one in releases}
    if not component_of:
        return {}
    rows = Release.objects.filter(pk__in=component_of, notes__isnull=False)
    told = {}
    for pk, notes in rows.values_list("pk", "notes"):
        shown = apply_overrides(notes or {}, said[component_of[pk]], audience=Audience.INTERNAL)
        told[pk] = clean_text(summarise(shown), limit=SUMMARY_CHARS)
    return told


def with_edit_urls(notes: Mapping[str, Any], component: Component, release: Release | None = None) -> None:
    """Give each entry of these notes, which are changed, the address where it is edited."""
    place = edit_address(component)
    of = {"release": str(release.pk)} if release else {}
    for section in notes["sections"]:
        for entry in section["entries"]:
            # Whom it is meant for now: to write it anew must not open it to everybody by the way.
            now = {"kind": "commit", "key": entry["sha"], "audience": entry["audience"]}
            query = urlencode(now | of)
            entry["edit_url"] = f"{place}?{query}"


def edit_address(component: Component) -> str:
    return reverse("note-override", args=[component.project.slug, component.slug])


def audience_links(query: Mapping[str, str], audience: Audience) -> list[dict[str, Any]]:
    """The switch between the two readers, as links that keep the rest of the address."""
    words = {Audience.PUBLIC: "Customers", Audience.INTERNAL: "Engineers"}
    rest = {name: value for name, value in query.items() if name != "audience"}
    return [
        {"word": word, "url": f"?{urlencode({**rest, 'audience': one.value})}", "is_current": one == audience}
        for one, word in words.items()
    ]


def find_subject(component: Component, kind: str, key: str, release: Release | None) -> Subject | None:
    """What the address of an edit page names; None where there is nothing of that name."""
    if kind == "release":
        found = release if release and release.tag == key else component.releases.filter(tag=key).first()
        return Subject(kind, key, found.summary) if found else None
    entry = _find_entry(release, kind, key) if release else None
    if entry is not None:
        return Subject(kind, key, generated_text(entry))
    if kind == "commit" and component.source is not None:
        for commit in commits_by_id(component.source, [key]):
            return Subject(kind, key, parse_message(commit.message).description)
    is_number = kind == "pull_request" and key.isascii() and key.isdecimal() and len(key) < 12
    known = component.note_overrides.filter(kind=kind, key=key).first()
    if known is not None:
        return Subject(kind, key, known.generated)
    return Subject(kind, key, "") if is_number else None


def _find_entry(release: Release, kind: str, key: str) -> Mapping[str, Any] | None:
    field = "shas" if kind == "commit" else "pull_requests"
    for section in (release.notes or {}).get("sections", []):
        for entry in section["entries"]:
            if key in map(str, entry.get(field, ())):
                return dict(entry)
    return None


def pull_request_of(release: Release | None, kind: str, key: str) -> str:
    """The pull request that brought a commit, "" where that is not told."""
    entry = _find_entry(release, kind, key) if release and kind == "commit" else None
    numbers = entry.get("pull_requests") if entry else None
    return str(numbers[0]) if numbers else ""


def list_overrides(component: Component, release: Release | None = None) -> list[dict[str, Any]]:
    """The overrides of a component, newest first; with a release those of its entries and of itself."""
    rows = component.note_overrides.all()
    if release is not None:
        wanted = _keys_of(release)
        listed = [row for row in rows if (row.kind, row.key) in wanted]
    else:
        listed = list(rows[:MOST_LISTED])
    return [_row(component, row, release) for row in listed[:MOST_LISTED]]


def _keys_of(release: Release) -> set[tuple[str, str]]:
    entries = [entry for section in (release.notes or {}).get("sections", []) for entry in section["entries"]]
    keys = {("commit", str(sha)) for entry in entries for sha in entry.get("shas", ())}
    keys |= {("pull_request", str(number)) for entry in entries for number in entry.get("pull_requests", ())}
    return keys | {("release", release.tag)}


def _row(component: Component, row: NoteOverride, release: Release | None) -> dict[str, Any]:
    query: dict[str, Any] = {"kind": row.kind, "key": row.key, "language": row.language}
    if release is not None:
        query["release"] = release.pk
    return {
        "title": Subject(row.kind, row.key, "").title,
        "text": row.text,
        "generated": row.generated,
        "audience": row.get_audience_display(),
        "is_hidden": row.is_hidden,
        "advisory": row.advisory,
        "language": row.language,
        "edited_by": row.edited_by,
        "edited_at": row.edited_at,
        "edit_url": f"{edit_address(component)}?{urlencode(query)}",
    }
