"""
The clock of the program: ask a worker for each entry of the schedule that has its time, once.

A second message is never sent while one waits or runs, so a queue that stood still for an hour holds one
message of each kind and not sixty.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.core import jobs, lease, queue
from apps.core.job_run import forgive_clock, persist, release_dead_leases
from apps.core.models import Heartbeat, Job, Tick
from gitopsui.domain.mask_text import mask_text
from gitopsui.schedules import SCHEDULES, Entry

log = logging.getLogger(__name__)

RUN_TICK = "apps.core.tasks.run_tick"
# A message that nobody took for this long is lost.
MESSAGE_PATIENCE = timedelta(minutes=2)
WORKER, CLOCK = "worker", "tick"
FRESH = timedelta(seconds=5)  # a sign of life that young needs no second one


def tick(now: datetime | None = None) -> list[str]:
    """One turn of the clock: the names of the entries that were asked for."""
    now = now or timezone.now()
    beat(CLOCK)
    release_dead_leases()
    forgive_clock()
    _release_dead_ticks(now)
    return [name for name, entry in SCHEDULES.items() if _ask(name, entry, now)]


def run(name: str) -> None:
    """Do one entry of the schedule, unless another worker does it just now. Never raises because of it."""
    entry = SCHEDULES.get(name)
    token = lease.new_token()
    if entry is None or not _claim(name, token):
        return
    error = ""
    # Each set of workers speaks for itself alone.
    beat(sign_of(entry.queue), f"process {os.getpid()}")
    try:
        import_string(entry.path)()
    except Exception as caught:
        error = mask_text(f"{type(caught).__name__}: {caught}")[:2000]
        log.exception("The schedule %s failed", name)
    finally:
        # A lease that outlived a restart of the database would keep everybody from this entry.
        persist(lambda: _finish(name, token, error))


def _finish(name: str, token: str, error: str) -> None:
    Tick.objects.filter(name=name, lease_token=token).update(
        ended_at=timezone.now(), lease_until=None, lease_token="", lease_holder="", last_error=error
    )


def beat(name: str, text: str = "") -> None:
    """A sign of life of one part of the program."""
    now = timezone.now()
    if not Heartbeat.objects.filter(name=name).update(beat_at=now, text=text):
        Heartbeat.objects.get_or_create(name=name, defaults={"beat_at": now, "text": text})


def age(name: str) -> timedelta | None:
    """How long ago the last sign of life was; None when there was none yet."""
    at = Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()
    return None if at is None else timezone.now() - at


def sign_of(queue_name: str) -> str:
    """The name under which the workers of a queue show life; "" is the queue for everything."""
    return f"{WORKER} {queue_name}" if queue_name else WORKER


def worker_age(queue_name: str = "") -> timedelta:
    """
    How long the workers of a queue have shown no life.

    A worker in the middle of its work is alive: its lease ends before that takes too long.
    """
    found = age(sign_of(queue_name))
    if found is not None and found < FRESH:
        return found
    if _is_work_held(queue_name):
        return timedelta()
    return timedelta.max if found is None else found


def _is_work_held(queue_name: str) -> bool:
    """Whether one of these workers is at something: those of another queue must not speak for them."""
    held = {"lease_until__gt": timezone.now()}
    of_jobs = Job.objects.filter(**held).exclude(lease_holder="").values_list("kind", "lease_holder")
    of_ticks = Tick.objects.filter(**held).exclude(lease_holder="").values_list("name", "lease_holder")
    holders = {holder for kind, holder in of_jobs if jobs.queue_of(kind) == queue_name}
    holders |= {holder for name, holder in of_ticks if _queue_of(name) == queue_name}
    return any(not lease.is_dead(holder) for holder in holders)


def _queue_of(name: str) -> str:
    entry = SCHEDULES.get(name)
    return entry.queue if entry else ""


def _ask(name: str, entry: Entry, now: datetime) -> bool:
    Tick.objects.get_or_create(name=name)
    every = entry.every or timedelta()
    is_free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    is_taken = Q(asked_at__isnull=True) | Q(started_at__gte=F("asked_at"))
    is_lost = Q(asked_at__lte=now - MESSAGE_PATIENCE) | Q(asked_at__gt=now + MESSAGE_PATIENCE)
    # The clock does not turn exactly as often as it says: a tenth early is on time.
    is_time = (
        Q(asked_at__isnull=True) | Q(asked_at__lte=now - every * 0.9) | Q(asked_at__gt=now + MESSAGE_PATIENCE)
    )
    asked = Tick.objects.filter(is_free & (is_taken | is_lost) & is_time, name=name).update(asked_at=now)
    if asked:
        queue.enqueue(RUN_TICK, name, queue=entry.queue)
    return bool(asked)


def _claim(name: str, token: str) -> bool:
    now = timezone.now()
    is_free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    claimed = Tick.objects.filter(is_free, name=name).update(
        started_at=now,
        ended_at=None,
        lease_until=now + settings.GITOPSUI_TASK_TIMEOUT,
        lease_token=token,
        lease_holder=lease.holder(),
    )
    return bool(claimed)


def _release_dead_ticks(now: datetime) -> None:
    held = Tick.objects.filter(lease_until__gt=now).exclude(lease_holder="")
    dead = [name for name in set(held.values_list("lease_holder", flat=True)) if lease.is_dead(name)]
    if dead:
        held.filter(lease_holder__in=dead).update(lease_until=now)
