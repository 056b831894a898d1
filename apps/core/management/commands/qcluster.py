"""The workers of one queue. They do not begin on a database that is older than the program."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import queue
from apps.core.migrated import refuse_unmigrated


class Command(BaseCommand):
    help = "Run the workers of one queue, as `serve` does; Q_CLUSTER_NAME in the environment names it."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unmigrated()
        queue.run_workers()
