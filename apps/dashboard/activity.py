"""The audit trail as people read it: what may be seen of it, narrowed down, page by page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from apps.accounts.models import Person, Project, Role
from apps.core.audit import SYSTEM
from apps.core.models import AuditEvent
from gitopsui.domain.mask_text import mask_text

PAGE_ROWS = 50
SEEN_FOR_CHOICES = 2_000  # the newest events that say which names and verbs there are to choose
MOST_CHARS = 300
LARGEST_ID = (1 << 63) - 1
# Rows that are never deleted, so that a link to them leads somewhere.
_PAGES = {"promotions.Promotion": "promotion-detail", "environments.Application": "application-detail"}


def is_global_admin(person: Person) -> bool:
    """Whether the person is an administrator of everything, and not only of some projects."""
    bindings = person.role_bindings.all()
    return person.is_active and (
        person.is_superuser or any(one.project_id is None and one.role == Role.ADMIN for one in bindings)
    )


def is_admin_somewhere(person: Person) -> bool:
    return person.find_role() is Role.ADMIN


def events_of(person: Person, project: Project | None) -> QuerySet[AuditEvent]:
    """
    The events of a project that the person sees. Without one: all, sign-ins and roles too, for who is an
    administrator of everything; else those of the projects the person is an administrator of.
    """
    if project is not None:
        return AuditEvent.objects.filter(project_id=project.pk)
    if is_global_admin(person):
        return AuditEvent.objects.all()
    mine = [one.pk for one in person.find_projects() if person.find_role(one) is Role.ADMIN]
    return AuditEvent.objects.filter(project_id__in=mine)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the events is asked for. Blank and None: all of it; `before` is the number of an event."""

    person: str = ""
    verb: str = ""
    kind: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Wanted:
        """What an address says; what makes no sense is left out."""
        before = data.get("before", "")
        is_number = before.isascii() and before.isdecimal() and len(before) < 20
        person, verb, kind, text = (
            data.get(name, "").replace("\0", "").strip()[:MOST_CHARS] for name in _TEXTS
        )
        since, until = _date(data.get("since", "")), _date(data.get("until", ""))
        return cls(
            person, verb, kind, text, since, until, min(int(before), LARGEST_ID) if is_number else None
        )

    @property
    def is_narrow(self) -> bool:
        return any((self.person, self.verb, self.kind, self.text, self.since, self.until))

    def query(self, **more: object) -> str:
        """The query of an address that asks for the same, without the place in the list."""
        texts = {name: getattr(self, name) for name in (*_TEXTS, "since", "until")} | more
        return urlencode({name: value for name, value in texts.items() if value})

    def narrow(self, rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Those of the rows that are asked for, newest first. Days are those of UTC."""
        exact = {"actor_name": self.person, "verb": self.verb, "object_type": self.kind}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        if self.text:
            rows = rows.filter(object_label__icontains=self.text)
        if self.since:
            rows = rows.filter(at__gte=_begin(self.since))
        if self.until:
            rows = rows.filter(at__lt=_begin(self.until) + timedelta(days=1))
        if self.before is not None:
            rows = rows.filter(pk__lt=self.before)
        return rows.order_by("-pk")


_TEXTS = ("person", "verb", "kind", "text")


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # A day later must be a date too.
    return found if date(1970, 1, 1) <= found < date(9999, 1, 1) else None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an event: what it was and what it is; None where it was not or is no more."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as the page shows it."""

    event: AuditEvent
    kind: str
    url: str
    is_system: bool
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some rows, newest first; `older` and `newest` are queries of addresses, "" where they lead nowhere."""

    rows: list[EventRow]
    older: str
    newest: str


def page_of_events(rows: QuerySet[AuditEvent], wanted: Wanted) -> EventPage:
    found = list(wanted.narrow(rows)[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    older = wanted.query(before=shown[-1].pk) if len(found) > PAGE_ROWS else ""
    newest = (wanted.query() or "all=1") if wanted.before is not None else ""
    return EventPage([event_row(one) for one in shown], older, newest)


def event_row(event: AuditEvent) -> EventRow:
    page = _PAGES.get(event.object_type)
    return EventRow(
        event,
        kind=kind_words(event.object_type),
        url=reverse(page, args=[event.object_id]) if page and event.object_id.isdecimal() else "",
        is_system=event.actor_name == SYSTEM,
        changes=changes_of(event.before, event.after),
    )


def kind_words(label: str) -> str:
    """`drifted resource` of `environments.DriftedResource`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label.rpartition(".")[2]).lower()


def changes_of(before: Any, after: Any) -> list[Change]:
    """
    The fields that differ, in the order they were told. Where only one side has a field it is there as well,
    but for an empty one: that says nothing.
    """
    old, new = (side if isinstance(side, dict) else {} for side in (before, after))
    found = [
        Change(name, _words(old, name), _words(new, name))
        for name in dict.fromkeys([*old, *new])
        if not (name in old and name in new and old[name] == new[name])
    ]
    return [one for one in found if one.before or one.after]


def _words(side: dict[str, Any], name: str) -> str | None:
    if name not in side:
        return None
    value = side[name]
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return mask_text(", ".join(value))
    if isinstance(value, dict) and value and all(isinstance(one, str) for one in value.values()):
        return mask_text(", ".join(f"{key}: {one}" for key, one in value.items()))
    return mask_text(json.dumps(value, ensure_ascii=False, sort_keys=True))


def choices_of(rows: QuerySet[AuditEvent]) -> dict[str, list[tuple[str, str]]]:
    """What people, verbs and kinds of objects the newest events have: the value and its words."""
    seen = list(rows.order_by("-pk").values_list("actor_name", "verb", "object_type")[:SEEN_FOR_CHOICES])
    people, verbs, kinds = (sorted({one[place] for one in seen} - {""}) for place in range(3))
    return {
        "people": [(one, one) for one in people],
        "verbs": [(one, one) for one in verbs],
        "kinds": [(one, kind_words(one)) for one in kinds],
    }
