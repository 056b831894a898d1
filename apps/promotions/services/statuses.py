"""
Tells a forge what the gates say: a commit status each, until the forge has taken it.

What could not be sent is kept with the gate and sent again at a later turn. A gate that is gone leaves no
status behind that would hold a merge up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from apps.promotions.models import Promotion
from gitopsui.adapters.forge.base import CommitStatus, Forge
from gitopsui.domain.errors import ForgeError
from gitopsui.domain.gate_facts import Gate, GateState
from gitopsui.domain.text import clean_text

PREFIX = "gitopsui/"
OVER = "It is over and holds nothing up any more."
AGAIN_AFTER = timedelta(minutes=1)
# What somebody has to mend at the forge first, such as a right that the token lacks.
REFUSED_FOR = timedelta(minutes=15)
MOST_DETAIL = 140
_AGAIN_AT = "again_at"
_STATES = {GateState.PASS: "success", GateState.WAIT: "pending", GateState.BLOCK: "failure"}

Row = dict[str, str]  # name, state, reason, overridden_by; again_at: not sent yet, and when to try


def own_statuses(checks: Sequence[CommitStatus]) -> dict[str, str]:
    """Which of these are of gates, as the forge has them now: gate → state."""
    return {one.name.removeprefix(PREFIX): one.state for one in checks if one.name.startswith(PREFIX)}


def tell_gates(
    forge: Forge, promotion: Promotion, gates: Sequence[Gate], *, standing: Mapping[str, str], now: datetime
) -> list[Row]:
    """
    Send what the forge was not told yet, and answer what is to be stored as the gates of the promotion.
    `standing` is what the forge has now, as far as that was read. A status that cannot be set holds nothing
    up: the page here has the same.
    """
    before = {str(one["name"]): one for one in promotion.gates}
    rows = [_row(gate) for gate in gates]
    gone = _gone(before, standing, {row["name"] for row in rows})
    told: list[Row] = []
    again_at: datetime | None = None
    for row in (*rows, *gone):
        if _is_due(row, before.get(row["name"]), now):
            again_at = again_at or _send(forge, promotion.head_sha, row, now)
            # After one that failed the others wait as well: a forge in trouble is asked once in a turn.
            row |= {_AGAIN_AT: again_at.isoformat()} if again_at else {}
        else:
            row |= _mark(before.get(row["name"]))
        told.append(row)
    return told[: len(rows)] + [row for row in told[len(rows) :] if _AGAIN_AT in row]


def _row(gate: Gate) -> Row:
    return {
        "name": gate.name,
        "state": gate.state.value,
        "reason": clean_text(gate.reason, limit=1_000),
        "overridden_by": gate.overridden_by,
    }


def _gone(before: Mapping[str, Row], standing: Mapping[str, str], now_asked: set[str]) -> list[Row]:
    """The gates that ask nothing any more and whose status is, or may be, something else than success."""
    shut = {name for name, row in before.items() if _state(row) != "success" or _AGAIN_AT in row}
    shut |= {name for name, state in standing.items() if state != "success"}
    return [
        {"name": name, "state": GateState.PASS.value, "reason": OVER, "overridden_by": ""}
        for name in sorted(shut - now_asked)
    ]


def _is_due(row: Row, before: Row | None, now: datetime) -> bool:
    if before is None or any(row[name] != before[name] for name in ("state", "reason", "overridden_by")):
        return True
    again_at = before.get(_AGAIN_AT)
    return again_at is not None and datetime.fromisoformat(again_at) <= now


def _mark(before: Row | None) -> Row:
    return {_AGAIN_AT: before[_AGAIN_AT]} if before and _AGAIN_AT in before else {}


def _state(row: Row) -> str:
    return "success" if row["overridden_by"] else _STATES[GateState(row["state"])]


def _send(forge: Forge, sha: str, row: Row, now: datetime) -> datetime | None:
    """None where the forge took it, else when it is tried again."""
    status = CommitStatus(f"{PREFIX}{row['name']}", _state(row), row["reason"][:MOST_DETAIL])
    try:
        forge.set_status(sha, status)
    except ForgeError as error:
        return now + max(REFUSED_FOR if error.permanent else AGAIN_AFTER, error.retry_after or AGAIN_AFTER)
    return None
