"""One change with all its commits: the one that was found, and where it was picked to or from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.environments.models import Component
from apps.releases.selectors.own_commits import keep_own, own_commits
from apps.repositories.models import Repository
from apps.repositories.selectors.alike import Alike, find_alike
from apps.repositories.selectors.commits import graph_of
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.equivalence import Pair, Reason
from gitopsui.domain.graph import Graph
from gitopsui.domain.same_change import find_twins

SHORT_WORDS = {
    Reason.SAME_ID: "the same commit",
    Reason.PICKED_FROM: "cherry-pick",
    Reason.SAME_PATCH: "same patch",
    Reason.PULL_REQUEST: "same pull request",
    Reason.SUBJECT: "same title and author",
}
_NO_DATE = datetime.max.replace(tzinfo=UTC)
_STRENGTH = list(Reason)


@dataclass(frozen=True, slots=True)
class Change:
    """`head` is the commit others were picked from; `reasons` say by id why each of `twins` is the same."""

    head: Commit
    twins: tuple[Commit, ...] = ()
    reasons: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def commits(self) -> tuple[Commit, ...]:
        return (self.head, *self.twins)

    def words_of(self, sha: str) -> str:
        """`cherry-pick`; "" for the head."""
        reason = self.reasons.get(sha)
        return SHORT_WORDS[reason] if reason else ""


class Reach:
    """Which of some commits each commit of a repository has in its history; walked once for all of them."""

    def __init__(self, graph: Graph, commits: Iterable[Commit]) -> None:
        self._graph = graph
        found = ((commit.sha, graph.find(commit.sha)) for commit in commits)
        known = {sha: number for sha, number in found if number is not None}
        self._places = {sha: place for place, sha in enumerate(known)}
        self._marks = graph.marks_of(list(known.values()))

    def knows(self, sha: str) -> bool:
        return self._graph.find(sha) is not None

    def holds(self, tip: str, sha: str) -> bool:
        number, place = self._graph.find(tip), self._places.get(sha)
        return number is not None and place is not None and bool(self._marks[number] >> place & 1)

    def first_held(self, tip: str, shas: Iterable[str]) -> str:
        """The first of these commits that the history of `tip` has, "" for none."""
        return next((sha for sha in shas if self.holds(tip, sha)), "")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a repository, and all that may be the same."""

    commits: Sequence[Commit]
    alike: Alike
    reach: Reach

    def changes_of(self, component: Component) -> list[Change]:
        """The changes of the component that `commits` belong to, in their order, each once."""
        own = own_commits(component)
        asked = keep_own(self.commits, own)
        known = {commit.sha for commit in asked}
        pool = [
            one
            for one in self.alike.commits
            if one.sha in known or own is None or one.sha in own or len(one.parents) > 1
        ]
        pairs = [pair for commit in asked for pair in self._twins(commit, pool)]
        changes: dict[str, Change] = {}
        for commit in asked:
            change = _gather(commit, pairs)
            changes.setdefault(change.head.sha, change)
        return list(changes.values())

    def _twins(self, commit: Commit, pool: Sequence[Commit]) -> list[Pair]:
        return find_twins(commit, pool, holds=self.reach.holds, patch_ids=self.alike.patch_ids)


def look_around(repository: Repository, commits: Sequence[Commit]) -> Found:
    """Read what may be the same as these commits, and where all of it stands."""
    alike = find_alike(repository, commits)
    return Found(commits, alike, Reach(graph_of(repository), alike.commits))


def _gather(commit: Commit, pairs: Sequence[Pair]) -> Change:
    """All that pairs lead to from this commit, over several of them where it was found twice."""
    members, grown = {commit.sha: commit}, True
    while grown:
        near = [pair for pair in pairs if pair.commit.sha in members or pair.counterpart.sha in members]
        reached = {one.sha: one for pair in near for one in (pair.commit, pair.counterpart)}
        grown = not reached.keys() <= members.keys()
        members |= reached
    head, *twins = sorted(members.values(), key=_age)
    return Change(head, tuple(twins), {one.sha: _reason_of(one, head, near) for one in twins})


def _age(commit: Commit) -> tuple[bool, datetime, str]:
    is_pick = bool(parse_message(commit.message).cherry_picks)
    return is_pick, commit.committed_at or _NO_DATE, commit.sha


def _reason_of(one: Commit, head: Commit, pairs: Iterable[Pair]) -> Reason:
    """Why it is the same as the head, else as another commit of the change; the strongest."""
    touching = [pair for pair in pairs if one.sha in (pair.commit.sha, pair.counterpart.sha)]
    direct = [pair for pair in touching if head.sha in (pair.commit.sha, pair.counterpart.sha)]
    return min((pair.reason for pair in direct or touching), key=_STRENGTH.index)
