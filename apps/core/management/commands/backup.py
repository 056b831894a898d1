"""Write a backup, while the program runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.core import backup


class Command(BaseCommand):
    help = "Write database and secrets into one file. It may be done while the program runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        database = _database()
        try:
            names = backup.write(options["file"].absolute(), data=settings.GITOPSUI_DATA, database=database)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Written: {', '.join(names)}. The file opens stored credentials: keep it safe.")
        if database is None:
            self.stdout.write("The database is PostgreSQL: back it up with pg_dump at the same time.")


def _database() -> Path | None:
    return Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
