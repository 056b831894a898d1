"""Two promotions of one thing, two files of one promotion, and nothing to promote: F34–F37."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.promotions.models import Promotion
from tests.apps.promotions.conftest import DEPLOYMENT, World
from tests.apps.promotions.forge_bench import Bench, on_forge
from tests.apps.promotions.workers import in_threads

NEW = "/projects/shop/promotions/new/"
REFUSING = "#!/bin/sh\necho 'Promotions are reviewed on Fridays.'\nexit 1\n"


@pytest.fixture
def bench(world: World, tmp_path: Path, settings: Any) -> Iterator[Bench]:
    with on_forge("gitea", world, tmp_path, settings) as made:
        yield made


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
    board = shared_world.sign_in(Client(), "viewer").get("/projects/shop/board-table/").content.decode()
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
    text = world.seed.git("show", "main:apps/both/all.yaml")
    assert ("cart:2.0.0" in text, "web:1.0.0" in text) == (True, True)

    world.prepare()
    third = world.advance(world.propose("web"))

    assert third.phase == "merged"
    text = world.seed.git("show", "main:apps/both/all.yaml")
    assert ("cart:2.0.0" in text, "web:2.0.0" in text) == (True, True)


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
    proposer = world.sign_in(Client(), "proposer")
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
