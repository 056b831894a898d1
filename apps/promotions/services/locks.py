"""Locks: somebody keeps an environment, a component or one application as it is, with a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role
from apps.core import audit
from apps.environments.models import Application, Component, Environment
from apps.promotions.models import Lock
from apps.promotions.selectors.policies import scope_of
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.text import clean_text

MOST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class LockWish:
    """What is to be locked: an application, or an environment, a component, or the one in the other."""

    message: str
    environment: Environment | None = None
    component: Component | None = None
    application: Application | None = None
    expires_at: datetime | None = None

    @property
    def environment_name(self) -> str:
        environment = self.application.environment if self.application else self.environment
        return environment.name if environment else ""


@transaction.atomic
def add_lock(project: Project, wish: LockWish, *, by: Person) -> Lock:
    """Raises PromotionDenied: whoever may not promote into it may not keep others from it either."""
    if not has_role(by, Role.PROMOTER, project, environment=wish.environment_name):
        raise PromotionDenied(f"Only promoters into {wish.environment_name or project} may lock it.")
    message = clean_text(wish.message, limit=MOST_MESSAGE).strip()
    if not message:
        raise PromotionDenied("Say why it is locked: everybody who waits for it reads that.")
    lock = Lock.objects.create(
        project=project,
        environment=wish.environment,
        component=wish.component,
        application=wish.application,
        owner=by.get_username(),
        message=message,
        expires_at=wish.expires_at,
    )
    audit.record(by, "locked", lock, label=scope_of(lock), after=_told(lock))
    return lock


@transaction.atomic
def end_lock(lock: Lock, *, by: Person) -> None:
    """Only its owner and administrators; it stays in the record. Raises PromotionDenied."""
    if not may_end(lock, by):
        raise PromotionDenied(f"{lock.owner} locked it; only they and administrators may unlock it.")
    values = {"ended_at": timezone.now(), "ended_by": by.get_username()}
    if not Lock.objects.filter(pk=lock.pk, ended_at=None).update(**values):
        raise PromotionDenied("It is unlocked already.")
    audit.record(by, "unlocked", lock, label=scope_of(lock), before=_told(lock))


def may_end(lock: Lock, by: Person) -> bool:
    return lock.owner == by.get_username() or has_role(by, Role.ADMIN, lock.project)


def _told(lock: Lock) -> dict[str, Any]:
    expires = lock.expires_at.isoformat() if lock.expires_at else "never"
    return {"scope": scope_of(lock), "owner": lock.owner, "message": lock.message, "expires": expires}
