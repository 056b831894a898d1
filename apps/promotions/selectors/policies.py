"""What holds for promotions into an environment now: its rules, freezes and locks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.environments.models import Application, Environment
from apps.promotions.models import EnvironmentPolicy, FreezeWindow, Lock
from gitopsui.domain.errors import InputError
from gitopsui.domain.freeze import FreezeRule, frozen_since, frozen_until, next_freeze
from gitopsui.domain.gate_facts import Freeze, LockFacts, Rules


def policy_of(environment: Environment) -> EnvironmentPolicy:
    """Its row, else one with the defaults that is not stored."""
    found = EnvironmentPolicy.objects.filter(environment=environment).first()
    return found or EnvironmentPolicy(environment=environment)


def rules_of(policy: EnvironmentPolicy) -> Rules:
    return Rules(
        approvals=policy.approvals,
        groups=tuple((str(name), int(count)) for name, count in policy.groups),
        soak=timedelta(minutes=policy.soak_minutes),
        needs_healthy_source=policy.needs_healthy_source,
        needs_healthy_target=policy.needs_healthy_target,
        needs_synced_target=policy.needs_synced_target,
        checks=tuple(policy.checks),
        source_checks=tuple(policy.source_checks),
        needs_signature=policy.needs_signature,
        counts_strangers=policy.counts_strangers,
    )


def describe_hold(policy: EnvironmentPolicy) -> str:
    """`production is held by ada since 23 November 10:00 UTC: audit`; "" where nobody holds it."""
    if policy.held_at is None:
        return ""
    at = f"{policy.held_at:%-d %B %H:%M} UTC"
    return f"{policy.environment.name} is held by {policy.held_by} since {at}: {policy.hold_reason}"


@dataclass(frozen=True, slots=True)
class Freezes:
    """Those that hold now, the longest last, and those to come, the next first."""

    active: tuple[Freeze, ...]
    coming: tuple[Freeze, ...]


def freezes_of(environment: Environment, slugs: Iterable[str], *, now: datetime) -> Freezes:
    """The freezes of an environment for components of these slugs; without any for the environment at all."""
    rows = FreezeWindow.objects.filter(
        Q(environment=environment) | Q(environment=None), project=environment.project_id, ended_at=None
    )
    wanted = set(slugs)
    return sort_freezes([row for row in rows if not (wanted and wanted <= set(row.exceptions))], now=now)


def sort_freezes(rows: Iterable[FreezeWindow], *, now: datetime) -> Freezes:
    """What these windows say now and next."""
    active, coming = [], []
    for row in rows:
        until = _frozen_until(row, now)
        if until is not None:
            active.append(Freeze(row.reason, row.created_by, until, set_at=_shut_at(row, now)))
        elif (span := _next_freeze(row, now)) is not None:
            coming.append(Freeze(row.reason, row.created_by, span[1], starts_at=span[0]))
    return Freezes(
        active=tuple(sorted(active, key=lambda freeze: freeze.until)),
        coming=tuple(sorted(coming, key=lambda freeze: freeze.starts_at or now)),
    )


def _next_freeze(row: FreezeWindow, now: datetime) -> tuple[datetime, datetime] | None:
    try:
        return next_freeze(rule_of(row), now)
    except InputError:
        return None


def rule_of(row: FreezeWindow) -> FreezeRule:
    return FreezeRule(
        reason=row.reason,
        set_by=row.created_by,
        zone=row.zone,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        weekdays=tuple(row.weekdays),
        from_time=row.from_time,
        lasts=timedelta(minutes=row.lasts_minutes) if row.lasts_minutes else None,
    )


def _frozen_until(row: FreezeWindow, now: datetime) -> datetime | None:
    try:
        return frozen_until(rule_of(row), now)
    except InputError:
        # A zone this machine does not know: rather frozen than not, until somebody looks at it.
        return row.ends_at or now + timedelta(days=1)


def _shut_at(row: FreezeWindow, now: datetime) -> datetime | None:
    """When this window of it shut the gate: who opened that of last week did not open this one."""
    try:
        since = frozen_since(rule_of(row), now)
    except InputError:
        since = None
    # The row of a board holds no time at which it was made.
    return max((at for at in (row.created_at, since) if at is not None), default=None)


def active_locks(
    environment: Environment, applications: Iterable[Application], *, now: datetime
) -> list[LockFacts]:
    """The locks that hold now: of the environment, of these applications, of their components."""
    rows = lock_rows(environment, applications, now=now)
    return [LockFacts(scope_of(row), row.owner, row.message, row.expires_at, row.created_at) for row in rows]


def lock_rows(
    environment: Environment, applications: Iterable[Application], *, now: datetime
) -> QuerySet[Lock]:
    """The same as rows."""
    wanted = list(applications)
    return Lock.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        Q(environment=environment, component=None)
        | Q(environment=environment, component__in=[one.component_id for one in wanted])
        | Q(environment=None, component__in=[one.component_id for one in wanted])
        | Q(application__in=wanted),
        project=environment.project_id,
        ended_at=None,
    ).select_related("environment", "component", "application__component", "application__environment")


def scope_of(row: Lock) -> str:
    """`production`, `cart`, `cart in production`."""
    if row.application is not None:
        return str(row.application)
    parts = [str(part) for part in (row.component, row.environment) if part is not None]
    return " in ".join(parts)
