"""What the page of a component reads: what runs where, which version ran when, and its releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.core.templatetags.ui import age_words
from apps.environments.models import Application, Component, ConfigCommit
from apps.environments.selectors.drift import count_in, with_whole_counts
from apps.releases.models import DeploymentRecord, Lag
from apps.releases.selectors.releases import HEAVY, ReleaseRow, read_rows, stays
from apps.releases.selectors.versions import bare_version, find_releases, shown_version

SPANS = (30, 90, 365)  # days
DEPLOYMENT_ROWS = 15
RELEASE_ROWS = 12
MOST_BARS = 1_000


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """One application as the page of its component shows it; `behind` is a sentence or ""."""

    environment: str
    url: str
    version: str
    since: datetime | None
    has_cluster: bool
    health: str
    sync: str
    drift_words: str
    behind: str


@dataclass(slots=True)
class Lane:
    """One line of the timeline."""

    environment: str
    deployments: list[DeploymentRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """
    One stay of a version. `health` is that of now, and of one that is over the one it was seen in last;
    `pull_request` is the number in the subject of its config commit.
    """

    version: str
    release_url: str
    environment: str
    from_at: datetime
    to_at: datetime | None
    sha: str
    author: str
    source: str
    health: str
    healthy_at: datetime | None
    is_bad: bool
    application_id: int
    repository_id: int
    pull_request: int | None

    @property
    def lasted(self) -> str:
        return age_words((self.to_at or timezone.now()) - self.from_at)


def span_of(text: str) -> int:
    """The days somebody asked for, else the shortest span."""
    return int(text) if text in {str(days) for days in SPANS} else SPANS[0]


def find_applications(component: Component) -> list[Application]:
    """In the order of the environments."""
    mine = Application.objects.filter(component=component).select_related("environment", "cluster")
    found = with_whole_counts(mine)
    return list(found.order_by("environment__position", "environment__name", "pk"))


def read_applications(component: Component, applications: Iterable[Application]) -> list[ApplicationRow]:
    lags = {lag.environment_id: lag for lag in component.lags.select_related("behind")}
    since = dict(
        DeploymentRecord.objects.filter(application__component=component, to_at=None).values_list(
            "application", "from_at"
        )
    )
    return [
        ApplicationRow(
            environment=application.environment.name,
            url=reverse("application-detail", args=[application.pk]),
            version=shown_version(application),
            since=since.get(application.pk),
            has_cluster=application.cluster_id is not None,
            health=application.health,
            sync=application.sync,
            drift_words=count_in([application]).short,
            behind=describe_lag(lags.get(application.environment_id)),
        )
        for application in applications
    ]


def describe_newest(name: str, rows: Sequence[ApplicationRow], now: datetime) -> str:
    """`cart 1.2.0 reached staging 26 h ago; production is 6 d on 1.1.0`; "" where nothing is known to run."""
    known = [(row, row.since) for row in rows if row.version and row.since]
    if not known:
        return ""
    newest, reached_at = max(known, key=lambda pair: pair[1])
    last, since = known[-1]
    start = f"{name} {newest.version} reached {newest.environment} {age_words(now - reached_at)} ago"
    if last is newest:
        return start
    return f"{start}; {last.environment} is {age_words(now - since)} on {last.version}"


def describe_lag(lag: Lag | None) -> str:
    if lag is None:
        return ""
    if lag.commit_count is None:
        return f"behind {lag.behind.name}: unknown, {lag.reason}"
    if lag.commit_count == 0:
        return f"level with {lag.behind.name}"
    return f"{lag.commit_count:,} {'commit' if lag.commit_count == 1 else 'commits'} behind {lag.behind.name}"


def read_lanes(component: Component, applications: Sequence[Application], *, from_at: datetime) -> list[Lane]:
    """A lane for each application with what ran in it since `from_at`; none where nothing ever ran."""
    per_environment = Counter(application.environment_id for application in applications)
    lanes = {
        application.pk: Lane(
            _lane_name(application, is_alone=per_environment[application.environment_id] == 1)
        )
        for application in applications
    }
    recent = Q(to_at=None) | Q(to_at__gt=from_at)
    found = stays().filter(recent, application__component=component).order_by("-from_at", "-pk")
    for record in found[:MOST_BARS]:
        if record.application_id in lanes:
            lanes[record.application_id].deployments.append(record)
    return list(lanes.values()) if any(lane.deployments for lane in lanes.values()) else []


def find_bad_versions(component: Component, lanes: Iterable[Lane]) -> frozenset[str]:
    """Of the versions in these lanes, as they are written there, those whose release is marked bad."""
    versions = {record.version for lane in lanes for record in lane.deployments}
    if not versions:
        return frozenset()
    releases = find_releases(component, versions)
    return frozenset(version for version, release in releases.items() if release.is_bad)


def _lane_name(application: Application, *, is_alone: bool) -> str:
    name = application.environment.name
    if is_alone:
        return name
    place = application.cluster.name if application.cluster else application.namespace
    return f"{place or application.pk} {name}"


def read_deployments(component: Component, number: str) -> Page[Any]:
    """A page of the deployment records of all environments, newest first."""
    records = stays().filter(application__component=component).order_by("-from_at", "-pk")
    page: Page[Any] = Paginator(records, DEPLOYMENT_ROWS).get_page(number)
    listed = list(page.object_list)
    releases = find_releases(component, (record.version for record in listed))
    numbers = _pull_requests(listed)
    page.object_list = [
        DeploymentRow(
            version=record.version,
            release_url=reverse("release-detail", args=[release.pk])
            if (release := releases.get(record.version))
            else "",
            environment=record.application.environment.name,
            from_at=record.from_at,
            to_at=record.to_at,
            sha=record.sha,
            author=record.author,
            source=record.source,
            health=_health_of(record),
            healthy_at=record.healthy_at,
            is_bad=release.is_bad if release else False,
            application_id=record.application_id,
            repository_id=record.application.repository_id,
            pull_request=numbers.get((record.application_id, record.sha)),
        )
        for record in listed
    ]
    return page


def _health_of(record: DeploymentRecord) -> str:
    if record.to_at is None:
        return record.application.health if record.application.cluster_id else ""
    return record.health


def _pull_requests(records: Iterable[DeploymentRecord]) -> dict[tuple[int, str], int]:
    """The pull requests that the config commits of these records name, by application and commit."""
    listed = [record for record in records if record.sha]
    commits = ConfigCommit.objects.filter(
        application__in={record.application_id for record in listed},
        sha__in={record.sha for record in listed},
        pull_request__isnull=False,
    )
    rows = commits.values_list("application", "sha", "pull_request")
    return {(application, sha): number for application, sha, number in rows if number}


CSV_HEAD = ("version", "environment", "from", "until", "by", "commit", "told by", "bad", "health")
CSV_ROWS = 20_000


def read_csv(component: Component) -> Iterator[tuple[str, ...]]:
    """The deployment records of all environments, newest first, as lines of a table with a head."""
    yield CSV_HEAD
    records = stays().filter(application__component=component).order_by("-from_at", "-pk")[:CSV_ROWS]
    bad = set(component.releases.filter(is_bad=True).values_list("version", flat=True))
    for record in records.iterator(chunk_size=2_000):
        yield (
            record.version,
            record.application.environment.name,
            record.from_at.isoformat(),
            record.to_at.isoformat() if record.to_at else "",
            record.author,
            record.sha,
            record.source,
            "bad" if bare_version(record.version) in bad else "",
            _health_of(record),
        )


def read_latest_releases(component: Component) -> list[ReleaseRow]:
    releases = component.releases.select_related("component__project").defer(*HEAVY)
    return read_rows(releases.order_by("position")[:RELEASE_ROWS])


def starts_at(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
