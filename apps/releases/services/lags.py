"""How far each environment is behind its left neighbour, in commits of the source repository."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

from django.db import transaction

from apps.environments.models import Component
from apps.releases.models import Lag
from apps.releases.selectors.versions import Place, find_releases, places_of
from apps.releases.services.notes import History
from gitopsui.domain.errors import GitError
from gitopsui.domain.text import clean_text

REASON_CHARS = 300
# A commit id as the tag of an image: `3f2a91b`, `sha-3f2a91b`, and of git describe `1.2.0-4-g3f2a91b`.
_COMMIT_ID = re.compile(r"(?:(?:sha|git)-|.*-g)?([0-9a-f]{7,64})", re.DOTALL)


class _UnknownVersionError(Exception):
    """It cannot be told which commit a version is; the message says why."""


def update_lags(component: Component, *, git: History | None, now: datetime) -> None:
    """
    Count for each environment the non-merge commits that the version of the nearest environment to its
    left has and its own has not; where that cannot be told, store why.

    Raises GitError when the mirror cannot be read.
    """
    places = places_of(component)
    finder = _CommitFinder(component, git, places)
    lags = [_measure(component, left, here, finder) for left, here in pairwise(places)]
    _store(component, lags, now)


class _CommitFinder:
    """Finds the commits of the versions that run; what it needs of the database is read once."""

    def __init__(self, component: Component, git: History | None, places: list[Place]) -> None:
        self.component = component
        self.git = git if git is not None and git.exists() else None
        versions = {version for place in places for version in place.versions if version}
        self.releases = find_releases(component, versions)
        self.tags: dict[str, str] = {}
        if component.source is not None:
            rows = component.source.revisions.filter(kind="tag", gone_at=None, short__in=versions)
            self.tags = dict(rows.exclude(commit_sha="").values_list("short", "commit_sha"))

    def count(self, left: Place, here: Place) -> int:
        there, own = self._commit(left), self._commit(here)
        assert self.git is not None
        return self.git.count(there, exclude=own, no_merges=True)

    def _commit(self, place: Place) -> str:
        source = self.component.source
        if source is None:
            raise _UnknownVersionError(f"{self.component.name} has no source repository")
        if self.git is None:
            raise _UnknownVersionError(f"{source.name} is not read yet")
        version = _only_version(place)
        sha = self.tags.get(version) or (r.commit_sha if (r := self.releases.get(version)) else "")
        sha = sha or self._find_by_id(version)
        if not sha:
            raise _UnknownVersionError(f"no tag for {version} in {source.name}")
        return sha

    def _find_by_id(self, version: str) -> str:
        match = _COMMIT_ID.fullmatch(version)
        if match is None or self.git is None:
            return ""
        try:
            return self.git.resolve(match[1])
        except GitError as error:
            if error.code != "GIT_REF_MISSING":
                raise
            return ""


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
    except GitError as error:
        # A commit the mirror no longer holds: history was rewritten and what was kept has been tidied away.
        if error.code != "GIT_REF_MISSING":
            raise
        lag.reason = f"{component.source} no longer holds one of the two commits"
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
