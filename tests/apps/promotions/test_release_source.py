"""Promotions of a release itself: into any environment that has the component, the first one too."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from apps.environments.models import Component
from apps.promotions.models import EnvironmentPolicy, Promotion
from apps.promotions.services.planning import plan_promotion
from apps.promotions.services.release_wishes import wishes_of_release
from apps.releases.models import ImageTag, Release
from tests.apps.promotions.conftest import DEPLOYMENT, World

NEW = "/projects/shop/promotions/new/"


def released(world: World, version: str = "3.0.0", **values: object) -> Release:
    component = world.applications["cart", "staging"].component
    return Release.objects.create(
        component=component, tag=f"v{version}", version=version, commit_sha="a" * 40, **values
    )


def asked(source: str, into: str, component: str = "cart") -> str:
    return f"{NEW}?{urlencode({'from': source, 'into': into, 'component': component})}"


def start(world: World, client: Client, source: str, into: str) -> Promotion:
    """Look at the preview as the proposer, and start what it shows."""
    page = world.sign_in(client, "proposer").get(asked(source, into)).content.decode()
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    assert f'name="from" value="{source}"' in page
    client.post(NEW, {"from": source, "into": into, "component": "cart", "seen": seen})
    return Promotion.objects.get()


def test_a_release_that_runs_nowhere_goes_into_the_first_environment(world: World, client: Client) -> None:
    released(world)
    values = {"approvals": 0, "needs_healthy_source": True, "soak_minutes": 60, "merge": "auto"}
    EnvironmentPolicy.objects.create(environment=world.environments["staging"], **values)
    promotion = start(world, client, "tag:3.0.0", "staging")
    assert promotion.source_environment is None
    assert promotion.title == "cart: 2.0.0 to 3.0.0 in staging"
    world.advance(promotion, turns=2)
    # Nothing stands before the first environment that could be asked how it is.
    assert promotion.phase == "merged"
    assert world.read("cart", "staging") == DEPLOYMENT.format(name="cart", version="3.0.0")
    assert promotion.branch == f"gitopsui/promote/{promotion.pk}"


def test_a_release_goes_where_the_environment_before_has_not_the_component(
    world: World, client: Client
) -> None:
    released(world)
    world.applications["cart", "staging"].delete()
    page = world.sign_in(client, "proposer").get(asked("tag:3.0.0", "production")).content.decode()
    assert "Promote cart: 1.0.0 to 3.0.0 in production?" in page
    assert "Open the pull request" in page


def test_a_project_with_one_environment_promotes_releases(world: World, client: Client) -> None:
    released(world)
    world.environments["staging"].delete()
    page = world.sign_in(client, "proposer").get(f"{NEW}?into=production&component=cart&version=3.0.0")
    assert "Promote cart: 1.0.0 to 3.0.0 in production?" in page.content.decode()


def test_only_releases_and_tags_of_the_registry_are_promoted(world: World, client: Client) -> None:
    released(world)
    address = asked("tag:9.9.9", "production")
    page = world.sign_in(client, "proposer").get(address).content.decode()
    assert "Nothing to promote into production" in page
    assert "9.9.9 is no release of cart, and no tag that its registry is known to have." in page
    component = world.applications["cart", "production"].component
    tag = ImageTag.objects.create(component=component, tag="9.9.9", seen_at=timezone.now())
    assert "Promote cart: 1.0.0 to 9.9.9 in production?" in client.get(address).content.decode()
    ImageTag.objects.filter(pk=tag.pk).update(gone_at=timezone.now())
    assert "Nothing to promote into production" in client.get(address).content.decode()
    answer = client.post(NEW, {"from": "tag:9.9.9", "into": "production", "component": "cart"}, follow=True)
    assert "There is nothing to promote." in answer.content.decode()
    assert not Promotion.objects.exists()


@pytest.mark.parametrize(("desired", "spelled"), [("1.0.0", "3.0.0+1"), ("v1.0.0", "v3.0.0_1")])
def test_a_release_is_written_as_the_tags_of_its_image_are(world: World, desired: str, spelled: str) -> None:
    released(world, "3.0.0+1")
    world.become({}, desired_version=desired)
    production = world.environments["production"]
    (wish,) = wishes_of_release(production, "cart", "v3.0.0+1")
    assert wish.version == spelled.replace("+", "_")
    assert not wish.refusal
    assert plan_promotion(production, [wish]).moves


def test_the_preview_keeps_component_and_version_while_the_sides_are_chosen(
    world: World, client: Client
) -> None:
    released(world)
    proposer = world.sign_in(client, "proposer")
    nowhere = proposer.get(asked("tag:3.0.0", "")).content.decode()
    assert "Choose where it goes" in nowhere
    assert '<option value="tag:3.0.0" selected>3.0.0</option>' in nowhere
    assert '<input type="hidden" name="component" value="cart">' in nowhere
    from_staging = proposer.get(asked("staging", "production")).content.decode()
    assert "1.0.0 to 2.0.0" in from_staging
    assert '<option value="tag:3.0.0">3.0.0</option>' in from_staging
    first = proposer.get(asked("", "staging")).content.decode()
    assert "No environment stands before it, so a release goes there." in first
    assert '<option value="tag:3.0.0">3.0.0</option>' in first


def test_without_a_component_the_first_environment_offers_its_own(world: World, client: Client) -> None:
    page = world.sign_in(client, "proposer").get(f"{NEW}?into=staging").content.decode()
    assert '<a class="name" href="?into=staging&amp;component=cart">cart</a>' in page
    of_no_component = client.get(f"{NEW}?into=staging&from=tag:3.0.0").content.decode()
    assert 'href="?from=tag%3A3.0.0&amp;into=staging&amp;component=web"' in of_no_component


def test_a_refusal_leads_back_to_what_was_chosen(world: World, client: Client) -> None:
    released(world)
    data = {"from": "tag:3.0.0", "into": "staging", "component": "cart", "seen": "0" * 64}
    answer = world.sign_in(client, "proposer").post(NEW, data)
    assert answer.headers["Location"] == asked("tag:3.0.0", "staging")


def test_the_page_of_a_release_offers_each_environment_that_asks_for_another_version(
    world: World, client: Client
) -> None:
    release = released(world)
    page = world.sign_in(client, "proposer").get(f"/releases/{release.pk}/").content.decode()
    assert "Promote 3.0.0 into…" in page
    for name in ("staging", "production"):
        assert f"{NEW}?into={name}&amp;component=cart&amp;version=3.0.0" in page
    running = released(world, "2.0.0")
    page = client.get(f"/releases/{running.pk}/").content.decode()
    assert "Promote 2.0.0 into production…" in page
    assert "into=staging" not in page


def test_a_release_promotion_that_is_stale_is_planned_again_with_its_version(
    world: World, client: Client
) -> None:
    released(world)
    promotion = start(world, client, "tag:3.0.0", "staging")
    Promotion.objects.filter(pk=promotion.pk).update(phase="stale")
    promotion.items.update(is_open=False)
    page = client.get(f"/promotions/{promotion.pk}/").content.decode()
    wanted = f"{NEW}?into=staging&amp;component=cart&amp;version=3.0.0"
    assert wanted in page
    again = client.get(wanted.replace("&amp;", "&")).content.decode()
    assert "Promote cart: 2.0.0 to 3.0.0 in staging?" in again


def test_components_of_other_projects_are_not_offered(world: World, client: Client) -> None:
    Component.objects.filter(slug="cart").update(slug="other")
    page = world.sign_in(client, "proposer").get(asked("tag:3.0.0", "staging")).content.decode()
    assert "staging has no application of cart." in page
