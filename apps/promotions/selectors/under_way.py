"""What holds or moves an application now, told in a few words: a promotion under way, a lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from apps.environments.models import Application
from apps.promotions.models import Lock, PromotionItem
from gitopsui.domain.promotion import UNDER_WAY, GateState, Phase

_PHASE_WORDS: dict[str, str] = {
    Phase.PLANNED: "is being opened",
    Phase.PUSHING: "is being opened",
    Phase.OPENING: "is being opened",
    Phase.MERGING: "is being merged",
    Phase.MERGED: "is on its way",
}
_TOLD = UNDER_WAY | {Phase.DEPLOYED}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A promotion under way. `words` are `waits for 1 approval`; `note` is the whole sentence."""

    pk: int
    version: str
    words: str
    note: str
    is_stuck: bool

    @property
    def url(self) -> str:
        return f"/promotions/{self.pk}/"


@dataclass(frozen=True, slots=True)
class LockMark:
    """Who keeps it as it is, and why; `until` None: until somebody unlocks it."""

    owner: str
    message: str
    until: datetime | None

    @property
    def note(self) -> str:
        until = f" until {self.until:%-d %B %H:%M} UTC" if self.until else ""
        return f"Locked by {self.owner}{until}: {self.message}"


@dataclass(frozen=True, slots=True)
class Marks:
    """Both of one application."""

    promotion: UnderWay | None = None
    lock: LockMark | None = None


def with_marks(applications: QuerySet[Application], *, now: datetime) -> QuerySet[Application]:
    """The applications with what `marks_of` reads, in the same query."""
    # The newest that came to anything: one that did not arrive is forgotten when a later one does.
    items = PromotionItem.objects.filter(application=OuterRef("pk"), promotion__phase__in=_TOLD)
    items = items.order_by("-pk")
    told_item = JSONObject(
        pk=F("promotion_id"),
        version=F("to_version"),
        phase=F("promotion__phase"),
        gates=F("promotion__gates"),
        missed=F("promotion__arrival_missed_at"),
        unfollowed=F("promotion__unfollowed_at"),
        attention=F("promotion__attention"),
        arrived=F("arrived_at"),
    )
    told_lock = JSONObject(owner=F("owner"), message=F("message"), until=F("expires_at"))
    return applications.annotate(
        told_promotion=Subquery(items.annotate(told=told_item).values("told")[:1]),
        told_lock=Subquery(_locks(now).annotate(told=told_lock).values("told")[:1]),
    )


def _locks(now: datetime) -> QuerySet[Lock]:
    """Of the application itself, and of its component everywhere or in its environment."""
    reach = Q(application=OuterRef("pk")) | Q(component=OuterRef("component_id")) & (
        Q(environment=None) | Q(environment=OuterRef("environment_id"))
    )
    holds = Q(expires_at=None) | Q(expires_at__gt=now)
    return Lock.objects.filter(reach, holds, ended_at=None).order_by("-pk")


def marks_of(application: Any) -> Marks:
    """Of an application that `with_marks` has read; of another one nothing."""
    promotion, lock = getattr(application, "told_promotion", None), getattr(application, "told_lock", None)
    return Marks(
        promotion=_read_moving(_parsed(promotion)) if promotion else None,
        lock=_read_lock(_parsed(lock)) if lock else None,
    )


def _read_moving(told: Mapping[str, Any]) -> UnderWay | None:
    is_there = (
        told["phase"] == Phase.DEPLOYED or told["arrived"] is not None or told["unfollowed"] is not None
    )
    return None if is_there else read_under_way(told)


def read_under_way(told: Mapping[str, Any]) -> UnderWay:
    gates, is_missed = _parsed(told["gates"]) or [], told["missed"] is not None
    words = short_words(told["phase"], gates, is_missed=is_missed)
    shut = _shut(gates) if told["phase"] == Phase.OPEN else []
    note = told["attention"] or (shut[0]["reason"] if shut else f"It {words}.")
    return UnderWay(
        told["pk"], told["version"], words, str(note), is_stuck=is_missed or bool(told["attention"])
    )


def short_words(phase: str, gates: Sequence[Mapping[str, Any]], *, is_missed: bool = False) -> str:
    """`waits for 1 approval`, `1 gate blocks`, `soaks`, `is on its way`, `did not arrive`."""
    if is_missed:
        return "did not arrive"
    if phase != Phase.OPEN:
        return _PHASE_WORDS.get(phase, phase)
    shut = _shut(gates)
    if not shut:
        return "may be merged"
    blocks = sum(one["state"] == GateState.BLOCK for one in shut)
    if blocks:
        return f"{blocks} gate{' blocks' if blocks == 1 else 's block'}"
    first = shut[0]
    if first["name"] == "approvals":
        return f"waits for {str(first['reason']).partition(' still to come')[0]}"
    return "soaks" if first["name"] == "soak" else f"waits: {first['name']}"


def _shut(gates: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What holds it up, people first: that is what somebody can do something about."""
    found = [one for one in gates if one["state"] != GateState.PASS and not one["overridden_by"]]
    return sorted(found, key=lambda one: (one["state"] != GateState.BLOCK, one["name"] != "approvals"))


def _read_lock(told: Mapping[str, Any]) -> LockMark:
    return LockMark(told["owner"], told["message"], read_moment(told["until"]))


def read_moment(text: str | None) -> datetime | None:
    """A moment out of a JSON object of the database; SQLite writes them without their zone, in UTC."""
    if not text:
        return None
    return parse_datetime(text if text[-1:] == "Z" or "+" in text[10:] else f"{text}Z")


def _parsed(value: Any) -> Any:
    """A JSON column inside a JSON object is text on SQLite."""
    return json.loads(value) if isinstance(value, str) else value
