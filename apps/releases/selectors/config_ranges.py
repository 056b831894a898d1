"""Which commits of the config repository belong to a comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from django.db.models import QuerySet

from apps.environments.models import Component, ConfigCommit
from apps.releases.selectors.config_commits import ConfigRow, read_rows, with_places
from apps.releases.selectors.points import Point, find_commits_of
from apps.repositories.selectors.commits import graph_of
from gitopsui.domain.graph import Graph

MOST_READ = 200  # commits of all applications that are looked through
MOST_SHOWN = 15


@dataclass(frozen=True, slots=True)
class ConfigRange:
    """The commits, newest first; `title` says which they are, `rest` how many more there are."""

    title: str = ""
    rows: list[ConfigRow] = field(default_factory=list)
    rest: int = 0


def read_range(component: Component, source: Point, target: Point) -> ConfigRange:
    """
    Of one environment at two moments: the commits between them. Of two environments: those of each since it
    was last level with the other. Else those that brought a version of the range into any environment.
    """
    if not source.sha or not target.sha or component.source is None:
        return ConfigRange()
    title, found = _choose(component, source, target)
    shown = sorted(found, key=lambda one: (one.at, one.pk), reverse=True)
    return ConfigRange(title, read_rows(component, shown[:MOST_SHOWN]), max(0, len(shown) - MOST_SHOWN))


def _choose(component: Component, source: Point, target: Point) -> tuple[str, Iterable[ConfigCommit]]:
    """Which of the three ways it is, in words, and its commits."""
    names = [one.environment for one in (source, target) if one.environment]
    if not names:
        return "that brought these versions", _that_carried(component, source, target)
    if source.environment == target.environment:
        return f"in {source.environment} in between", _between_moments(component, source, target)
    level = "they were" if len(names) > 1 else "it was"
    return f"in {' and '.join(names)} since {level} level", _since_level(component, source, target)


def _commits(component: Component, *points: Point) -> QuerySet[ConfigCommit]:
    """By their dates: the numbers of the rows follow the log of one application alone."""
    rows = with_places(ConfigCommit.objects.filter(application__component=component)).order_by("-at", "-pk")
    names = [point.environment for point in points if point.environment]
    return rows.filter(application__environment__name__in=names) if names else rows


def _between_moments(component: Component, source: Point, target: Point) -> Iterable[ConfigCommit]:
    """Both are of one environment; a side without a moment is now."""
    rows = _commits(component, source)
    moments = [point.at for point in (source, target)]
    known = sorted(moment for moment in moments if moment is not None)
    if not known:
        return []
    rows = rows.filter(at__gt=known[0])
    if None not in moments:
        rows = rows.filter(at__lte=known[-1])
    return rows[:MOST_READ]


def _since_level(component: Component, source: Point, target: Point) -> Iterator[ConfigCommit]:
    """Of each application, newest first, as long as it asked for something that the other side has not."""
    rows = list(_commits(component, source, target)[:MOST_READ])
    reach = _Reach(component, rows)
    moments = {source.environment: (source.at, target.sha), target.environment: (target.at, source.sha)}
    by_application: dict[int, list[ConfigCommit]] = defaultdict(list)
    for row in rows:
        at = moments[row.application.environment.name][0]
        if at is None or row.at <= at:
            by_application[row.application_id].append(row)
    for listed in by_application.values():
        listed.sort(key=lambda row: row.pk, reverse=True)
        other = moments[listed[0].application.environment.name][1]
        seen = reach.seen_by(other)
        yield from takewhile(lambda row: not (row.changes_version and row.version in seen), listed)  # noqa: B023


def _that_carried(component: Component, source: Point, target: Point) -> Iterator[ConfigCommit]:
    rows = [row for row in _commits(component)[:MOST_READ] if row.changes_version]
    reach = _Reach(component, rows)
    wanted = reach.seen_by(source.sha) - reach.seen_by(target.sha)
    yield from (row for row in rows if row.version in wanted)


class _Reach:
    """Which of the versions that some commits ask for another commit has in its history."""

    def __init__(self, component: Component, rows: Iterable[ConfigCommit]) -> None:
        assert component.source is not None
        found = find_commits_of(component, {row.version for row in rows if row.changes_version})
        self._graph: Graph = graph_of(component.source)
        self._numbers = {version: self._graph.find(one.sha) for version, one in found.items()}

    def seen_by(self, sha: str) -> set[str]:
        tip = self._graph.find(sha)
        if tip is None:
            return set()
        before = self._history_of(tip)
        return {version for version, number in self._numbers.items() if number in before}

    def _history_of(self, tip: int) -> set[int]:
        """The commits before `tip`, as far down as the versions reach: parents have lower numbers."""
        lowest = min((number for number in self._numbers.values() if number is not None), default=tip)
        seen, open_ends = {tip}, [tip]
        while open_ends:
            for parent in self._graph.parents(open_ends.pop()):
                if parent >= lowest and parent not in seen:
                    seen.add(parent)
                    open_ends.append(parent)
        return seen
