"""Whether the database has what the program expects: nothing is started on an older one."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def refuse_unmigrated() -> None:
    """Raises CommandError with what to do, where a migration is still to be applied."""
    if not is_migrated():
        raise CommandError("The database is older than the program. Run: manage.py migrate")
