"""Workers as they fare: killed, frozen, many at once; and what has to hold whatever became of them."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection, connections
from django.utils import timezone

from apps.core.models import AuditEvent
from apps.promotions import connect
from apps.promotions.models import Promotion
from apps.promotions.services.advance import advance_promotion
from gitopsui.domain.errors import ForgeError, GitError, PromotionDenied
from tests.apps.promotions.conftest import DEPLOYMENT, World

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


def in_child(act: Callable[[], object]) -> int:
    """`act` in a process of its own; the signal that ended it, 0 for none."""
    child = _fork(act)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def _fork(act: Callable[[], object]) -> int:
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return child


def send_self(number: int) -> None:
    os.kill(os.getpid(), number)


def die_at(promotion: Promotion, point: int) -> int:
    """A worker takes a turn and is killed, as by `kill -9`, when it comes to `point`; answers that signal."""
    return in_child(
        lambda: turn(promotion, lambda here: send_self(signal.SIGKILL) if here == point else None)
    )


@contextmanager
def frozen_at(promotion: Promotion, point: int) -> Iterator[None]:
    """A worker takes a turn and stands still at `point` for the time of the block, then goes on."""
    child = _fork(lambda: turn(promotion, lambda here: send_self(signal.SIGSTOP) if here == point else None))
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1]), "it never came to the point"
    yield
    os.kill(child, signal.SIGCONT)
    assert os.waitpid(child, 0)[1] == 0


class Dying:
    """
    A door whose process is killed where `name` is called: before it does anything, or with `is_after` when it
    is done. What it answered is written to `note`, for those who come after.
    """

    def __init__(self, door: Any, name: str, *, is_after: bool = False, note: Path | None = None) -> None:
        self._door = door
        self._name = name
        self._is_after = is_after
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return self._die if name == self._name else getattr(self._door, name)

    def _die(self, *values: Any, **named: Any) -> None:
        if self._is_after:
            answer = getattr(self._door, self._name)(*values, **named)
            if self._note is not None:
                self._note.write_text(str(answer))
        send_self(signal.SIGKILL)


def die_in_git(promotion: Promotion, name: str, *, is_after: bool = False, note: Path | None = None) -> int:
    """A worker takes a turn and is killed where it asks Git to do `name`; the signal it ended by."""

    def act() -> None:
        doors = connect.doors(row_of(promotion))
        git = Dying(doors.git, name, is_after=is_after, note=note)
        advance_promotion(promotion.pk, replace(doors, git=git))

    return in_child(act)


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
