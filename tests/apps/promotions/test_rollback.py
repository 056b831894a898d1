"""The way back: to what ran before, never to what is bad, with a reason, and told what is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import RoleBinding
from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import promotion_facts
from apps.promotions.selectors.rollback import find_earlier, spell_like
from apps.promotions.services.planning import Wish
from apps.promotions.services.rollback import start_rollback
from apps.releases.models import DeploymentRecord, Release
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.promotion import prognosis
from tests.apps.promotions.conftest import World

NEW = "/projects/shop/rollbacks/new/"


def ran(world: World, *versions: str) -> None:
    """These ran in cart in production, oldest first, the present one after them."""
    application, now = world.applications["cart", "production"], timezone.now()
    for number, version in enumerate((*versions, "1.0.0")):
        is_last = number == len(versions)
        DeploymentRecord.objects.create(
            application=application, version=version, source="git",
            from_at=now - timedelta(days=10 - number),
            to_at=None if is_last else now - timedelta(days=9 - number),
        )  # fmt: skip


def release(world: World, version: str, **values: object) -> Release:
    component = world.applications["cart", "production"].component
    return Release.objects.create(
        component=component, tag=f"v{version}", version=version, commit_sha="a" * 40, **values
    )


def test_what_ran_before_is_offered_newest_first_then_other_releases(world: World) -> None:
    ran(world, "0.8.0", "0.9.0")
    release(world, "0.7.0")
    release(world, "0.9.0")
    found = find_earlier(world.applications["cart", "production"])
    assert [one.version for one in found] == ["0.9.0", "0.8.0", "0.7.0"]
    assert [one.ran_until is not None for one in found] == [True, True, False]


def test_a_release_that_is_marked_bad_is_never_offered(world: World, client: Client) -> None:
    ran(world, "0.8.0", "v0.9.0")
    release(world, "0.9.0", is_bad=True, bad_reason="charged twice")
    release(world, "0.7.0", is_bad=True)
    application = world.applications["cart", "production"]
    assert [one.version for one in find_earlier(application)] == ["0.8.0"]
    data = {"application": application.pk, "version": "v0.9.0", "reason": "because"}
    page = world.sign_in(client, "proposer").post(NEW, data, follow=True).content.decode()
    assert "is not offered" in page
    with pytest.raises(PromotionDenied, match="is marked bad"):
        start_rollback(
            application.environment, [Wish(application, "0.9.0")], by=world.people["proposer"], reason="x"
        )
    assert not Promotion.objects.exists()


@pytest.mark.parametrize(
    ("version", "example", "spelled"),
    [("1.0.0", "v2.0.0", "v1.0.0"), ("1.0.0", "2.0.0", "1.0.0"), ("1.0.0+3", "2.0.0", "1.0.0_3")],
)
def test_a_version_is_written_as_the_others_of_the_application(
    version: str, example: str, spelled: str
) -> None:
    assert spell_like(version, example) == spelled


def test_an_application_goes_back_with_a_reason_through_a_pull_request(world: World, client: Client) -> None:
    world.allow(soak_minutes=999, needs_healthy_source=True, needs_synced_target=True)
    ran(world, "0.9.0")
    application = world.applications["cart", "production"]
    type(application).objects.filter(pk=application.pk).update(health="Degraded", sync="OutOfSync")
    proposer = world.sign_in(client, "proposer")
    page = proposer.get(NEW, {"application": application.pk}).content.decode()
    assert "Roll back cart: 1.0.0 to 0.9.0 in production?" in page
    assert "apps/cart/production/deployment.yaml" in page
    assert Promotion.objects.count() == 0
    data = {"application": application.pk, "version": "0.9.0", "reason": ""}
    page = proposer.post(NEW, data, follow=True).content.decode()
    assert "A rollback needs a reason." in page
    answer = proposer.post(NEW, data | {"reason": "it charges twice"})
    promotion = Promotion.objects.get()
    assert answer.headers["Location"] == f"/promotions/{promotion.pk}/"
    assert (promotion.kind, promotion.reason, promotion.source_environment) == (
        "rollback", "it charges twice", None,
    )  # fmt: skip
    gates = prognosis(promotion_facts(promotion, now=timezone.now()))
    assert gates == []
    assert world.advance(promotion).phase == "open"
    assert ":0.9.0 # the bot bumps it" in world.read("cart", ref=promotion.branch)


def test_a_deployed_promotion_is_undone_and_says_what_it_reverts(world: World, client: Client) -> None:
    world.allow(merge="auto")
    promotion = world.advance(world.propose("cart"), turns=2)
    world.arrive()
    assert world.advance(promotion).phase == "deployed"
    world.applications["cart", "production"].refresh_from_db()
    world.prepare()
    proposer = world.sign_in(client, "proposer")
    address = f"{NEW}?promotion={promotion.pk}"
    assert address in proposer.get(f"/promotions/{promotion.pk}/").content.decode()
    assert "Roll back cart: 2.0.0 to 1.0.0 in production?" in proposer.get(address).content.decode()
    proposer.post(NEW, {"promotion": promotion.pk, "reason": "slow"})
    back = Promotion.objects.get(kind="rollback")
    assert back.reverts == promotion
    assert f"Reverts: {promotion.merge_sha}" in back.message
    assert world.advance(back, turns=2).phase == "merged"
    assert ":1.0.0 # the bot bumps it" in world.read("cart")


def test_what_would_be_lost_is_told(world: World, client: Client) -> None:
    ran(world, "0.9.0")
    address = f"{NEW}?application={world.applications['cart', 'production'].pk}"
    assert "What changes" in world.sign_in(client, "proposer").get(address).content.decode()


def test_without_an_earlier_version_the_page_says_so(world: World, client: Client) -> None:
    address = f"{NEW}?application={world.applications['cart', 'production'].pk}"
    page = world.sign_in(client, "proposer").get(address).content.decode()
    assert "No earlier version is known that is not marked bad." in page


def test_only_promoters_of_the_environment_go_back(world: World, client: Client) -> None:
    ran(world, "0.9.0")
    application = world.applications["cart", "production"]
    address = f"{NEW}?application={application.pk}"
    assert world.sign_in(client, "viewer").get(address).status_code == 403
    RoleBinding.objects.update(environments=["staging"])
    proposer = world.sign_in(client, "proposer")
    page = proposer.get(address, follow=True).content.decode()
    assert "Only promoters into production may roll it back." in page
    proposer.post(NEW, {"application": application.pk, "version": "0.9.0", "reason": "x"})
    assert not Promotion.objects.exists()


def test_a_promotion_that_never_got_there_is_not_undone(world: World, client: Client) -> None:
    promotion = world.propose("cart")
    assert world.sign_in(client, "proposer").get(f"{NEW}?promotion={promotion.pk}").status_code == 404
    assert client.get(f"{NEW}?promotion=999999").status_code == 404
    assert client.get(NEW).status_code == 302
