"""The clock of the program: asks the workers for what has its time, every few seconds, until it is ended."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from apps.core import ticks

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Ask the workers for whatever is due, every GITOPSUI_TICK seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One turn, then end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            ticks.tick()
            return
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        while not ended.is_set():
            _turn()
            ended.wait(settings.GITOPSUI_TICK.total_seconds())


def _turn() -> None:
    """A database that is away for a moment does not end the clock."""
    try:
        close_old_connections()
        ticks.tick()
    except DatabaseError:
        log.exception("The clock could not reach the database; it tries again.")
        connection.close()
