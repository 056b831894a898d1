"""People and pushes that meet: F19–F26 of the fault catalogue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db.models import QuerySet
from django.test import Client

from apps.accounts.models import Person, Role
from apps.core import jobs
from apps.core.models import AuditEvent, Job
from apps.promotions import connect
from apps.promotions.models import Approval, Promotion
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.advance import advance_promotion
from apps.promotions.services.decide import approve, ask_close
from apps.promotions.services.propose import ADVANCE
from gitopsui.domain.errors import PromotionDenied
from tests.accounts import make_person
from tests.apps.promotions.conftest import DEPLOYMENT, World, seen
from tests.apps.promotions.forge_bench import Bench
from tests.apps.promotions.workers import in_threads, row_of, settle, turn, world_merges

NEW = "/projects/shop/promotions/new/"
CLICKS = 50


def audit_of(promotion: Promotion) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(object_type="promotions.Promotion", object_id=str(promotion.pk))


def audited(promotion: Promotion, verb: str) -> int:
    return audit_of(promotion).filter(verb=verb).count()


# --- people ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_f19_fifty_clicks_of_two_people_at_once_are_one_yes_of_each_and_one_task(shared_world: World) -> None:
    shared_world.allow(approvals=2)
    promotion = shared_world.advance(shared_world.propose("cart"))
    shared_world.people["second"] = make_person("second", Role.APPROVER, shared_world.project)
    clients = [shared_world.sign_in(Client(), ("approver", "second")[number % 2]) for number in range(CLICKS)]
    jobs.job_of(ADVANCE, promotion.pk)
    said: list[tuple[int, str]] = []
    statuses: list[int] = []

    def click(number: int) -> None:
        answer = clients[number].post(f"/promotions/{promotion.pk}/approve/", seen(promotion))
        (text,) = [str(one) for one in get_messages(answer.wsgi_request)]
        said.append((number % 2, text))
        statuses.append(answer.status_code)

    in_threads(CLICKS, click)

    assert Counter(statuses) == {302: 2, 409: CLICKS - 2}
    given = {row.name: row.at for row in Approval.objects.all()}
    assert sorted(given) == ["approver", "second"]
    late = [
        f"You approved it already. That counts since {at:%Y-%m-%d %H:%M:%S} UTC." for at in given.values()
    ]
    counted = Counter(text for _, text in said)
    assert counted.pop("Approved.") == 2
    assert set(counted) == set(late)
    assert sum(counted.values()) == CLICKS - 2
    assert audited(promotion, "approved promotion") == 2
    assert Job.objects.filter(kind=ADVANCE).count() == 1


def test_f20_forms_that_are_sent_again_do_nothing_twice(world: World) -> None:
    """A double click on each button, and the page of before the merge once more after it."""
    world.allow(approvals=1)
    proposer, approver = world.sign_in(Client(), "proposer"), world.sign_in(Client(), "approver")
    asked = {"from": "staging", "into": "production", "component": "cart"}
    proposer.post(NEW, asked)
    again = proposer.post(NEW, asked, follow=True).content.decode()
    promotion = world.advance(Promotion.objects.get())
    assert f"Promotion {promotion.pk} is under way with 2.0.0." in again

    address, form = f"/promotions/{promotion.pk}", seen(promotion)
    for _ in range(2):
        approver.post(f"{address}/approve/", form)
        proposer.post(f"{address}/merge/")
    assert world.advance(promotion).phase == "merged"
    page = approver.post(f"{address}/approve/", form, follow=True).content.decode()

    assert "This promotion is merged; only an open one can be approved." in page
    assert (audited(promotion, "approved promotion"), audited(promotion, "asked to merge promotion")) == (
        1,
        1,
    )
    assert (Approval.objects.count(), world_merges(world)) == (1, 1)


def test_f21_an_author_who_approves_is_refused_with_the_reason_and_is_on_record(world: World) -> None:
    world.allow(approvals=1, merge="auto")
    promotion = world.advance(world.propose("cart", by="approver"))

    page = world.sign_in(Client(), "approver").post(
        f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True
    )

    reason = "You proposed this promotion, so somebody else has to approve it."
    assert page.status_code == 403
    assert reason in page.content.decode()
    assert not Approval.objects.exists()
    assert world.advance(promotion).phase == "open"
    event = audit_of(promotion).get(verb="was refused to approve promotion")
    assert (event.actor_name, event.after, event.project_id) == (
        "approver",
        {"reason": reason},
        world.project.pk,
    )


@pytest.mark.django_db(transaction=True)
def test_f22_of_approving_and_closing_at_once_one_wins_and_nothing_is_merged(shared_world: World) -> None:
    shared_world.allow(approvals=1, merge="auto")
    promotion = shared_world.advance(shared_world.propose("cart"))
    approver, proposer = shared_world.people["approver"], shared_world.people["proposer"]
    found = seen_of(promotion)

    def act(number: int) -> None:
        if number:
            ask_close(promotion.pk, by=proposer)
        else:
            approve(promotion.pk, by=approver, seen=found)

    raised = in_threads(2, act)

    assert len(raised) + Approval.objects.count() == 1
    assert all("proposer closes it since 20" in str(one) for one in raised)
    assert settle(promotion).phase == "closed"
    assert world_merges(shared_world) == 0


def test_f22_who_approves_what_somebody_closed_is_told_who_and_since_when(world: World) -> None:
    world.allow(approvals=1, merge="auto")
    promotion = world.advance(world.propose("cart"))
    world.sign_in(Client(), "proposer").post(f"/promotions/{promotion.pk}/close/")
    promotion.refresh_from_db()
    since = promotion.close_asked_at
    assert (promotion.close_asked_by, audited(promotion, "closed promotion")) == ("proposer", 1)

    page = world.sign_in(Client(), "approver").post(
        f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True
    )

    sentence = f"proposer closes it since {since:%Y-%m-%d %H:%M:%S} UTC, so nothing was done."
    assert sentence in page.content.decode()
    assert not Approval.objects.exists()
    assert world.advance(promotion).phase == "closed"


def test_f71_what_was_closed_before_it_was_noted_by_whom_stays_closed(world: World) -> None:
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart"))
    Promotion.objects.filter(pk=promotion.pk).update(wants_close=True)

    page = world.sign_in(Client(), "approver").post(f"/promotions/{promotion.pk}/approve/", seen(promotion))

    assert "It is being closed, so nothing was done." in page.content.decode()
    assert not Approval.objects.exists()


class Meddled:
    """The forge, where somebody does something each time `name` is asked."""

    def __init__(self, forge: Any, name: str, act: Any) -> None:
        self._forge, self._name, self._act = forge, name, act

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            self._act()
        return getattr(self._forge, name)


def test_f22_closing_while_the_gates_are_read_wins_over_the_merge(world: World) -> None:
    world.allow()
    promotion = world.advance(world.propose("cart"))
    world.allow(merge="auto")
    doors, closer = connect.doors(row_of(promotion)), world.people["proposer"]

    def close() -> None:
        ask_close(promotion.pk, by=closer)

    advance_promotion(
        promotion.pk, replace(doors, forge=lambda head: Meddled(doors.forge(head), "list_reviews", close))
    )

    promotion.refresh_from_db()
    assert (promotion.phase, world_merges(world)) == ("open", 0)
    assert world.advance(promotion).phase == "closed"
    assert world_merges(world) == 0


def refused_at_the_merge(promotion: Promotion, *, by: Person) -> list[str]:
    """A worker takes a turn, and somebody who closes it as it is merged is told why not."""
    refusals: list[str] = []

    def reach(here: int) -> None:
        if here == 8:
            with pytest.raises(PromotionDenied) as denied:
                ask_close(promotion.pk, by=by)
            refusals.append(str(denied.value))

    turn(promotion, reach)
    promotion.refresh_from_db()
    return refusals


def test_f22_what_is_being_merged_is_not_closed_any_more(world: World) -> None:
    world.allow(merge="auto")
    promotion = world.propose("cart")

    refusals = refused_at_the_merge(promotion, by=world.people["proposer"])

    assert refusals == ["This promotion is merging and cannot be closed any more."]
    assert (promotion.phase, promotion.wants_close) == ("merged", False)


def test_f22_what_its_forge_is_being_asked_for_is_not_closed_at_that_moment(bench: Bench) -> None:
    """It waits for its forge, so it is open; once that is asked it may be merged before one can say no."""
    promotion = bench.opened()
    bench.project.needs_checks = ("never",)
    bench.turn(promotion)
    assert (promotion.phase, promotion.forge_waits_since is None) == ("open", False)
    bench.project.needs_checks = ()

    refusals = refused_at_the_merge(promotion, by=bench.world.people["proposer"])

    assert refusals == ["Its forge is being asked to merge it at this moment. Try again in a few seconds."]
    assert promotion.wants_close is False
    assert promotion.phase in ("merged", "open")


# --- pushes ----------------------------------------------------------------------------------------------


def test_f23_a_push_between_plan_and_approval_is_never_merged_and_a_new_plan_is_offered(world: World) -> None:
    """Nobody knows of the push when somebody approves; the worker finds out, before anything is merged."""
    world.allow(approvals=1, merge="auto")
    promotion = world.advance(world.propose("cart"))
    hotfix = DEPLOYMENT.format(name="cart", version="1.0.1")
    world.seed.commit({world.path("cart", "production"): hotfix}, "Hotfix")
    world.sign_in(Client(), "approver").post(f"/promotions/{promotion.pk}/approve/", seen(promotion))

    assert world.advance(promotion).phase == "stale"
    assert world.read("cart") == hotfix
    again = f"{NEW}?into=production&amp;component=cart&amp;from=staging"
    address = f"/promotions/{promotion.pk}/"
    assert again in world.sign_in(Client(), "proposer").get(address).content.decode()
    assert again not in world.sign_in(Client(), "viewer").get(address).content.decode()
    page = world.sign_in(Client(), "approver").post(f"{address}approve/", seen(promotion), follow=True)
    assert "This promotion is stale; only an open one can be approved." in page.content.decode()

    world.prepare()
    plan = world.sign_in(Client(), "proposer").get(again.replace("&amp;", "&")).content.decode()
    assert "Promote cart:" in plan
    second = world.advance(world.propose("cart"))
    assert (second.phase, second.base_sha) == ("open", world.remote_heads()["refs/heads/main"])


def pushing_at(bench: Bench, promotion: Promotion, point: int, files: dict[str, str], branch: str) -> None:
    """One turn, in which somebody pushes when it comes to `point`."""

    def reach(here: int) -> None:
        if here == point:
            bench.world.seed.commit(files, "Of somebody else", branch=branch)

    turn(promotion, reach)
    promotion.refresh_from_db()


def test_f24_a_push_between_the_last_look_and_the_merge_of_a_forge_ends_as_stale(bench: Bench) -> None:
    promotion = bench.opened()
    hotfix = DEPLOYMENT.format(name="cart", version="1.0.1")
    path = bench.world.path("cart", "production")

    pushing_at(bench, promotion, 8, {path: hotfix}, "main")

    assert (promotion.phase, bench.project.merges) == ("stale", 0)
    assert bench.world.read("cart") == hotfix
    assert path in promotion.events.latest("pk").text


def test_f24_what_was_approved_before_the_base_moved_counts_for_nothing_afterwards(world: World) -> None:
    world.allow(approvals=1, merge="auto")
    first = world.advance(world.propose("cart"))
    approve(first.pk, by=world.people["approver"], seen=seen_of(first))
    hotfix = DEPLOYMENT.format(name="cart", version="1.0.1")
    world.seed.commit({world.path("cart", "production"): hotfix}, "Hotfix")
    assert world.advance(first).phase == "stale"

    world.prepare()
    second = world.advance(world.propose("cart"), turns=2)

    assert (second.phase, second.approvals.count()) == ("open", 0)
    assert second.gates[0]["state"] == "wait"
    assert world.read("cart") == hotfix


def test_f25_a_foreign_commit_just_before_the_merge_is_not_merged_by_any_forge(bench: Bench) -> None:
    promotion = bench.opened()

    pushing_at(bench, promotion, 8, {"evil": "x"}, promotion.branch)
    assert (promotion.phase, bench.project.merges) == ("open", 0)
    bench.turn(promotion)

    assert (promotion.phase, bench.project.merges) == ("open", 0)
    assert "so it is not what was planned and is not merged" in promotion.attention


@pytest.mark.parametrize("point", [1, 3, 7, 8])
def test_f26_a_base_that_is_rewritten_on_the_way_is_said_with_both_ids_and_never_merged(
    world: World, point: int
) -> None:
    world.allow(merge="auto")
    promotion = world.propose("cart")
    tips: list[str] = []

    def reach(here: int) -> None:
        if here == point:
            files = {world.path("cart", "production"): DEPLOYMENT.format(name="cart", version="1.0.0")}
            tips.append(world.seed.commit(files, "Other history", parents=()))

    turn(promotion, reach)
    world.advance(promotion)

    assert promotion.phase == "stale"
    text = promotion.events.latest("pk").text
    assert f"The history of main was rewritten: {promotion.base_sha[:8]} is not in {tips[0][:8]}" in text
    assert world.remote_heads()["refs/heads/main"] == tips[0]
