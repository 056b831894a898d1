"""Silences: the rules of people for drift that does not count. Who sets them, previews them and ends them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role
from apps.core import audit, jobs
from apps.environments.models import Application, DriftedResource, Silence
from apps.environments.services.layouts import CHECK
from gitopsui.domain.drift import Examination
from gitopsui.domain.errors import InputError
from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.ignore import IgnoreRule, Level, check_rule, suggest_rule
from gitopsui.domain.text import clean_text


class Reach(StrEnum):
    """How far a proposed rule goes, the narrowest first."""

    OBJECT = "object"  # this field of this object
    KIND = "kind"  # this field of every object of the kind in the application
    PROJECT = "project"  # this field of every object of the kind in the project
    MANAGER = "manager"  # everything that this manager writes in the application


@dataclass(frozen=True, slots=True)
class Hit:
    """A field that a rule would silence now, where it lies."""

    application: Application
    kind: str
    name: str
    path: str


def rules_for(application: Application, *, now: datetime) -> tuple[IgnoreRule, ...]:
    """The rules in force for the application: those of its project and its own, oldest first."""
    project = application.component.project_id
    rows = Silence.objects.active(now).filter(
        Q(project=project, application=None) | Q(application=application)
    )
    return tuple(rule_of(row) for row in rows.order_by("pk"))


def rules_by_application(
    applications: Sequence[Application], *, now: datetime
) -> dict[int, tuple[IgnoreRule, ...]]:
    """As `rules_for`, for many with one query. Their components must be loaded."""
    projects = {application.component.project_id for application in applications}
    rows = list(Silence.objects.active(now).filter(project__in=projects).order_by("pk"))
    return {
        one.pk: tuple(
            rule_of(row)
            for row in rows
            if row.application_id == one.pk
            or (row.application_id is None and row.project_id == one.component.project_id)
        )
        for one in applications
    }


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
        level=Level.PROJECT if silence.application_id is None else Level.APPLICATION,
        row=silence.pk,
    )


def with_silenced(reason: str, found: Examination) -> str:
    """The reason of a verdict, and how many fields people have silenced. Shipped rules go unsaid."""
    count = sum(one.rule.level is not Level.SHIPPED for drift in found.silenced for one in drift.changes)
    if count == 0:
        return reason
    fields = "1 field is silenced" if count == 1 else f"{count} fields are silenced"
    return f"{reason} {fields}." if found.drifts else f"{fields}, everything else is as Git asks for it."


def propose_rule(drift: DriftedResource, index: int, reach: Reach = Reach.OBJECT) -> IgnoreRule:
    """
    The rule that silences field `index` of a drifted resource. Raises InputError with code NO_SUCH_CHANGE
    when there is no such field, or nobody is known to have written it and the rule should name who.
    """
    change = change_of(drift, index)
    key = ResourceKey(drift.group, drift.kind, drift.namespace, drift.name)
    pointer = change.get("address") or change.get("pointer") or ""
    manager = change.get("manager") or ""
    if not (manager if reach is Reach.MANAGER else pointer):
        raise InputError("No rule can name this field.", code="NO_SUCH_CHANGE")
    rule = suggest_rule(key, pointer, manager=manager if reach is Reach.MANAGER else None)
    if reach is Reach.MANAGER:
        rule = replace(rule, group="*", kind="*")
    if reach is not Reach.OBJECT:
        rule = replace(rule, name=None, namespace=None)
    return replace(rule, level=Level.PROJECT if reach is Reach.PROJECT else Level.APPLICATION)


def change_of(drift: DriftedResource, index: int) -> dict[str, Any]:
    """One stored field of a drifted resource. Raises InputError with code NO_SUCH_CHANGE."""
    if not 0 <= index < len(drift.changes):
        message = "This field does not differ any more."
        raise InputError(message, code="NO_SUCH_CHANGE")
    found: dict[str, Any] = drift.changes[index]
    return found


def preview(rule: IgnoreRule, project: Project, application: Application | None = None) -> list[Hit]:
    """
    Every field that counts as drift now and that the rule would silence, in the project or in one
    application. Told from what the last checks stored, so it costs no look at a cluster.
    """
    rows = DriftedResource.objects.filter(
        application__component__project=project, resolved_at=None, is_silenced=False
    ).select_related("application__component", "application__environment")
    if application is not None:
        rows = rows.filter(application=application)
    ordered = rows.order_by(
        "application__component__name", "application__environment__position", "application_id", "kind", "name"
    )
    return [hit for row in ordered for hit in _hits(rule, row)]


def _hits(rule: IgnoreRule, row: DriftedResource) -> Iterator[Hit]:
    if not rule.is_for(ResourceKey(row.group, row.kind, row.namespace, row.name)):
        return
    for change in row.changes:
        pointer, address = change.get("pointer", ""), change.get("address", "")
        if rule.takes_out(pointer, address, change.get("manager")):
            yield Hit(row.application, row.kind, row.name, change["path"])


def may_silence(person: Person, project: Project, *, in_project: bool) -> bool:
    """Whether somebody may set and end silences: of an application, or of the whole project."""
    return has_role(person, Role.ADMIN if in_project else Role.PROMOTER, project)


def _check_may_silence(person: Person, project: Project, *, in_project: bool) -> None:
    if not may_silence(person, project, in_project=in_project):
        who = "an administrator" if in_project else "a promoter"
        raise PermissionDenied(f"Only {who} of {project} may do this.")


def start_silence(
    rule: IgnoreRule, project: Project, application: Application | None, *, by: Person
) -> Silence:
    """
    Silence what the rule names, in one application or in the whole project, until `rule.expires_at`. The
    next check of each application, asked for now, takes it into account. Raises InputError for a rule that
    hides too much, without a reason or that has expired, and PermissionDenied.
    """
    _check_may_silence(by, project, in_project=application is None)
    check_rule(rule)
    _check_reason(rule.reason)
    _check_expiry(rule.expires_at)
    with transaction.atomic():
        silence = Silence.objects.create(
            project=project,
            application=application,
            group=rule.group,
            kind=rule.kind,
            name=rule.name or "",
            namespace=rule.namespace or "",
            json_pointers=list(rule.json_pointers),
            managers=list(rule.managers),
            reason=clean_text(rule.reason, limit=1000),
            created_by=by.get_username(),
            expires_at=rule.expires_at,
        )
        audit.record(by, "silenced drift", silence, after=_facts(silence))
    _check_again(silence)
    return silence


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("Say why, for who finds it later.", code="REASON", field="reason")


def _check_expiry(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise InputError("This lies in the past.", code="EXPIRY", field="until")


def end_silence(silence: Silence, *, by: Person) -> None:
    """What it silenced counts again from the next check on, asked for now. Ending twice is ending once."""
    _check_may_silence(by, silence.project, in_project=silence.application_id is None)
    with transaction.atomic():
        row = Silence.objects.select_for_update().get(pk=silence.pk)
        if row.ended_at is not None:
            return
        row.ended_at, row.ended_by = timezone.now(), by.get_username()
        row.save(update_fields=["ended_at", "ended_by"])
        audit.record(by, "ended silence", row, before=_facts(row))
    _check_again(silence)


def extend_silence(silence: Silence, expires_at: datetime | None, *, by: Person) -> None:
    """
    Let it end at another time; None is never. One that has expired comes to life again. Raises InputError
    with code SILENCE_ENDED for one that somebody ended, with EXPIRY for a time gone by.
    """
    _check_may_silence(by, silence.project, in_project=silence.application_id is None)
    _check_expiry(expires_at)
    with transaction.atomic():
        row = Silence.objects.select_for_update().get(pk=silence.pk)
        if row.ended_at is not None:
            message = f"{row.ended_by} has ended it. Silence the field anew from its drift."
            raise InputError(message, code="SILENCE_ENDED", field="expiry")
        before = _facts(row)
        row.expires_at = expires_at
        row.save(update_fields=["expires_at"])
        audit.record(by, "changed end of silence", row, before=before, after=_facts(row))
    _check_again(silence)


def _facts(silence: Silence) -> dict[str, Any]:
    return {
        "application": str(silence.application or "all"),
        "rule": f"{silence.group}/{silence.kind} {silence.namespace}/{silence.name}",
        "json_pointers": silence.json_pointers,
        "managers": silence.managers,
        "reason": silence.reason,
        "expires_at": silence.expires_at.isoformat() if silence.expires_at else "never",
    }


def _check_again(silence: Silence) -> None:
    found = Application.objects.filter(component__project=silence.project_id)
    if silence.application_id is not None:
        found = found.filter(pk=silence.application_id)
    jobs.make_due(CHECK, list(found.values_list("pk", flat=True)))
