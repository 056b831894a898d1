"""A whole history as one changelog: each commit under the lowest version that holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from gitopsui.domain.commit import Commit, ParsedMessage
from gitopsui.domain.newcomers import Known, find_first_commits
from gitopsui.domain.notes import Notes, build_notes
from gitopsui.domain.tag import Tag

UNRELEASED = "Unreleased"
_BASE = "the releases below"
_SORT_KEY = attrgetter("sort_key")


class ReleaseCommits(NamedTuple):
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
    # By key: each comparison of two tags would build both keys anew.
    return sorted((tag for tag in versions if tag.family == family), key=_SORT_KEY, reverse=True)


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
    part_of: dict[str, list[Commit]] = {}
    unreleased: list[Commit] = []
    parts: dict[Tag | None, list[Commit]] = {}
    for tag in sorted(tagged, key=_SORT_KEY):
        parts[tag] = []
        _claim(parts[tag], tagged[tag], by_sha, part_of)
    if head is not None:
        _claim(unreleased, head, by_sha, part_of)
    nobodys = unreleased if head is None else []
    for commit in commits:
        part_of.get(commit.sha, nobodys).append(commit)
    if unreleased:
        parts[None] = unreleased
    counted = enumerate(parts.items())
    return [ReleaseCommits(tag, tuple(part), place == 0) for place, (tag, part) in counted][::-1]


def _claim(
    part: list[Commit], tip: str, by_sha: Mapping[str, Commit], part_of: dict[str, list[Commit]]
) -> None:
    waiting = [tip]
    while waiting:
        sha = waiting.pop()
        if sha in by_sha and sha not in part_of:
            part_of[sha] = part
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


def find_firsts(releases: Iterable[ReleaseCommits]) -> set[str]:
    """
    The ids of the commits that somebody contributed first, of releases as `split_by_release` gives them; in
    the very first release, where everybody is new, none.
    """
    known: Known = set()
    firsts: set[str] = set()
    for release in reversed(list(releases)):
        found = find_first_commits(release.commits, known)
        if not release.is_first:
            firsts.update(commit.sha for commit in found)
    return firsts


def build_release(
    release: ReleaseCommits,
    parsed: Mapping[str, ParsedMessage] | None = None,
    firsts: Container[str] = (),
) -> Notes:
    """The notes of one release of a changelog; `parsed` and `firsts` as for `build_notes`."""
    head = release.tag.raw if release.tag else UNRELEASED
    base = "" if release.is_first else _BASE
    return build_notes(release.commits, base=base, head=head, parsed=parsed, firsts=firsts)
