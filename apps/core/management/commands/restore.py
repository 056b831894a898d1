"""Put a backup back, while the program does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from apps.core import audit, backup, queue
from apps.core.models import AuditEvent, Job, JobState, Tick
from gitopsui.instance import is_running


class Command(BaseCommand):
    help = "Replace database and secrets by those of a backup. The program must not run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        if is_running(settings.GITOPSUI_DATA):
            raise CommandError("The program is running. End it first.")
        database = Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
        connection.close()
        try:
            names = backup.read(options["file"], data=settings.GITOPSUI_DATA, database=database)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        call_command("migrate", interactive=False, verbosity=0)
        _begin_anew()
        audit.record(None, "restored a backup", label=options["file"].name, after=_gap())
        self.stdout.write(f"Restored: {', '.join(names)}. What was there is kept as *.before-restore.")


def _gap() -> dict[str, str]:
    """From when until when the trail knows nothing: what was done then is only seen where it was done."""
    last = AuditEvent.objects.first()
    since = last.at.isoformat(timespec="seconds") if last else "the beginning"
    return {"nothing is known from": since, "until": timezone.now().isoformat(timespec="seconds")}


def _begin_anew() -> None:
    """Nothing of the time of the backup is still running or waiting: everything is looked at again."""
    now = timezone.now()
    queue.forget_messages()
    Tick.objects.all().delete()
    Job.objects.filter(state=JobState.RUNNING).update(lease_until=now)
    Job.objects.filter(every__isnull=False, due_at__isnull=False).update(due_at=now, queued_at=None)
