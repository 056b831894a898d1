"""What the freeze says ahead of time, and what is not asked on the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gitopsui.domain.approval import Answer, Seen
from gitopsui.domain.gate_facts import (
    Freeze,
    Gate,
    GateState,
    LockFacts,
    Override,
    PlaceFacts,
    PromotionFacts,
    Rules,
)
from gitopsui.domain.gates import prognosis

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
COMING = Freeze(
    "Black Friday",
    "release-manager",
    datetime(2026, 11, 30, 8, 0, tzinfo=BERLIN),
    starts_at=datetime(2026, 11, 27, 18, 0, tzinfo=BERLIN),
)
NOTHING = Rules(approvals=0, needs_healthy_source=False, needs_synced_target=False)


def ask(**values: object) -> list[Gate]:
    facts = {"environment": "production", "now": NOW, "rules": NOTHING} | values
    return prognosis(PromotionFacts(**facts))  # type: ignore[arg-type]


def test_a_freeze_to_come_passes_and_is_told() -> None:
    (gate,) = ask(coming_freezes=(COMING,))
    assert gate.state is GateState.PASS
    assert gate.reason == (
        "None now. Production freezes Friday 18:00 CET until Monday 08:00 CET: Black Friday, "
        "set by release-manager."
    )


def test_what_is_further_away_than_a_week_is_told_with_its_date() -> None:
    (gate,) = ask(coming_freezes=(COMING,), now=NOW - timedelta(days=20))
    assert "freezes Friday 27 November 18:00 CET until Monday 30 November 08:00 CET" in gate.reason


def test_the_next_of_several_is_told() -> None:
    later = Freeze("later", "x", COMING.until + timedelta(days=9), COMING.until + timedelta(days=7))
    (gate,) = ask(coming_freezes=(later, COMING))
    assert "Black Friday" in gate.reason


def test_a_freeze_that_holds_is_told_and_not_the_next() -> None:
    (gate,) = ask(coming_freezes=(COMING,), freezes=(Freeze("now", "x", NOW + timedelta(hours=1)),))
    assert gate.state is GateState.WAIT
    assert "Black Friday" not in gate.reason


def test_without_any_freeze_there_is_no_such_gate() -> None:
    assert ask() == []


def test_the_way_back_asks_people_checks_and_signatures_and_no_state() -> None:
    rules = Rules(
        approvals=2, soak=timedelta(days=1), needs_healthy_target=True, checks=("ci",), needs_signature=True
    )
    ill = PlaceFacts("cart in production", "Degraded", "OutOfSync")
    gates = ask(
        rules=rules.for_rollback(),
        source_environment="staging",
        sources=(ill,),
        targets=(ill,),
        signature="good",
    )
    assert sorted(gate.name for gate in gates) == ["approvals", "checks", "signature"]


def test_what_somebody_shuts_after_an_administrator_opened_it_is_shut() -> None:
    seen, earlier, later = Seen("a", "b", "c"), NOW - timedelta(hours=2), NOW - timedelta(minutes=1)
    opened = NOW - timedelta(hours=1)
    for at, is_open in ((earlier, True), (later, False)):
        ways: dict[str, dict[str, object]] = {
            "approvals": {"answers": (Answer("grace", at, seen, is_rejection=True, reason="no"),)},
            "lock": {"locks": (LockFacts("production", "ada", "busy", set_at=at),)},
            "freeze": {"freezes": (Freeze("outage", "ada", NOW + timedelta(days=1), set_at=at),)},
        }
        ways["lock of all"] = {"is_held": "production is held", "held_at": at}
        for name, facts in ways.items():
            gate = name.partition(" ")[0]
            [said] = ask(seen=seen, overrides=(Override(gate, "admin", "hurry", opened),), **facts)
            assert (said.name, said.is_open) == (gate, is_open)
