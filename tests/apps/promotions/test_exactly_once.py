"""Whatever dies, wakes up late or comes twice: one branch, one merge, each step once, and a true phase."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from apps.core.models import AuditEvent
from apps.promotions import connect
from apps.promotions.models import Approval, Promotion
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.advance import advance_promotion
from apps.promotions.services.decide import approve
from gitopsui.domain.errors import ForgeError, GitError, PromotionDenied
from tests.apps.promotions.conftest import DEPLOYMENT, World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The Git server of the test runs in a thread; the child that is killed does not use it.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
POINTS = range(1, 11)
NOT_BUILT_IN = {
    6
}  # between asking a forge for a pull request and reading it back; here the branch is all there is
Reach = Callable[[int], None]


def row_of(promotion: Promotion) -> Promotion:
    return Promotion.objects.select_related("repository__credential", "proposer").get(pk=promotion.pk)


def turn(promotion: Promotion, reach: Reach = lambda point: None) -> None:
    row = row_of(promotion)
    advance_promotion(row.pk, replace(connect.doors(row), reach=reach))


def wait_out_leases() -> None:
    """Time goes by until nobody holds a claim any more."""
    Promotion.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def settle(promotion: Promotion, turns: int = 6) -> Promotion:
    for _ in range(turns):
        wait_out_leases()
        turn(promotion)
    promotion.refresh_from_db()
    return promotion


def die_at(promotion: Promotion, point: int) -> None:
    """A worker takes a turn and is killed, as by `kill -9`, when it comes to `point`."""

    def reach(here: int) -> None:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)

    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            turn(promotion, reach)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def world_merges(world: World) -> int:
    return len(world.seed.git("rev-list", "--merges", "refs/heads/main").split())


def check_once(world: World, promotion: Promotion) -> None:
    """The one branch, the one merge, each step once, and nothing of the base lost."""
    heads = world.remote_heads()
    assert [name for name in heads if "promote" in name] == [f"refs/heads/gitopsui/promote/{promotion.pk}"]
    assert world_merges(world) == 1
    assert world.read("cart") == DEPLOYMENT.format(name="cart", version="2.0.0")
    steps = Counter(promotion.events.filter(is_transition=True).values_list("phase", flat=True))
    assert set(steps.values()) == {1}, steps
    verbs = Counter(
        AuditEvent.objects.filter(
            object_type="promotions.Promotion", verb__startswith="promotion "
        ).values_list("verb", flat=True)
    )
    assert set(verbs.values()) == {1}, verbs


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
def test_one_that_was_frozen_and_wakes_up_writes_nothing_twice(shared_world: World, point: int) -> None:
    """Its lease ran out while it stood still, and another one did all of it meanwhile."""
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")

    def reach(here: int) -> None:
        if here == point:
            settle(promotion)

    turn(promotion, reach)
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


def in_threads(count: int, act: Callable[[int], Any]) -> list[BaseException]:
    """`act` with each number, all at once; what it raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            act(number)
        except (GitError, ForgeError, PromotionDenied) as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_four_workers_with_the_same_message_do_it_once(shared_world: World) -> None:
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    for _ in range(3):
        in_threads(4, lambda number: turn(promotion))
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


def test_of_many_clicks_on_approve_one_counts(shared_world: World) -> None:
    shared_world.allow(approvals=1)
    promotion = shared_world.advance(shared_world.propose("cart"))
    person, seen = shared_world.people["approver"], seen_of(promotion)
    raised = in_threads(8, lambda number: approve(promotion.pk, by=person, seen=seen))
    assert Approval.objects.count() == 1
    assert {str(error) for error in raised} == {"You approved it already."}
    assert len(raised) == 7


@pytest.mark.parametrize("point", sorted({*POINTS} - NOT_BUILT_IN))
def test_a_push_to_the_same_file_at_any_point_is_never_lost(shared_world: World, point: int) -> None:
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


def test_a_restored_backup_merges_nothing_a_second_time(shared_world: World) -> None:
    """The database is of an hour ago, the remote is not."""
    shared_world.allow(merge="auto")
    promotion = shared_world.propose("cart")
    before = Promotion.objects.filter(pk=promotion.pk).values().get()
    settle(promotion)
    assert promotion.phase == "merged"
    promotion.events.all().delete()
    before.pop("id")
    Promotion.objects.filter(pk=promotion.pk).update(**before)
    assert settle(promotion).phase == "merged"
    assert world_merges(shared_world) == 1
    assert len([name for name in shared_world.remote_heads() if "promote" in name]) == 1
