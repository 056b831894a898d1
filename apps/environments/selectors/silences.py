"""What pages show of silences: the fields they hold back, where and until when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from apps.accounts.models import Project
from apps.core.paging import page_of
from apps.environments.models import Application, DriftedResource, Silence
from apps.environments.selectors.drift import split_path
from gitopsui.domain.ignore import Level

STATES = ("active", "expired", "ended")
MOST_RESOURCES = 100


@dataclass(frozen=True, slots=True)
class SilencedField:
    """A field that differs and does not count. `silence` is the rule of people behind it, if it is one."""

    parent_path: str
    field: str
    desired: str | None
    live: str | None
    manager: str
    changed_at: datetime | None
    is_shipped: bool
    why: str
    silence: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SilencedGroup:
    kind: str
    name: str
    since: datetime
    rows: list[SilencedField]


def silenced_of(application: Application, *, now: datetime) -> dict[str, Any]:
    """The silenced fields of an application by resource, with who silenced them, why and until when."""
    open_rows = application.drifts.filter(resolved_at=None).exclude(silenced=[])
    rows = list(open_rows.order_by("kind", "name")[:MOST_RESOURCES])
    changes = [change for row in rows for change in row.silenced]
    found = Silence.objects.filter(pk__in={change["silence"] for change in changes} - {None})
    silences = {one.pk: silence_row(one, now=now) for one in found.select_related("application", "project")}
    groups = [_group(row, silences) for row in rows]
    shipped = sum(change["level"] == Level.SHIPPED for change in changes)
    return {
        "groups": groups,
        "field_count": len(changes),
        "shipped_count": shipped,
        "by_people_count": len(changes) - shipped,
        "list_url": reverse("silence-list", args=[application.component.project.slug]),
    }


def _group(row: DriftedResource, silences: dict[int, dict[str, Any]]) -> SilencedGroup:
    return SilencedGroup(
        row.kind, row.name, row.first_seen_at, [_field(change, silences) for change in row.silenced]
    )


def _field(change: dict[str, Any], silences: dict[int, dict[str, Any]]) -> SilencedField:
    parent, name = split_path(change["path"])
    return SilencedField(
        parent_path=parent,
        field=name,
        desired=change["desired"],
        live=change["live"],
        manager=change["manager"],
        changed_at=parse_datetime(change["changed_at"]) if change["changed_at"] else None,
        is_shipped=change["level"] == Level.SHIPPED,
        why=change["why"],
        silence=silences.get(change["silence"] or 0),
    )


def silence_row(silence: Silence, *, now: datetime, field_count: int = 0) -> dict[str, Any]:
    state = state_of(silence, now=now)
    return {
        "pk": silence.pk,
        "fields": silence.json_pointers,
        "managers": silence.managers,
        "objects": _objects(silence),
        "namespace": silence.namespace,
        "is_in_project": silence.application_id is None,
        "application": silence.application,
        "reason": silence.reason,
        "created_by": silence.created_by,
        "created_at": silence.created_at,
        "expires_at": silence.expires_at,
        "ended_at": silence.ended_at,
        "ended_by": silence.ended_by,
        "state": state,
        "field_count": field_count,
        "end_url": reverse("silence-end", args=[silence.pk]),
        "extend_url": reverse("silence-extend", args=[silence.pk]),
    }


def _objects(silence: Silence) -> str:
    """`Deployment cart`, `every Deployment`, `every object of apps`, `every object`."""
    if silence.name:
        return f"{silence.kind} {silence.name}"
    if silence.kind != "*":
        return f"every {silence.kind}"
    return "every object" if silence.group == "*" else f"every object of {silence.group or 'the core group'}"


def state_of(silence: Silence, *, now: datetime) -> str:
    if silence.ended_at is not None:
        return "ended"
    return "expired" if silence.expires_at is not None and silence.expires_at <= now else "active"


def silences_of(
    project: Project, *, state: str, page: str | None, now: datetime
) -> tuple[Page[Any], dict[str, int]]:
    """One page of the silences of a project in one state, and how many there are in each."""
    rows = project.silences.select_related("application__component", "application__environment", "project")
    counts = rows.aggregate(**{one: Count("pk", filter=_is(one, now)) for one in STATES})
    used = _used(project) if state == "active" else Counter[int]()
    chosen = rows.filter(_is(state, now))
    if state == "active":
        chosen = chosen.order_by(F("expires_at").asc(nulls_last=True), "-pk")
    shape: Callable[[Silence], dict[str, Any]] = lambda one: silence_row(  # noqa: E731
        one, now=now, field_count=used[one.pk]
    )
    return page_of(chosen, page, shape), counts


def _is(state: str, now: datetime) -> Q:
    """What `state_of` says, asked of the database."""
    if state == "ended":
        return Q(ended_at__isnull=False)
    is_over = Q(expires_at__isnull=False, expires_at__lte=now)
    return Q(ended_at=None) & (is_over if state == "expired" else ~is_over)


def _used(project: Project) -> Counter[int]:
    """How many fields each silence holds back, as the last checks saw it."""
    open_rows = DriftedResource.objects.filter(application__component__project=project, resolved_at=None)
    stored = open_rows.exclude(silenced=[]).values_list("silenced", flat=True)
    return Counter(change["silence"] for changes in stored for change in changes if change["silence"])
