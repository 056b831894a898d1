"""Versions that promote themselves: once, in their range, when the gates let them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core import jobs
from apps.environments.models import Application
from apps.promotions import tasks
from apps.promotions.models import Lock, Promotion
from apps.promotions.services.auto_promote import promote_automatically
from apps.releases.models import Release
from tests.apps.promotions.conftest import World


def run(world: World) -> list[str]:
    found = promote_automatically(world.environments["production"], now=timezone.now())
    return sorted(one.title for one in found)


BOTH = ["cart: 1.0.0 to 2.0.0 in production", "web: 1.0.0 to 2.0.0 in production"]


def test_nothing_goes_by_itself_unless_somebody_said_so(world: World) -> None:
    world.allow()
    assert run(world) == []


def test_each_component_gets_one_promotion_for_a_version(world: World) -> None:
    world.allow(auto_promote=True)
    assert run(world) == BOTH
    assert run(world) == []
    promotion = Promotion.objects.filter(kind="auto").first()
    assert promotion is not None
    assert (promotion.proposer, promotion.proposer_name) == (None, "gitopsui")
    assert promotion.reason == "production takes newer versions by itself."
    assert world.advance(promotion).phase == "open"


def test_approvals_and_checks_stay_gates_of_what_was_opened(world: World) -> None:
    world.allow(auto_promote=True, approvals=1, checks=["ci"], merge="auto")
    assert run(world) == BOTH
    promotion = Promotion.objects.first()
    assert promotion is not None
    assert world.advance(promotion, turns=2).phase == "open"
    assert {gate["name"] for gate in promotion.gates} == {"approvals", "checks"}


@pytest.mark.parametrize("phase", ["failed", "closed", "deployed"])
def test_what_ended_is_not_started_again_for_the_same_version(world: World, phase: str) -> None:
    world.allow(auto_promote=True)
    run(world)
    end(phase)
    assert run(world) == []


def test_what_went_stale_is_planned_again(world: World) -> None:
    world.allow(auto_promote=True)
    run(world)
    end("stale")
    assert run(world) == BOTH


def end(phase: str) -> None:
    for promotion in Promotion.objects.all():
        promotion.items.update(is_open=False)
    Promotion.objects.update(phase=phase, merged_at=timezone.now())


@pytest.mark.parametrize(
    ("text", "goes"), [("~2.0", True), (">=2 <3", True), ("~2.1", False), ("<2", False), ("nonsense", False)]
)
def test_only_versions_in_the_range_go(world: World, text: str, goes: bool) -> None:
    world.allow(auto_promote=True, auto_range=text)
    assert bool(run(world)) == goes


@pytest.mark.parametrize("version", ["1.0.0", "0.9.0", "main-3f2a91b", "2.0.0-rc.1", ""])
def test_what_is_not_newer_or_no_release_does_not_go(world: World, version: str) -> None:
    world.allow(auto_promote=True)
    in_staging = Application.objects.filter(environment=world.environments["staging"])
    in_staging.update(live_version=version, desired_version=version)
    assert run(world) == []


def test_a_shut_gate_keeps_it_from_starting(world: World) -> None:
    world.allow(auto_promote=True, needs_healthy_source=True)
    Application.objects.filter(pk=world.applications["cart", "staging"].pk).update(health="Degraded")
    Lock.objects.create(
        project=world.project,
        component=world.applications["web", "staging"].component,
        owner="x",
        message="y",
    )
    assert run(world) == []


def test_a_bad_release_and_one_under_way_do_not_go(world: World) -> None:
    world.allow(auto_promote=True)
    component = world.applications["cart", "staging"].component
    Release.objects.create(
        component=component, tag="2.0.0", version="2.0.0", commit_sha="a" * 40, is_bad=True
    )
    world.propose("web")
    assert run(world) == []


def test_the_first_environment_takes_nothing(world: World) -> None:
    policy = world.allow(auto_promote=True)
    policy.environment = world.environments["staging"]
    policy.save()
    assert promote_automatically(world.environments["staging"], now=timezone.now()) == []


def test_a_tick_gives_the_environment_a_job_and_the_job_ends_when_it_is_switched_off(world: World) -> None:
    policy = world.allow(auto_promote=True)
    tasks.auto_promote_due()
    production = world.environments["production"].pk
    row = jobs.job_of(tasks.AUTO, production)
    assert row is not None
    assert row.every == timedelta(minutes=1)
    tasks.auto_promote.work(production)
    assert Promotion.objects.filter(kind="auto").count() == 2
    policy.auto_promote = False
    policy.save()
    tasks.auto_promote.work(production)
    assert jobs.job_of(tasks.AUTO, production) is None
