"""A whole history as one changelog: each commit under the lowest version that holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitopsui.domain.commit import Commit, ParsedMessage
from gitopsui.domain.notes import Notes, build_notes
from gitopsui.domain.tag import Tag

UNRELEASED = "Unreleased"
_BASE = "the releases below"


@dataclass(frozen=True, slots=True)
class ReleaseCommits:
    """
    What came with a release, children before parents; `tag` is None for what is in no release yet.

    `is_first` is true of the one that has nothing before it.
    """

    tag: Tag | None
    commits: tuple[Commit, ...]
    is_first: bool = False


def pick_family(tags: Iterable[Tag]) -> list[Tag]:
    """The versions of the component most tags are of, highest first: its releases make the headings."""
    versions = [tag for tag in tags if tag.version is not None]
    counted = Counter(tag.family for tag in versions)
    if not counted:
        return []
    family = max(counted, key=lambda name: (counted[name], name == ""))
    return sorted((tag for tag in versions if tag.family == family), reverse=True)


def split_by_release(
    commits: Sequence[Commit], tagged: Mapping[Tag, str], *, head: str | None = None
) -> list[ReleaseCommits]:
    """
    The commits of each release, the highest version first, and before it what is unreleased, if anything.

    `tagged` are the releases with the ids of their commits; `commits` the whole history, children before
    parents. Every commit is in one part: the lowest version it can be reached from. With a `head`, what
    neither it nor a release holds is left out.
    """
    by_sha = {commit.sha: commit for commit in commits}
    release_of: dict[str, Tag | None] = {}
    for tag in sorted(tagged):
        _claim(tag, tagged[tag], by_sha, release_of)
    if head is not None:
        _claim(None, head, by_sha, release_of)
    parts: dict[Tag | None, list[Commit]] = {None: [], **{tag: [] for tag in sorted(tagged, reverse=True)}}
    for commit in commits:
        if head is None or commit.sha in release_of:
            parts[release_of.get(commit.sha)].append(commit)
    filled = [(tag, tuple(part)) for tag, part in parts.items() if tag or part]
    return [ReleaseCommits(tag, part, place == len(filled)) for place, (tag, part) in enumerate(filled, 1)]


def _claim(
    tag: Tag | None, tip: str, by_sha: Mapping[str, Commit], release_of: dict[str, Tag | None]
) -> None:
    waiting = [tip]
    while waiting:
        sha = waiting.pop()
        if sha in by_sha and sha not in release_of:
            release_of[sha] = tag
            waiting += by_sha[sha].parents


def children_first(commits: list[Commit]) -> list[Commit]:
    """
    The same commits, none behind one of its parents; Git's order by date is that, unless a clock was wrong.
    """
    seen: set[str] = set()
    for commit in commits:
        seen.add(commit.sha)
        if not seen.isdisjoint(commit.parents):
            return _sorted_by_children(commits)
    return commits


def _sorted_by_children(commits: list[Commit]) -> list[Commit]:
    """As it was, but each waits for its last child."""
    by_sha = {commit.sha: commit for commit in commits}
    children = Counter(parent for commit in commits for parent in commit.parents)
    found = []
    for begin in commits:
        waiting = [begin] if not children[begin.sha] else []
        while waiting:
            commit = waiting.pop()
            found.append(commit)
            children[commit.sha] = -1
            for parent in commit.parents:
                children[parent] -= 1
                if not children[parent] and parent in by_sha:
                    waiting.append(by_sha[parent])
    return found


def build_release(release: ReleaseCommits, parsed: Mapping[str, ParsedMessage] | None = None) -> Notes:
    """The notes of one release of a changelog; `parsed` as for `build_notes`."""
    head = release.tag.raw if release.tag else UNRELEASED
    base = "" if release.is_first else _BASE
    return build_notes(release.commits, base=base, head=head, parsed=parsed)
