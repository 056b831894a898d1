"""Required checks of the commit a version was released from, in its source repository."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.environments.models import Component
from apps.promotions import connect
from apps.promotions.models import EnvironmentPolicy, ForgeConnection, Promotion
from apps.promotions.selectors.facts import promotion_facts
from apps.promotions.services.claims import claim
from apps.promotions.services.source_checks import CheckReader, read_source_checks
from apps.releases.models import Release
from apps.repositories.models import Repository
from gitopsui.adapters.forge.base import CommitStatus
from gitopsui.domain.errors import ForgeError
from gitopsui.domain.gates import prognosis
from tests.apps.promotions.conftest import World
from tests.apps.promotions.forge_bench import BOT, Bench
from tests.forges.ground import Status

SHA = "5" * 40
PATH = "team/cart"


def source_of_cart(world: World, *, is_released: bool = True) -> Repository:
    url = "https://git.example.org/team/cart.git"
    source = Repository.objects.create(
        project=world.project, name="shop-cart", url=url, same_as=url, host="git.example.org"
    )
    Component.objects.filter(slug="cart").update(source=source)
    if is_released:
        cart = Component.objects.get(slug="cart")
        Release.objects.create(component=cart, tag="v2.0.0", version="2.0.0", commit_sha=SHA)
    return source


def connect_source(source: Repository, api_url: str = "https://git.example.org/api/v1") -> ForgeConnection:
    return ForgeConnection.objects.create(
        repository=source, kind="gitea", api_url=api_url, path=PATH, token="secret"
    )


def told(promotion: Promotion, name: str = "source checks") -> tuple[str, str]:
    promotion = Promotion.objects.get(pk=promotion.pk)
    gates = {gate.name: gate for gate in prognosis(promotion_facts(promotion, now=timezone.now()))}
    return gates[name].state.value, gates[name].reason


class Reader:
    """A forge with these answers; an error is raised instead."""

    def __init__(self, *answers: list[CommitStatus] | ForgeError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def list_checks(self, sha: str) -> list[CommitStatus]:
        self.asked.append(sha)
        answer = self.answers.pop(0)
        if isinstance(answer, ForgeError):
            raise answer
        return answer


def read(promotion: Promotion, reader: CheckReader, *, after: timedelta = timedelta()) -> None:
    held = claim(promotion.pk)
    assert held is not None
    read_source_checks(held, lambda repository: reader, now=timezone.now() + after)
    held.release()


# --- through a forge --------------------------------------------------------------------------------------


def test_a_promotion_merges_once_the_released_commit_has_passed(bench: Bench) -> None:
    source = source_of_cart(bench.world)
    project = bench.forge.ground.create(PATH, bench.world.seed)
    ForgeConnection.objects.create(
        repository=source, kind=bench.kind, api_url=bench.forge.api_url, path=PATH, token=BOT.token
    )
    bench.world.allow(merge="auto", source_checks=["test"])
    promotion = bench.world.propose("cart")
    assert bench.turn(promotion) == ""
    assert promotion.phase == "open"
    assert told(promotion) == ("wait", "test is missing at 55555555 in shop-cart (cart 2.0.0).")
    project.set_status(SHA, Status("test", "success", "", "", timezone.now()))
    row = promotion.source_checks[0]
    Promotion.objects.update(source_checks=[row | {"asked_at": "2026-01-01T00:00:00+00:00"}])
    bench.until_merged(promotion)
    assert promotion.phase == "merged"
    assert told(promotion) == ("pass", "test passed at 55555555 in shop-cart (cart 2.0.0).")


def test_the_forge_of_a_source_is_that_of_its_connection(world: World) -> None:
    source = source_of_cart(world)
    assert connect.source_forge(source) is None
    connect_source(source)
    assert connect.source_forge(source) is not None


# --- how often, and what is stored ------------------------------------------------------------------------


def test_nobody_is_asked_where_no_check_of_a_release_is_required(world: World) -> None:
    connect_source(source_of_cart(world))
    world.allow()
    reader = Reader()
    read(world.propose("cart"), reader)
    assert reader.asked == []


def test_what_has_passed_is_asked_less_often_than_what_has_not(world: World) -> None:
    connect_source(source_of_cart(world))
    world.allow(source_checks=["test"])
    promotion = world.propose("cart")
    passed = [CommitStatus("test", "success"), CommitStatus("other", "failure")]
    reader = Reader([], passed, passed)
    for seconds, asked in ((0, 1), (30, 1), (61, 2), (200, 2), (362, 3)):
        read(promotion, reader, after=timedelta(seconds=seconds))
        assert len(reader.asked) == asked
    assert told(promotion)[0] == "pass"
    stored = Promotion.objects.get(pk=promotion.pk).source_checks[0]
    assert [one["name"] for one in stored["checks"]] == ["test"]


def test_another_rule_is_asked_for_at_once(world: World) -> None:
    connect_source(source_of_cart(world))
    world.allow(source_checks=["test"])
    promotion = world.propose("cart")
    reader = Reader([CommitStatus("test", "success")], [CommitStatus("test", "success")])
    read(promotion, reader)
    world.allow(source_checks=["test", "lint"])
    read(promotion, reader)
    assert len(reader.asked) == 2
    assert told(promotion) == ("wait", "lint is missing at 55555555 in shop-cart (cart 2.0.0).")


def test_a_forge_that_does_not_answer_keeps_the_gate_shut_and_the_turn_going(world: World) -> None:
    connect_source(source_of_cart(world))
    world.allow(source_checks=["test"])
    promotion = world.propose("cart")
    passed = [CommitStatus("test", "success")]
    reader = Reader(passed, ForgeError("It is away.", code="FORGE_DOWN"), passed)
    read(promotion, reader)
    read(promotion, reader, after=timedelta(minutes=6))
    assert told(promotion) == (
        "wait", "shop-cart cannot be asked about 55555555 (cart 2.0.0) now: It is away.",
    )  # fmt: skip
    read(promotion, reader, after=timedelta(minutes=8))
    assert told(promotion)[0] == "pass"


# --- what can never be answered ---------------------------------------------------------------------------


@pytest.mark.parametrize("has_source", [True, False])
def test_a_source_that_cannot_be_asked_says_so_and_what_to_do(world: World, has_source: bool) -> None:
    if has_source:
        source_of_cart(world)
    world.allow(source_checks=["test"])
    state, words = told(world.propose("cart"))
    assert state == "block"
    assert ("No forge is connected for shop-cart" in words) == has_source
    assert ("cart has no source repository" in words) != has_source
    assert "or take test out of the rules of production." in words


def test_a_version_without_a_release_waits_for_one(world: World) -> None:
    connect_source(source_of_cart(world, is_released=False))
    world.allow(source_checks=["test"])
    assert told(world.propose("cart")) == (
        "wait", "No release cart 2.0.0 is known in shop-cart, so no commit can be asked about.",
    )  # fmt: skip


def test_the_built_in_review_says_that_it_never_has_checks(world: World) -> None:
    world.allow(checks=["ci"])
    promotion = world.advance(world.propose("cart"))
    state, words = told(promotion, "checks")
    assert state == "block"
    assert words.startswith("Pull requests of config are reviewed here, where nothing can ever report ci.")
    assert "Connect the forge of config" in words


def test_the_rules_name_both_kinds_of_checks(world: World, client: Client) -> None:
    production = world.environments["production"].pk
    data: dict[str, Any] = {
        "approvals": "1", "soak_minutes": "0", "checks": "ci/validate", "source_checks": "ci/test\nci/lint",
        "merge": "here", "arrive_minutes": "45 min",
    }  # fmt: skip
    admin = world.sign_in(client, "admin")
    page = admin.post(f"/environments/{production}/rules/edit/", data, follow=True).content.decode()
    policy = EnvironmentPolicy.objects.get()
    assert (policy.checks, policy.source_checks) == (["ci/validate"], ["ci/test", "ci/lint"])
    assert "ci/validate must have passed." in page
    assert "ci/test, ci/lint must have passed." in page
