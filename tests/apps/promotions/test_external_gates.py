"""External gates: asked by a job with a signed question, and believed only as far as they answer clearly."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core import jobs
from apps.promotions import tasks
from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import promotion_facts
from apps.promotions.services.external_gates import read_answer
from gitopsui.domain.errors import HttpError
from gitopsui.domain.gate_facts import Gate, GateState
from gitopsui.domain.promotion import prognosis
from tests.adapters.fault_server import FaultServer, always
from tests.apps.promotions.conftest import World

SECRET = "correct horse battery"  # the canary of these tests


@pytest.fixture
def gate(settings: Any, world: World) -> Iterator[FaultServer]:
    """It lets everything pass until a test says otherwise; production asks it as `board`."""
    with FaultServer({}, default=always({"state": "pass", "reason": "ticket 7"})) as server:
        settings.GITOPSUI_TRUSTED_ENDPOINTS |= {server.host_port}
        gates = [{"name": "board", "url": f"{server.url}/ask"}]
        world.allow(external_gates=gates, gate_secret=SECRET, merge="auto")
        yield server


def asked(world: World, promotion: Promotion) -> Gate:
    tasks.ask_external_gates.work(promotion.pk)
    promotion.refresh_from_db()
    return told(promotion)


def told(promotion: Promotion, later: timedelta = timedelta(0)) -> Gate:
    gates = prognosis(promotion_facts(promotion, now=timezone.now() + later))
    return next(one for one in gates if one.name == "board")


def test_before_it_is_asked_the_gate_waits_and_is_in_the_prognosis(world: World, gate: FaultServer) -> None:
    promotion = world.advance(world.propose("cart"))
    assert told(promotion) == Gate("board", GateState.WAIT, "board is asked once the pull request is open.")
    assert world.advance(promotion, turns=2).phase == "open"
    assert gate.requests == []


def test_the_question_is_signed_over_its_raw_bytes_and_says_what_moves(
    world: World, gate: FaultServer
) -> None:
    promotion = world.advance(world.propose("cart"))
    assert asked(world, promotion) == Gate("board", GateState.PASS, "board: ticket 7")
    (request,) = gate.requests
    assert (request.method, request.path) == ("POST", "/ask")
    signature = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-gitopsui-signature-256"] == f"sha256={signature}"
    question = json.loads(request.body)
    assert question["components"] == [{"name": "cart", "from": "1.0.0", "to": "2.0.0"}]
    assert (question["environment"], question["head_sha"]) == ("production", promotion.head_sha)
    assert SECRET not in request.body.decode()
    assert world.advance(promotion).phase == "merged"


@pytest.mark.parametrize("state", ["wait", "block"])
def test_what_does_not_pass_keeps_it_open(world: World, gate: FaultServer, state: str) -> None:
    gate.default = always({"state": state, "reason": "not \u202e before <noon>"})
    promotion = world.advance(world.propose("cart"))
    answer = asked(world, promotion)
    assert answer.state == state
    assert "\u202e" not in promotion.external[0]["reason"] or answer.reason.startswith("board: not")
    assert world.advance(promotion, turns=2).phase == "open"


def test_a_silent_gate_waits_since_its_first_silence_and_then_speaks_again(
    world: World, gate: FaultServer
) -> None:
    gate.default = always(b"", status=500)
    promotion = world.advance(world.propose("cart"))
    first = asked(world, promotion)
    assert first.state is GateState.WAIT
    assert first.reason.startswith("board does not answer since ")
    since = promotion.external[0]["silent_since"]
    asked(world, promotion)
    assert promotion.external[0]["silent_since"] == since
    gate.default = always({"state": "pass"})
    assert asked(world, promotion) == Gate("board", GateState.PASS, "board lets it pass.")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        {"state": "ok"},
        {"state": ["pass"]},
        {"state": "pass", "reason": 7},
        b"NaN",
        b"x" * 20_000,
    ],
)
def test_an_answer_that_is_not_understood_waits(world: World, gate: FaultServer, body: Any) -> None:
    gate.default = always(body)
    answer = asked(world, world.advance(world.propose("cart")))
    assert answer.state is GateState.WAIT
    assert "does not answer since" in answer.reason
    assert "html" not in answer.reason


def test_a_redirect_is_not_followed(world: World, gate: FaultServer) -> None:
    gate.default = always(b"", status=302, headers={"Location": f"{gate.url}/elsewhere"})
    assert asked(world, world.advance(world.propose("cart"))).state is GateState.WAIT
    assert gate.paths() == ["/ask"]


def test_a_long_reason_is_cut() -> None:
    assert len(read_answer({"state": "wait", "reason": "x" * 9_000})[1]) <= 501
    with pytest.raises(HttpError, match="is not understood"):
        read_answer(None)


def test_a_pass_is_void_when_it_is_old_or_the_commit_moved(world: World, gate: FaultServer) -> None:
    promotion = world.advance(world.propose("cart"))
    assert asked(world, promotion).state is GateState.PASS
    old = told(promotion, later=timedelta(minutes=11))
    assert old.state is GateState.WAIT
    assert old.reason.startswith("board was not asked since")
    promotion.head_sha = "f" * 40
    assert told(promotion).state is GateState.WAIT


def test_an_administrator_may_open_it(world: World, gate: FaultServer) -> None:
    gate.default = always({"state": "block", "reason": "no"})
    promotion = world.advance(world.propose("cart"))
    asked(world, promotion)
    promotion.overrides.create(gate="board", name="admin", reason="by phone", at=timezone.now())
    assert told(promotion).is_open


def test_it_is_asked_every_half_minute_while_it_is_open_and_then_no_more(
    world: World, gate: FaultServer
) -> None:
    promotion = world.advance(world.propose("cart"))
    tasks.ask_due_gates()
    row = jobs.job_of(tasks.ASK_GATES, promotion.pk)
    assert row is not None
    assert row.every == timedelta(seconds=30)
    Promotion.objects.filter(pk=promotion.pk).update(phase="closed")
    tasks.ask_external_gates.work(promotion.pk)
    assert jobs.job_of(tasks.ASK_GATES, promotion.pk) is None
    assert gate.requests == []


def test_without_gates_nothing_is_scheduled(world: World) -> None:
    world.allow()
    promotion = world.advance(world.propose("cart"))
    tasks.ask_due_gates()
    assert jobs.job_of(tasks.ASK_GATES, promotion.pk) is None
