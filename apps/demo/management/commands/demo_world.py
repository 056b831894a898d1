"""`manage.py demo_world`: serve the demo's Git server and stand-in clusters until it is ended."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.demo import world
from gitopsui.adapters.render import find_tools


class Command(BaseCommand):
    help = "Serve the Git server and the stand-in clusters of the demo; builds them where there are none."
    # It has no business with the database, which another process may be building.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        default = Path(settings.GITOPSUI_DATA) / "world"
        parser.add_argument("--data", type=Path, default=default, help=f"Its folder (default: {default}).")
        parser.add_argument("--build", action="store_true", help="Build what is missing and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        tools = find_tools(os.environ, Path(settings.GITOPSUI_TOOLS))
        ports = (settings.GITOPSUI_DEMO_GIT_PORT, settings.GITOPSUI_DEMO_CLUSTER_PORT)
        data: Path = options["data"]
        world.prepare(data, datetime.now(UTC), tools=tools, git_port=ports[0], cluster_port=ports[1])
        if options["build"]:
            return
        self._tell(f"The Git server and the stand-in clusters of the demo run below {data}.")
        world.run(data, stop, tools=tools, tell=self._tell)

    def _tell(self, sentence: str) -> None:
        self.stdout.write(f"demo: {sentence}")
        self.stdout.flush()
