"""What the board reads: a fixed number of queries, whatever the number of components."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery

from apps.accounts.models import Project
from apps.dashboard.cells import Cell, Lead, build_cell
from apps.environments.models import (
    HEALTH_CHOICES,
    SYNC_CHOICES,
    Application,
    Cluster,
    Component,
    Environment,
    VersionObservation,
    stale_after,
)
from apps.releases.models import Lag
from apps.repositories.models import Repository

PAGE_ROWS = 50
SORTS = ("name", "attention", "newest")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for; only declared filters are read, anything else in the URL is ignored."""

    q: str = ""
    label: str = ""
    health: str = ""
    sync: str = ""
    attention: bool = False
    differs: bool = False
    sort: str = "name"

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Filters:
        health, sync, sort = data.get("health", ""), data.get("sync", ""), data.get("sort", "")
        return cls(
            q=data.get("q", "").replace("\0", "")[:100].strip(),
            label=data.get("label", "").replace("\0", "")[:100],
            health=health if health in dict(HEALTH_CHOICES) else "",
            sync=sync if sync in dict(SYNC_CHOICES) else "",
            attention=data.get("attention") == "1",
            differs=data.get("differs") == "1",
            sort=sort if sort in SORTS else "name",
        )

    @property
    def query(self) -> str:
        """The query string of these filters, without the page; "" when nothing is filtered or sorted."""
        pairs = {"q": self.q, "label": self.label, "health": self.health, "sync": self.sync}
        pairs |= {"attention": "1" if self.attention else "", "differs": "1" if self.differs else ""}
        pairs |= {"sort": self.sort if self.sort != "name" else ""}
        return urlencode({name: value for name, value in pairs.items() if value})


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    clusters: list[str]


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    url: str
    caption: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Silent:
    """A cluster or repository that does not answer, since when."""

    name: str
    url: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the heading of the board says."""

    drifted: int
    degraded: int
    unknown: int
    stale: int
    progressing: int
    missing: int
    applications: int
    watched: int
    unrendered: int
    components: int
    environments: int
    checked_at: datetime | None
    silent: list[Silent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Board:
    environments: list[Column]
    rows: list[Row]
    page: Page[Component]
    total: int
    attention_count: int
    differs_count: int


def board_stamp(project: Project, filters: Filters, page: str, *, now: datetime) -> str:
    """
    Changes when anything on the board does. Two small queries, so that an unchanged poll costs next to
    nothing.
    """
    applications = _applications(project)
    facts = applications.aggregate(
        newest=Max("changed_at"), count=Count("pk"), last=Max("pk"), stale=Count("pk", filter=_stale(now))
    )
    facts |= Lag.objects.filter(component__project=project).aggregate(lag=Max("changed_at"))
    # Ages are words in minutes, so a board is at most a minute behind the clock of its reader.
    text = f"{sorted(facts.items())!r} {filters.query} {page} {now:%Y-%m-%dT%H:%M}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _applications(project: Project) -> QuerySet[Application]:
    return Application.objects.filter(component__project=project)


def _stale(now: datetime) -> Q:
    never = Q(checked_at=None, failed_at__isnull=False)
    return Q(cluster__isnull=False) & (never | Q(checked_at__lt=now - stale_after()))


def _attention(now: datetime) -> Q:
    watched = Q(cluster__isnull=False)
    poor = (
        Q(health__in=["Degraded", "Missing"]) | Q(sync="OutOfSync") | Q(health="Unknown") | Q(sync="Unknown")
    )
    return watched & (poor | _stale(now))


def board_answer(project: Project, *, now: datetime) -> Answer:
    """The counts of the heading over the whole project, and what is silent."""
    stale, watched = _stale(now), Q(cluster__isnull=False)
    known = watched & ~stale
    counts: dict[str, Any] = _applications(project).aggregate(
        applications=Count("pk"),
        watched=Count("pk", filter=watched),
        unrendered=Count("pk", filter=~Q(desired_error="")),
        drifted=Count("pk", filter=known & Q(sync="OutOfSync")),
        degraded=Count("pk", filter=known & Q(health="Degraded")),
        unknown=Count(
            "pk", filter=known & Q(checked_at__isnull=False) & (Q(health="Unknown") | Q(sync="Unknown"))
        ),
        stale=Count("pk", filter=stale),
        progressing=Count("pk", filter=known & Q(health="Progressing")),
        missing=Count("pk", filter=known & Q(health="Missing")),
        checked_at=Min("checked_at", filter=~stale),
        components=Count("component", distinct=True),
        environments=Count("environment", distinct=True),
    )
    return Answer(**counts, silent=_silent(project))


def _silent(project: Project) -> list[Silent]:
    clusters = Cluster.objects.filter(project=project, failed_at__isnull=False, is_paused=False)
    repositories = Repository.objects.filter(project=project, failed_at__isnull=False, is_paused=False)
    found = [Silent(f"cluster {c.name}", f"/clusters/{c.pk}/", c.failed_at) for c in clusters if c.failed_at]
    found += [Silent(r.name, f"/repositories/{r.pk}/", r.failed_at) for r in repositories if r.failed_at]
    return sorted(found, key=lambda silent: silent.since)[:5]


def labels_of(project: Project) -> list[str]:
    lists = Component.objects.filter(project=project).exclude(labels=[]).values_list("labels", flat=True)
    return sorted({str(label) for labels in lists[:2000] for label in labels})


def read_board(project: Project, filters: Filters, page_number: str, *, now: datetime) -> Board:
    """One page of rows with their cells."""
    components = Component.objects.filter(project=project)
    totals = components.annotate(needs=_exists(_attention(now)), differs=_differs()).aggregate(
        total=Count("pk"),
        attention=Count("pk", filter=Q(needs=True)),
        differing=Count("pk", filter=Q(differs=True)),
    )
    page = Paginator(_filtered(components, filters, now), PAGE_ROWS).get_page(page_number)
    environments = list(project.environments.all())
    rows = _rows(project, list(page.object_list), environments, now=now)
    return Board(
        _columns(project, environments), rows, page, totals["total"], totals["attention"], totals["differing"]
    )


def _exists(condition: Q) -> Exists:
    return Exists(Application.objects.filter(condition, component=OuterRef("pk")))


def _differs() -> Exists:
    """Whether a component runs different versions somewhere."""
    mine = Application.objects.filter(component=OuterRef("pk")).values("component")
    counted = mine.annotate(
        count=Count("live_version", distinct=True), asked=Count("desired_version", distinct=True)
    )
    return Exists(counted.filter(Q(count__gt=1) | Q(asked__gt=1)))


def _filtered(components: QuerySet[Component], filters: Filters, now: datetime) -> QuerySet[Component]:
    found = components
    if filters.q:
        found = found.filter(name__icontains=filters.q)
    if filters.label:
        labelled = [pk for pk, labels in found.values_list("pk", "labels") if filters.label in labels]
        found = found.filter(pk__in=labelled)
    cell = Q()
    cell &= Q(health=filters.health, cluster__isnull=False) if filters.health else Q()
    cell &= Q(sync=filters.sync, cluster__isnull=False) if filters.sync else Q()
    cell &= _attention(now) if filters.attention else Q()
    if cell:
        found = found.filter(_exists(cell))
    if filters.differs:
        found = found.filter(_differs())
    if filters.sort == "attention":
        return found.annotate(
            bad=Count("applications", filter=Q(applications__health__in=["Degraded", "Missing"])),
            drifted=Count("applications", filter=Q(applications__sync="OutOfSync")),
        ).order_by("-bad", "-drifted", "name")
    if filters.sort == "newest":
        return found.annotate(newest=Max("applications__live_since")).order_by("-newest", "name")
    return found.order_by("name")


def _columns(project: Project, environments: Sequence[Environment]) -> list[Column]:
    pairs = (
        Application.objects.filter(environment__project=project, cluster__isnull=False)
        .values_list("environment_id", "cluster__name")
        .distinct()
    )
    names: dict[int, set[str]] = defaultdict(set)
    for environment_id, name in pairs:
        names[environment_id].add(str(name))
    return [Column(environment.name, sorted(names[environment.pk])) for environment in environments]


def _rows(
    project: Project, components: Sequence[Component], environments: Sequence[Environment], *, now: datetime
) -> list[Row]:
    asked_since = (
        VersionObservation.objects.filter(
            application=OuterRef("pk"), source="git", version=OuterRef("desired_version")
        )
        .order_by("-at")
        .values("at")[:1]
    )
    applications = Application.objects.filter(component__in=components).annotate(
        asked_since=Subquery(asked_since)
    )
    placed: dict[tuple[int, int], list[Application]] = defaultdict(list)
    for application in applications.order_by("pk"):
        placed[application.component_id, application.environment_id].append(application)
    leads = {
        (lag.component_id, lag.environment_id): Lead(lag.behind.name, lag.commit_count, lag.reason)
        for lag in Lag.objects.filter(component__in=components).select_related("behind")
    }
    return [_row(project, component, environments, placed, leads, now) for component in components]


def _row(
    project: Project,
    component: Component,
    environments: Sequence[Environment],
    placed: Mapping[tuple[int, int], list[Application]],
    leads: Mapping[tuple[int, int], Lead],
    now: datetime,
) -> Row:
    cells: list[Cell] = []
    is_first = True
    for environment in environments:
        key = (component.pk, environment.pk)
        applications = placed.get(key, [])
        cells.append(
            build_cell(environment.name, applications, lead=leads.get(key), is_first=is_first, now=now)
        )
        is_first = is_first and not applications
    url = f"/projects/{project.slug}/components/{component.slug}/"
    return Row(component.name, url, " · ".join(str(label) for label in component.labels), cells)
