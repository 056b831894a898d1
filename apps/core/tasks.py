"""What the core does on its own."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta

from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from apps.core import queue, ticks
from apps.core.models import Tick
from gitopsui.schedules import SCHEDULES


def run_tick(name: str) -> None:
    """The one task the clock sends: do one entry of the schedule."""
    ticks.run(name)


def beat() -> None:
    """That this runs at all is the sign of life: clock, queue and worker are well."""
    ticks.beat(ticks.WORKER, f"process {os.getpid()}")


def tidy() -> None:
    """Remove what nobody reads any more."""
    queue.remove_finished()
    Tick.objects.exclude(name__in=SCHEDULES).filter(asked_at__lt=timezone.now() - timedelta(days=1)).delete()
    call_command("clearsessions")
    if connection.vendor == "sqlite":
        # It wants the database for itself: while others write, the next time is soon enough.
        with suppress(OperationalError), connection.cursor() as cursor:
            cursor.execute("PRAGMA optimize")
