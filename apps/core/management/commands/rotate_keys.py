"""Encrypt every stored secret anew with the first of GITOPSUI_ENCRYPTION_KEYS, so that the others can go."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from apps.core.crypto import EncryptedTextField, UndecryptableError


class Command(BaseCommand):
    help = "Encrypt every stored secret anew with the first of GITOPSUI_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for model in apps.get_models():
            names = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
            for name in names:
                count += _rotate(model, name)
        self.stdout.write(f"{count} stored secrets are encrypted with the first key.")


def _rotate(model: type[models.Model], name: str) -> int:
    """All or none of one column, so that a key is never needed for half of it."""
    rows = model._default_manager.all()
    try:
        with transaction.atomic():
            values = [(pk, value) for pk, value in rows.values_list("pk", name) if value]
            for pk, value in values:
                rows.filter(pk=pk).update(**{name: value})
    except UndecryptableError as error:
        raise CommandError(f"{error} Nothing was changed in {model._meta.label}.{name}.") from error
    return len(values)
