"""The protocol, against a real Git server: what is pushed, what is merged, and what ends it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Person
from apps.core.models import AuditEvent
from apps.promotions import connect
from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.advance import advance_promotion
from apps.promotions.services.decide import approve, ask_close, ask_merge, override_gate, reject
from gitopsui.domain.approval import Seen
from gitopsui.domain.errors import PromotionDenied
from tests.apps.promotions.conftest import DEPLOYMENT, World


def steps_of(promotion: Promotion) -> list[str]:
    return list(promotion.events.filter(is_transition=True).values_list("phase", flat=True))


def test_the_plan_edits_one_line_of_its_own_file(world: World) -> None:
    plan = world.plan("cart")
    assert [(one.path, one.new) for one in plan.files] == [
        ("apps/cart/production/deployment.yaml", DEPLOYMENT.format(name="cart", version="2.0.0"))
    ]
    assert plan.skips == []


def test_all_that_differs_is_one_promotion_and_what_is_level_is_skipped_with_a_reason(world: World) -> None:
    web = world.applications["web", "production"]
    web.desired_version = web.live_version = "2.0.0"
    web.save()
    plan = world.plan()
    assert [move.application.component.name for move in plan.moves] == ["cart"]
    assert [(skip.application.component.name, skip.reason) for skip in plan.skips] == [
        ("web", "It is on 2.0.0 already.")
    ]


def test_from_the_plan_to_the_cluster(world: World) -> None:
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart"))
    assert promotion.phase == "open"
    assert promotion.number == str(promotion.pk)
    assert world.remote_heads()[f"refs/heads/gitopsui/promote/{promotion.pk}"] == promotion.head_sha
    assert world.read("cart", ref=promotion.head_sha).count("2.0.0") == 1
    assert "1.0.0" in world.read("cart")

    world.advance(promotion)
    assert promotion.phase == "open", "nobody approved it yet"
    approve(promotion.pk, by=world.people["approver"], seen=seen_of(promotion))
    ask_merge(promotion.pk, by=world.people["proposer"])
    world.advance(promotion)
    assert promotion.phase == "merged"
    assert world.read("cart") == DEPLOYMENT.format(name="cart", version="2.0.0")

    world.arrive()
    world.advance(promotion)
    assert promotion.phase == "deployed"
    way = ["planned", "pushing", "opening", "open", "merging", "merged", "deployed"]
    assert steps_of(promotion) == way
    verbs = AuditEvent.objects.filter(object_type="promotions.Promotion").values_list("verb", flat=True)
    assert [verb for verb in verbs.order_by("pk") if verb.startswith("promotion ")] == [
        f"promotion {phase}" for phase in way[1:]
    ]


def test_the_same_plan_makes_the_same_commit(world: World) -> None:
    promotion = world.propose("cart")
    world.advance(promotion)
    first = promotion.head_sha
    Promotion.objects.filter(pk=promotion.pk).update(phase="planned", head_sha="")
    world.advance(promotion)
    assert promotion.head_sha == first
    assert len(world.remote_heads()) == 2


def test_it_merges_by_itself_where_the_policy_says_so(world: World) -> None:
    world.allow(merge="auto")
    assert world.advance(world.propose("cart")).phase == "merged"


# --- what moves under it ----------------------------------------------------------------------------------


def test_f23_a_push_between_plan_and_approval_makes_it_stale_and_an_approval_is_refused(world: World) -> None:
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart"))
    text = DEPLOYMENT.format(name="cart", version="1.0.1")
    world.seed.commit({world.path("cart", "production"): text}, "Hotfix", author="Ada <ada@example.org>")
    world.advance(promotion)
    assert promotion.phase == "stale"
    text = promotion.events.last().text  # type: ignore[union-attr]
    assert "Ada changed what it edits" in text
    assert f"Both conflict in {world.path('cart', 'production')}." in text
    assert promotion.conflicts == [world.path("cart", "production")]
    with pytest.raises(PromotionDenied, match="is stale; only an open one"):
        approve(promotion.pk, by=world.people["approver"], seen=seen_of(promotion))
    assert "1.0.1" in world.read("cart")


def test_t14_an_approval_does_not_outlive_a_change_beside_what_was_approved(world: World) -> None:
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart"))
    seen = seen_of(promotion)
    beside = world.path("cart", "production").replace("deployment", "config")
    world.seed.commit({beside: "replicas: 0"}, "Another thing", author="Ada <ada@example.org>")
    approve(promotion.pk, by=world.people["approver"], seen=seen)
    world.advance(promotion)
    assert promotion.phase == "stale"
    assert "Ada changed files beside what it edits" in promotion.events.last().text  # type: ignore[union-attr]


def test_a_push_elsewhere_does_not_and_nothing_of_it_is_lost(world: World) -> None:
    world.allow()
    promotion = world.advance(world.propose("cart"))
    world.seed.commit({"README.md": "Something else"}, "Say something")
    ask_merge(promotion.pk, by=world.people["proposer"])
    world.advance(promotion)
    assert promotion.phase == "merged"
    assert world.seed.git("show", "main:README.md") == "Something else"
    assert "2.0.0" in world.read("cart")


def test_f26_a_rewritten_base_is_said_with_both_ids(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    base = promotion.base_sha
    other = world.seed.commit({"a": "b"}, "Other history", parents=())
    world.seed.point("refs/heads/main", other)
    world.advance(promotion)
    assert promotion.phase == "stale"
    text = promotion.events.last().text  # type: ignore[union-attr]
    assert base[:8] in text
    assert other[:8] in text


def test_f25_a_foreign_commit_on_its_branch_needs_attention_and_is_never_merged(world: World) -> None:
    world.allow(merge="auto", approvals=1)
    promotion = world.advance(world.propose("cart"))
    world.seed.commit({"evil": "x"}, "Add something", branch=f"gitopsui/promote/{promotion.pk}")
    approve(promotion.pk, by=world.people["approver"], seen=seen_of(promotion))
    world.advance(promotion, turns=2)
    assert promotion.phase == "open"
    assert "Somebody pushed" in promotion.attention
    assert "1.0.0" in world.read("cart")
    world.seed.point(f"refs/heads/{promotion.branch}", promotion.head_sha)
    assert (world.advance(promotion).phase, promotion.attention) == ("merged", "")


def test_a_branch_name_that_is_taken_fails_with_a_sentence(world: World) -> None:
    promotion = world.propose("cart")
    world.seed.commit({"x": "y"}, "Squat", branch=f"gitopsui/promote/{promotion.pk}")
    world.advance(promotion)
    assert promotion.phase == "failed"
    assert promotion.error


def test_f27_a_base_that_is_gone_is_waited_for(world: World) -> None:
    promotion = world.propose("cart")
    tip = world.seed.git("rev-parse", "refs/heads/main")
    world.seed.point("refs/heads/other", tip)
    world.seed.delete("refs/heads/main")
    world.advance(promotion)
    assert promotion.phase == "planned"
    assert promotion.attention == "The branch main is gone; the promotion waits for it."
    world.seed.point("refs/heads/main", tip)
    assert world.advance(promotion).phase == "open"


def test_f29_a_merge_by_hand_is_noticed(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    world.seed.point("refs/heads/main", promotion.head_sha)
    assert world.advance(promotion).phase == "merged"


def test_f28_a_branch_that_somebody_deletes_closes_it(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    world.seed.delete(f"refs/heads/gitopsui/promote/{promotion.pk}")
    assert world.advance(promotion).phase == "closed"
    assert world.advance(promotion).phase == "closed"


# --- people -----------------------------------------------------------------------------------------------


def test_f34_a_second_promotion_of_an_application_is_refused_with_the_first(world: World) -> None:
    first = world.propose("cart")
    with pytest.raises(PromotionDenied, match=f"Promotion {first.pk} is under way"):
        world.propose("cart")
    world.propose("web")


def test_the_proposer_may_not_approve_and_a_yes_to_something_else_is_refused(world: World) -> None:
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart", by="approver"))
    with pytest.raises(PromotionDenied, match="You proposed"):
        approve(promotion.pk, by=world.people["approver"], seen=seen_of(promotion))
    with pytest.raises(PromotionDenied, match="It changed since"):
        approve(promotion.pk, by=world.people["admin"], seen=Seen("a", "b", "c"))
    with pytest.raises(PromotionDenied, match="Only approvers"):
        approve(promotion.pk, by=world.people["viewer"], seen=seen_of(promotion))
    approve(promotion.pk, by=world.people["admin"], seen=seen_of(promotion))
    with pytest.raises(PromotionDenied, match="already"):
        approve(promotion.pk, by=world.people["admin"], seen=seen_of(promotion))


def test_a_rejection_has_a_reason_and_stops_the_merge(world: World) -> None:
    world.allow(merge="auto", approvals=1)
    promotion = world.advance(world.propose("cart"))
    with pytest.raises(PromotionDenied, match="needs a reason"):
        reject(promotion.pk, by=world.people["approver"], seen=seen_of(promotion), reason=" ")
    reject(promotion.pk, by=world.people["approver"], seen=seen_of(promotion), reason="not today")
    approve(promotion.pk, by=world.people["admin"], seen=seen_of(promotion))
    assert world.advance(promotion).phase == "open"
    assert promotion.gates[0]["reason"] == "approver rejected it: not today"


def test_a_rejection_holds_although_approvals_were_waived_before_and_can_be_waived_itself(
    world: World,
) -> None:
    promotion, admin = world.advance(world.propose("cart")), world.people["admin"]
    override_gate(promotion.pk, "approvals", by=admin, reason="nobody is awake")
    reject(promotion.pk, by=world.people["approver"], seen=seen_of(promotion), reason="it loses orders")
    world.allow(merge="auto", approvals=1)
    assert world.advance(promotion).phase == "open"
    assert promotion.gates[0]["reason"] == "approver rejected it: it loses orders"
    override_gate(promotion.pk, "approvals", by=admin, reason="it does not")
    assert world.advance(promotion).phase == "merged"


def test_a_rejection_of_something_else_is_refused_instead_of_counting_for_nothing(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    with pytest.raises(PromotionDenied, match="It changed since you looked"):
        reject(promotion.pk, by=world.people["approver"], seen=Seen("a", "b", "c"), reason="no")
    assert not promotion.approvals.exists()


@pytest.mark.parametrize("loss", ["account", "role"])
def test_an_approval_counts_no_more_when_who_gave_it_may_not_any_more(world: World, loss: str) -> None:
    promotion, approver = world.advance(world.propose("cart")), world.people["approver"]
    approve(promotion.pk, by=approver, seen=seen_of(promotion))
    if loss == "account":
        type(approver).objects.filter(pk=approver.pk).update(is_active=False)
    else:
        approver.role_bindings.update(role="viewer")
    world.allow(merge="auto", approvals=1)
    assert world.advance(promotion).phase == "open"
    assert promotion.gates[0]["reason"].startswith("1 approval still to come; 0 of 1 given")


def test_an_administrator_opens_a_gate_with_a_reason_that_the_body_repeats(world: World) -> None:
    world.allow(merge="auto", needs_synced_target=True)
    drifted = world.applications["cart", "production"]
    drifted.sync = "OutOfSync"
    drifted.save()
    promotion = world.advance(world.propose("cart"))
    assert promotion.phase == "open"
    with pytest.raises(PromotionDenied, match="Only an administrator"):
        override_gate(promotion.pk, "target state", by=world.people["approver"], reason="x")
    override_gate(promotion.pk, "target state", by=world.people["admin"], reason="the drift is the bug")
    assert world.advance(promotion).phase == "merged"
    assert "the drift is the bug" in promotion.body


def test_closing_it_here_ends_it_and_frees_the_application(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    ask_close(promotion.pk, by=world.people["proposer"])
    assert world.advance(promotion).phase == "closed"
    assert not world.plan("cart").skips


# --- what is left at the remote ---------------------------------------------------------------------------


def forbid_removal(world: World) -> None:
    hook = world.seed.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$3" != {"0" * 40} ] || {{ echo "Branches stay." >&2; exit 1; }}\n')
    hook.chmod(0o755)


def test_its_branch_goes_when_it_has_arrived(world: World) -> None:
    world.allow(merge="auto")
    promotion = world.advance(world.propose("cart"))
    assert f"refs/heads/{promotion.branch}" in world.remote_heads()
    world.arrive()
    assert world.advance(promotion).phase == "deployed"
    assert list(world.remote_heads()) == ["refs/heads/main"]


def test_its_branch_goes_when_it_is_closed_stale_or_never_seen(world: World) -> None:
    closed, stale = world.advance(world.propose("cart")), world.advance(world.propose("web"))
    ask_close(closed.pk, by=world.people["proposer"])
    assert world.advance(closed).phase == "closed"
    text = DEPLOYMENT.format(name="web", version="1.0.1")
    world.seed.commit({world.path("web", "production"): text}, "Hotfix")
    assert world.advance(stale).phase == "stale"
    unseen = world.advance(world.propose("cart"))
    Promotion.objects.filter(pk=unseen.pk).update(phase="opening", number="", wants_close=True)
    assert world.advance(unseen).phase == "closed"
    assert list(world.remote_heads()) == ["refs/heads/main"]


def test_a_branch_with_a_foreign_commit_stays(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    theirs = world.seed.commit({"mine": "x"}, "Add something", branch=promotion.branch)
    ask_close(promotion.pk, by=world.people["proposer"])
    assert world.advance(promotion).phase == "closed"
    assert world.remote_heads()[f"refs/heads/{promotion.branch}"] == theirs


def test_a_remote_that_keeps_its_branches_holds_nothing_up(world: World) -> None:
    world.allow(merge="auto")
    forbid_removal(world)
    promotion = world.advance(world.propose("cart"))
    world.arrive()
    assert world.advance(promotion).phase == "deployed"
    text = promotion.events.last().text  # type: ignore[union-attr]
    assert text.startswith("cart in production runs 2.0.0. Its branch stays at the remote. ")
    assert "Branches stay." in text


class Killed(BaseException):
    """The worker ends here."""


def test_a_worker_killed_after_the_branch_went_leaves_the_last_step_to_the_next(world: World) -> None:
    world.allow(merge="auto")
    promotion = world.advance(world.propose("cart"))
    world.arrive()

    def reach(point: int) -> None:
        if point == 11:
            raise Killed

    row = Promotion.objects.select_related("repository__credential", "proposer").get(pk=promotion.pk)
    with pytest.raises(Killed):
        advance_promotion(row.pk, replace(connect.doors(row), reach=reach))
    promotion.refresh_from_db()
    assert (promotion.phase, list(world.remote_heads())) == ("merged", ["refs/heads/main"])
    assert world.advance(promotion).phase == "deployed"
    assert steps_of(promotion).count("deployed") == 1


@pytest.mark.parametrize("address", ["proposer@example.org", "new@example.org"])
def test_a_commit_that_only_a_lost_mirror_held_is_made_again(
    world: World, settings: Any, address: str
) -> None:
    promotion = world.propose("cart")

    def reach(point: int) -> None:
        if point == 3:
            raise Killed

    Person.objects.filter(username="proposer").update(email="proposer@example.org")
    row = Promotion.objects.select_related("repository__credential", "proposer").get(pk=promotion.pk)
    with pytest.raises(Killed):
        advance_promotion(row.pk, replace(connect.doors(row), reach=reach))
    before = Promotion.objects.get(pk=promotion.pk)
    for path in Path(settings.GITOPSUI_MIRRORS).glob("*.git"):
        shutil.rmtree(path)
    Person.objects.filter(username="proposer").update(email=address)

    assert (before.phase, world.advance(promotion).phase) == ("pushing", "open")
    assert (promotion.head_sha == before.head_sha) == (address == "proposer@example.org")
    assert world.remote_heads()[f"refs/heads/{promotion.branch}"] == promotion.head_sha


def test_what_does_not_arrive_in_time_says_so_plainly(world: World) -> None:
    world.allow(merge="auto", arrive_minutes=0)
    promotion = world.advance(world.propose("cart"))
    world.advance(promotion)
    assert list(world.remote_heads()) == ["refs/heads/main"]
    assert promotion.phase == "merged"
    assert promotion.attention == "It did not arrive in time. cart in production still runs 1.0.0."
    assert promotion.is_settled


def test_f38_an_old_worker_that_wakes_up_writes_nothing(world: World) -> None:
    from apps.promotions.services.claims import LostClaimError, claim

    promotion = world.propose("cart")
    old = claim(promotion.pk)
    assert old is not None
    assert claim(promotion.pk) is None
    Promotion.objects.filter(pk=promotion.pk).update(lease_until=timezone.now())
    new = claim(promotion.pk)
    assert new is not None
    with pytest.raises(LostClaimError):
        old.write("late", attention="I am late")
    new.write("mine", attention="mine")
    promotion.refresh_from_db()
    assert promotion.attention == "mine"
