"""The Django application of `promotions`."""

from __future__ import annotations

from django.apps import AppConfig


class PromotionsConfig(AppConfig):
    name = "apps.promotions"
    label = "promotions"
    default_auto_field = "django.db.models.BigAutoField"
