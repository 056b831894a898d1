"""Who did what: one row for each thing a person, or the program itself, changed. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from apps.core.middleware import current_request_id
from apps.core.models import AuditEvent
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_json, clean_text

SYSTEM = "system"
LABEL_CHARS = 300
PROJECT = "accounts.Project"
# What a row may be part of, the nearest to a project first: each leads on to it.
PARTS = ("environment", "component", "repository", "cluster", "application", "release", "promotion")


def record(
    actor: AbstractUser | None,
    verb: str,
    instance: models.Model | None = None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    label: str = "",
    project_id: int | None = None,
) -> AuditEvent:
    """
    Add one event. `verb` is in words of the product: "connected repository".

    `before` and `after` must not hold a credential; text in them is masked all the same. It is an event of
    the project that `instance` belongs to, if it belongs to one, or of `project_id` where it cannot tell.
    """
    return AuditEvent.objects.create(
        actor_id=actor.pk if actor else None,
        actor_name=actor.get_username() if actor else SYSTEM,
        verb=verb,
        object_type=instance._meta.label if instance is not None else "",
        object_id=str(instance.pk) if instance is not None else "",
        object_label=clean_text(mask_text(label or str(instance or "")), limit=LABEL_CHARS),
        project_id=find_project(instance) if project_id is None else project_id,
        before=_masked(clean_json(before)),
        after=_masked(clean_json(after)),
        request_id=current_request_id(),
    )


def find_project(instance: models.Model | None) -> int | None:
    """The number of the project that a row belongs to, by itself or by what it is part of; None for none."""
    if instance is None or instance.pk is None:
        return None
    if instance._meta.label == PROJECT:
        return int(instance.pk)
    own = getattr(instance, "project_id", None)
    if own is not None:
        return int(own)
    parts = (getattr(instance, name, None) for name in PARTS)
    found = (find_project(part) for part in parts if isinstance(part, models.Model))
    return next((number for number in found if number is not None), None)


def record_change(
    actor: AbstractUser | None,
    verb: str,
    instance: models.Model,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> AuditEvent:
    """As `record`, of what differs alone; both sides have the same names."""
    changed = [name for name in after if after[name] != before[name]]
    return record(
        actor,
        verb,
        instance,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {key: _masked(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_masked(entry) for entry in value]
    return value
