"""Which rules of people silence drift of an application."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from apps.environments.models import Application, Silence
from gitopsui.domain.ignore import IgnoreRule


def rules_for(application: Application, *, now: datetime) -> tuple[IgnoreRule, ...]:
    """The rules in force for the application: those of its project and its own, oldest first."""
    project = application.component.project_id
    rows = Silence.objects.active(now).filter(
        Q(project=project, application=None) | Q(application=application)
    )
    return tuple(rule_of(row) for row in rows.order_by("pk"))


def rule_of(silence: Silence) -> IgnoreRule:
    return IgnoreRule(
        group=silence.group,
        kind=silence.kind,
        name=silence.name or None,
        namespace=silence.namespace or None,
        json_pointers=tuple(silence.json_pointers),
        managers=tuple(silence.managers),
        reason=silence.reason,
        expires_at=silence.expires_at,
    )
