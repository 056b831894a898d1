"""What changes when one version takes the place of another, in both directions. Pure queries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any

from apps.environments.models import Component
from apps.releases.selectors.introduced import with_versions_of
from apps.releases.selectors.newcomers import find_firsts
from apps.releases.selectors.overrides import index_of
from apps.releases.selectors.own_commits import keep_own, own_commits
from apps.releases.selectors.points import Point
from apps.repositories.models import Repository
from apps.repositories.selectors.commits import commits_by_id, graph_of, patch_ids_of
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.equivalence import match
from gitopsui.domain.graph import Graph
from gitopsui.domain.note_overrides import Index, tell_commit
from gitopsui.domain.notes import Notes, SectionKind, build_notes

MOST_ROWS = 200
KEPT_RESULTS = 64
MOST_KEPT = 1_500  # commits of a result that is kept, about 1.5 MB
_NOUNS = {
    SectionKind.BREAKING: ("breaking change", "breaking changes"),
    SectionKind.SECURITY: ("security fix", "security fixes"),
    SectionKind.NEW: ("feature", "features"),
    SectionKind.FIXED: ("fix", "fixes"),
    SectionKind.PERFORMANCE: ("speed-up", "speed-ups"),
    SectionKind.REVERTS: ("revert", "reverts"),
    SectionKind.DEPENDENCIES: ("dependency update", "dependency updates"),
    SectionKind.OTHER: ("other change", "other changes"),
}


@dataclass(frozen=True, slots=True)
class CommitLine:
    """
    A commit as a list shows it; `reason` says why it counts as already there, `twin` under which id. `branch`
    is one on which the twin stands, else the commit itself. What leads to other pages is "" until it is asked
    for (`standing`), and where the host is not known.
    """

    sha: str
    text: str
    scope: str
    author: str
    at: datetime | None
    reason: str = ""
    twin: str = ""
    pull_request: int | None = None
    branch: str = ""
    url: str = ""
    twin_url: str = ""
    pull_request_url: str = ""

    @property
    def number(self) -> str:
        """`#12`."""
        return f"#{self.pull_request}" if self.pull_request else ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    `notes` are of what would arrive in `target` if `source` took its place; `already` are the commits of
    `source` that it has under another id; `lost` what it has and would not have any more.
    """

    source: Point
    target: Point
    notes: Notes
    already: list[CommitLine] = field(default_factory=list)
    lost: list[CommitLine] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def arrives_count(self) -> int:
        return self.notes.commit_count - self.notes.merge_count

    @property
    def is_known(self) -> bool:
        return not self.problems


def compare_points(
    component: Component, source: Point, target: Point, *, in_full: bool = False
) -> Comparison:
    """
    Both directions between two points of a component; `in_full` also who is new among the authors, and the
    release that each break came with.

    Commits that only merge are not counted; a side whose commit is not known gives a comparison without
    notes and with the reason.
    """
    problems = [problem for problem in (source.problem, target.problem) if problem]
    if problems or component.source is None:
        return Comparison(source, target, build_notes([]), problems=problems or ["It has no source."])
    repository, graph = component.source, graph_of(component.source)
    there, here = graph.find(source.sha), graph.find(target.sha)
    if there is None or here is None:
        problem = f"The commits of {repository.name} are not all read yet; it takes a moment after a poll."
        return Comparison(source, target, build_notes([]), problems=[problem])
    own = own_commits(component)
    key = (repository.pk, own.digest if own else "", source.sha, target.sha, in_full)
    result = _KEPT.get(key)
    if result is None:
        incoming = keep_own(_read(repository, graph, graph.between(here, there)), own)
        outgoing = keep_own(_read(repository, graph, graph.between(there, here)), own)
        firsts = find_firsts(repository, incoming, target.sha) if in_full else set()
        result = _compare(repository, incoming, outgoing, firsts)
        if len(incoming) + len(outgoing) <= MOST_KEPT and _is_final(repository, incoming, outgoing):
            _KEPT.put(key, result)
    notes = replace(result.notes, base=target.title, head=source.title)
    if in_full:
        notes = with_versions_of(component, notes, graph, base=here, head=there)
    already, lost = told_lines(component, result.already, result.lost)
    return Comparison(source, target, notes, already, lost)


def told_lines(component: Component, *lists: Iterable[CommitLine]) -> list[list[CommitLine]]:
    """Lists of commits with what people said about each; one query, none where there is no commit."""
    listed = [list(lines) for lines in lists]
    index = index_of(component) if any(listed) else {}
    return [[_told(line, index) for line in lines] for lines in listed] if index else listed


def _told(line: CommitLine, index: Index) -> CommitLine:
    numbers = (line.pull_request,) if line.pull_request else ()
    said = tell_commit(line.text, index, sha=line.sha, pull_requests=numbers)
    return replace(line, text=said.text, scope="" if said.hidden_by else line.scope)


@dataclass(frozen=True, slots=True)
class _Result:
    """What two commits of a repository differ in, whatever they are called."""

    notes: Notes
    already: tuple[CommitLine, ...]
    lost: tuple[CommitLine, ...]


_Key = tuple[int, str, str, str, bool]


class _Results:
    """The results used last. Commits never change, so neither does what was found out about two of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, _Result] = OrderedDict()
        self._lock = Lock()

    def get(self, key: _Key) -> _Result | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: _Key, result: _Result) -> None:
        with self._lock:
            self._kept[key] = result
            while len(self._kept) > KEPT_RESULTS:
                self._kept.popitem(last=False)


_KEPT = _Results()


def _read(repository: Repository, graph: Graph, numbers: Iterable[int]) -> list[Commit]:
    return commits_by_id(repository, [graph.sha(number) for number in numbers])


def _compare(
    repository: Repository, incoming: Sequence[Commit], outgoing: Sequence[Commit], firsts: Container[str]
) -> _Result:
    if not outgoing:
        return _Result(build_notes(incoming, firsts=firsts), (), ())
    same = match(incoming, outgoing, patch_ids=_patch_ids(repository, incoming, outgoing))
    known = {pair.commit.sha for pair in same.already}
    return _Result(
        build_notes([commit for commit in incoming if commit.sha not in known], firsts=firsts),
        tuple(line_of(one.commit, reason=one.reason.words, twin=one.counterpart.sha) for one in same.already),
        tuple(line_of(commit) for commit in same.lost),
    )


def _is_final(repository: Repository, incoming: Sequence[Commit], outgoing: Sequence[Commit]) -> bool:
    """Whether nothing is left to be read that could pair two of the commits."""
    return not incoming or not outgoing or not repository.commits.filter(patch_id="").exists()


@dataclass(frozen=True, slots=True)
class Difference:
    """The ids that one commit has and another has not, newest first, under no other id either."""

    arriving: list[str]
    lost: list[str]


class Differ:
    """Tells for many pairs of commits of one component what arrives; what they share is read once."""

    def __init__(self, component: Component) -> None:
        assert component.source is not None
        self.repository, self.own = component.source, own_commits(component)
        self.graph = graph_of(self.repository)

    def between(self, *, source: str, target: str) -> Difference:
        """
        What `source` (full id) has that `target` has not, and the other way round, merges left out. Rows
        are only read where both have commits of their own. Raises UnknownCommit.
        """
        here, there = self.graph.index(target), self.graph.index(source)
        incoming = _own_of(self.graph, self.graph.between(here, there), self.own)
        outgoing = _own_of(self.graph, self.graph.between(there, here), self.own)
        if not incoming or not outgoing:
            return Difference(incoming, outgoing)
        coming, present = (commits_by_id(self.repository, shas) for shas in (incoming, outgoing))
        same = match(coming, present, patch_ids=_patch_ids(self.repository, coming, present))
        known = {pair.commit.sha for pair in same.already}
        lost = {commit.sha for commit in same.lost}
        return Difference(
            [sha for sha in incoming if sha not in known], [sha for sha in outgoing if sha in lost]
        )


def count_arriving(component: Component, *, source: str, target: str) -> int:
    """
    How many commits of `source` (full id), merges left out, `target` has not, under no id. Rows are only read
    where both have commits of their own. Raises UnknownCommit.
    """
    return len(Differ(component).between(source=source, target=target).arriving)


def _own_of(graph: Graph, numbers: Iterable[int], own: Container[str] | None) -> list[str]:
    """The ids of those that are no merges and the component's."""
    shas = [graph.sha(number) for number in numbers if len(graph.parents(number)) < 2]
    return shas if own is None else [sha for sha in shas if sha in own]


def _patch_ids(
    repository: Repository, incoming: Sequence[Commit], outgoing: Sequence[Commit]
) -> dict[str, str]:
    """Only asked for where both sides have something: else nothing can be there twice."""
    if not incoming or not outgoing:
        return {}
    return patch_ids_of(repository, [commit.sha for commit in (*incoming, *outgoing)])


def line_of(commit: Commit, *, reason: str = "", twin: str = "") -> CommitLine:
    message = parse_message(commit.message)
    return CommitLine(
        sha=commit.sha,
        text=message.description or message.header,
        scope=message.scope or "",
        author=commit.author_name,
        at=commit.committed_at,
        reason=reason,
        twin=twin,
        pull_request=message.pull_request,
    )


def describe_arrivals(notes: Notes) -> str:
    """`5 features, 8 fixes, 11 dependency updates`, worst news first; "" for nothing."""
    return count_kinds({section.kind: len(section.entries) for section in notes.sections})


def count_kinds(counts: Mapping[SectionKind, int]) -> str:
    """The same of numbers by kind."""
    known = ((kind, counts.get(kind, 0)) for kind in SectionKind)
    return ", ".join(f"{count:,} {_NOUNS[kind][count != 1]}" for kind, count in known if count)


def heading_of(comparison: Comparison) -> str:
    """The answer in a sentence: `24 commits would arrive in production, 2 would be lost`."""
    target = comparison.target
    place = f"in {target.environment}" if target.environment else f"after {target.title}"
    if not comparison.is_known:
        return f"{comparison.source.title} and {target.title} cannot be compared"
    arrives, lost = comparison.arrives_count, len(comparison.lost)
    if not arrives and not lost:
        return f"Nothing would arrive {place}: it has all of {comparison.source.title}"
    words = [f"{arrives:,} commit{'' if arrives == 1 else 's'} would arrive {place}"] if arrives else []
    if lost:
        words.append(f"{lost:,}{'' if words else ' commit' + 's' * (lost != 1)} would be lost")
    return ", ".join(words) if arrives else f"Nothing would arrive {place}, {words[0]}"


def as_rows(lines: Sequence[CommitLine]) -> dict[str, Any]:
    """The first rows of a long list, and how many follow."""
    return {"rows": lines[:MOST_ROWS], "count": len(lines), "more": max(0, len(lines) - MOST_ROWS)}
