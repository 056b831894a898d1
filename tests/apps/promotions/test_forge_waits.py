"""A forge that does not merge yet, or wants to be left alone: how that is waited for, told and ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.core import jobs
from apps.core.models import AuditEvent, Job
from apps.promotions import connect, tasks
from apps.promotions.models import ForgePause, Notification, Promotion, Subscription
from apps.promotions.services.advance import advance_promotion
from apps.promotions.services.decide import ask_close
from apps.promotions.services.forge_pauses import StoredPauses
from apps.promotions.services.forge_wait import UNCLEAR_FOR
from apps.promotions.services.propose import ADVANCE
from gitopsui.adapters.forge.base import MergeAnswer, MergeOutcome
from gitopsui.adapters.forge.pause import end_pauses
from tests.apps.promotions.conftest import World
from tests.apps.promotions.forge_bench import BUSY, MERGE, MERGE_METHOD, Bench
from tests.apps.promotions.workers import row_of


@pytest.mark.django_db
def test_f32_a_rule_of_the_forge_is_waited_for_in_its_words(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.needs_checks = ("never",)
    bench.turn(promotion)
    assert promotion.phase == "open"
    assert promotion.attention.startswith("Waiting for the forge: ")
    bench.project.needs_checks = ()
    bench.until_merged(promotion)
    assert (promotion.attention, promotion.forge_waits_since) == ("", None)
    bench.check_once(promotion)


def told_of(promotion: Promotion) -> tuple[int, int]:
    """How many events and how many audit rows there are of it."""
    rows = AuditEvent.objects.filter(object_type="promotions.Promotion", object_id=str(promotion.pk))
    return promotion.events.count(), rows.count()


@pytest.mark.django_db
def test_f32_waiting_is_one_state_and_nothing_is_written_while_the_reason_stays(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.needs_checks = ("never",)
    bench.turn(promotion)
    events, rows = told_of(promotion)
    said, since = promotion.attention, promotion.forge_waits_since
    assert {bench.turn(promotion) for _ in range(5)} == {""}
    assert told_of(promotion) == (events, rows)
    assert (promotion.phase, promotion.attention, promotion.forge_waits_since) == ("open", said, since)
    assert bench.forge.count(MERGE_METHOD[bench.kind], MERGE) == 6
    bench.project.needs_checks = ("other",)
    bench.turn(promotion)
    # GitLab says of both only that something is missing.
    assert told_of(promotion) == (events + (bench.kind != "gitlab"), rows)
    assert ("other" in promotion.attention) == (bench.kind != "gitlab")


@pytest.mark.django_db
def test_f32_a_gate_of_our_own_that_closes_is_what_it_waits_for_then(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.needs_checks = ("never",)
    bench.turn(promotion)
    bench.world.allow(merge="auto", approvals=1)
    bench.turn(promotion)
    assert (promotion.attention, promotion.forge_waits_since) == ("", None)
    assert bench.forge.count(MERGE_METHOD[bench.kind], MERGE) == 1


@pytest.mark.django_db
def test_f32_what_waits_for_the_forge_can_be_closed(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.needs_checks = ("never",)
    bench.turn(promotion)
    ask_close(promotion.pk, by=bench.world.people["proposer"])
    bench.turn(promotion)
    assert (promotion.phase, bench.project.pulls[0].state) == ("closed", "closed")


def pause_after(promotion: Promotion, waited: timedelta) -> timedelta:
    """When a worker comes back to one that has waited so long."""
    with time_machine.travel(timezone.now(), tick=False):
        Promotion.objects.filter(pk=promotion.pk).update(forge_waits_since=timezone.now() - waited)
        jobs.make_due(ADVANCE, [promotion.pk])
        tasks.advance_promotion(promotion.pk)
        due_at = Job.objects.get(kind=ADVANCE, subject_id=promotion.pk).due_at
        assert due_at is not None
        return due_at - timezone.now()


@pytest.mark.django_db
def test_f32_it_is_asked_every_half_minute_and_later_every_five(bench: Bench, client: Client) -> None:
    promotion = bench.opened()
    jobs.schedule(ADVANCE, promotion.pk, label="x", due_at=timezone.now())
    bench.project.needs_checks = ("never",)
    assert timedelta(seconds=25) < pause_after(promotion, timedelta(0)) <= timedelta(seconds=30)
    assert timedelta(seconds=290) < pause_after(promotion, timedelta(minutes=11)) <= timedelta(minutes=5)
    client.force_login(bench.world.people["viewer"])
    page = client.get(f"/promotions/{promotion.pk}/").content.decode()
    note = page[page.index("Waiting for the forge: ") :].partition("</div>")[0]
    assert bench.project.pulls[0].state == "open"
    assert f'href="{promotion.url}"' in note


@pytest.mark.django_db
def test_f32_after_a_week_it_ends_with_a_notice(bench: Bench) -> None:
    promotion = bench.opened()
    Subscription.objects.create(
        person=bench.world.people["viewer"], project=bench.world.project, channel="email", events=["missed"]
    )
    bench.project.needs_checks = ("never",)
    bench.turn(promotion)
    Promotion.objects.update(forge_waits_since=timezone.now() - timedelta(days=7))
    bench.turn(promotion)
    assert (promotion.phase, promotion.error_code) == ("failed", "FORGE_WAITED")
    assert promotion.error.startswith("It was not merged within 7 days. Waiting for the forge: ")
    assert bench.project.pulls[0].state == "closed"
    assert promotion.error in Notification.objects.get().text
    assert not bench.world.plan("cart").skips, "the application is free again"


@pytest.mark.django_db
def test_f33_it_is_asked_after_5_10_20_seconds_and_after_ten_minutes_somebody_has_to_look(
    bench: Bench,
) -> None:
    promotion = bench.opened()
    jobs.schedule(ADVANCE, promotion.pk, label="x", due_at=timezone.now())
    bench.project.unknown = 10_000
    bench.turn(promotion)
    for waited, pause in ((0, 5), (5, 10), (15, 20), (75, 80)):
        found = pause_after(promotion, timedelta(seconds=waited)).total_seconds()
        promotion.refresh_from_db()
        assert promotion.phase == "merging"
        assert pause - 3 < found <= pause + 3
    pause_after(promotion, timedelta(minutes=10))
    promotion.refresh_from_db()
    assert promotion.phase == "open"
    assert "does not say whether this can be merged" in promotion.attention
    bench.project.unknown = 0
    assert bench.until_merged(promotion) == [""]
    bench.check_once(promotion)


class Answering:
    """The forge, which says one thing of each merge and does nothing."""

    def __init__(self, forge: Any, outcome: MergeOutcome) -> None:
        self._forge, self._outcome = forge, outcome

    def merge(self, number: str, **asked: str) -> MergeAnswer:
        return MergeAnswer(self._outcome)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._forge, name)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (MergeOutcome.MOVED, "it says that its branch moved, though that is as we left it"),
        (MergeOutcome.CONFLICT, "it says that this conflicts, though a merge of our own does not"),
        (MergeOutcome.REFUSED, "a rule of it is not met"),
    ],
)
def test_f33_a_forge_that_says_otherwise_than_our_mirror_is_waited_for_in_these_words(
    world: World, outcome: MergeOutcome, words: str
) -> None:
    world.allow(merge="here")
    promotion = world.advance(world.propose("cart"))
    world.allow(merge="auto")
    doors = connect.doors(row_of(promotion))
    doors = replace(doors, forge=lambda head, made=doors.forge: Answering(made(head), outcome))

    advance_promotion(promotion.pk, doors)
    rows = Promotion.objects.filter(pk=promotion.pk)
    rows.update(forge_waits_since=timezone.now() - UNCLEAR_FOR)
    advance_promotion(promotion.pk, doors)

    promotion.refresh_from_db()
    assert (promotion.phase, promotion.attention) == ("open", f"Waiting for the forge: {words}")
    assert world.advance(promotion).phase == "merged"


@pytest.mark.django_db
def test_f62_the_promotion_says_until_when_and_burns_no_attempt(bench: Bench) -> None:
    promotion = bench.opened()
    job = jobs.schedule(ADVANCE, promotion.pk, label="x", due_at=timezone.now())
    bench.forge.fail("*", r".", BUSY)
    asked = len(bench.forge.requests)
    for _ in range(4):
        jobs.make_due(ADVANCE, [promotion.pk])
        tasks.advance_promotion(promotion.pk)
    job = Job.objects.get(pk=job.pk)
    assert len(bench.forge.requests) == asked + 1, "it was asked again before the time"
    assert (job.state, job.failures) != ("quarantined", 3)
    assert job.failures == 0
    assert job.due_at is not None
    assert timedelta(seconds=60) < job.due_at - timezone.now() <= timedelta(seconds=121)
    promotion.refresh_from_db()
    assert (promotion.phase, promotion.error_code) == ("open", "FORGE_BUSY")
    assert "wait until" in promotion.error
    ForgePause.objects.update(until=timezone.now())
    bench.until_merged(promotion)
    assert (promotion.error, promotion.error_code) == ("", "")
    bench.check_once(promotion)


@pytest.mark.django_db
def test_f62_what_one_worker_was_told_all_of_them_keep_to(bench: Bench, client: Client) -> None:
    first = bench.opened()
    bench.world.allow(merge="here", approvals=1)
    second = bench.world.advance(bench.world.propose("web"))
    bench.forge.fail("*", r".", BUSY)
    assert bench.turn(first) == "FORGE_BUSY"
    asked = len(bench.forge.requests)
    end_pauses()  # another process has heard nothing of it
    assert bench.turn(second) == "FORGE_BUSY"
    assert len(bench.forge.requests) == asked, "another worker asked before the time"
    until = timezone.localtime(ForgePause.objects.get().until)
    assert f"{until.astimezone(UTC):%H:%M:%S} UTC" in second.error
    client.force_login(bench.world.people["admin"])
    address = f"/repositories/{bench.world.repository.pk}/forge/"
    page = client.get(address).content.decode()
    assert "asks us to wait until" in page
    assert f"{until:%H:%M}" in page.partition("asks us to wait until")[2][:200]
    ForgePause.objects.update(until=timezone.now())
    assert bench.turn(second) == ""
    assert second.error == "", "an error that is over is not shown"
    assert "asks us to wait until" not in client.get(address).content.decode()


@pytest.mark.django_db
def test_f62_a_longer_pause_is_not_cut_short_by_a_shorter_one() -> None:
    pauses, now = StoredPauses(), timezone.now()
    pauses.hold("git.example.org:443", now + timedelta(minutes=9))
    pauses.hold("git.example.org:443", now + timedelta(minutes=2))
    assert pauses.find("git.example.org:443") == now + timedelta(minutes=9)
    assert pauses.find("other.example.org:443") is None
    pauses.hold("git.example.org:443", now + timedelta(minutes=20))
    assert pauses.find("git.example.org:443") == now + timedelta(minutes=20)
