"""The deep check of an application as its panel shows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core import jobs
from apps.core.models import Job, JobState
from apps.environments.models import Application, DeepCheck

DEEP_CHECK = "environments.deep_check"
# In this order: what somebody has to look at comes first.
_WORDS = {
    "refused": "would be refused",
    "changed": "would change",
    "created": "would be created",
    "forbidden": "not allowed to ask",
    "unknown": "not known",
    "skipped": "left out",
    "unchanged": "unchanged",
}
_BADGES = {"refused": "bad", "changed": "warn", "created": "warn", "forbidden": "idle", "unknown": "idle"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One object of the answer; `changes` are rows with path, desired, live, manager and time."""

    kind: str
    name: str
    verdict: str
    text: str
    badge: str
    reason: str
    changes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DeepCheckPanel:
    """
    `state`: none (never asked), asked, running, stuck (its job gave up) or done. `refusal` says why it
    cannot be asked for. `counts` are the verdicts in words with their numbers.
    """

    state: str
    refusal: str = ""
    asked_at: datetime | None = None
    asked_by: str = ""
    checked_at: datetime | None = None
    desired_sha: str = ""
    error: str = ""
    error_hint: str = ""
    rows: tuple[Checked, ...] = ()
    counts: tuple[str, ...] = ()
    unchanged_count: int = 0
    job_id: int | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come, so that the page need not ask again."""
        return self.state in ("none", "stuck", "done")

    @property
    def has_changes(self) -> bool:
        """Whether a field of anything is shown; else there are only reasons."""
        return any(one.changes for one in self.rows)

    @property
    def stamp(self) -> str:
        facts = (self.state, self.refusal, self.asked_at, self.checked_at, self.error)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:20]


def deep_check_of(application: Application) -> DeepCheckPanel:
    refusal = refusal_of(application)
    row = DeepCheck.objects.filter(application=application).first()
    if row is None:
        return DeepCheckPanel("none", refusal)
    found = sorted((_checked(item) for item in row.findings), key=_order)
    job = None if row.checked_at else jobs.job_of(DEEP_CHECK, application.pk)
    return DeepCheckPanel(
        state="done" if row.checked_at else _state_of(job),
        refusal=refusal,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        checked_at=row.checked_at,
        desired_sha=row.desired_sha,
        error=row.error,
        error_hint=row.error_hint,
        rows=tuple(one for one in found if one.verdict != "unchanged"),
        counts=tuple(_counts(found)),
        unchanged_count=sum(one.verdict == "unchanged" for one in found),
        job_id=job.pk if job else None,
    )


def _state_of(job: Job | None) -> str:
    if job is None:
        return "asked"
    if job.is_given_up:
        return "stuck"
    return "running" if job.state == JobState.RUNNING else "asked"


def refusal_of(application: Application) -> str:
    """Why it cannot be checked deeply, in sentences; "" where it can."""
    cluster = application.cluster
    if cluster is None:
        return "No cluster is connected."
    if not cluster.may_dry_run:
        return (
            "The connection to this cluster was not granted dry runs. "
            "An administrator can grant it on the page of the cluster."
        )
    return "Checks of this cluster are paused." if cluster.is_paused else ""


def _checked(item: dict[str, Any]) -> Checked:
    verdict = str(item["verdict"])
    namespace = f"{item['namespace']}/" if item["namespace"] else ""
    return Checked(
        kind=item["kind"],
        name=f"{namespace}{item['name']}",
        verdict=verdict,
        text=_WORDS.get(verdict, verdict),
        badge=_BADGES.get(verdict, "idle"),
        reason=item["reason"],
        changes=[_change(change) for change in item["changes"]],
    )


def _change(change: dict[str, Any]) -> dict[str, Any]:
    moment = change.get("changed_at")
    return {**change, "changed_at": datetime.fromisoformat(moment) if moment else None}


def _order(one: Checked) -> tuple[int, str, str]:
    return (list(_WORDS).index(one.verdict) if one.verdict in _WORDS else len(_WORDS), one.kind, one.name)


def _counts(found: list[Checked]) -> list[str]:
    numbers = {word: sum(one.verdict == verdict for one in found) for verdict, word in _WORDS.items()}
    return [f"{number} {word}" for word, number in numbers.items() if number]
