"""The pages of promotions: what they say before, while and after, and to whom."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.environments.models import DesiredState
from apps.promotions.models import Promotion
from tests.apps.promotions.conftest import World, seen

NEW = "/projects/shop/promotions/new/"
ASKED = f"{NEW}?from=staging&into=production&component=cart"


def test_the_preview_shows_the_edit_and_every_gate_and_starts_what_it_showed(
    world: World, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    proposer = world.sign_in(client, "proposer")
    with django_assert_max_num_queries(30):
        page = proposer.get(ASKED).content.decode()
    assert "Promote cart: 1.0.0 to 2.0.0 in production?" in page
    assert "apps/cart/production/deployment.yaml" in page
    assert "1 approval still to come; 0 of 1 given." in page
    assert Promotion.objects.count() == 0
    (wanted,) = re.findall(r'name="seen" value="(\w+)"', page)
    data = {"from": "staging", "into": "production", "component": "cart", "seen": wanted, "reason": "sale"}
    answer = proposer.post(NEW, data)
    promotion = Promotion.objects.get()
    assert answer.headers["Location"] == f"/promotions/{promotion.pk}/"
    assert (promotion.reason, promotion.proposer_name) == ("sale", "proposer")


def test_a_page_that_answers_a_refusal_leads_to_addresses_that_can_be_opened(
    world: World, client: Client
) -> None:
    promotion = world.advance(world.propose("cart", by="approver"))
    address = f"/promotions/{promotion.pk}/"
    answer = world.sign_in(client, "approver").post(f"{address}approve/", seen(promotion))
    page = answer.content.decode()
    assert answer.status_code == 403
    assert f'name="next" value="{address}"' in page
    assert f'href="{address}?view=side#edit"' in page
    assert "approve/" not in page


def test_the_preview_foretells_what_would_be_rendered(world: World, client: Client) -> None:
    application = world.applications["cart", "production"]
    container = {"name": "cart", "image": "registry.example.org/shop/cart:1.0.0"}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    DesiredState.objects.create(digest="d" * 64, manifests=[manifest], used_at=timezone.now())
    application.desired_digest = "d" * 64
    application.save()
    page = world.sign_in(client, "proposer").get(ASKED).content.decode()
    assert "1 resource changes, foretold from the last rendering and its images alone" in page


def test_what_is_not_as_the_page_showed_is_not_started(world: World, client: Client) -> None:
    data = {"from": "staging", "into": "production", "component": "cart", "seen": "0" * 64}
    page = world.sign_in(client, "proposer").post(NEW, data, follow=True).content.decode()
    assert "is not what the page showed any more" in page
    assert not Promotion.objects.exists()


def test_nothing_to_promote_is_a_normal_answer(world: World, client: Client) -> None:
    world.applications["cart", "production"].desired_version = "2.0.0"
    world.applications["cart", "production"].save()
    page = world.sign_in(client, "proposer").get(ASKED).content.decode()
    assert "Nothing to promote into production" in page
    assert "It is on 2.0.0 already." in page


def test_only_promoters_see_the_preview(world: World, client: Client) -> None:
    assert world.sign_in(client, "viewer").get(ASKED).status_code == 403


def test_the_page_says_what_it_waits_for_and_polls_until_it_is_settled(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    viewer = world.sign_in(client, "viewer")
    page = viewer.get(f"/promotions/{promotion.pk}/").content.decode()
    assert "cart 2.0.0 may not go into production yet: 1 gate waits" in page
    assert f"/promotions/{promotion.pk}/card/" in page
    assert "Approve</button>" not in page
    Promotion.objects.filter(pk=promotion.pk).update(phase="closed")
    page = viewer.get(f"/promotions/{promotion.pk}/card/").content.decode()
    assert "cart 2.0.0 was closed" in page
    assert "hx-get" not in page


def test_one_approves_another_merges_and_it_is_on_the_list(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    approver = world.sign_in(client, "approver")
    page = approver.post(f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True)
    assert "cart 2.0.0 may go into production" in page.content.decode()
    again = approver.post(f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True)
    assert "You approved it already." in again.content.decode()
    world.sign_in(client, "proposer").post(f"/promotions/{promotion.pk}/merge/")
    assert world.advance(promotion).phase == "merged"
    listed = client.get("/projects/shop/promotions/").content.decode()
    assert "1 promotion is under way" in listed
    assert "cart: 1.0.0 to 2.0.0 in production" in listed


def test_one_that_is_merged_keeps_the_answers_of_the_gates_it_was_merged_by(
    world: World, client: Client
) -> None:
    world.allow(approvals=1, merge="auto")
    promotion = world.advance(world.propose("cart"))
    world.sign_in(client, "approver").post(f"/promotions/{promotion.pk}/approve/", seen(promotion))
    world.advance(promotion, turns=2)
    assert promotion.phase == "merged"
    world.allow(approvals=2)

    page = client.get(f"/promotions/{promotion.pk}/card/").content.decode()

    assert "Approved by approver" in page
    assert "as answered" in page
    assert "answered now" not in page


def test_merging_waits_for_the_gates_and_says_so_until_they_are_open(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    address = f"/promotions/{promotion.pk}/"
    approver = world.sign_in(client, "approver")
    assert "Merge when the gates open</button>" in approver.get(address).content.decode()
    page = approver.post(f"{address}approve/", seen(promotion), follow=True).content.decode()
    assert "Merge</button>" in page
    assert "Merge when the gates open" not in page


def test_what_came_to_nothing_says_why_above_its_steps(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    proposer = world.sign_in(client, "proposer")
    address = f"/promotions/{promotion.pk}/"
    proposer.post(f"{address}close/")
    assert world.advance(promotion).phase == "closed"
    page = proposer.get(address).content.decode()
    assert page.index("It was closed here.") < page.index("Nothing was merged.") < page.index('class="steps')
    assert 'id="gates"' not in page


def test_the_proposer_has_no_approve_button_and_is_told_why(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart", by="approver"))
    approver = world.sign_in(client, "approver")
    assert "Approve</button>" not in approver.get(f"/promotions/{promotion.pk}/").content.decode()
    page = approver.post(f"/promotions/{promotion.pk}/approve/", seen(promotion), follow=True)
    assert "You proposed this promotion" in page.content.decode()
    assert not promotion.approvals.exists()


def test_an_approval_of_what_the_page_no_longer_shows_is_refused(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    old = seen(promotion) | {"head": "0" * 40}
    page = world.sign_in(client, "approver").post(f"/promotions/{promotion.pk}/approve/", old, follow=True)
    assert "It changed since you looked at it" in page.content.decode()


def test_rejecting_closing_and_overriding_say_what_they_did(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    approver = world.sign_in(client, "approver")
    data = seen(promotion) | {"reason": "not <b>today</b>"}
    page = approver.post(f"/promotions/{promotion.pk}/reject/", data, follow=True).content.decode()
    assert "1 gate blocks" in page
    assert "not &lt;b&gt;today&lt;/b&gt;" in page
    admin = world.sign_in(client, "admin")
    data = {"gate": "approvals", "reason": "agreed by phone"}
    page = admin.post(f"/promotions/{promotion.pk}/override/", data, follow=True).content.decode()
    assert "Opened by admin: agreed by phone" in page
    admin.post(f"/promotions/{promotion.pk}/close/")
    assert world.advance(promotion).phase == "closed"


@pytest.mark.parametrize("path", ["", "card/", "approve/", "merge/", "close/", "override/", "reject/"])
def test_a_promotion_of_another_project_is_not_found(world: World, client: Client, path: str) -> None:
    promotion = world.propose("cart")
    client.force_login(world.people["stranger"])
    address = f"/promotions/{promotion.pk}/{path}"
    answer = client.get(address) if path in ("", "card/") else client.post(address)
    assert answer.status_code == 404
