"""From the preview to the cluster and back again, by two people in two real browsers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from apps.promotions.models import Promotion
from apps.promotions.services.decide import ask_close
from tests.apps.promotions.conftest import World, shared_world

__all__ = ["shared_world"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_version_is_promoted_approved_merged_deployed_and_rolled_back(
    open_context: Callable[..., BrowserContext], shared_world: World
) -> None:
    world = shared_world
    mine = open_context(world.people["proposer"]).new_page()
    mine.goto("/projects/shop/promotions/new/?from=staging&into=production&component=cart")
    expect(mine.get_by_role("heading", level=1)).to_have_text("Promote cart: 1.0.0 to 2.0.0 in production?")
    expect(mine.locator("#gates")).to_contain_text("1 approval still to come")
    mine.get_by_role("button", name="Open the pull request").click()
    expect(mine).to_have_url(re.compile(r"/promotions/\d+/$"))
    promotion = Promotion.objects.get()

    # The page finds out by itself what a worker did.
    world.advance(promotion)
    waits = "cart 2.0.0 may not go into production yet: 1 gate waits"
    expect(mine.get_by_role("heading", level=1)).to_have_text(waits)
    expect(mine.get_by_role("button", name="Approve")).to_have_count(0)

    other = open_context(world.people["approver"]).new_page()
    other.goto(f"/promotions/{promotion.pk}/")
    other.get_by_role("button", name="Approve").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("cart 2.0.0 may go into production")

    mine.reload()
    mine.get_by_role("button", name="Merge").click()
    expect(mine.get_by_text("It is merged as soon as every gate is open.")).to_be_visible()
    world.advance(promotion)
    on_its_way = "cart 2.0.0 is merged and on its way"
    expect(mine.get_by_role("heading", level=1)).to_have_text(on_its_way)
    world.arrive()
    world.advance(promotion)
    expect(mine.get_by_role("heading", level=1)).to_have_text("cart 2.0.0 is deployed")
    # A settled promotion is not asked for again.
    expect(mine.locator("#promotion-card[hx-get]")).to_have_count(0)

    world.prepare()
    mine.reload()
    mine.get_by_role("link", name="Roll back").first.click()
    expect(mine.get_by_role("heading", level=1)).to_contain_text(
        "Roll back cart: 2.0.0 to 1.0.0 in production"
    )
    mine.get_by_label("Why").fill("the cart forgets what is in it")
    mine.get_by_role("button", name="Open the pull request").click()
    expect(mine).to_have_url(re.compile(r"/promotions/\d+/$"))
    back = Promotion.objects.get(kind="rollback")
    assert world.advance(back).phase == "open"
    other.goto(f"/promotions/{back.pk}/")
    other.get_by_role("button", name="Approve").click()
    other.get_by_role("button", name="Merge").click()
    expect(other.get_by_text("It is merged as soon as every gate is open.")).to_be_visible()
    assert world.advance(back).phase == "merged"
    assert "cart:1.0.0" in world.read("cart")


def test_who_was_too_late_sees_why_on_the_page_as_it_stands(
    open_context: Callable[..., BrowserContext], shared_world: World
) -> None:
    world = shared_world
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart"))
    late = open_context(world.people["approver"]).new_page()
    late.goto(f"/promotions/{promotion.pk}/")
    # The page would find out by itself; this one sends what it was opened with.
    late.route("**/card/", lambda route: route.abort())
    ask_close(promotion.pk, by=world.people["proposer"])
    assert world.advance(promotion).phase == "closed"

    with late.expect_response("**/approve/") as answered:
        late.get_by_role("button", name="Approve").click()

    assert answered.value.status == 409
    expect(late.get_by_text("so nothing was done. Promote again if it is still wanted.")).to_be_visible()
    expect(late.get_by_role("heading", level=1)).to_have_text("cart 2.0.0 was closed")
    expect(late).to_have_url(re.compile(rf"/promotions/{promotion.pk}/$"))
