"""A whole history as one changelog: each commit under the lowest version that holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitopsui.domain.commit import Commit
from gitopsui.domain.notes import Notes, build_notes
from gitopsui.domain.version import Tag

UNRELEASED = "Unreleased"
_BASE = "the releases below"


@dataclass(frozen=True, slots=True)
class ReleaseCommits:
    """What came with a release, children before parents; `tag` is None for what is in no release yet."""

    tag: Tag | None
    commits: tuple[Commit, ...]


def pick_family(tags: Iterable[Tag]) -> list[Tag]:
    """The versions of the component most tags are of, highest first: its releases make the headings."""
    versions = [tag for tag in tags if tag.version is not None]
    counted = Counter(tag.family for tag in versions)
    if not counted:
        return []
    family = max(counted, key=lambda name: (counted[name], name == ""))
    return sorted((tag for tag in versions if tag.family == family), reverse=True)


def split_by_release(commits: Sequence[Commit], tagged: Mapping[Tag, str]) -> list[ReleaseCommits]:
    """
    The commits of each release, the highest version first, and before it what is unreleased, if anything.

    `tagged` are the releases with the ids of their commits; `commits` the whole history, children before
    parents. Every commit is in one part: the lowest version it can be reached from.
    """
    by_sha = {commit.sha: commit for commit in commits}
    release_of: dict[str, Tag] = {}
    for tag in sorted(tagged):
        _claim(tag, tagged[tag], by_sha, release_of)
    parts: dict[Tag | None, list[Commit]] = {None: [], **{tag: [] for tag in sorted(tagged, reverse=True)}}
    for commit in commits:
        parts[release_of.get(commit.sha)].append(commit)
    return [ReleaseCommits(tag, tuple(part)) for tag, part in parts.items() if tag or part]


def _claim(tag: Tag, tip: str, by_sha: Mapping[str, Commit], release_of: dict[str, Tag]) -> None:
    waiting = [tip]
    while waiting:
        sha = waiting.pop()
        if sha in by_sha and sha not in release_of:
            release_of[sha] = tag
            waiting += by_sha[sha].parents


def build_changelog(commits: Sequence[Commit], tagged: Mapping[Tag, str]) -> list[Notes]:
    """The notes of every release, highest version first; see `split_by_release`."""
    releases = split_by_release(commits, tagged)
    return [
        build_notes(
            release.commits,
            base=_BASE if release is not releases[-1] else "",
            head=release.tag.raw if release.tag else UNRELEASED,
        )
        for release in releases
    ]
