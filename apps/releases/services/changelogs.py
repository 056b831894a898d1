"""Keeps the CHANGELOG file of a component's source repository, read, beside what its tags say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Protocol

from django.utils import timezone

from apps.environments.models import Component
from apps.releases.models import Changelog, ReleasePolicy
from gitopsui.domain.errors import GitError
from gitopsui.domain.keep_a_changelog import (
    ChangelogEntry,
    find_differences,
    is_text,
    parse_changelog,
)
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_json, clean_text

# In this order, whatever their case; with or without one of the endings.
NAMES = ("changelog", "changes", "history", "releases", "release_notes", "news")
ENDINGS = (".md", ".markdown", "", ".txt")
MOST_BYTES = 1 << 20
MOST_RENDERED = 200  # entries; the rest are listed with their headings
ENTRY_CHARS = 30_000
MOST_FOLDERS = 5
REGULAR = ("100644", "100755")


class HtmlText(Protocol):
    """As `markdown_render.Rendered`."""

    @property
    def html(self) -> str: ...

    @property
    def problem(self) -> str: ...


class File(Protocol):
    """As `git_output.TreeEntry`."""

    @property
    def mode(self) -> str: ...

    @property
    def sha(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def size(self) -> int | None: ...


class Files(Protocol):
    """The part of `Mirror` that a changelog is read from."""

    def exists(self) -> bool: ...

    def resolve(self, revision: str) -> str: ...

    def tree(self, commit: str, path: str = "", *, recursive: bool = True) -> Sequence[Any]: ...

    def blobs(self, shas: Iterable[str], *, max_bytes: int) -> dict[str, bytes]: ...


Render = Callable[[Sequence[str]], Sequence[HtmlText]]


def update_changelog(component: Component, *, git: Files | None, render: Render) -> None:
    """
    Read the changelog of the watched branch, if it is another one than the stored; forget one that is gone.

    A file that cannot be read is stored with the reason. Raises GitError when the mirror cannot be read.
    """
    source = component.source
    if source is not None and (git is None or not git.exists()):
        return  # the mirror is not there yet, or for a moment: what was read before stays
    file = _find_file(component, git, source.watched_branch) if source and git else None
    if file is None or git is None:
        Changelog.objects.filter(component=component).delete()
        return
    known = Changelog.objects.filter(component=component).first()
    if known is not None and (known.path, known.blob_sha) == (file.path, file.sha):
        _compare_again(known, component)
        return
    read = _read(file, git, render)
    read["differences"] = _differences(component, read["entries"])
    facts = {"path": clean_text(file.path, limit=1_000), "blob_sha": file.sha, "read_at": timezone.now()}
    Changelog.objects.update_or_create(component=component, defaults=facts | clean_json(read) | facts)


def _find_file(component: Component, git: Files, branch: str) -> File | None:
    """In the folders of the component, in a monorepo, else in the root of the repository."""
    if not branch:
        return None
    try:
        commit = git.resolve(branch)
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return None
    policy = ReleasePolicy.objects.filter(component=component).first()
    folders = [str(path).strip("/") for path in (policy.paths if policy else [])[:MOST_FOLDERS]]
    for folder in [*folders, ""]:
        found = {
            file.path.rpartition("/")[2].lower(): file for file in git.tree(commit, folder, recursive=False)
        }
        for name in (name + ending for name in NAMES for ending in ENDINGS):
            # A link is not followed: it may lead out of the repository.
            if name in found and found[name].mode in REGULAR:
                return found[name]  # type: ignore[no-any-return]
    return None


def _read(file: File, git: Files, render: Render) -> dict[str, Any]:
    nothing: dict[str, Any] = {"entries": [], "error": ""}
    if (file.size or 0) > MOST_BYTES:
        return nothing | {"error": f"It has {file.size:,} bytes; up to {MOST_BYTES:,} are read."}
    try:
        data = git.blobs([file.sha], max_bytes=MOST_BYTES)[file.sha]
    except GitError as error:
        return nothing | {"error": mask_text(error.message)}
    if not is_text(data):
        return nothing | {"error": "It is not text."}
    text = data.decode("utf-8-sig", "replace")
    parsed = parse_changelog(text)
    if not parsed.entries:
        whole = render([text])[0]
        entry = {
            "version": "",
            "title": "",
            "date": None,
            "html": whole.html,
            "problems": _some(whole.problem),
        }
        return {"entries": [entry], "error": parsed.problems[0]}
    bodies = [clean_text(entry.body, limit=ENTRY_CHARS) for entry in parsed.entries[:MOST_RENDERED]]
    htmls = [*render(bodies), *[None] * (len(parsed.entries) - len(bodies))]
    pairs = zip(parsed.entries, htmls, strict=True)
    return {"entries": [_entry(*pair) for pair in pairs], "error": " ".join(parsed.problems)}


def _entry(entry: ChangelogEntry, rendered: HtmlText | None) -> dict[str, Any]:
    return {
        "version": entry.version,
        "title": entry.title,
        "date": entry.date.isoformat() if entry.date else None,
        "is_yanked": entry.is_yanked,
        "html": rendered.html if rendered else "",
        "problems": [*entry.problems, *_some(rendered.problem if rendered else "too old to be shown here")],
    }


def _some(problem: str) -> list[str]:
    return [problem] if problem else []


def _compare_again(known: Changelog, component: Component) -> None:
    """The file is the same, the tags may be others."""
    differences = _differences(component, known.entries)
    if differences != known.differences:
        Changelog.objects.filter(pk=known.pk).update(differences=differences, read_at=timezone.now())


def _differences(component: Component, entries: Iterable[dict[str, Any]]) -> list[str]:
    told = [
        ChangelogEntry(
            entry["version"], "", "", 0, date.fromisoformat(entry["date"]) if entry["date"] else None
        )
        for entry in entries
    ]
    tags = component.releases.values_list("version", "dated_at")
    return find_differences(told, {version: at.date() if at else None for version, at in tags})
