"""Versions that promote themselves: once, in their range, when the gates let them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core import jobs
from apps.environments.models import Application
from apps.promotions import tasks
from apps.promotions.models import EnvironmentPolicy, Lock, Promotion
from apps.promotions.services.auto_promote import promote_automatically
from apps.releases.models import DeploymentRecord, ImageTag, Release
from apps.releases.services.registry import CHECK
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


def releases(world: World, *versions: str, bad: str = "") -> None:
    """Releases of cart."""
    component = world.applications["cart", "staging"].component
    for position, version in enumerate(versions):
        Release.objects.create(
            component=component, tag=f"v{version}", version=version, position=position,
            commit_sha=f"{position}" * 40, is_bad=version == bad,
        )  # fmt: skip


def ran(world: World, *versions: str) -> None:
    """What ran in staging of cart one after the other; the last one still does."""
    application, now = world.applications["cart", "staging"], timezone.now()
    for age, version in enumerate(reversed(versions)):
        DeploymentRecord.objects.create(
            application=application, version=version, source="live",
            from_at=now - timedelta(days=age + 1), to_at=now - timedelta(days=age) if age else None,
        )  # fmt: skip
    application.desired_version = application.live_version = versions[-1]
    application.save()


def carts(found: list[str]) -> list[str]:
    return [title for title in found if title.startswith("cart")]


def test_the_newest_in_the_range_goes_when_the_source_runs_what_is_beyond_it(world: World) -> None:
    world.allow(auto_promote=True, auto_range="~2.4")
    releases(world, "2.5.0", "2.4.9", "2.4.8")
    ran(world, "2.4.8", "2.4.9", "2.5.0")
    assert carts(run(world)) == ["cart: 1.0.0 to 2.4.9 in production"]
    assert carts(run(world)) == []


@pytest.mark.parametrize(("minutes", "goes"), [(60, True), (3 * 1440, False)])
def test_what_ran_in_the_source_long_enough_has_soaked(world: World, minutes: int, goes: bool) -> None:
    """Each version ran for a day."""
    world.allow(auto_promote=True, auto_range="~2.4", soak_minutes=minutes)
    releases(world, "2.5.0", "2.4.9")
    ran(world, "2.4.9", "2.5.0")
    assert bool(carts(run(world))) == goes


def test_a_release_that_never_ran_in_the_source_does_not_go(world: World) -> None:
    world.allow(auto_promote=True, auto_range="~2.4")
    releases(world, "2.5.0", "2.4.9", "2.4.8")
    ran(world, "2.4.8", "2.5.0")
    assert carts(run(world)) == ["cart: 1.0.0 to 2.4.8 in production"]


def test_what_ran_in_the_source_but_is_no_release_does_not_go(world: World) -> None:
    world.allow(auto_promote=True)
    releases(world, "2.4.8")
    ran(world, "2.4.8", "2.5.0")
    assert carts(run(world)) == ["cart: 1.0.0 to 2.4.8 in production"]


@pytest.mark.parametrize("back", ["2.4.8", "main-3f2a91b"])
def test_what_was_taken_back_in_the_source_does_not_go(world: World, back: str) -> None:
    world.allow(auto_promote=True)
    releases(world, "2.4.9", "2.4.8", "2.4.7")
    ran(world, "2.4.7", "2.4.8", "2.4.9", back)
    assert carts(run(world)) == ["cart: 1.0.0 to 2.4.8 in production"]


def test_a_bad_release_leaves_the_one_before_it(world: World) -> None:
    world.allow(auto_promote=True)
    releases(world, "2.4.9", "2.4.8", bad="2.4.9")
    ran(world, "2.4.8", "2.4.9")
    assert carts(run(world)) == ["cart: 1.0.0 to 2.4.8 in production"]


def test_it_never_goes_back_to_an_older_release_of_its_range(world: World) -> None:
    world.allow(auto_promote=True, auto_range="<1")
    releases(world, "2.0.0", "1.0.0", "0.9.0")
    ran(world, "0.9.0", "1.0.0", "2.0.0")
    assert carts(run(world)) == []


def test_what_somebody_went_back_from_does_not_come_again(world: World) -> None:
    world.allow(auto_promote=True)
    promotion = world.propose("cart")
    end("closed")
    item = promotion.items.get()
    item.from_version, item.to_version = "2.0.0", "1.0.0"
    item.save()
    Promotion.objects.update(kind="rollback", reason="it failed", phase="deployed")
    assert carts(run(world)) == []


def test_where_the_registry_is_read_only_what_it_has_goes(world: World) -> None:
    world.allow(auto_promote=True)
    releases(world, "2.4.9", "2.4.8")
    ran(world, "2.4.8", "2.4.9")
    component = world.applications["cart", "staging"].component
    jobs.schedule(CHECK, component.pk, label="registry of cart")
    assert carts(run(world)) == []
    now = timezone.now()
    ImageTag.objects.create(component=component, tag="v2.4.8", version="2.4.8", seen_at=now)
    ImageTag.objects.create(component=component, tag="2.4.9", version="2.4.9", seen_at=now, gone_at=now)
    assert carts(run(world)) == ["cart: 1.0.0 to 2.4.8 in production"]


def in_staging(world: World, **values: object) -> list[str]:
    """What comes by itself into the first environment, where cart asks for 2.0.0."""
    rules = {"approvals": 0, "needs_synced_target": False, "auto_promote": True} | values
    staging = world.environments["staging"]
    EnvironmentPolicy.objects.update_or_create(environment=staging, defaults=rules)
    return [one.title for one in promote_automatically(staging, now=timezone.now())]


def test_the_first_environment_takes_the_newest_release_itself(world: World) -> None:
    assert in_staging(world) == []
    releases(world, "3.0.0-rc.1", "2.5.0", "2.4.9", "1.0.0")
    assert in_staging(world, auto_range="~2.4") == ["cart: 2.0.0 to 2.4.9 in staging"]
    promotion = Promotion.objects.get()
    assert (promotion.source_environment, promotion.kind) == (None, "auto")
    assert in_staging(world) == []
    assert world.advance(promotion).phase == "open"


def test_the_first_environment_asks_for_the_tag_that_its_registry_has(world: World) -> None:
    releases(world, "2.5.0")
    component = world.applications["cart", "staging"].component
    jobs.schedule(CHECK, component.pk, label="registry of cart")
    assert in_staging(world) == []
    ImageTag.objects.create(component=component, tag="v2.5.0", version="2.5.0", seen_at=timezone.now())
    assert in_staging(world) == ["cart: 2.0.0 to v2.5.0 in staging"]


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
