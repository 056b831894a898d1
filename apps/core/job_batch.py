"""Run many jobs in a few threads, and never too many against one host at once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db import connections

# A batch takes nothing new after this long, so that the task around it ends well before the queue's deadline.
BUDGET = timedelta(minutes=8)
JOIN_SECONDS = 0.5


class Batch:
    """Items with a group each; `take` hands out the next one whose group has room."""

    def __init__(
        self, items: Iterable[tuple[int, str]], *, per_group: int, budget: timedelta = BUDGET
    ) -> None:
        self._pending = list(items)
        self._running: Counter[str] = Counter()
        self._per_group = per_group
        self._deadline = time.monotonic() + budget.total_seconds()
        self._changed = threading.Condition()
        self._is_stopped = False

    def take(self) -> tuple[int, str] | None:
        """Waits for room; None when nothing is left to begin."""
        with self._changed:
            while self._pending and not self._is_stopped and time.monotonic() < self._deadline:
                for position, (item, group) in enumerate(self._pending):
                    if not group or self._running[group] < self._per_group:
                        del self._pending[position]
                        self._running[group] += 1
                        return item, group
                self._changed.wait(JOIN_SECONDS)
            return None

    def give_back(self, group: str) -> None:
        with self._changed:
            self._running[group] -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()


def run_items(
    items: Iterable[tuple[int, str]], perform: Callable[[int], None], *, threads: int, per_group: int
) -> None:
    """
    Call `perform` for each item; with one thread in this thread, which a test inside a transaction needs.

    The threads are daemons: when this thread is ended by the queue's deadline they must not keep the
    process alive, and what they had begun is found as interrupted.
    """
    listed = list(items)
    batch = Batch(listed, per_group=per_group)
    count = min(threads, len(listed))
    if count <= 1:
        _work(batch, perform)
        return
    workers = [
        threading.Thread(target=_work_in_thread, args=(batch, perform), daemon=True, name=f"batch-{number}")
        for number in range(count)
    ]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(JOIN_SECONDS)
    finally:
        batch.stop()


def _work_in_thread(batch: Batch, perform: Callable[[int], None]) -> None:
    try:
        _work(batch, perform)
    finally:
        connections.close_all()


def _work(batch: Batch, perform: Callable[[int], None]) -> None:
    while (taken := batch.take()) is not None:
        item, group = taken
        try:
            perform(item)
        finally:
            batch.give_back(group)
