"""What the gates of checks say: which commit and repository is asked, and what can never be answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gitopsui.domain.approval import Seen
from gitopsui.domain.gate_checks import ask_checks, ask_source_checks
from gitopsui.domain.gate_facts import Check, CheckedCommit, GateState, PromotionFacts, Rules

SHA = "0123456789" * 4
FACTS = PromotionFacts("production", datetime(2026, 11, 23, tzinfo=UTC), Rules(checks=("ci",)))
CART = CheckedCommit("cart 2.0.0", "shop-cart", SHA)
WEB = CheckedCommit("web 3.0.0", "shop-web", "f" * 40)
HERE = "at 01234567 in shop-cart (cart 2.0.0)"


def checked(*states: str) -> tuple[Check, ...]:
    return tuple(Check(name, state) for name, state in zip(("test", "lint"), states, strict=False) if state)


def asked(*commits: CheckedCommit) -> tuple[GateState, str]:
    facts = replace(FACTS, rules=Rules(source_checks=("test", "lint")), released=commits)
    gate = ask_source_checks(facts)
    assert gate is not None
    assert gate.name == "source checks"
    return gate.state, gate.reason


def test_nothing_is_asked_where_no_check_is_required() -> None:
    assert ask_checks(replace(FACTS, rules=Rules())) is None
    assert ask_source_checks(replace(FACTS, released=(CART,))) is None


@pytest.mark.parametrize(
    ("states", "state", "words"),
    [
        (("success", "success"), GateState.PASS, f"test, lint passed {HERE}."),
        (("success", ""), GateState.WAIT, f"lint is missing {HERE}."),
        (("pending", ""), GateState.WAIT, f"test is pending, lint is missing {HERE}."),
        (("failure", ""), GateState.BLOCK, f"test failed {HERE}."),
    ],
)
def test_the_gate_of_a_release_names_commit_and_repository(
    states: tuple[str, ...], state: GateState, words: str
) -> None:
    assert asked(replace(CART, checks=checked(*states))) == (state, words)


def test_every_released_commit_has_to_have_passed_and_a_failure_is_told_first() -> None:
    good, bad = replace(CART, checks=checked("success", "success")), replace(WEB, checks=checked("failure"))
    assert asked(good, bad) == (GateState.BLOCK, "test failed at ffffffff in shop-web (web 3.0.0).")
    assert asked(good, WEB)[0] is GateState.WAIT
    state, words = asked(good, replace(WEB, checks=checked("success", "success")))
    assert (state, words.count("passed")) == (GateState.PASS, 2)
    assert asked(*[WEB] * 5)[1].endswith("And 2 more.")


def test_what_nobody_can_be_asked_about_tells_why() -> None:
    lasting = replace(CART, problem="No forge is connected.", is_lasting=True)
    assert asked(lasting, WEB) == (GateState.BLOCK, "No forge is connected.")
    assert asked(replace(CART, problem="It is silent.")) == (GateState.WAIT, "It is silent.")
    words = f"test, lint {HERE}: asked for once the pull request is open."
    assert asked(replace(CART, is_asked=False)) == (GateState.WAIT, words)


def test_a_check_of_the_pull_request_names_its_commit_and_one_that_never_comes_says_so() -> None:
    facts = replace(FACTS, seen=Seen("a" * 40, SHA, ""), checks_repository="config")
    gate = ask_checks(facts)
    assert gate is not None
    assert (gate.state, gate.reason) == (GateState.WAIT, "ci is missing at 01234567 in config.")
    gate = ask_checks(replace(facts, checks_problem="Nothing can ever report it."))
    assert gate is not None
    assert (gate.state, gate.reason) == (GateState.BLOCK, "Nothing can ever report it.")
    gate = ask_checks(replace(facts, checks_problem="x", checks=(Check("ci", "success"),)))
    assert gate is not None
    assert gate.state is GateState.PASS
