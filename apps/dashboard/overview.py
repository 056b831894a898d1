"""What is counted over a whole project, whatever page of it is shown, and a tag that tells of a change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q, Subquery

from apps.accounts.models import Project
from apps.dashboard.filters import Filters
from apps.dashboard.signs import Silent
from apps.environments.models import BRANCH_GONE, stale_after
from apps.releases.models import Lag

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """An environment and the names of the clusters its applications are on."""

    pk: int
    name: str
    clusters: list[str]


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
class Overview:
    """What is counted over a whole project; `counts` has the names of `Answer`, `count` and `unchecked`."""

    columns: list[Column]
    groups: list[dict[str, Any]]
    counts: dict[str, int]
    checked_at: datetime | None
    environment_count: int


def board_stamp(project: Project, filters: Filters, page: str, *, now: datetime) -> str:
    """
    Changes when anything on the board does. One small query, so that an unchanged poll costs next to nothing.
    """
    groups = _by_environment(project).annotate(
        stale=Count("applications", filter=stale_condition(now, "applications__"))
    )
    return build_stamp(list(groups), filters, page, now=now)


def build_stamp(groups: Sequence[Mapping[str, Any]], filters: Filters, page: str, *, now: datetime) -> str:
    """The same of groups that were read already, by environment or finer."""
    facts: dict[str, list[Any]] = {}
    for one in groups:
        newest, count, last, stale = facts.get(one["name"], [_NEVER, 0, 0, 0])[:4]
        facts[one["name"]] = [
            max(newest, one["newest"] or _NEVER),
            count + one["count"],
            max(last, one["last"] or 0),
            stale + one["stale"],
            one["lag"],
        ]
    # Ages are words in minutes, so a board is at most a minute behind the clock of its reader.
    text = f"{list(facts.items())!r} {filters.query} {page} {now:%Y-%m-%dT%H:%M}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _by_environment(project: Project) -> Any:
    """The environments in order, and what shows that something of them changed."""
    # Of the whole project, hence worked out once: one for each environment would be worked out for each row.
    lags = Lag.objects.filter(environment__project=project).order_by("-changed_at").values("changed_at")
    return (
        project.environments.order_by("position", "name")
        .values("pk", "name")
        .annotate(
            newest=Max("applications__changed_at"),
            count=Count("applications"),
            last=Max("applications"),
            lag=Subquery(lags[:1]),
        )
    )


def stale_condition(now: datetime, of: str = "") -> Q:
    """The condition that an application, reached by the path `of`, is too old to be believed."""
    never = Q(**{f"{of}checked_at": None, f"{of}failed_at__isnull": False})
    gone = Q(**{f"{of}desired_error_code": BRANCH_GONE})
    old = Q(**{f"{of}checked_at__lt": now - stale_after()})
    return Q(**{f"{of}cluster__isnull": False}) & (never | gone | old)


def _fresh(now: datetime, of: str = "") -> Q:
    """Watched and not stale. Spelled out: Django turns the negation of a joined condition into subqueries."""
    unchecked = Q(**{f"{of}checked_at": None, f"{of}failed_at": None})
    recent = Q(**{f"{of}checked_at__gte": now - stale_after()})
    code = f"{of}desired_error_code"
    kept = Q(**{f"{code}__lt": BRANCH_GONE}) | Q(**{f"{code}__gt": BRANCH_GONE})
    return Q(**{f"{of}cluster__isnull": False}) & (unchecked | recent) & kept


def _counts(now: datetime) -> dict[str, Count]:
    """What is counted of the applications of an environment; each sums up over environments and clusters."""
    one = "applications__"
    fresh = _fresh(now, one)
    unknown = Q(applications__health="Unknown") | Q(applications__sync="Unknown")
    conditions = {
        "watched": Q(applications__cluster__isnull=False),
        "unrendered": Q(applications__desired_error__gt=""),
        "drifted": fresh & Q(applications__sync="OutOfSync"),
        "degraded": fresh & Q(applications__health="Degraded"),
        "unknown": fresh & Q(applications__checked_at__isnull=False) & unknown,
        "unchecked": fresh & Q(applications__checked_at=None),
        "stale": stale_condition(now, one),
        "progressing": fresh & Q(applications__health="Progressing"),
        "missing": fresh & Q(applications__health="Missing"),
    }
    return {name: Count("applications", filter=condition) for name, condition in conditions.items()}


def read_overview(project: Project, *, now: datetime) -> Overview:
    """The environments with their clusters and the counts of the heading: one query over the project."""
    groups: list[dict[str, Any]] = list(
        _by_environment(project)
        .values("pk", "name", "newest", "count", "last", "lag", cluster=F("applications__cluster__name"))
        .order_by("position", "name", "cluster")
        .annotate(
            checked=Min(
                "applications__checked_at",
                filter=Q(applications__cluster=None) | _fresh(now, "applications__"),
            ),
            **_counts(now),
        )
    )
    columns: dict[int, Column] = {}
    for group in groups:
        column = columns.setdefault(group["pk"], Column(group["pk"], group["name"], []))
        column.clusters.extend([group["cluster"]] if group["cluster"] else [])
    counts = {name: sum(group[name] for group in groups) for name in (*_counts(now), "count")}
    return Overview(
        columns=list(columns.values()),
        groups=groups,
        counts=counts,
        checked_at=min((group["checked"] for group in groups if group["checked"]), default=None),
        environment_count=len({group["pk"] for group in groups if group["count"]}),
    )
