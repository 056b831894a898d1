"""What is wrong around the board: what is silent, held back or a stand-in, read in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, DateTimeField, F, QuerySet, Value
from django.db.models.functions import Cast
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.core.models import Heartbeat, JobState
from apps.core.ticks import sign_of
from apps.dashboard.job_scope import visible_jobs
from apps.environments.models import Cluster
from apps.repositories.models import Repository
from gitopsui.schedules import PROMOTIONS

MOST_SILENT = 5
HICCUP = timedelta(seconds=45)  # one failure that the next look heals is no silence


@dataclass(frozen=True, slots=True)
class Silent:
    """A cluster or repository that does not answer, since when."""

    name: str
    url: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Signs:
    """
    `beat_at` is the last sign of life of a worker, None where there was none yet; `promotions_beat_at` that
    of the workers that promotions have of their own.
    """

    silent: list[Silent]
    has_standin: bool
    held_count: int
    beat_at: datetime | None
    promotions_beat_at: datetime | None


def read_signs(person: Person, project: Project | None = None) -> Signs:
    """What `person` is told on each page; with a project also what of it is silent, longest first."""
    nothing = Value(None, output_field=DateTimeField())
    held = visible_jobs(person).filter(state=JobState.QUARANTINED).order_by().values("state")
    parts = [
        _part(held.annotate(number=Count("pk")), "held", F("number"), F("state"), nothing),
        _part(
            Heartbeat.objects.filter(name__in=[sign_of(""), sign_of(PROMOTIONS)]),
            "beat",
            F("pk"),
            F("name"),
            F("beat_at"),
        ),
        _part(
            Cluster.objects.visible_to(person).filter(version__contains="standin"),
            "standin",
            F("pk"),
            F("name"),
            nothing,
        ),
    ]
    if project is not None:
        failing: dict[str, Any] = {"project": project, "failed_at__isnull": False, "is_paused": False}
        clusters, repositories = Cluster.objects.filter(**failing), Repository.objects.filter(**failing)
        parts.append(_part(clusters, "cluster", F("pk"), F("name"), F("failed_at")))
        parts.append(_part(repositories, "repository", F("pk"), F("name"), F("failed_at")))
    return _signs(list(parts[0].union(*parts[1:], all=True)), now=timezone.now())


def _part(found: QuerySet[Any], word: str, number: F, text: F, at: F | Value) -> QuerySet[Any]:
    """One arm of the union: the same four columns of the same types."""
    return found.order_by().values_list(
        Value(word, output_field=CharField()), number, Cast(text, CharField()), at
    )


def _signs(rows: list[tuple[str, int, str, datetime | None]], *, now: datetime) -> Signs:
    silent = [
        Silent(f"cluster {name}", f"/clusters/{pk}/", at)
        if word == "cluster"
        else Silent(name, f"/repositories/{pk}/", at)
        for word, pk, name, at in rows
        if word in ("cluster", "repository") and at is not None and at < now - HICCUP
    ]
    beats = {name: at for word, _, name, at in rows if word == "beat"}
    return Signs(
        silent=sorted(silent, key=lambda one: one.since)[:MOST_SILENT],
        has_standin=any(word == "standin" for word, *_ in rows),
        held_count=sum(number for word, number, *_ in rows if word == "held"),
        beat_at=beats.get(sign_of("")),
        promotions_beat_at=beats.get(sign_of(PROMOTIONS)),
    )
