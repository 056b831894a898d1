"""How far each environment is behind its left neighbour, in commits of the source repository."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from django.db import transaction

from apps.environments.models import Application, Component
from apps.releases.models import Lag
from apps.releases.selectors.comparison import count_arriving
from apps.releases.selectors.points import find_running
from apps.releases.selectors.versions import Place, group_places
from apps.repositories.models import Repository
from gitopsui.domain.graph import UnknownCommit
from gitopsui.domain.text import clean_text

REASON_CHARS = 300


class _UnknownVersionError(Exception):
    """It cannot be told which commit a version is; the message says why."""


def update_lags(component: Component, *, now: datetime) -> None:
    """
    Count for each environment the non-merge commits that the version of the nearest environment to its
    left has and its own has not, under whatever id; where that cannot be told, store why.
    """
    applications = list(component.applications.select_related("environment"))
    places = group_places(applications)
    finder = _CommitFinder(component, applications)
    lags = [_measure(component, left, here, finder) for left, here in pairwise(places)]
    _store(component, lags, now)


class _CommitFinder:
    """Finds the commits of the versions that run; what it needs of the database is read once."""

    def __init__(self, component: Component, applications: Sequence[Application]) -> None:
        self.component = component
        self.running: dict[int, set[str]] = {}
        found = find_running(component, applications)
        for application in applications:
            shas = self.running.setdefault(application.environment_id, set())
            if application.pk in found:
                shas.add(found[application.pk].sha)

    def count(self, left: Place, here: Place) -> int:
        source = self.component.source
        if source is None:
            raise _UnknownVersionError(f"{self.component.name} has no source repository")
        if not source.refs_digest:
            raise _UnknownVersionError(f"{source.name} is not read yet")
        there, own = self._commit(left, source), self._commit(here, source)
        return count_arriving(self.component, source=there, target=own)

    def _commit(self, place: Place, source: Repository) -> str:
        version = _only_version(place)
        shas = self.running.get(place.environment.pk, set())
        if len(shas) > 1:
            raise _UnknownVersionError(f"two images called {version} in {place.environment.name}")
        if not shas:
            raise _UnknownVersionError(f"no tag for {version} in {source.name}")
        return next(iter(shas))


def _only_version(place: Place) -> str:
    """The version of a place that has one."""
    if len(place.versions) > 1:
        raise _UnknownVersionError(f"{len(place.versions)} versions in {place.environment.name}")
    if not place.versions[0]:
        raise _UnknownVersionError(f"version unknown in {place.environment.name}")
    return place.versions[0]


def _measure(component: Component, left: Place, here: Place, finder: _CommitFinder) -> Lag:
    lag = Lag(
        component=component,
        environment=here.environment,
        behind=left.environment,
        here_version=here.versions[0] if len(here.versions) == 1 else "",
        there_version=left.versions[0] if len(left.versions) == 1 else "",
    )
    try:
        lag.commit_count = finder.count(left, here)
    except _UnknownVersionError as error:
        lag.reason = clean_text(str(error), limit=REASON_CHARS)
    except UnknownCommit:
        # The history is being stored, or it was rewritten and what was kept has been tidied away.
        lag.reason = f"{component.source} does not hold one of the two commits"
    return lag


def _facts(lag: Lag) -> tuple[object, ...]:
    return lag.behind_id, lag.here_version, lag.there_version, lag.commit_count, lag.reason


def _store(component: Component, lags: list[Lag], now: datetime) -> None:
    """Write what differs; a lag that is as it was keeps its row and its time."""
    stored = {lag.environment_id: lag for lag in component.lags.all()}
    kept = [lag for lag in lags if (row := stored.get(lag.environment_id)) and _facts(row) == _facts(lag)]
    same = {lag.environment_id for lag in kept}
    fresh = [lag for lag in lags if lag.environment_id not in same]
    for lag in fresh:
        lag.changed_at = now
    if len(same) == len(stored) and not fresh:
        return
    with transaction.atomic():
        component.lags.exclude(environment__in=same).delete()
        Lag.objects.bulk_create(fresh)
