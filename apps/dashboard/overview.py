"""What is counted over a whole project, whatever page of it is shown, and a tag that tells of a change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q, Subquery

from apps.accounts.models import Project
from apps.core.models import AuditEvent
from apps.dashboard.columns import Held, Sign, read_holds, signs_of_column
from apps.dashboard.filters import Filters
from apps.dashboard.signs import Silent
from apps.environments.models import BRANCH_GONE, stale_after
from apps.promotions.models import Promotion
from apps.releases.models import Lag


@dataclass(frozen=True, slots=True)
class Column:
    """An environment and the names of the clusters its applications are on."""

    pk: int
    name: str
    clusters: list[str]
    signs: tuple[Sign, ...] = ()


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
    promotions: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Applications of an environment on one cluster with the same health and sync; none of an empty one."""

    position: int
    name: str
    environment: int
    cluster: str | None
    health: str | None
    sync: str | None
    count: int
    unrendered: int
    stale: int
    unchecked: int
    checked: datetime | None
    newest: datetime | None
    last: int | None
    lag: datetime | None
    act: int | None
    promotions: int | None
    freezes: Any
    locks: Any
    holds: Any


@dataclass(frozen=True, slots=True)
class Overview:
    """What is counted over a whole project; `counts` has the names of `Answer`, `count` and `unchecked`."""

    columns: list[Column]
    groups: list[Group]
    counts: dict[str, int]
    checked_at: datetime | None
    environment_count: int
    promotion_count: int = 0


def stale_condition(now: datetime, of: str = "") -> Q:
    """The condition that an application, reached by the path `of`, is too old to be believed."""
    never = Q(**{f"{of}checked_at": None, f"{of}failed_at__isnull": False})
    gone = Q(**{f"{of}desired_error_code": BRANCH_GONE})
    old = Q(**{f"{of}checked_at__lt": now - stale_after()})
    return Q(**{f"{of}cluster__isnull": False}) & (never | gone | old)


def read_overview(project: Project, *, now: datetime) -> Overview:
    """The environments with their clusters and the counts of the heading: one query over the project."""
    groups = sorted(_read_groups(project, now), key=lambda group: (group.position, group.name))
    columns: dict[int, Column] = {}
    for group in groups:
        column = columns.get(group.environment) or _column(group, now)
        columns[group.environment] = column
        if group.cluster and group.cluster not in column.clusters:
            column.clusters.append(group.cluster)
    for column in columns.values():
        column.clusters.sort()
    return Overview(
        columns=list(columns.values()),
        groups=groups,
        counts=_counts(groups),
        checked_at=min((group.checked for group in groups if group.checked), default=None),
        environment_count=len({group.environment for group in groups if group.count}),
        promotion_count=next((group.promotions or 0 for group in groups), 0),
    )


def _column(group: Group, now: datetime) -> Column:
    held = Held(group.freezes, group.locks, group.holds)
    signs = signs_of_column(group.environment, held, now=now)
    return Column(group.environment, group.name, [], signs)


def _read_groups(project: Project, now: datetime) -> list[Group]:
    """
    Grouped by the database, which reads an index alone, and summed up here.

    A condition for each count of the heading would be worked out for each row, and take four times as long.
    """
    one = "applications__"
    alike = {"environment": F("pk"), "health": F(f"{one}health"), "sync": F(f"{one}sync")}
    rows = project.environments.order_by().values("position", "name", f"{one}cluster_id", **alike)
    counted = rows.annotate(
        cluster=Max(f"{one}cluster__name"),
        count=Count("applications"),
        unrendered=Count("applications", filter=Q(applications__desired_error_code__gt="")),
        stale=Count("applications", filter=stale_condition(now, one)),
        unchecked=Count("applications", filter=_never_checked(one)),
        checked=Min(f"{one}checked_at", filter=_believed(now, one)),
        newest=Max(f"{one}changed_at"),
        last=Max("applications"),
        **_changes(project),
        **read_holds(project, now=now),
    )
    return [Group(**{name: row[name] for name in row if name != f"{one}cluster_id"}) for row in counted]


def _changes(project: Project) -> dict[str, Subquery]:
    """What moves the stamp though no row of an application moves."""
    # Of the whole project, hence worked out once: one for each environment would be worked out for each row.
    lags = Lag.objects.filter(environment__project=project).order_by("-changed_at").values("changed_at")
    # What people change, a name or a label, is not seen in the rows of applications.
    acts = AuditEvent.objects.order_by("-pk").values("pk")
    open_ones = Promotion.objects.filter(project=project).unsettled().order_by().values("project")
    counted = open_ones.annotate(number=Count("pk")).values("number")
    return {"lag": Subquery(lags[:1]), "act": Subquery(acts[:1]), "promotions": Subquery(counted)}


def _never_checked(of: str) -> Q:
    """Watched, not stale, and no check has ended yet."""
    waits = Q(**{f"{of}checked_at": None, f"{of}failed_at": None, f"{of}cluster__isnull": False})
    return waits & _not_gone(of)


def _believed(now: datetime, of: str) -> Q:
    unwatched, recent = Q(**{f"{of}cluster": None}), Q(**{f"{of}checked_at__gte": now - stale_after()})
    return unwatched | (recent & _not_gone(of))


def _not_gone(of: str) -> Q:
    """Spelled out: Django turns the negation of a joined condition into subqueries."""
    code = f"{of}desired_error_code"
    return Q(**{f"{code}__lt": BRANCH_GONE}) | Q(**{f"{code}__gt": BRANCH_GONE})


def _counts(groups: Iterable[Group]) -> dict[str, int]:
    """What the heading counts. Of those not believed only that: what they last were is no answer."""
    counts = dict.fromkeys(
        ("count", "watched", "unrendered", "stale", "unchecked", "unknown", "drifted", "degraded",
         "progressing", "missing"), 0
    )  # fmt: skip
    for group in groups:
        counts["count"] += group.count
        counts["unrendered"] += group.unrendered
        if group.cluster is not None:
            _count_watched(counts, group)
    return counts


def _count_watched(counts: dict[str, int], group: Group) -> None:
    believed = group.count - group.stale
    counts["watched"] += group.count
    counts["stale"] += group.stale
    counts["unchecked"] += group.unchecked
    if "Unknown" in (group.health, group.sync):
        counts["unknown"] += believed - group.unchecked
    if group.sync == "OutOfSync":
        counts["drifted"] += believed
    if group.health in ("Degraded", "Progressing", "Missing"):
        counts[group.health.lower()] += believed


def build_stamp(
    overview: Overview, filters: Filters, page: str, *, now: datetime, rights: Iterable[str] = ()
) -> str:
    """
    Changes when anything on the board does; what is unchanged is neither sent nor drawn again.

    `rights` are the environments the reader may promote into: their cells have a link for it.
    """
    # Ages are words in minutes, so a board is at most a minute behind the clock of its reader.
    text = f"{overview.groups!r} {filters.query} {page} {now:%Y-%m-%dT%H:%M} {sorted(rights)!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]
