"""Phases, gates and approvals: what a promotion must pass, and what each gate says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gitopsui.domain.approval import Approver
from gitopsui.domain.errors import InputError, InvalidTransition, PromotionDenied
from gitopsui.domain.freeze import FreezeRule, frozen_until
from gitopsui.domain.gate_facts import Check, Freeze, LockFacts, Override, PlaceFacts
from gitopsui.domain.gates import all_open
from gitopsui.domain.promotion import (
    ALLOWED,
    CAME_TO_NOTHING,
    CLOSABLE,
    ENDS,
    IN_GIT,
    OPEN_PHASES,
    UNDER_WAY,
    Answer,
    Gate,
    GateState,
    Phase,
    PromotionFacts,
    Rules,
    Seen,
    can_approve,
    check_can_approve,
    check_transition,
    draw_phases,
    prognosis,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SEEN = Seen("a" * 40, "b" * 40, "c" * 64)
FACTS = PromotionFacts(
    environment="production",
    now=NOW,
    rules=Rules(approvals=0, needs_healthy_source=False, needs_synced_target=False),
    phase=Phase.OPEN,
    proposer="ada",
    seen=SEEN,
    source_environment="staging",
)


def gates(**values: object) -> dict[str, Gate]:
    return {gate.name: gate for gate in prognosis(replace(FACTS, **values))}


def approval(by: str, *, minutes: int = 0, seen: Seen = SEEN, **values: object) -> Answer:
    return Answer(by, NOW + timedelta(minutes=minutes), seen, **values)  # type: ignore[arg-type]


# --- phases -----------------------------------------------------------------------------------------------


def test_the_way_to_deployed_is_allowed_step_by_step() -> None:
    way = ["planned", "pushing", "opening", "open", "merging", "merged", "deployed"]
    for old, new in pairwise(way):
        check_transition(Phase(old), Phase(new))


def test_a_phase_is_under_way_or_an_end_and_what_is_under_way_is_open_or_in_git() -> None:
    assert set(Phase) == UNDER_WAY | ENDS
    assert not UNDER_WAY & ENDS
    assert UNDER_WAY == OPEN_PHASES | (IN_GIT - ENDS)
    assert ENDS == CAME_TO_NOTHING | (IN_GIT - UNDER_WAY)


def test_what_may_be_closed_can_become_closed() -> None:
    assert all(Phase.CLOSED in ALLOWED[phase] for phase in CLOSABLE)


@pytest.mark.parametrize("end", sorted(ENDS))
def test_nothing_follows_an_end(end: Phase) -> None:
    assert not ALLOWED[end]
    for phase in Phase:
        if phase is not end:
            with pytest.raises(InvalidTransition, match=f"is {end} cannot become {phase}"):
                check_transition(end, phase)


def test_every_phase_is_reached_and_is_in_the_diagram() -> None:
    reached = {phase for following in ALLOWED.values() for phase in following}
    assert reached | {Phase.PLANNED} == set(Phase) == set(ALLOWED)
    drawn = draw_phases()
    for old, following in ALLOWED.items():
        for new in Phase:
            assert (f"    {old} --> {new}\n" in f"{drawn}\n") is (new in following)


def test_what_is_merged_is_never_closed_or_stale() -> None:
    assert ALLOWED[Phase.MERGED] == {Phase.DEPLOYED}


# --- approvals --------------------------------------------------------------------------------------------


def test_a_gate_of_two_approvals_says_how_many_are_missing() -> None:
    rules = replace(FACTS.rules, approvals=2)
    assert gates(rules=rules)["approvals"] == Gate(
        "approvals", GateState.WAIT, "2 approvals still to come; 0 of 2 given."
    )
    one = gates(rules=rules, answers=(approval("grace"),))["approvals"]
    assert one.reason == "1 approval still to come; 1 of 2 given (grace)."
    both = gates(rules=rules, answers=(approval("grace"), approval("edsger")))["approvals"]
    assert (both.state, both.reason) == (GateState.PASS, "Approved by edsger and grace.")


@pytest.mark.parametrize("moved", ["base_sha", "head_sha", "diff_hash"])
def test_an_approval_is_void_when_what_it_is_bound_to_moves(moved: str) -> None:
    rules = replace(FACTS.rules, approvals=1)
    old = replace(SEEN, **{moved: "d" * 40})
    assert gates(rules=rules, answers=(approval("grace", seen=old),))["approvals"].state is GateState.WAIT


@pytest.mark.parametrize("who", ["proposer", "last_pusher"])
def test_the_yes_of_who_made_it_does_not_count(who: str) -> None:
    rules = replace(FACTS.rules, approvals=1)
    found = gates(rules=rules, answers=(approval("grace"),), **{who: "grace"})
    assert found["approvals"].state is GateState.WAIT


def test_a_group_must_be_among_those_who_approve() -> None:
    rules = replace(FACTS.rules, approvals=1, groups=(("security", 1),))
    found = gates(rules=rules, answers=(approval("grace", groups=frozenset({"web"})),))
    assert found["approvals"].reason == "1 of the group security still to come; 1 of 1 given (grace)."
    answers = (approval("grace", groups=frozenset({"security"})),)
    assert gates(rules=rules, answers=answers)["approvals"].is_open


def test_a_rejection_blocks_until_the_same_person_approves() -> None:
    rules = replace(FACTS.rules, approvals=1)
    no = approval("grace", is_rejection=True, reason="wrong week")
    assert gates(rules=rules, answers=(no, approval("edsger")))["approvals"] == Gate(
        "approvals", GateState.BLOCK, "grace rejected it: wrong week"
    )
    assert gates(rules=rules, answers=(no, approval("grace", minutes=1)))["approvals"].is_open


def test_an_approval_of_a_stranger_does_not_count_and_says_what_to_do() -> None:
    rules = replace(FACTS.rules, approvals=1)
    stranger = replace(approval("grace-gh"), stranger_on="github.com")
    assert gates(rules=rules, answers=(stranger,))["approvals"] == Gate(
        "approvals",
        GateState.WAIT,
        "1 approval still to come; 0 of 1 given; approved on github.com by grace-gh, who is nobody here: an "
        "administrator can say who that is under People.",
    )
    assert gates(rules=rules, answers=(stranger, approval("grace")))["approvals"].is_open


def test_a_stranger_is_not_the_person_of_the_same_name() -> None:
    rules = replace(FACTS.rules, approvals=2, counts_strangers=True)
    stranger = replace(approval("grace"), stranger_on="github.com")
    assert gates(rules=rules, answers=(stranger, approval("grace")))["approvals"].is_open
    no = replace(stranger, is_rejection=True, reason="wrong week")
    shut = gates(rules=rules, answers=(no, approval("grace", minutes=1)))["approvals"]
    assert shut.reason == "grace rejected it: wrong week"
    check_can_approve(replace(FACTS, answers=(stranger,)), by=GRACE, seen=SEEN)


@pytest.mark.parametrize("who", ["proposer", "last_pusher"])
def test_a_stranger_with_the_name_of_who_made_it_never_counts(who: str) -> None:
    rules = replace(FACTS.rules, approvals=1, counts_strangers=True)
    answers = (replace(approval("Grace"), stranger_on="github.com"),)
    assert not gates(rules=rules, answers=answers, **{who: "grace"})["approvals"].is_open
    assert gates(rules=rules, answers=answers)["approvals"].is_open


GRACE = Approver("grace", has_role=True)


@pytest.mark.parametrize(
    ("facts", "by", "seen", "sentence"),
    [
        (replace(FACTS, phase=Phase.MERGED), GRACE, SEEN, "is merged; only an open one"),
        (FACTS, Approver("grace"), SEEN, "Only approvers of production"),
        (FACTS, Approver("ada", has_role=True), SEEN, "You proposed this promotion"),
        (replace(FACTS, last_pusher="grace"), GRACE, SEEN, "You pushed the last commit"),
        (
            replace(FACTS, last_pusher="grace@example.org"),
            Approver("grace", has_role=True, emails=frozenset({"grace@example.org"})),
            SEEN,
            "You pushed the last commit",
        ),
        (FACTS, GRACE, replace(SEEN, head_sha="e" * 40), "It changed since you looked at it"),
        (replace(FACTS, answers=(approval("grace"),)), GRACE, SEEN, "You approved it already"),
    ],
)
def test_who_may_not_approve_is_told_why(
    facts: PromotionFacts, by: Approver, seen: Seen, sentence: str
) -> None:
    with pytest.raises(PromotionDenied, match=sentence):
        check_can_approve(facts, by=by, seen=seen)


def test_the_button_shows_for_who_may_approve() -> None:
    assert can_approve(FACTS, by=GRACE)
    assert not can_approve(FACTS, by=Approver("ada", has_role=True))
    check_can_approve(replace(FACTS, answers=(approval("grace", is_rejection=True),)), by=GRACE, seen=SEEN)


# --- the other gates --------------------------------------------------------------------------------------


def test_a_promotion_that_asks_for_nothing_has_no_gate() -> None:
    assert prognosis(FACTS) == []
    assert all_open([])


def test_a_freeze_says_until_when_and_who_set_it() -> None:
    until = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    gate = gates(freezes=(Freeze("Black Friday", "the release manager", until),))["freeze"]
    assert gate.state is GateState.WAIT
    assert gate.reason == (
        "production is frozen until Monday 30 November 08:00 UTC: Black Friday, set by the release manager."
    )


def test_a_lock_and_a_hold_block() -> None:
    lock = LockFacts("production", "grace", "restoring a backup", NOW + timedelta(hours=2))
    assert gates(locks=(lock,))["lock"].reason == (
        "grace locked production until 23 November 14:00 UTC: restoring a backup"
    )
    assert gates(is_held="production is held by ada: audit")["lock"].state is GateState.BLOCK


@pytest.mark.parametrize(
    ("hours", "state", "words"),
    [
        (None, GateState.WAIT, "It is not known since when it runs in staging."),
        (5, GateState.WAIT, "It runs in staging for 5 hours; 19 hours are left of 24 hours."),
        (72, GateState.PASS, "It ran in staging for 3 days, 24 hours are asked for."),
    ],
)
def test_soak_time_counts_from_when_it_began_to_run(hours: int | None, state: GateState, words: str) -> None:
    since = NOW - timedelta(hours=hours) if hours is not None else None
    gate = gates(rules=replace(FACTS.rules, soak=timedelta(hours=24)), source_since=since)["soak"]
    assert (gate.state, gate.reason) == (state, words)


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        (("2.0.0",), "2.0.0 has not run in staging yet."),
        (("2.0.0", "2.1.0"), "2.0.0 and 2.1.0 have not run in staging yet."),
        (("1", "2", "3", "4", "5"), "1, 2, 3 and 2 more have not run in staging yet."),
    ],
)
def test_what_never_ran_in_the_environment_before_is_blocked(versions: tuple[str, ...], words: str) -> None:
    """Neither how long something else ran there nor how well it is says anything about it."""
    found = gates(
        rules=replace(FACTS.rules, soak=timedelta(hours=1), needs_healthy_source=True),
        never_ran=versions,
        source_since=NOW - timedelta(days=3),
        sources=(PlaceFacts("cart in staging", "Healthy", "Synced"),),
    )
    for name in ("soak", "source health"):
        assert (found[name].state, found[name].reason) == (GateState.BLOCK, words)


@pytest.mark.parametrize(
    ("place", "state", "words"),
    [
        (PlaceFacts("cart in staging", "Healthy", "OutOfSync"), GateState.PASS, "staging is healthy."),
        (
            PlaceFacts("cart in staging", "Degraded", "Synced"),
            GateState.BLOCK,
            "cart in staging is Degraded.",
        ),
        (PlaceFacts("cart in staging", "Unknown", "Synced"), GateState.WAIT, "cart in staging is Unknown."),
        (
            PlaceFacts("cart in staging", "Healthy", "Synced", is_stale=True),
            GateState.WAIT,
            "cart in staging is not known: its last check is too old.",
        ),
        (
            PlaceFacts("cart in staging", "", "", has_cluster=False),
            GateState.WAIT,
            "cart in staging: no cluster is connected that could say how it is.",
        ),
    ],
)
def test_the_source_must_be_known_to_be_healthy(place: PlaceFacts, state: GateState, words: str) -> None:
    gate = gates(rules=replace(FACTS.rules, needs_healthy_source=True), sources=(place,))["source health"]
    assert (gate.state, gate.reason) == (state, words)


def test_a_target_with_drift_blocks_and_one_without_cluster_asks_nothing() -> None:
    rules = replace(FACTS.rules, needs_synced_target=True)
    drifted = PlaceFacts("cart in production", "Degraded", "OutOfSync", drift="3 fields differ")
    gate = gates(rules=rules, targets=(drifted,))["target state"]
    assert gate == Gate("target state", GateState.BLOCK, "cart in production is OutOfSync: 3 fields differ.")
    assert gates(rules=rules, targets=(replace(drifted, has_cluster=False),)) == {}


def test_checks_that_are_asked_for_must_have_passed() -> None:
    rules = replace(FACTS.rules, checks=("ci/build", "ci/scan"))
    assert gates(rules=rules)["checks"].reason == "ci/build is missing, ci/scan is missing."
    one = (Check("ci/build", "success"), Check("ci/scan", "pending"))
    assert gates(rules=rules, checks=one)["checks"].reason == "ci/scan is pending."
    bad = (Check("ci/build", "success"), Check("ci/scan", "failure", "2 findings"))
    assert gates(rules=rules, checks=bad)["checks"] == Gate(
        "checks", GateState.BLOCK, "ci/scan failed: 2 findings."
    )
    good = (Check("ci/build", "success"), Check("ci/scan", "success"))
    assert gates(rules=rules, checks=good)["checks"].reason == "ci/build, ci/scan passed."


@pytest.mark.parametrize(
    ("signature", "state"),
    [
        ("good", GateState.PASS),
        ("bad", GateState.BLOCK),
        ("unsigned", GateState.BLOCK),
        ("unknown", GateState.WAIT),
        ("expired", GateState.BLOCK),
        ("unchecked", GateState.WAIT),
        ("", GateState.WAIT),
    ],
)
def test_a_signature_that_cannot_be_checked_does_not_pass(signature: str, state: GateState) -> None:
    rules = replace(FACTS.rules, needs_signature=True)
    assert gates(rules=rules, signature=signature)["signature"].state is state
    told = gates(rules=rules, signature=signature, signature_note="cart 1.4.2: so it is.")["signature"]
    assert told == Gate("signature", state, "cart 1.4.2: so it is.")


def test_a_gate_an_administrator_opened_says_so_and_holds_nothing_up() -> None:
    override = Override("release", "root", "the mark was a mistake")
    found = prognosis(replace(FACTS, bad_releases=("1.4.1",), overrides=(override,)))
    assert found[0].reason == "Marked bad: 1.4.1. Opened by root: the mark was a mistake"
    assert all_open(found)
    assert not all_open(prognosis(replace(FACTS, bad_releases=("1.4.1",))))


def test_what_blocks_comes_first_and_what_passes_last() -> None:
    found = prognosis(
        replace(
            FACTS,
            rules=replace(FACTS.rules, approvals=1, soak=timedelta(hours=1)),
            source_since=NOW - timedelta(days=3),
            bad_releases=("1",),
        )
    )
    assert [gate.state for gate in found] == [GateState.BLOCK, GateState.WAIT, GateState.PASS]


# --- freezes ----------------------------------------------------------------------------------------------


def test_a_dated_freeze_holds_from_its_beginning_to_before_its_end() -> None:
    window = FreezeRule("sale", "ada", starts_at=NOW, ends_at=NOW + timedelta(days=2))
    assert frozen_until(window, NOW) == NOW + timedelta(days=2)
    assert frozen_until(window, NOW - timedelta(seconds=1)) is None
    assert frozen_until(window, NOW + timedelta(days=2)) is None


WEEKEND = FreezeRule(
    "weekend",
    "ada",
    zone="Europe/Berlin",
    weekdays=(4,),
    from_time=time(16, 0),
    lasts=timedelta(days=2, hours=16),
)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (datetime(2026, 11, 27, 14, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 27, 15, 0, tzinfo=UTC), "2026-11-30T08:00:00+01:00"),
        (datetime(2026, 11, 30, 6, 59, tzinfo=UTC), "2026-11-30T08:00:00+01:00"),
        (datetime(2026, 11, 30, 7, 0, tzinfo=UTC), None),
        # The clocks went back on 25 October: by the clock on the wall it still ends at eight.
        (datetime(2026, 10, 25, 12, 0, tzinfo=UTC), "2026-10-26T08:00:00+01:00"),
    ],
)
def test_a_weekly_freeze_goes_by_the_clock_of_its_zone(moment: datetime, until: str | None) -> None:
    found = frozen_until(WEEKEND, moment)
    assert (found.isoformat() if found else None) == until


def test_windows_that_touch_are_one_freeze() -> None:
    nights = FreezeRule(
        "always", "ada", weekdays=(0, 1), from_time=time(0, 0), lasts=timedelta(days=1), zone="UTC"
    )
    monday = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert frozen_until(nights, monday) == datetime(2026, 11, 25, tzinfo=UTC)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="is no time zone"):
        frozen_until(replace(WEEKEND, zone="Mars/Olympus"), NOW)


def test_the_drawing_in_the_documents_is_that_of_the_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "promotion-phases.md"
    assert f"```mermaid\n{draw_phases()}\n```" in page.read_text(encoding="utf-8")
