"""Soak time and health are asked of the environment before, wherever a promotion takes its version from."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.environments.models import Application, Environment
from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import promotion_facts, prospective_facts
from apps.releases.models import DeploymentRecord, Release
from gitopsui.domain.gate_facts import Gate, GateState
from gitopsui.domain.promotion import PromotionKind, prognosis
from tests.apps.promotions.conftest import World

NEW = "/projects/shop/promotions/new/"
BLOCKED = "3.0.0 has not run in staging yet."


@pytest.fixture
def shop(world: World) -> World:
    """Before staging (2.0.0) comes dev, where cart 3.0.0 has run for ten days; production asks for a day."""
    for position, name in ((1, "staging"), (2, "production")):
        Environment.objects.filter(pk=world.environments[name].pk).update(position=position)
        world.environments[name].refresh_from_db()
    dev = world.environments["dev"] = Environment.objects.create(project=world.project, name="dev")
    cart = world.applications["cart", "staging"]
    world.applications["cart", "dev"] = Application.objects.create(
        component=cart.component, environment=dev, repository=cart.repository, cluster=cart.cluster,
        path="apps/cart/dev", renderer="plain", desired_version="3.0.0", live_version="3.0.0",
        sync="Synced", health="Healthy", checked_at=timezone.now(),
    )  # fmt: skip
    ran(world, "dev", "3.0.0", days=10)
    ran(world, "staging", "2.0.0", days=2)
    world.allow(soak_minutes=1440, needs_healthy_source=True, merge="auto")
    return world


def ran(world: World, environment: str, version: str, *, days: int, is_over: bool = False) -> None:
    now = timezone.now()
    DeploymentRecord.objects.create(
        application=world.applications["cart", environment], version=version, source="live",
        from_at=now - timedelta(days=days), to_at=now if is_over else None,
    )  # fmt: skip


def asked(world: World, version: str, **values: PromotionKind) -> dict[str, Gate]:
    facts = prospective_facts(
        world.environments["production"], [(world.applications["cart", "production"], version)],
        now=timezone.now(), proposer="ada", **values,
    )  # fmt: skip
    return {gate.name: gate for gate in prognosis(facts)}


def start(world: World, client: Client, source: str) -> tuple[str, Promotion]:
    """The preview as the proposer sees it, and what it starts."""
    address = f"{NEW}?from={source}&into=production&component=cart"
    page = world.sign_in(client, "proposer").get(address).content.decode()
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    client.post(NEW, {"from": source, "into": "production", "component": "cart", "seen": seen})
    return page, Promotion.objects.get()


@pytest.mark.parametrize("source", ["dev", "tag:3.0.0"])
def test_a_version_that_skips_the_environment_before_is_blocked_from_preview_to_merge(
    shop: World, client: Client, source: str
) -> None:
    component = shop.applications["cart", "staging"].component
    Release.objects.create(component=component, tag="v3.0.0", version="3.0.0", commit_sha="a" * 40)
    page, promotion = start(shop, client, source)
    assert page.count(BLOCKED) == 2
    shop.advance(promotion, turns=3)
    assert promotion.phase == "open"
    gates = {gate.name: gate for gate in prognosis(promotion_facts(promotion, now=timezone.now()))}
    for name in ("soak", "source health"):
        assert (gates[name].state, gates[name].reason) == (GateState.BLOCK, BLOCKED)
    assert BLOCKED in client.get(f"/promotions/{promotion.pk}/").content.decode()


def test_an_administrator_lets_a_version_skip_the_environment_before_with_a_reason(
    shop: World, client: Client
) -> None:
    _, promotion = start(shop, client, "dev")
    shop.advance(promotion, turns=2)
    for gate in ("soak", "source health"):
        promotion.overrides.create(gate=gate, name="admin", reason="a hotfix", at=timezone.now())
    shop.advance(promotion, turns=2)
    assert promotion.phase == "merged"


def test_a_version_that_soaked_in_the_environment_before_passes_whatever_it_is_taken_from(
    shop: World, client: Client
) -> None:
    shop.applications["cart", "dev"].deployments.update(version="2.0.0")
    Application.objects.filter(environment=shop.environments["dev"]).update(
        live_version="2.0.0", desired_version="2.0.0"
    )
    _, promotion = start(shop, client, "dev")
    shop.advance(promotion, turns=3)
    assert promotion.phase == "merged"


def test_what_the_environment_before_runs_now_or_ran_has_been_in_it(shop: World) -> None:
    assert asked(shop, "2.0.0")["soak"].state is GateState.PASS
    ran(shop, "staging", "1.5.0", days=9, is_over=True)
    assert asked(shop, "1.5.0")["soak"].state is GateState.PASS
    assert asked(shop, "1.5.0")["source health"].state is GateState.PASS
    DeploymentRecord.objects.all().delete()
    assert asked(shop, "2.0.0")["soak"].state is GateState.WAIT


def test_a_version_is_the_same_however_its_tag_is_written(shop: World) -> None:
    shop.applications["cart", "staging"].deployments.update(version="v2.0.0_7")
    assert asked(shop, "2.0.0+7")["soak"].state is GateState.PASS


def test_how_the_environment_before_is_counts_not_that_of_another(shop: World) -> None:
    Application.objects.filter(environment=shop.environments["staging"]).update(health="Degraded")
    assert asked(shop, "2.0.0")["source health"].reason == "cart in staging is Degraded."


def test_a_component_that_the_environment_before_lacks_is_asked_of_the_nearest_that_has_it(
    shop: World,
) -> None:
    shop.applications["cart", "staging"].delete()
    assert asked(shop, "3.0.0")["soak"].reason == "It ran in dev for 10 days, 24 hours are asked for."
    assert asked(shop, "2.0.0")["soak"].reason == "2.0.0 has not run in dev yet."
    shop.applications["cart", "dev"].delete()
    assert not {"soak", "source health"} & set(asked(shop, "3.0.0"))


def test_a_rollback_is_asked_nothing_of_the_environment_before(shop: World) -> None:
    assert not {"soak", "source health"} & set(asked(shop, "0.9.0", kind=PromotionKind.ROLLBACK))
