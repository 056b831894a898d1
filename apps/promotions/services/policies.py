"""Changes what an environment asks of promotions: its rules, its freezes, and whether it is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role
from apps.core import audit
from apps.core.crypto import fingerprint
from apps.environments.models import Environment
from apps.promotions.models import EnvironmentPolicy, FreezeWindow
from apps.promotions.selectors.policies import policy_of
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.text import clean_text

RULES = (
    "approvals", "groups", "counts_strangers", "soak_minutes", "needs_healthy_source",
    "needs_healthy_target", "needs_synced_target", "checks", "source_checks", "needs_signature",
    "external_gates", "merge", "arrive_minutes", "auto_promote", "auto_range",
)  # fmt: skip
MOST_REASON = 300


@transaction.atomic
def save_policy(environment: Environment, values: dict[str, Any], *, by: Person) -> EnvironmentPolicy:
    """Store the rules; `values` has the names of `RULES` and a secret, "" to keep the one there is."""
    if not has_role(by, Role.ADMIN, environment.project):
        raise PromotionDenied(f"Only an administrator may change the rules of {environment}.")
    policy = policy_of(environment)
    before = _told(policy)
    for name in RULES:
        setattr(policy, name, values[name])
    policy.gate_secret = values.get("gate_secret") or policy.gate_secret
    policy.save()
    audit.record_change(by, "changed promotion rules", environment, before=before, after=_told(policy))
    return policy


def _told(policy: EnvironmentPolicy) -> dict[str, Any]:
    """The rules for the record; of the secret only whether it is the same."""
    told = {name: getattr(policy, name) for name in RULES}
    secret = policy.gate_secret
    return told | {"signed_with": fingerprint(secret) if secret else ""}


@transaction.atomic
def hold(environment: Environment, *, by: Person, reason: str) -> None:
    """Nothing more goes into the environment until somebody releases it. Raises PromotionDenied."""
    reason, name = clean_text(reason, limit=MOST_REASON).strip(), by.get_username()
    if not has_role(by, Role.PROMOTER, environment.project, environment=environment.name):
        raise PromotionDenied(f"Only promoters into {environment} may hold it.")
    if not reason:
        raise PromotionDenied("Say why it is held: everybody who waits for it reads that.")
    policy = _locked_policy(environment)
    if policy.held_at is not None:
        raise PromotionDenied(f"{environment} is held by {policy.held_by} already: {policy.hold_reason}")
    policy.held_by, policy.held_at, policy.hold_reason = name, timezone.now(), reason
    policy.save()
    audit.record(by, "held environment", environment, after={"reason": reason})


@transaction.atomic
def release(environment: Environment, *, by: Person) -> None:
    """Let promotions in again. Whoever may hold may release, since who held it may be asleep."""
    if not has_role(by, Role.PROMOTER, environment.project, environment=environment.name):
        raise PromotionDenied(f"Only promoters into {environment} may release it.")
    policy = _locked_policy(environment)
    if policy.held_at is None:
        raise PromotionDenied(f"{environment} is not held.")
    before = {"by": policy.held_by, "reason": policy.hold_reason}
    policy.held_by, policy.held_at, policy.hold_reason = "", None, ""
    policy.save()
    audit.record(by, "released environment", environment, before=before)


def _locked_policy(environment: Environment) -> EnvironmentPolicy:
    policy, _ = EnvironmentPolicy.objects.select_for_update().get_or_create(environment=environment)
    return policy


@dataclass(frozen=True, slots=True)
class FreezeWish:
    """A freeze somebody asks for: dated, or again on these days of the week."""

    environment: Environment | None
    reason: str
    zone: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: tuple[int, ...] = ()
    from_time: time | None = None
    lasts_minutes: int | None = None
    exceptions: tuple[str, ...] = ()


@transaction.atomic
def add_freeze(project: Project, wish: FreezeWish, *, by: Person) -> FreezeWindow:
    if not has_role(by, Role.ADMIN, project):
        raise PromotionDenied(f"Only an administrator may freeze {wish.environment or project}.")
    row = FreezeWindow.objects.create(
        project=project,
        environment=wish.environment,
        reason=clean_text(wish.reason, limit=MOST_REASON),
        zone=wish.zone,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        weekdays=list(wish.weekdays),
        from_time=wish.from_time,
        lasts_minutes=wish.lasts_minutes,
        exceptions=list(wish.exceptions),
        created_by=by.get_username(),
    )
    audit.record(by, "added freeze", row, after=_freeze_told(row))
    return row


@transaction.atomic
def end_freeze(row: FreezeWindow, *, by: Person) -> None:
    """End it now, for good; it stays in the record."""
    if not has_role(by, Role.ADMIN, row.project):
        raise PromotionDenied("Only an administrator may end a freeze.")
    values = {"ended_at": timezone.now(), "ended_by": by.get_username()}
    if not FreezeWindow.objects.filter(pk=row.pk, ended_at=None).update(**values):
        raise PromotionDenied("It was ended already.")
    audit.record(by, "ended freeze", row, before=_freeze_told(row))


def _freeze_told(row: FreezeWindow) -> dict[str, Any]:
    return {
        "environment": str(row.environment or "all"),
        "reason": row.reason,
        "zone": row.zone,
        "from": str(row.starts_at or row.from_time),
        "until": str(row.ends_at or ""),
        "weekdays": row.weekdays,
        "minutes": row.lasts_minutes,
        "exceptions": row.exceptions,
    }
