"""What the board reads: a fixed number of queries, whatever the number of components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)

from apps.accounts.models import Project
from apps.dashboard.cells import Cell, Lead, build_cell
from apps.dashboard.filters import Filters
from apps.dashboard.overview import Answer, Column, Overview, stale_condition
from apps.dashboard.signs import Silent
from apps.environments.models import Application, Component, VersionObservation
from apps.environments.selectors.drift import with_whole_counts
from apps.promotions.selectors.under_way import with_marks
from apps.releases.selectors.registry import hint_of
from apps.releases.selectors.versions import shown_version

PAGE_ROWS = 50
# What a cell is made of; the other columns of an application are long and not read for 250 cells.
CELL_FIELDS = (
    "component_id", "environment_id", "cluster_id", "refusal", "desired_version", "desired_error",
    "desired_error_code", "live_version", "live_since", "sync", "drift_count", "health", "health_note",
    "checked_at", "failed_at", "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    url: str
    caption: str
    cells: list[Cell]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    environments: list[Column]
    rows: list[Row]
    page: Page[Component]
    total: int
    deployed_count: int
    attention_count: int
    differs_count: int
    labels: list[str]


def _attention(now: datetime) -> Q:
    watched = Q(cluster__isnull=False)
    poor = (
        Q(health__in=["Degraded", "Missing"]) | Q(sync="OutOfSync") | Q(health="Unknown") | Q(sync="Unknown")
    )
    return watched & (poor | stale_condition(now))


def build_answer(overview: Overview, board: Board, silent: list[Silent]) -> Answer:
    """What the heading says. Beside checked ones, those not checked yet are unknown: never "all are well"."""
    counts = dict(overview.counts)
    unchecked = counts.pop("unchecked")
    if overview.checked_at is not None:
        counts["unknown"] += unchecked
    return Answer(
        applications=counts.pop("count"),
        components=board.deployed_count,
        environments=overview.environment_count,
        promotions=overview.promotion_count,
        checked_at=overview.checked_at,
        silent=silent,
        **counts,
    )


def read_board(
    project: Project,
    overview: Overview,
    filters: Filters,
    page_number: str,
    *,
    now: datetime,
    rights: Collection[str] = (),
) -> Board:
    """
    One page of rows with their cells, and the totals of the chips: three queries. `rights` are the names of
    the environments that the reader may promote into.
    """
    components: QuerySet[Component] = Component.objects.filter(project=project)
    wanted = _condition(filters, now)
    groups = _by_labels(components, wanted, now)
    lists = [group["labels"] for group in groups if filters.label in group["labels"]]
    listed = [group for group in groups if not filters.label or group["labels"] in lists]
    found = components if wanted is None else components.filter(wanted)
    found = _sorted(found.filter(labels__in=lists) if filters.label else found, filters.sort)
    paginator = Paginator(found, PAGE_ROWS)
    # Counted along above: the paginator would ask once more.
    paginator.count = sum(group["matching"] for group in listed)
    page = paginator.get_page(page_number)
    return Board(
        environments=overview.columns,
        rows=_rows(project, list(page.object_list), overview.columns, now=now, rights=rights),
        page=page,
        total=sum(group["total"] for group in groups),
        deployed_count=sum(group["deployed"] for group in groups),
        attention_count=sum(group["attention"] for group in groups),
        differs_count=sum(group["differing"] for group in groups),
        labels=sorted({str(label) for group in groups for label in group["labels"]}),
    )


def _by_labels(components: QuerySet[Component], wanted: Q | None, now: datetime) -> list[Any]:
    """The totals for each list of labels: so one query brings the labels, the counts and the pages."""
    counted = (
        components.order_by()
        .values("labels")
        .annotate(
            total=Count("pk"),
            deployed=Count("pk", filter=_exists(Q())),
            attention=Count("pk", filter=_exists(_attention(now))),
            differing=Count("pk", filter=_differs()),
            matching=Count("pk", filter=wanted) if wanted is not None else Count("pk"),
        )
    )
    return list(counted)


def _exists(condition: Q) -> Exists:
    return Exists(Application.objects.filter(condition, component=OuterRef("pk")))


def _differs() -> Exists:
    """Whether a component runs different versions somewhere."""
    mine = Application.objects.filter(component=OuterRef("pk")).order_by().values("component")
    counted = mine.annotate(
        count=Count("live_version", distinct=True), asked=Count("desired_version", distinct=True)
    )
    return Exists(counted.filter(Q(count__gt=1) | Q(asked__gt=1)))


def _condition(filters: Filters, now: datetime) -> Q | None:
    """What a component must fulfil, but for its labels; None where nothing is asked."""
    parts = [Q(name__icontains=filters.q)] if filters.q else []
    cell = Q()
    cell &= Q(health=filters.health, cluster__isnull=False) if filters.health else Q()
    cell &= Q(sync=filters.sync, cluster__isnull=False) if filters.sync else Q()
    cell &= _attention(now) if filters.attention else Q()
    parts += [Q(_exists(cell))] if cell else []
    parts += [Q(_differs())] if filters.differs else []
    return reduce(and_, parts) if parts else None


def _sorted(found: QuerySet[Component], sort: str) -> QuerySet[Component]:
    if sort == "attention":
        return found.annotate(
            bad=Count("applications", filter=Q(applications__health__in=["Degraded", "Missing"])),
            drifted=Count("applications", filter=Q(applications__sync="OutOfSync")),
        ).order_by("-bad", "-drifted", "name")
    if sort == "newest":
        return found.annotate(newest=Max("applications__live_since")).order_by("-newest", "name")
    return found.order_by("name")


def _cells(components: Sequence[Component]) -> QuerySet[Application]:
    """The applications of a page of rows, with what their cells show and how far they lag."""
    asked_since = (
        VersionObservation.objects.filter(
            application=OuterRef("pk"), source="git", version=OuterRef("desired_version")
        )
        .order_by("-at")
        .values("at")[:1]
    )
    lag = FilteredRelation("component__lags", condition=Q(component__lags__environment=F("environment")))
    return (
        with_whole_counts(Application.objects.filter(component__in=components))
        .annotate(
            asked_since=Case(When(cluster=None, then=Subquery(asked_since)), default=None),
            lag=lag,
            lag_of=F("lag__behind__name"),
            lag_count=F("lag__commit_count"),
            lag_reason=F("lag__reason"),
            lag_here=F("lag__here_version"),
            lag_there=F("lag__there_version"),
            newest_allowed=F("component__registry_state__newest_allowed"),
            registry_at=F("component__registry_state__checked_at"),
            tag_pattern=F("component__tag_pattern"),
        )
        .only(*CELL_FIELDS)
        .order_by("pk")
    )


def _rows(
    project: Project,
    components: Sequence[Component],
    columns: Sequence[Column],
    *,
    now: datetime,
    rights: Collection[str],
) -> list[Row]:
    placed: dict[tuple[int, int], list[Application]] = defaultdict(list)
    for application in with_marks(_cells(components), now=now):
        placed[application.component_id, application.environment_id].append(application)
    return [_row(project, component, columns, placed, now, rights) for component in components]


def _row(
    project: Project,
    component: Component,
    columns: Sequence[Column],
    placed: Mapping[tuple[int, int], list[Application]],
    now: datetime,
    rights: Collection[str],
) -> Row:
    cells: list[Cell] = []
    is_first, last = True, None
    for column in columns:
        applications = placed.get((component.pk, column.pk), [])
        last = applications[0] if applications else last
        lead = _lead(applications[0]) if applications else None
        if lead is not None and column.name in rights:
            lead = replace(lead, promote_url=_promote_url(project, component, lead, column.name))
        cells.append(build_cell(column.name, applications, lead=lead, is_first=is_first, now=now))
        is_first = is_first and not applications
    url = f"/projects/{project.slug}/components/{component.slug}/"
    caption = " · ".join(str(label) for label in component.labels)
    return Row(component.name, url, caption, cells, _hint(last, now) if last else "")


def _hint(application: Any, now: datetime) -> str:
    """What the registry has that is newer than what runs in the last environment; "" for nothing."""
    if not application.newest_allowed:
        return ""
    shown = shown_version(application)
    hint = hint_of(
        application.newest_allowed, application.registry_at, application.tag_pattern, shown=shown, now=now
    )
    return hint.text if hint else ""


def _lead(application: Any) -> Lead | None:
    if application.lag_of is None:
        return None
    differs = bool(application.lag_there) and application.lag_here != application.lag_there
    return Lead(application.lag_of, application.lag_count, application.lag_reason, differs)


def _promote_url(project: Project, component: Component, lead: Lead, into: str) -> str:
    """Where a promotion from the left neighbour is looked at."""
    query = urlencode({"from": lead.environment, "into": into, "component": component.slug})
    return f"/projects/{project.slug}/promotions/new/?{query}"
