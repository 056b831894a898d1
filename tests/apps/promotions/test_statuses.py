"""A commit status for each gate: told until the forge has it, and ended where the gate is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.promotions.models import Lock, Promotion
from apps.promotions.services.statuses import AGAIN_AFTER, OVER, REFUSED_FOR
from tests.apps.promotions.forge_bench import BUSY, PAGE, Bench
from tests.forges.server import saying

STATUSES = r"/statuses/"
FORBIDDEN = saying(403, b'{"message": "Must have write access."}', Content_Type="application/json")


def told(bench: Bench, promotion: Promotion) -> dict[str, str]:
    return {one.name: one.state for one in bench.project.last_statuses(promotion.head_sha)}


def lock(bench: Bench) -> Lock:
    world = bench.world
    return Lock.objects.create(
        project=world.project, environment=world.environments["production"], owner="ops", message="Wait"
    )


def end(held: Lock) -> None:
    held.ended_at, held.ended_by = timezone.now(), "ops"
    held.save()


def locked(bench: Bench) -> tuple[Promotion, Lock]:
    """An open promotion whose lock its forge was told of."""
    promotion = bench.opened()
    bench.world.allow(merge="here")
    held = lock(bench)
    bench.turn(promotion)
    assert told(bench, promotion)["gitopsui/lock"].startswith("fail")
    return promotion, held


@pytest.mark.django_db
def test_a_gate_that_is_over_leaves_no_status_that_blocks_a_merge(bench: Bench) -> None:
    promotion, held = locked(bench)
    bench.project.needs_checks = ("gitopsui/lock",)
    end(held)
    bench.world.allow(merge="auto")
    assert bench.until_merged(promotion) == [""]
    assert told(bench, promotion)["gitopsui/lock"] == "success"
    said = bench.project.last_statuses(promotion.head_sha)
    assert OVER in [one.detail for one in said]
    bench.check_once(promotion)


@pytest.mark.django_db
def test_what_is_over_is_told_once_and_is_no_gate_any_more(bench: Bench) -> None:
    promotion, held = locked(bench)
    end(held)
    bench.turn(promotion)
    sent = bench.forge.count("POST", STATUSES)
    assert {bench.turn(promotion) for _ in range(3)} == {""}
    assert bench.forge.count("POST", STATUSES) == sent
    assert "lock" not in [one["name"] for one in promotion.gates]


@pytest.mark.django_db
def test_a_status_that_was_left_standing_before_is_read_and_ended(bench: Bench) -> None:
    promotion, held = locked(bench)
    end(held)
    # What is stored here knows nothing of it, as after a restored backup.
    Promotion.objects.filter(pk=promotion.pk).update(gates=[])
    bench.turn(promotion)
    assert told(bench, promotion)["gitopsui/lock"] == "success"


@pytest.mark.django_db
def test_a_status_that_was_not_taken_is_sent_again_later_and_holds_nothing_up(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here")
    lock(bench)
    bench.forge.fail("POST", STATUSES, PAGE, times=1)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert bench.turn(promotion) == ""
        assert (promotion.phase, promotion.error) == ("open", "")
        asked = bench.forge.count("POST", STATUSES)
        bench.turn(promotion)
        assert bench.forge.count("POST", STATUSES) == asked, "it was asked again at once"
        clock.shift(AGAIN_AFTER)
        bench.turn(promotion)
        bench.turn(promotion)
    assert told(bench, promotion)["gitopsui/lock"].startswith("fail")
    assert bench.forge.count("POST", STATUSES) == asked + 1
    assert not [one for one in promotion.gates if "again_at" in one]


@pytest.mark.django_db
def test_the_end_of_a_gate_that_was_not_taken_is_sent_again_too(bench: Bench) -> None:
    promotion, held = locked(bench)
    end(held)
    bench.forge.fail("POST", STATUSES, PAGE, times=1)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        bench.turn(promotion)
        assert told(bench, promotion)["gitopsui/lock"].startswith("fail")
        clock.shift(AGAIN_AFTER)
        bench.turn(promotion)
    assert told(bench, promotion)["gitopsui/lock"] == "success"
    assert "lock" not in [one["name"] for one in promotion.gates]


@pytest.mark.django_db
def test_a_token_that_may_not_set_statuses_is_tried_once_in_a_while(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here", approvals=1, needs_synced_target=True)
    bench.forge.fail("POST", STATUSES, FORBIDDEN, times=100)
    before = bench.forge.count("POST", STATUSES)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(3):
            assert bench.turn(promotion) == ""
        assert bench.forge.count("POST", STATUSES) == before + 1
        clock.shift(REFUSED_FOR)
        bench.turn(promotion)
    assert bench.forge.count("POST", STATUSES) == before + 2
    assert promotion.phase == "open"


@pytest.mark.django_db
def test_a_forge_that_asks_to_wait_is_left_alone_and_told_afterwards(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here", approvals=1)
    lock(bench)
    bench.forge.fail("POST", STATUSES, BUSY)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        bench.turn(promotion)
        asked = len(bench.forge.requests)
        assert bench.turn(promotion) == "FORGE_BUSY"
        assert len(bench.forge.requests) == asked
        clock.shift(timedelta(minutes=3))
        bench.turn(promotion)
    assert {"gitopsui/lock", "gitopsui/approvals"} <= told(bench, promotion).keys()
