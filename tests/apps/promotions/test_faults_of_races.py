"""People and pushes that meet: F19–F26 and F34–F37 of the fault catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from apps.accounts.models import Role
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
from tests.apps.promotions.conftest import DEPLOYMENT, World
from tests.apps.promotions.forge_bench import KINDS, Bench, on_forge
from tests.apps.promotions.workers import in_threads, row_of, settle, turn, world_merges

NEW = "/projects/shop/promotions/new/"
CLICKS = 50


@pytest.fixture(params=list(KINDS))
def bench(request: pytest.FixtureRequest, world: World, tmp_path: Path, settings: Any) -> Iterator[Bench]:
    with on_forge(request.param, world, tmp_path, settings) as made:
        yield made


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.people[name])
    return client


def seen(promotion: Promotion) -> dict[str, str]:
    found = seen_of(promotion)
    return {"base": found.base_sha, "head": found.head_sha, "diff": found.diff_hash}


def audited(promotion: Promotion, verb: str) -> int:
    return AuditEvent.objects.of(promotion).filter(verb=verb).count()


# --- people ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_f19_fifty_clicks_of_two_people_at_once_are_one_yes_of_each_and_one_task(shared_world: World) -> None:
    shared_world.allow(approvals=2)
    promotion = shared_world.advance(shared_world.propose("cart"))
    shared_world.people["second"] = make_person("second", Role.APPROVER, shared_world.project)
    clients = [signed_in(shared_world, ("approver", "second")[number % 2]) for number in range(CLICKS)]
    jobs.job_of(ADVANCE, promotion.pk)
    said: list[tuple[int, str]] = []

    def click(number: int) -> None:
        answer = clients[number].post(f"/promotions/{promotion.pk}/approve/", seen(promotion))
        (text,) = [str(one) for one in get_messages(answer.wsgi_request)]
        said.append((number % 2, text))

    in_threads(CLICKS, click)

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
    proposer, approver = signed_in(world, "proposer"), signed_in(world, "approver")
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

    page = signed_in(world, "approver").post(
        f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True
    )

    reason = "You proposed this promotion, so somebody else has to approve it."
    assert reason in page.content.decode()
    assert not Approval.objects.exists()
    assert world.advance(promotion).phase == "open"
    event = AuditEvent.objects.of(promotion).get(verb="was refused to approve promotion")
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
    signed_in(world, "proposer").post(f"/promotions/{promotion.pk}/close/")
    since = AuditEvent.objects.of(promotion).get(verb="closed promotion").at

    page = signed_in(world, "approver").post(
        f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True
    )

    sentence = f"proposer closes it since {since:%Y-%m-%d %H:%M:%S} UTC, so nothing was done."
    assert sentence in page.content.decode()
    assert not Approval.objects.exists()
    assert world.advance(promotion).phase == "closed"


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


def test_f22_what_is_being_merged_is_not_closed_any_more(world: World) -> None:
    world.allow(merge="auto")
    promotion, closer = world.propose("cart"), world.people["proposer"]
    refusals: list[str] = []

    def reach(here: int) -> None:
        if here == 8:
            with pytest.raises(PromotionDenied) as denied:
                ask_close(promotion.pk, by=closer)
            refusals.append(str(denied.value))

    turn(promotion, reach)

    promotion.refresh_from_db()
    assert refusals == ["This promotion is merging and cannot be closed any more."]
    assert (promotion.phase, promotion.wants_close) == ("merged", False)


# --- pushes ----------------------------------------------------------------------------------------------


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

    world.applications["cart", "production"].desired_version = "1.0.1"
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


@pytest.mark.parametrize("point", [1, 3, 7])
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


# --- two at once -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_f34_of_many_who_promote_the_same_at_once_one_does_and_the_others_are_led_to_it(
    shared_world: World,
) -> None:
    made: list[int] = []

    raised = in_threads(8, lambda number: made.append(shared_world.propose("cart").pk))

    assert len(made) == 1
    assert Promotion.objects.count() == 1
    assert len(raised) == 7
    assert all(f"romotion {made[0]} " in str(one) for one in raised), raised
    board = signed_in(shared_world, "viewer").get("/projects/shop/board-table/").content.decode()
    assert f"/promotions/{made[0]}/" in board


def test_f35_what_shares_a_file_is_planned_again_after_the_first_and_nothing_is_lost(world: World) -> None:
    both = "---\n".join(DEPLOYMENT.format(name=name, version="1.0.0") for name in ("cart", "web"))
    world.seed.commit({"apps/both/all.yaml": both}, "Join them")
    for name in ("cart", "web"):
        world.applications[name, "production"].path = "apps/both"
        world.applications[name, "production"].save()
    world.prepare()
    world.allow()
    first, second = world.advance(world.propose("cart")), world.advance(world.propose("web"))
    world.allow(merge="auto")
    assert world.advance(first).phase == "merged"
    assert world.advance(second).phase == "stale"

    world.prepare()
    third = world.advance(world.propose("web"))

    assert third.phase == "merged"
    text = world.seed.git("show", "main:apps/both/all.yaml")
    assert ("cart:2.0.0" in text, "web:2.0.0" in text) == (True, True)


REFUSING = "#!/bin/sh\necho 'Promotions are reviewed on Fridays.'\nexit 1\n"


def test_f36_of_two_files_of_a_promotion_both_are_pushed_or_none(world: World) -> None:
    world.allow()
    hook = world.seed.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(REFUSING)
    hook.chmod(0o755)

    refused = world.advance(world.propose())
    assert refused.phase == "failed"
    assert "Promotions are reviewed on Fridays." in refused.error
    assert list(world.remote_heads()) == ["refs/heads/main"]

    hook.unlink()
    pushed = world.advance(world.propose())
    assert pushed.phase == "open"
    names = world.seed.git("diff-tree", "-r", "--name-only", "--no-commit-id", pushed.head_sha).split()
    assert names == [world.path("cart", "production"), world.path("web", "production")]
    assert pushed.base_sha == world.seed.git("rev-parse", f"{pushed.head_sha}^")


def test_f37_what_would_change_nothing_is_not_started(world: World) -> None:
    proposer = signed_in(world, "proposer")
    asked = {"from": "staging", "into": "production", "component": "cart"}
    # Between the page and the click somebody else has done it.
    assert "Promote cart: 1.0.0 to 2.0.0 in production?" in proposer.get(NEW, asked).content.decode()
    done = DEPLOYMENT.format(name="cart", version="2.0.0")
    world.seed.commit({world.path("cart", "production"): done}, "By hand")
    world.prepare()

    page = proposer.post(NEW, asked, follow=True).content.decode()

    assert "There is nothing to promote." in page
    assert not Promotion.objects.exists()
    assert list(world.remote_heads()) == ["refs/heads/main"]


def test_f37_one_whose_edits_change_nothing_ends_without_a_branch(bench: Bench) -> None:
    promotion = bench.propose()
    same = [file | {"new": file["old"]} for file in promotion.preview["files"]]
    Promotion.objects.filter(pk=promotion.pk).update(preview={"files": same})

    bench.turn(promotion)

    assert promotion.phase == "empty"
    assert promotion.events.latest("pk").text == "There is nothing to promote."
    assert list(bench.world.remote_heads()) == ["refs/heads/main"]
    assert bench.project.pulls == []
