"""Who did what: one row for each thing a person, or the program itself, changed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from apps.core.models import AuditEvent
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_json, clean_text

SYSTEM = "system"


def record(
    actor: AbstractUser | None,
    verb: str,
    instance: models.Model,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Add one event. `verb` is in words of the product: "connected repository"."""
    return AuditEvent.objects.create(
        actor=actor,
        actor_name=actor.get_username() if actor else SYSTEM,
        verb=verb,
        object_type=instance._meta.label,
        object_id=str(instance.pk),
        object_label=clean_text(mask_text(str(instance)), limit=300),
        before=clean_json(before),
        after=clean_json(after),
    )
