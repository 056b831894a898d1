"""Bring database and static files level with the program; safe to run at every start."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Migrate the database and collect the static files where that is needed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", default="", help="A command to run afterwards.")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        _collect()
        if options["seed"]:
            call_command(options["seed"])


def _collect() -> None:
    """Compressing takes a second or two, so it is done only when a file has changed."""
    digest = _digest()
    kept = Path(settings.STATIC_ROOT) / ".collected"
    if kept.is_file() and kept.read_text(encoding="ascii") == digest:
        return
    with_manifest = {**settings.STORAGES, "staticfiles": {"BACKEND": settings.MANIFEST_STORAGE}}
    settings.STORAGES = with_manifest
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    kept.write_text(digest, encoding="ascii")


def _digest() -> str:
    """Of names, sizes and times of what lies in our own folders; packages change with the lock file."""
    digest = hashlib.sha256((Path(settings.BASE_DIR) / "requirements.lock").read_bytes())
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                status = path.stat()
                digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
