"""What the external gates of an environment said of a promotion: stored answers, and what is not answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from apps.promotions.models import EnvironmentPolicy, Promotion
from gitopsui.domain.gate_facts import Gate, GateState

# After so long without being asked again an answer is no answer any more.
ANSWER_LASTS = timedelta(minutes=10)


def external_gates(
    policy: EnvironmentPolicy, promotion: Promotion | None = None, *, now: datetime | None = None
) -> tuple[Gate, ...]:
    """
    One gate for each that the policy names. An answer counts for the very commit it was given for; what
    nobody has answered waits.
    """
    stored = {one["name"]: one for one in promotion.external} if promotion is not None else {}
    head = promotion.head_sha if promotion is not None else ""
    return tuple(_gate(str(one["name"]), stored.get(one["name"]), head, now) for one in policy.external_gates)


def _gate(name: str, answer: dict[str, str] | None, head: str, now: datetime | None) -> Gate:
    if answer is None or now is None or answer.get("head") != head:
        return Gate(name, GateState.WAIT, f"{name} is asked once the pull request is open.")
    asked_at = parse_datetime(answer.get("asked_at", ""))
    if asked_at is None or now - asked_at > ANSWER_LASTS:
        at = f" since {asked_at:%-d %B %H:%M} UTC" if asked_at else ""
        return Gate(name, GateState.WAIT, f"{name} was not asked{at}.")
    return Gate(name, GateState(answer["state"]), answer["reason"])
