"""The Django application of `environments`."""

from __future__ import annotations

from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    name = "apps.environments"
    label = "environments"
    default_auto_field = "django.db.models.BigAutoField"
