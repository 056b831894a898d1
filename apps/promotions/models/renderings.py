"""What the commit of a promotion really makes of its applications."""

from __future__ import annotations

from django.db import models

from apps.promotions.models.promotions import PromotionItem


class Rendering(models.Model):
    """
    One application of a promotion, rendered at the base and at the commit of the promotion: the resources
    that differ, masked, or why that could not be done.
    """

    item = models.OneToOneField(PromotionItem, on_delete=models.CASCADE, related_name="rendering")
    base_sha = models.CharField(max_length=64)
    head_sha = models.CharField(max_length=64)
    resources = models.JSONField(
        default=list, help_text="group, kind, namespace, name, change, and old and new manifest"
    )
    notes = models.JSONField(default=list, help_text="what is left out, sentences")
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_hint = models.TextField(blank=True)
    rendered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.item} at {self.head_sha[:8]}"
