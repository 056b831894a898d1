"""Which commits a merge brought, so that each can carry the number of the pull request it came with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gitopsui.domain.commit import Commit


class Merges(NamedTuple):
    """
    `merge_of` names for each commit the innermost merge that brought it, None on the main line.

    `brought` are the commits of each merge's own line, without those of merges inside it.
    """

    merge_of: Mapping[str, str | None]
    brought: Mapping[str, Sequence[str]]

    def all_brought(self, merge: str) -> Iterator[str]:
        """Everything a merge brought, merges inside it followed."""
        waiting = [merge]
        while waiting:
            for sha in self.brought.get(waiting.pop(), ()):
                yield sha
                waiting.append(sha)

    def around(self, sha: str) -> Iterator[str]:
        """The merges that brought a commit, the innermost first."""
        merge = self.merge_of.get(sha)
        while merge is not None:
            yield merge
            merge = self.merge_of.get(merge)


def attribute_merges(commits: Sequence[Commit]) -> Merges:
    """
    Follow the first parents of each tip; what a merge's other parents add belongs to that merge.

    `commits` come children before parents. Each is visited once: older merges first, so that a branch
    which was brought up to date is not credited with what it took from the main line.
    """
    by_sha = {commit.sha: commit for commit in commits}
    merge_of: dict[str, str | None] = {}
    brought: dict[str, list[str]] = {}
    for commit in commits:
        if commit.sha in merge_of:
            continue
        waiting: list[tuple[str, str | None]] = [(commit.sha, None)]
        while waiting:
            tip, merge = waiting.pop()
            line = _take_line(tip, merge, by_sha, merge_of)
            if merge is not None and line:
                brought.setdefault(merge, []).extend(each.sha for each in line)
            # The last one waiting is taken first: the oldest merge of this line.
            merging = [each for each in line if len(each.parents) > 1]
            waiting += [(parent, each.sha) for each in merging for parent in each.parents[1:]]
    return Merges(merge_of, brought)


def _take_line(
    tip: str, merge: str | None, by_sha: Mapping[str, Commit], merge_of: dict[str, str | None]
) -> list[Commit]:
    """The first parents from a tip down to one that is taken already, newest first."""
    line = []
    sha = tip
    while sha not in merge_of and sha in by_sha:
        merge_of[sha] = merge
        commit = by_sha[sha]
        line.append(commit)
        if not commit.parents:
            break
        sha = commit.parents[0]
    return line
