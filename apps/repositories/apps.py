"""The Django application of `repositories`."""

from __future__ import annotations

from django.apps import AppConfig


class RepositoriesConfig(AppConfig):
    name = "apps.repositories"
    label = "repositories"
    default_auto_field = "django.db.models.BigAutoField"
