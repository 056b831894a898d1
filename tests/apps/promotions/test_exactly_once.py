"""Whatever dies, wakes up late or comes twice: one branch, one merge, each step once, and a true phase."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.promotions import connect
from apps.promotions.models import Approval, Promotion
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.advance import advance_promotion
from apps.promotions.services.decide import approve
from gitopsui.domain.errors import ForgeError
from tests.apps.promotions.conftest import DEPLOYMENT, World
from tests.apps.promotions.workers import (
    check_once,
    die_at,
    in_threads,
    row_of,
    settle,
    turn,
    wait_out_leases,
    world_merges,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The Git server of the test runs in a thread; the child that is killed does not use it.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
POINTS = range(1, 11)
NOT_BUILT_IN = {6}  # between asking a forge and reading it back; here the branch is all there is


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_anywhere_leaves_one_merge(shared_world: World, point: int) -> None:
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    die_at(promotion, point)
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


def test_workers_killed_at_every_point_one_after_the_other(shared_world: World) -> None:
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    for point in POINTS:
        wait_out_leases()
        die_at(promotion, point)
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


@pytest.mark.parametrize("point", POINTS)
def test_f38_one_that_was_frozen_and_wakes_up_writes_nothing_twice(shared_world: World, point: int) -> None:
    """Its lease ran out while it stood still, and another one did all of it meanwhile."""
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")

    def reach(here: int) -> None:
        if here == point:
            settle(promotion)

    turn(promotion, reach)
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


def test_four_workers_with_the_same_message_do_it_once(shared_world: World) -> None:
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    for _ in range(3):
        in_threads(4, lambda number: turn(promotion))
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


def test_f20_of_many_clicks_on_approve_one_counts(shared_world: World) -> None:
    shared_world.allow(approvals=1)
    promotion = shared_world.advance(shared_world.propose("cart"))
    person, seen = shared_world.people["approver"], seen_of(promotion)
    raised = in_threads(8, lambda number: approve(promotion.pk, by=person, seen=seen))
    assert Approval.objects.count() == 1
    since = f"{Approval.objects.get().at:%Y-%m-%d %H:%M:%S} UTC"
    assert {str(error) for error in raised} == {f"You approved it already. That counts since {since}."}
    assert len(raised) == 7


@pytest.mark.parametrize("point", sorted({*POINTS} - NOT_BUILT_IN))
def test_f24_a_push_to_the_same_file_at_any_point_is_never_lost(shared_world: World, point: int) -> None:
    """Either it was too late to matter, or the promotion is stale; the file never has neither of the two."""
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    pushed = DEPLOYMENT.format(name="cart", version="1.0.1-hotfix")

    def reach(here: int) -> None:
        if here == point:
            shared_world.seed.commit({shared_world.path("cart", "production"): pushed}, "Hotfix")

    turn(promotion, reach)
    settle(promotion)
    found = shared_world.read("cart")
    commits = shared_world.seed.git("log", "--format=%s", "refs/heads/main").splitlines()
    assert "Hotfix" in commits
    if promotion.phase == "stale":
        assert found == pushed
    else:
        # It was merged first; then somebody wrote over it, as everybody may.
        assert promotion.phase == "merged"
        assert point in (9, 10)
        assert found == pushed


def test_an_answer_that_is_lost_is_read_back(shared_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The merge is done and the connection drops before the answer."""
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    row = row_of(promotion)
    doors = connect.doors(row)

    class Losing:
        def __init__(self, forge: Any) -> None:
            self._forge = forge

        def __getattr__(self, name: str) -> Any:
            return getattr(self._forge, name)

        def merge(self, number: str, **values: Any) -> Any:
            self._forge.merge(number, **values)
            raise ForgeError("The connection was lost.", code="FORGE_ERROR")

        def create(self, **values: Any) -> None:
            self._forge.create(**values)
            raise ForgeError("The connection was lost.", code="FORGE_ERROR")

    losing = replace(doors, forge=lambda head: Losing(doors.forge(head)))
    with pytest.raises(ForgeError):
        advance_promotion(row.pk, losing)
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


def test_f72_a_restored_backup_merges_nothing_a_second_time(shared_world: World) -> None:
    """The database is of an hour ago, the remote is not."""
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    row = Promotion.objects.filter(pk=promotion.pk).values().get()
    before = {name: value for name, value in row.items() if name != "id"}
    settle(promotion)
    assert promotion.phase == "merged"
    promotion.events.all().delete()
    Promotion.objects.filter(pk=promotion.pk).update(**before)
    assert settle(promotion).phase == "merged"
    assert world_merges(shared_world) == 1
    assert len([name for name in shared_world.remote_heads() if "promote" in name]) == 1
