"""Asks the external gates of an environment about an open promotion, and believes little of what they say."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any, Protocol

from apps.promotions.models import EnvironmentPolicy, Promotion
from apps.promotions.selectors.policies import policy_of
from apps.promotions.services.decide import go_on
from gitopsui.adapters.http import HttpResponse, dump_json
from gitopsui.domain.errors import HttpError
from gitopsui.domain.gate_facts import GateState
from gitopsui.domain.promotion import Phase
from gitopsui.domain.text import clean_text

SIGNATURE = "X-Gitopsui-Signature-256"
MOST_REASON = 500
ASKED_IN = (Phase.OPEN, Phase.MERGING)


class Door(Protocol):
    """What of an HTTP session is needed."""

    def post(self, url: str, *, json: Any, headers: dict[str, str]) -> HttpResponse: ...


def has_gates(promotion: Promotion) -> bool:
    return promotion.phase in ASKED_IN and bool(policy_of(promotion.environment).external_gates)


def ask_gates(promotion: Promotion, door: Door, *, now: datetime) -> None:
    """Ask each gate once and store its answer; where one says something new the promotion goes on."""
    policy = policy_of(promotion.environment)
    known = {one["name"]: one for one in promotion.external}
    answers = [
        _ask(gate, known.get(gate["name"]), policy, promotion, door, now) for gate in policy.external_gates
    ]
    # A column of its own, written by this job alone; who merges reads it again.
    rows = Promotion.objects.filter(pk=promotion.pk, phase__in=ASKED_IN, head_sha=promotion.head_sha)
    if rows.update(external=answers) and _said(answers) != _said(promotion.external):
        go_on(promotion)


def _said(answers: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return [(one["name"], one["state"], one["reason"], one.get("head", "")) for one in answers]


def _ask(
    gate: dict[str, str],
    known: dict[str, str] | None,
    policy: EnvironmentPolicy,
    promotion: Promotion,
    door: Door,
    now: datetime,
) -> dict[str, str]:
    name = gate["name"]
    told = {"name": name, "head": promotion.head_sha, "asked_at": now.isoformat()}
    question = _question(name, promotion, now)
    headers = {SIGNATURE: sign(policy.gate_secret, dump_json(question))}
    try:
        state, reason = read_answer(door.post(gate["url"], json=question, headers=headers).check().json())
    except HttpError as error:
        since = (known or {}).get("silent_since") or now.isoformat()
        at = f"{datetime.fromisoformat(since):%-d %B %H:%M} UTC"
        reason = f"{name} does not answer since {at}: {error.message}"
        return told | {"state": "wait", "reason": reason, "silent_since": since}
    return told | {"state": state.value, "reason": f"{name}: {reason}" if reason else _plain(name, state)}


def _plain(name: str, state: GateState) -> str:
    words = {GateState.PASS: "lets it pass", GateState.WAIT: "lets it wait", GateState.BLOCK: "blocks it"}
    return f"{name} {words[state]}."


def _question(name: str, promotion: Promotion, now: datetime) -> dict[str, Any]:
    """What a gate is told. The moment is signed too, so that an old question is of no use to anybody."""
    items = promotion.items.select_related("component")
    return {
        "gate": name,
        "asked_at": now.isoformat(),
        "project": promotion.project.slug,
        "environment": promotion.environment.name,
        "promotion": promotion.pk,
        "kind": promotion.kind,
        "title": promotion.title,
        "proposer": promotion.proposer_name,
        "base_sha": promotion.base_sha,
        "head_sha": promotion.head_sha,
        "diff_hash": promotion.diff_hash,
        "pull_request": promotion.url,
        "components": [
            {"name": one.component.slug, "from": one.from_version, "to": one.to_version} for one in items
        ],
    }


def sign(secret: str, body: bytes) -> str:
    """`sha256=` and the HMAC of the raw body, as forges sign their webhooks."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def read_answer(value: object) -> tuple[GateState, str]:
    """`{"state": "pass|wait|block", "reason": …}`. Raises HttpError for anything else, unquoted."""
    state = value.get("state") if isinstance(value, dict) else None
    reason = value.get("reason", "") if isinstance(value, dict) else None
    if state not in tuple(GateState) or not isinstance(reason, str):
        message = "Its answer is not understood; a state of pass, wait or block and a reason are expected."
        raise HttpError(message, code="HTTP_NOT_UNDERSTOOD")
    return GateState(state), clean_text(reason, limit=MOST_REASON).strip()
