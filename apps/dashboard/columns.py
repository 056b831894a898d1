"""What the head of a column says: whether its environment is frozen, held or locked, now or soon."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, F, JSONField, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_time

from apps.accounts.models import Project
from apps.promotions.models import EnvironmentPolicy, FreezeWindow, Lock
from apps.promotions.selectors.policies import sort_freezes
from apps.promotions.selectors.under_way import read_moment

SOON = timedelta(days=7)


class JsonRows(Aggregate):
    """The JSON objects of several rows as one list."""

    function = "JSON_GROUP_ARRAY"
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **extra)


@dataclass(frozen=True, slots=True)
class Sign:
    """One badge: an icon, a few words, and the whole sentence."""

    icon: str
    tone: str
    words: str
    note: str


def read_holds(project: Project, *, now: datetime) -> dict[str, Subquery]:
    """The freezes and the locks of whole environments of a project, each a list in one value."""
    freezes = FreezeWindow.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=now), project=project, ended_at=None
    )
    told_freeze = JSONObject(
        environment=F("environment_id"), reason=F("reason"), by=F("created_by"), zone=F("zone"),
        starts_at=F("starts_at"), ends_at=F("ends_at"), weekdays=F("weekdays"), from_time=F("from_time"),
        lasts=F("lasts_minutes"), exceptions=F("exceptions"),
    )  # fmt: skip
    holds = Q(expires_at=None) | Q(expires_at__gt=now)
    locks = Lock.objects.filter(holds, project=project, ended_at=None, component=None, application=None)
    told_lock = JSONObject(
        environment=F("environment_id"), owner=F("owner"), message=F("message"), until=F("expires_at")
    )
    policies = EnvironmentPolicy.objects.filter(environment__project=project, held_at__isnull=False)
    told_hold = JSONObject(environment=F("environment_id"), by=F("held_by"), reason=F("hold_reason"))
    return {
        "freezes": _as_list(freezes, told_freeze),
        "locks": _as_list(locks, told_lock),
        "holds": _as_list(policies, told_hold, by="environment__project"),
    }


def _as_list(rows: Any, told: JSONObject, *, by: str = "project") -> Subquery:
    """Worked out once, not for each row: nothing in it is of the query around it."""
    listed = rows.order_by().values(by).annotate(told=JsonRows(told)).values("told")
    return Subquery(listed)


@dataclass(frozen=True, slots=True)
class Held:
    """The three lists of `read_holds`, as the database gave them."""

    freezes: Any
    locks: Any
    holds: Any


def signs_of_column(environment: int, held: Held, *, now: datetime) -> tuple[Sign, ...]:
    """What stands beside the name of an environment; most often nothing."""
    signs = [
        Sign("pause", "warn", "held", f"Held by {hold['by']}: {hold['reason']}")
        for hold in _listed(held.holds)
        if hold["environment"] == environment
    ]
    for lock in _listed(held.locks):
        if lock["environment"] == environment:
            until = read_moment(lock["until"])
            words = f"locked until {_short(until, now)}" if until else "locked"
            signs.append(Sign("lock", "", words, f"Locked by {lock['owner']}: {lock['message']}"))
    mine = [one for one in _listed(held.freezes) if one["environment"] in (None, environment)]
    return (*signs, *_freeze_signs(mine, now))


def _freeze_signs(told: Iterable[Mapping[str, Any]], now: datetime) -> Sequence[Sign]:
    freezes = sort_freezes([_window(one) for one in told], now=now)
    if freezes.active:
        freeze = freezes.active[-1]
        words = f"Frozen until {_short(freeze.until, now)}"
        return [Sign("clock", "warn", words, f"{freeze.reason}, set by {freeze.set_by}")]
    for freeze in freezes.coming[:1]:
        if freeze.starts_at is not None and freeze.starts_at - now < SOON:
            words = f"Freeze from {_short(freeze.starts_at, now)}"
            until = _short(freeze.until, now)
            note = f"Until {until}: {freeze.reason}, set by {freeze.set_by}"
            return [Sign("clock", "warn", words, note)]
    return []


def _short(at: datetime, now: datetime) -> str:
    """`18:00 CET` today, `Fri 18:00 CET` this week, else with its date."""
    there = now.astimezone(at.tzinfo)
    day = "" if there.date() == at.date() else f"{at:%a} " if abs(at - now) < SOON else f"{at:%-d %b} "
    return f"{day}{at:%H:%M} {at.tzname()}"


def _window(told: Mapping[str, Any]) -> FreezeWindow:
    """The row again, as far as its times go."""
    weekdays = told["weekdays"]
    return FreezeWindow(
        reason=told["reason"],
        created_by=told["by"],
        zone=told["zone"],
        starts_at=read_moment(told["starts_at"]),
        ends_at=read_moment(told["ends_at"]),
        weekdays=json.loads(weekdays) if isinstance(weekdays, str) else weekdays,
        from_time=parse_time(told["from_time"]) if told["from_time"] else None,
        lasts_minutes=told["lasts"],
    )


def _listed(value: Any) -> list[dict[str, Any]]:
    """A list of objects; where a database gives it as text, read."""
    found = json.loads(value) if isinstance(value, str) else value
    return found or []
