"""The way of a change through the environments of a component: where it is, since when, as which commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from apps.environments.models import Component, Environment
from apps.releases.models import DeploymentRecord, Release
from apps.releases.selectors.changes import Change, Reach
from apps.releases.selectors.links import Links
from apps.releases.selectors.points import find_commits_of

MOST_STAYS = 120  # of one component in one environment, newest first
MOST_RELEASES = 5_000


@dataclass(frozen=True, slots=True)
class Stop:
    """
    One environment on the way of a change. `state` is `live`, `was` (it ran there, and does not any more),
    `coming` (Git asks for a version that has it), `not yet` or `unknown`; `version` is the one that brought
    or brings it, `runs` the one that runs. `twin` is the commit it came as where that is another one,
    `reason` why it is the same.
    """

    environment: str
    state: str
    version: str
    arrived_at: datetime | None
    runs: str
    note: str
    twin: str = ""
    twin_url: str = ""
    reason: str = ""


class Traveller:
    """Follows changes of one component; what is needed of the database is read once."""

    def __init__(self, component: Component, reach: Reach, links: Links) -> None:
        self.component, self.reach, self.links = component, reach, links
        self.stays = _read_stays(component)
        self.desired = _read_desired(component)
        versions = {stay.version for stays in self.stays.values() for stay in stays}
        self.commits = find_commits_of(component, versions | set(self.desired.values()))
        rows = component.releases.order_by("-position").only("pk", "version", "commit_sha", "component")
        self.releases = list(rows[:MOST_RELEASES])

    def releases_with(self, change: Change) -> list[dict[str, str]]:
        """The oldest release that has each commit of the change, the oldest of all first, each once."""
        missing = [commit.sha for commit in change.commits]
        firsts: list[Release] = []
        for release in self.releases:
            held = [sha for sha in missing if self.reach.holds(release.commit_sha, sha)]
            if held:
                firsts.append(release)
                missing = [sha for sha in missing if sha not in held]
            if not missing:
                break
        return [{"version": one.version, "url": reverse("release-detail", args=[one.pk])} for one in firsts]

    def stops_of(self, change: Change) -> Iterator[Stop]:
        return (self._stop(environment, change) for environment in self.stays)

    def _stop(self, environment: Environment, change: Change) -> Stop:
        stays = self.stays[environment]
        runs = stays[0].version if stays and stays[0].to_at is None else ""
        held = [self._held(stay.version, change) for stay in stays]
        if not stays:
            return Stop(environment.name, "not yet", "", None, "", "Nothing was seen to run there.")
        if held[0] is None:
            return Stop(environment.name, "unknown", "", None, runs, f"No commit is known of {runs or 'it'}.")
        if held[0]:
            # The unbroken run of stays that have it: the oldest of them brought it.
            count = next((n for n, sha in enumerate(held) if not sha), len(held))
            first, is_older = stays[count - 1], count == len(stays)
            note = "or before: that is as far as the record goes" if is_older else ""
            came = self._came_as(held[count - 1] or "", change)
            return Stop(environment.name, "live", first.version, first.from_at, runs, note, *came)
        earlier = next(((stay, sha) for stay, sha in zip(stays, held, strict=True) if sha), None)
        if earlier is not None:
            stay, came = earlier[0], self._came_as(earlier[1] or "", change)
            return Stop(
                environment.name, "was", stay.version, stay.from_at, runs, "It was taken back.", *came
            )
        return self._before(environment, change, runs)

    def _before(self, environment: Environment, change: Change, runs: str) -> Stop:
        """Where it never was: whether Git asks for a version that brings it."""
        asked = self.desired.get(environment.pk, "")
        sha = self._held(asked, change) if asked and asked != runs else ""
        if not sha:
            return Stop(environment.name, "not yet", "", None, runs, "")
        came = self._came_as(sha, change)
        return Stop(environment.name, "coming", asked, None, runs, f"Git asks for {asked} there.", *came)

    def _held(self, version: str, change: Change) -> str | None:
        """The commit of the change that a version has, "" for none; None where its own is not known."""
        found = self.commits.get(version)
        if found is None or not self.reach.knows(found.sha):
            return None
        return self.reach.first_held(found.sha, (commit.sha for commit in change.commits))

    def _came_as(self, sha: str, change: Change) -> tuple[str, str, str]:
        """(id, address, reason) of a twin; empty for the change as it was made first."""
        if sha == change.head.sha:
            return "", "", ""
        return sha, self.links.commit(sha), change.words_of(sha)


def _read_stays(component: Component) -> dict[Environment, list[DeploymentRecord]]:
    """What ran in each environment of the component, newest first, environments in their order."""
    applications = component.applications.select_related("environment")
    places: dict[Environment, list[DeploymentRecord]] = {
        application.environment: []
        for application in applications.order_by("environment__position", "environment__name")
    }
    records = DeploymentRecord.objects.filter(application__component=component).select_related(
        "application__environment"
    )
    for record in records.order_by("-from_at", "-pk")[: MOST_STAYS * max(1, len(places))]:
        places[record.application.environment].append(record)
    return places


def _read_desired(component: Component) -> dict[int, str]:
    rows = component.applications.values_list("environment", "desired_version")
    return {environment: version for environment, version in rows if version}
