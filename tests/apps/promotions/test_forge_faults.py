"""The protocol against forges that fail: what is lost is read back, and nothing happens twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core import jobs
from apps.core.models import AuditEvent, Job
from apps.promotions import tasks
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.decide import approve, ask_close, override_gate
from apps.promotions.services.propose import ADVANCE
from tests.adapters.fault_server import FaultServer, always
from tests.apps.promotions.forge_bench import (
    CREATE,
    EXPIRED,
    LOOKS,
    MERGE,
    MERGE_METHOD,
    ONE,
    PAGE,
    PERSON,
    Bench,
)
from tests.forges.server import drop, saying


@pytest.mark.django_db
def test_a_promotion_is_opened_and_merged_on_the_forge(bench: Bench) -> None:
    promotion = bench.opened()
    (pull,) = bench.project.pulls
    assert (pull.title, pull.by.name) == (promotion.title, "bot")
    assert promotion.url.startswith(bench.forge.root)
    bench.world.allow(approvals=1)
    bench.turn(promotion)
    told = {one.name: one.state for one in bench.project.last_statuses(promotion.head_sha)}
    assert told == {f"gitopsui/{gate['name']}": told[f"gitopsui/{gate['name']}"] for gate in promotion.gates}
    assert "pending" in told.values()
    bench.world.allow(merge="auto")
    assert bench.until_merged(promotion) == [""]
    bench.check_once(promotion)
    assert "2.0.0" in bench.world.read("cart")


@pytest.mark.django_db
@pytest.mark.parametrize("is_gone", [True, False], ids=["the forge removed it", "the forge kept it"])
def test_its_branch_is_gone_when_it_has_arrived_and_is_removed_once(bench: Bench, is_gone: bool) -> None:
    promotion = bench.propose()
    bench.until_merged(promotion)
    bench.check_once(promotion)
    if is_gone:
        bench.project.seed.delete(f"refs/heads/{promotion.branch}")
    bench.world.arrive()
    assert bench.turn(promotion) == ""
    assert promotion.phase == "deployed"
    assert list(bench.world.remote_heads()) == ["refs/heads/main"]
    assert "stays" not in promotion.events.last().text  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_pull_request_that_is_closed_keeps_its_branch_so_that_it_can_be_opened_again(bench: Bench) -> None:
    promotion = bench.opened()
    ask_close(promotion.pk, by=bench.world.people["proposer"])
    assert bench.turn(promotion) == ""
    assert (promotion.phase, bench.project.pulls[0].state) == ("closed", "closed")
    assert bench.project.tip(promotion.branch) == promotion.head_sha


@pytest.mark.django_db
def test_f17_a_connection_dropped_after_it_was_opened_opens_no_second_one(bench: Bench) -> None:
    promotion = bench.propose()
    bench.forge.fail("POST", CREATE, drop, is_after=True)
    bench.until_merged(promotion)
    assert bench.forge.count("POST", CREATE) == 1
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f17_the_read_back_fails_too_and_the_next_turn_finds_it(bench: Bench) -> None:
    promotion = bench.propose()
    bench.forge.fail("POST", CREATE, drop, is_after=True)
    bench.forge.fail("GET", CREATE, PAGE, skip=LOOKS[bench.kind])
    assert bench.turn(promotion) == "FORGE_ERROR"
    assert (promotion.phase, len(bench.project.pulls)) == ("opening", 1)
    assert promotion.error
    bench.until_merged(promotion)
    assert bench.forge.count("POST", CREATE) == 1
    bench.check_once(promotion)


@pytest.mark.django_db
@pytest.mark.parametrize("effect", [drop, PAGE, saying(500, b"")], ids=["dropped", "502", "500"])
def test_f18_an_answer_lost_after_merging_is_read_back_as_one_merge(bench: Bench, effect: Any) -> None:
    promotion = bench.opened()
    bench.forge.fail(MERGE_METHOD[bench.kind], MERGE, effect, is_after=True)
    bench.until_merged(promotion)
    assert bench.forge.count(MERGE_METHOD[bench.kind], MERGE) == 1
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f18_a_merge_that_never_arrived_is_asked_for_again(bench: Bench) -> None:
    promotion = bench.opened()
    bench.forge.fail(MERGE_METHOD[bench.kind], MERGE, PAGE)
    assert bench.turn(promotion) == "FORGE_ERROR"
    assert promotion.phase == "merging"
    assert "<" not in promotion.error
    bench.until_merged(promotion)
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f30_merged_by_hand_while_we_merge_is_no_error(bench: Bench) -> None:
    promotion = bench.opened()

    def merged_meanwhile(handler: Any) -> None:
        bench.project.merge(bench.project.pulls[0], "By hand", PERSON)
        saying(405, b'{"message": "405 Method Not Allowed"}', Content_Type="application/json")(handler)

    bench.forge.fail(MERGE_METHOD[bench.kind], MERGE, merged_meanwhile)
    assert bench.until_merged(promotion) == [""]
    bench.check_once(promotion)
    assert (promotion.error, promotion.attention) == ("", "")


@pytest.mark.django_db
def test_f33_a_forge_that_still_works_it_out_is_asked_again_and_that_is_no_conflict(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.unknown = 4
    bench.until_merged(promotion, turns=8)
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f33_however_long_it_takes_it_is_no_conflict_where_our_own_merge_is_clean(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.unknown = 10_000
    assert {bench.turn(promotion) for _ in range(12)} == {""}
    assert promotion.phase == "merging"
    bench.project.unknown = 0
    assert bench.until_merged(promotion) == [""]
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f31_a_conflict_on_the_forge_ends_it_and_names_the_file(bench: Bench) -> None:
    promotion = bench.opened()

    def conflicts_meanwhile(handler: Any) -> None:
        text = bench.world.read("cart").replace("1.0.0", "1.5.0")
        bench.world.seed.commit({bench.world.path("cart", "production"): text}, "Fix")
        saying(405, b'{"message": "Please try again later"}', Content_Type="application/json")(handler)

    bench.forge.fail(MERGE_METHOD[bench.kind], MERGE, conflicts_meanwhile)
    bench.turn(promotion)
    assert promotion.phase == "stale"
    path = bench.world.path("cart", "production")
    assert promotion.conflicts == [path]
    assert promotion.events.filter(text__startswith=f"It conflicts with main in {path}.").count() == 1
    assert (bench.project.merges, bench.project.pulls[0].state) == (0, "closed")
    assert path in bench.project.pulls[0].comments[-1]
    bench.world.advance(promotion, turns=2)
    assert bench.forge.count(MERGE_METHOD[bench.kind], MERGE) == 1, "it was tried again"


@pytest.mark.django_db
def test_an_approval_that_is_dismissed_on_the_forge_does_not_count_any_more(bench: Bench) -> None:
    promotion = bench.opened()
    bench.know(PERSON.name, "approver")
    bench.world.allow(merge="here", approvals=1)
    (pull,) = bench.project.pulls
    vote = bench.project.vote(pull, "approved", PERSON)
    bench.turn(promotion)
    approvals = next(gate for gate in promotion.gates if gate["name"] == "approvals")
    assert (approvals["state"], promotion.approvals.get().name) == ("pass", "approver")
    vote.is_dismissed = True
    bench.world.allow(merge="auto", approvals=1)
    bench.turn(promotion)
    approvals = next(gate for gate in promotion.gates if gate["name"] == "approvals")
    assert (promotion.phase, approvals["state"]) == ("open", "wait")
    assert not promotion.approvals.exists()
    texts = list(promotion.events.values_list("text", flat=True))[-2:]
    assert texts == [
        "approver approved it on the forge.",
        "The approval of approver does not stand on the forge any more.",
    ]
    verbs = AuditEvent.objects.filter(verb__contains="approv", object_id=str(promotion.pk))
    assert list(verbs.order_by("pk").values_list("verb", flat=True)) == [
        "approved promotion on the forge",
        "approval taken back",
    ]
    bench.turn(promotion)
    assert promotion.events.count() == len(texts) + promotion.events.exclude(text__in=texts).count()


@pytest.mark.django_db
def test_an_approval_given_here_stays_when_the_one_on_the_forge_is_dismissed(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here", approvals=1)
    approve(promotion.pk, by=bench.world.people["approver"], seen=seen_of(promotion))
    vote = bench.project.vote(bench.project.pulls[0], "approved", PERSON)
    bench.turn(promotion)
    vote.is_dismissed = True
    bench.turn(promotion)
    assert [(row.name, row.is_from_forge) for row in promotion.approvals.all()] == [("approver", False)]


@pytest.mark.django_db
def test_a_gate_that_is_opened_by_hand_is_written_into_the_pull_request_once(bench: Bench) -> None:
    promotion, admin = bench.opened(), bench.world.people["admin"]
    bench.world.allow(merge="here", approvals=1)
    override_gate(promotion.pk, "approvals", by=admin, reason="the drift is the bug")

    for _ in range(2):
        bench.turn(promotion)

    [pull] = bench.project.pulls
    assert "Gate “approvals” was opened by admin: the drift is the bug" in pull.body
    assert pull.title == promotion.title
    assert bench.forge.count("PUT" if bench.kind == "gitlab" else "PATCH", ONE) == 1


def test_reviews_are_read_once_in_a_turn_that_merges(bench: Bench) -> None:
    promotion = bench.opened()
    before = bench.forge.count("GET", r"/(reviews|approvals)$")
    assert bench.until_merged(promotion) == [""]
    assert bench.forge.count("GET", r"/(reviews|approvals)$") == before + 1


@pytest.mark.django_db
@pytest.mark.parametrize("path", [CREATE, ONE], ids=["opening", "open"])
def test_f63_pages_of_a_broken_proxy_are_passed_over_and_never_shown(bench: Bench, path: str) -> None:
    promotion = bench.propose()
    bench.forge.fail("GET", path, PAGE, times=2)
    codes = bench.until_merged(promotion, turns=6)
    assert codes.count("FORGE_ERROR") == 2
    assert "<" not in promotion.error
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f64_a_token_that_expired_is_told_to_its_owner_and_is_no_loop(bench: Bench) -> None:
    promotion = bench.opened()
    jobs.schedule(ADVANCE, promotion.pk, label="x", due_at=timezone.now())
    bench.forge.fail("*", r".", EXPIRED, times=100)
    tasks.advance_promotion(promotion.pk)
    promotion.refresh_from_db()
    assert (promotion.phase, promotion.error_code) == ("open", "FORGE_AUTH")
    assert "Token has expired" in promotion.error
    assert "Store" in promotion.error_hint
    job = Job.objects.get(kind=ADVANCE, subject_id=promotion.pk)
    assert job.due_at is None or job.due_at - timezone.now() > timedelta(minutes=5)
    bench.forge.faults.clear()
    bench.until_merged(promotion)
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f65_a_forge_that_sends_us_elsewhere_is_not_followed(bench: Bench) -> None:
    promotion = bench.opened()
    with FaultServer({}, default=always({})) as other:
        bench.forge.fail("*", r".", saying(302, b"", Location=f"{other.url}/x"), times=100)
        assert bench.turn(promotion) == "FORGE_REDIRECT"
        assert other.requests == [], "the token went to another host"
    assert "redirect" in promotion.error
