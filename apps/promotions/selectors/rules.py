"""The rules, freezes and locks of environments in sentences, as their pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse

from apps.accounts.models import Project
from apps.environments.models import Environment
from apps.promotions.models import EnvironmentPolicy, FreezeWindow, Lock
from apps.promotions.selectors.policies import Freezes, describe_hold, rule_of, scope_of, sort_freezes
from gitopsui.domain.errors import InputError
from gitopsui.domain.freeze import DAYS, find_zone, frozen_until
from gitopsui.domain.gate_facts import Freeze
from gitopsui.domain.gates import describe_moment


@dataclass(frozen=True, slots=True)
class RuleRow:
    title: str
    text: str


def rule_rows(policy: EnvironmentPolicy, source: str) -> list[RuleRow]:
    """What is asked of a promotion into the environment; `source` is the name of the one before, or ""."""
    return [
        RuleRow("Approvals", _approvals(policy)),
        RuleRow("Soak time", _soak(policy, source)),
        RuleRow(
            "Source", _health(policy.needs_healthy_source, f"{source or 'The source'} has to be healthy.")
        ),
        RuleRow("Target", _target(policy)),
        RuleRow("Checks of the pull request", _checks(policy.checks)),
        RuleRow("Checks of the released commit", _checks(policy.source_checks)),
        RuleRow(
            "Signature", "The tag or commit has to be signed." if policy.needs_signature else "Not asked."
        ),
        RuleRow("External gates", _external(policy)),
        RuleRow("Merge", f"{policy.get_merge_display()[:1].upper()}{policy.get_merge_display()[1:]}."),
        RuleRow("Arrival", f"Within {in_words(policy.arrive_minutes)}, else it did not arrive."),
        RuleRow("By itself", _auto(policy, source)),
    ]


def in_words(minutes: int) -> str:
    """`90 minutes`, `24 hours`, `3 days`."""
    for size, noun, least in ((1440, "day", 2880), (60, "hour", 60)):
        if minutes >= least and minutes % size == 0:
            count = minutes // size
            return f"{count} {noun}{'s' * (count != 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"


def _approvals(policy: EnvironmentPolicy) -> str:
    if not policy.approvals and not policy.groups:
        return "No approval is asked for."
    groups = [f"{count} of the group {name}" for name, count in policy.groups]
    people = [f"{policy.approvals} approval{'s' * (policy.approvals != 1)}"] if policy.approvals else []
    strangers = " On the forge also of people whom nobody here knows." if policy.counts_strangers else ""
    asked = ", ".join([*people, *groups])
    return f"{asked}, neither from the proposer nor from the last pusher.{strangers}"


def _soak(policy: EnvironmentPolicy, source: str) -> str:
    if not policy.soak_minutes:
        return "None."
    return f"{in_words(policy.soak_minutes)} in {source or 'the environment before'}."


def _health(is_asked: bool, text: str) -> str:
    return text if is_asked else "Not asked."


def _target(policy: EnvironmentPolicy) -> str:
    words = ["healthy"] * policy.needs_healthy_target + ["in sync"] * policy.needs_synced_target
    return f"{policy.environment} has to be {' and '.join(words)}." if words else "Not asked."


def _checks(names: Iterable[str]) -> str:
    asked = ", ".join(names)
    return f"{asked} must have passed." if asked else "None."


def _external(policy: EnvironmentPolicy) -> str:
    names = ", ".join(str(one["name"]) for one in policy.external_gates)
    return f"{names}; a silent one waits." if names else "None."


def _auto(policy: EnvironmentPolicy, source: str) -> str:
    if not policy.auto_promote:
        return "Off: every promotion is started by somebody."
    asked = f" in {policy.auto_range}" if policy.auto_range else ""
    ran = f" of those that run or ran in {source}" if source else ""
    return f"The newest release{asked}{ran} comes as soon as the gates let it."


# --- freezes ----------------------------------------------------------------------------------------------


def open_freezes(project: Project) -> list[FreezeWindow]:
    """Those of a project that nobody ended, in no order."""
    rows = FreezeWindow.objects.filter(project=project, ended_at=None).select_related("environment")
    return list(rows[:500])


def freezes_for(environment: Environment, rows: Iterable[FreezeWindow], *, now: datetime) -> Freezes:
    return sort_freezes([one for one in rows if one.environment_id in (None, environment.pk)], now=now)


def describe_freezes(freezes: Freezes, now: datetime) -> str:
    """`frozen until Monday 08:00 CET: Black Friday`, `freezes Friday 18:00 CET: …`, or ""."""
    if freezes.active:
        freeze = freezes.active[-1]
        return f"frozen until {describe_moment(freeze.until, now)}: {freeze.reason}"
    return _describe_next(freezes.coming, now)


def _describe_next(coming: Iterable[Freeze], now: datetime) -> str:
    for freeze in coming:
        if freeze.starts_at is not None:
            start, until = describe_moment(freeze.starts_at, now), describe_moment(freeze.until, now)
            return f"freezes {start} until {until}: {freeze.reason}"
    return ""


def freeze_row(row: FreezeWindow, *, now: datetime) -> dict[str, Any]:
    """`state` is now, ahead, over or ended."""
    return {
        "pk": row.pk,
        "reason": row.reason,
        "environment": row.environment.name if row.environment else "every environment",
        "when": describe_window(row),
        "exceptions": row.exceptions,
        "created_by": row.created_by,
        "ended_by": row.ended_by,
        "ended_at": row.ended_at,
        "state": _state(row, now),
    }


def _state(row: FreezeWindow, now: datetime) -> str:
    if row.ended_at is not None:
        return "ended"
    if row.ends_at and row.ends_at <= now:
        return "over"
    try:
        return "now" if frozen_until(rule_of(row), now) is not None else "ahead"
    except InputError:
        return "now"


def describe_window(row: FreezeWindow) -> str:
    """`27 November 2026 18:00 to 30 November 2026 08:00 CET`, `Friday from 18:00 for 14 hours, UTC`."""
    if row.from_time is not None and row.lasts_minutes:
        days = ", ".join(DAYS[day] for day in row.weekdays)
        return f"{days} from {row.from_time:%H:%M} for {in_words(row.lasts_minutes)}, {row.zone}"
    if row.starts_at is None or row.ends_at is None:
        return "without an end"
    try:
        zone = find_zone(row.zone)
    except InputError:
        return f"in the unknown zone {row.zone}"
    start, end = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    return f"{start:%-d %B %Y %H:%M} to {end:%-d %B %Y %H:%M} {end.tzname()}"


# --- locks and the environments of a project --------------------------------------------------------------


def open_locks(project: Project, *, now: datetime) -> list[Lock]:
    holds = Q(expires_at=None) | Q(expires_at__gt=now)
    rows = Lock.objects.filter(holds, project=project, ended_at=None).select_related(
        "project", "environment", "component", "application__component", "application__environment"
    )
    return list(rows[:500])


def lock_row(lock: Lock) -> dict[str, Any]:
    return {
        "pk": lock.pk,
        "scope": scope_of(lock),
        "owner": lock.owner,
        "message": lock.message,
        "created_at": lock.created_at,
        "expires_at": lock.expires_at,
    }


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """An environment on the list of promotions: its state in words, and where its rules are."""

    name: str
    url: str
    hold: str
    freeze: str
    is_frozen: bool
    locks: int
    approvals: str


def environment_rows(project: Project, *, now: datetime) -> list[EnvironmentRow]:
    """In their order: what holds promotions up there now or soon."""
    freezes, locks = open_freezes(project), open_locks(project, now=now)
    rows = []
    for environment in project.environments.select_related("promotion_policy"):
        policy = getattr(environment, "promotion_policy", None) or EnvironmentPolicy(environment=environment)
        found = freezes_for(environment, freezes, now=now)
        rows.append(
            EnvironmentRow(
                name=environment.name,
                url=reverse("environment-policy", args=[environment.pk]),
                hold=describe_hold(policy),
                freeze=describe_freezes(found, now),
                is_frozen=bool(found.active),
                locks=sum(_is_in(lock, environment) for lock in locks),
                approvals=_approvals(policy),
            )
        )
    return rows


def _is_in(lock: Lock, environment: Environment) -> bool:
    if lock.application is not None:
        return lock.application.environment_id == environment.pk
    return lock.environment_id in (None, environment.pk)
