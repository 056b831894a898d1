"""
The door to the task queue. Only this module imports `django_q`.

A message says "look at this", never what to do about it: arguments are numbers and names, results are not
kept, and a message that is lost or comes twice changes nothing, because the rows of `jobs` decide.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django_q.models import OrmQ, Task
from django_q.tasks import async_task


def enqueue(task: str | Callable[..., None], *arguments: int | str, queue: str = "") -> None:
    """
    Have a worker call the task, given as its dotted path or itself; a worker of `queue`, if it is named.

    Inside a transaction the message comes with the commit and goes with the rollback: the ORM broker writes
    into the same database, the Redis broker is told on commit.
    """
    path = task if isinstance(task, str) else f"{task.__module__}.{task.__qualname__}"
    if settings.GITOPSUI_REDIS_URL:
        transaction.on_commit(partial(_send, path, arguments, queue))
    else:
        _send(path, arguments, queue)


def remove_finished() -> int:
    """Delete what the queue keeps about tasks that are over; our own rows hold their history."""
    return int(Task.objects.all().delete()[0])


def run_workers() -> None:
    """Do what the messages of one queue say until the process is ended; `Q_CLUSTER_NAME` names the queue."""
    # Only the workers need all of it.
    from django_q.cluster import Cluster

    Cluster().start()


def is_queue_in_database() -> bool:
    return not settings.GITOPSUI_REDIS_URL


def forget_messages() -> int:
    """Empty the queue, for a restored backup: what is due is found again from the rows."""
    return int(OrmQ.objects.all().delete()[0]) if is_queue_in_database() else 0


def _send(path: str, arguments: tuple[Any, ...], queue: str) -> None:
    async_task(path, *arguments, cluster=queue or None)
