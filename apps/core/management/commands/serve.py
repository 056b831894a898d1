"""The whole program by one command: web, workers and clock, each watched and started again when it ends."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from apps.core import ticks
from apps.core.migrated import refuse_unmigrated
from gitopsui.env import Env
from gitopsui.instance import MARK, AlreadyRunningError, only_instance
from gitopsui.schedules import PROMOTIONS
from gitopsui.supervisor import Part, Patience, Supervisor

MANAGE = str(settings.BASE_DIR / "manage.py")


class Command(BaseCommand):
    help = "Run web, workers and clock until it is ended with Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="Address to listen on (default: 127.0.0.1).")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--with", dest="extra", action="append", default=[], help="A further command to run."
        )
        parser.add_argument("--grace", type=int, default=30, help="Seconds a part may take to end.")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unmigrated()
        address = f"{options['bind']}:{options['port']}"
        try:
            with only_instance(settings.GITOPSUI_DATA, note=settings.GITOPSUI_URL) as mark:
                supervisor = Supervisor(
                    parts(address, options["extra"]),
                    env={**os.environ, MARK: mark},
                    cwd=settings.BASE_DIR,
                    patience=_patience(options["grace"]),
                    say=self._say,
                )
                self._say(f"gitopsui opens at {settings.GITOPSUI_URL}")
                code = supervisor.run()
        except AlreadyRunningError as error:
            raise CommandError(f"It is running already: {error}", returncode=3) from error
        sys.exit(code)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def parts(address: str, extra: list[str]) -> list[Part]:
    """What belongs to the program, in the order it is started."""
    return [
        *(Part(command, _python(MANAGE, command)) for command in extra),
        Part("web", _web(address)),
        # Nobody waits for a poll: while the processors are busy it gives way to pages and promotions.
        Part("workers", ("nice", "-n", "5", *_python(MANAGE, "qcluster")), lambda: _find_worker_age("")),
        # The queue reads its name from the environment alone.
        Part(
            "promotions",
            ("env", f"Q_CLUSTER_NAME={PROMOTIONS}", *_python(MANAGE, "qcluster")),
            lambda: _find_worker_age(PROMOTIONS),
        ),
        Part("clock", _python(MANAGE, "tick")),
    ]


def _web(address: str) -> tuple[str, ...]:
    env = Env()
    processes = env.number("GITOPSUI_WEB_PROCESSES", 1, minimum=1, maximum=32)
    threads = env.number("GITOPSUI_WEB_THREADS", 8, minimum=1, maximum=64)
    # The first of several processes would accept every connection, and keep all that stay open to itself.
    keep_alive = 2 if processes == 1 else 0
    return _python(
        *("-m", "gunicorn", "gitopsui.wsgi:application", "--bind", address, "--no-control-socket"),
        *("--worker-class", "gthread", "--workers", str(processes), "--threads", str(threads)),
        *(
            "--keep-alive",
            str(keep_alive),
            "--timeout",
            "60",
            "--graceful-timeout",
            "20",
            "--max-requests",
            "20000",
        ),
        *("--log-level", "warning", "--worker-tmp-dir", str(settings.GITOPSUI_SCRATCH)),
    )


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _find_worker_age(queue_name: str) -> timedelta | None:
    """None when the database cannot tell: then nobody is killed."""
    try:
        close_old_connections()
        return ticks.worker_age(queue_name)
    except DatabaseError:
        connection.close()
        return None


def _patience(grace: int) -> Patience:
    stall = Env().seconds("GITOPSUI_STALL_SECONDS", 120, minimum=10, maximum=3600)
    return Patience(grace=timedelta(seconds=grace), stall=stall)
