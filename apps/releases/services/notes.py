"""Writes the notes of releases from the commits between a tag and its base, newest release first."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Protocol

from apps.environments.models import Component
from apps.releases.models import Release
from apps.releases.selectors.links import Links, links_of
from apps.releases.selectors.newcomers import find_firsts
from apps.releases.selectors.overrides import SUMMARY_CHARS
from apps.releases.selectors.own_commits import keep_own, own_commits
from apps.repositories.selectors.commits import graph_of
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.newcomers import Known, find_first_commits
from gitopsui.domain.note_overrides import SUMMARY_ENTRIES
from gitopsui.domain.notes import Notes, build_notes, to_dict, to_html
from gitopsui.domain.text import clean_json, clean_text

MOST_RELEASES = 60  # in one run
MOST_COMMITS = 3_000  # of one release; a page with more is read by nobody
MOST_LOOKED_THROUGH = 20_000  # commits of a release of one folder of a repository
MOST_NUMBERS = 50  # links and ids of one entry
WORDS_CHARS = 50_000
# Asking again gives the same answer until other tags arrive.
_LASTING = {"GIT_REF_MISSING", "GIT_TOO_LARGE"}
_LISTS = ("shas", "pull_requests", "issues", "breaking", "co_authors", "links")

Report = Callable[[int, int, str], None]
Sanitiser = Callable[[str], str]


class History(Protocol):
    """The part of `Mirror` that notes are written from."""

    def exists(self) -> bool: ...

    def resolve(self, revision: str) -> str: ...

    def log(self, tip: str, *, exclude: str | None = None, limit: int | None = None) -> list[Commit]: ...

    def count(self, tip: str, *, exclude: str | None = None, no_merges: bool = True) -> int: ...


def write_notes(
    component: Component, *, git: History, sanitise: Sanitiser, report: Report | None = None
) -> bool:
    """
    Write the notes of the newest releases that have none; whether some are left for another run.

    Raises GitError when the mirror cannot be read; what is written until then stays.
    """
    waiting = component.releases.filter(notes_sha="", notes_error="").order_by("position")
    batch = list(waiting[: MOST_RELEASES + 1])
    todo = batch[:MOST_RELEASES]
    own, links = own_commits(component), links_of(component)
    for number, release in enumerate(todo, 1):
        if report:
            report(number, len(todo), f"notes of {release.tag}")
        written = _write(release, git, sanitise, own, links)
        # The row may be gone by now, or stand at another commit: then its next turn comes by itself.
        Release.objects.filter(pk=release.pk, commit_sha=release.commit_sha).update(**written)
    return len(batch) > len(todo)


def _write(
    release: Release, git: History, sanitise: Sanitiser, own: Container[str] | None, links: Links
) -> dict[str, Any]:
    base = release.base_sha or None
    try:
        commits, total = _read(release, git, base, own)
        firsts = _read_firsts(release, commits, git)
    except GitError as error:
        if error.code not in _LASTING:
            raise
        return {"notes_error": mask_text(error.message)}
    notes = build_notes(commits, base=release.base_tag, head=release.tag, firsts=firsts)
    return {
        "notes": clean_json(
            _shortened(links.add_to(to_dict(notes), commits)) | {"left_out_count": total - len(commits)}
        ),
        "notes_html": sanitise(clean_text(to_html(notes), limit=1_000_000)),
        "notes_sha": release.commit_sha,
        "commit_count": total,
        "change_count": notes.entry_count,
        "breaking_count": len(notes.breaking),
        "summary": clean_text(_summary(notes), limit=SUMMARY_CHARS),
        "words": clean_text("\n".join(_words(notes)), limit=WORDS_CHARS),
    }


def _read(
    release: Release, git: History, base: str | None, own: Container[str] | None
) -> tuple[list[Commit], int]:
    """The commits to tell about, and how many there are; of a folder many more are looked through."""
    limit = MOST_COMMITS if own is None else MOST_LOOKED_THROUGH
    found = git.log(release.commit_sha, exclude=base, limit=limit)
    rest = 0
    if len(found) == limit:
        rest = git.count(release.commit_sha, exclude=base, no_merges=False) - limit
    commits = keep_own(found, own)
    return commits[:MOST_COMMITS], len(commits) + rest


def _read_firsts(release: Release, commits: Sequence[Commit], git: History) -> set[str]:
    """From the stored commits; the first notes of a repository are often written before there are any."""
    source = release.component.source
    if source is None or not release.base_sha:
        return set()
    if release.base_sha in graph_of(source):
        return find_firsts(source, commits, release.base_sha)
    before = git.log(release.base_sha, limit=MOST_LOOKED_THROUGH)
    if len(before) == MOST_LOOKED_THROUGH:
        return set()
    known: Known = set()
    find_first_commits(before, known)
    return {commit.sha for commit in find_first_commits(commits, known)}


def _shortened(notes: dict[str, Any]) -> dict[str, Any]:
    """A commit may name thousands of issues; a page shows the first of them."""
    for section in notes["sections"]:
        section["entries"] = [_shortened_entry(entry) for entry in section["entries"]]
    return notes


def _shortened_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[:MOST_NUMBERS] if name in _LISTS else value for name, value in entry.items()}


def _summary(notes: Notes) -> str:
    """The first changes, as `note_overrides.summarise` gives them where people said nothing."""
    texts = [entry.text for section in notes.sections for entry in section.entries]
    return ", ".join(texts[:SUMMARY_ENTRIES])


def _words(notes: Notes) -> list[str]:
    return [
        " ".join([entry.text, *(f"#{number}" for number in entry.pull_requests[:5]), *entry.issues[:5]])
        for section in notes.sections
        for entry in section.entries
    ]
