"""Whose signatures a project believes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from apps.accounts.models import Person, Project
from gitopsui.domain.public_key import KeyFormat, PublicKey

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class TrustedKeyQuerySet(models.QuerySet["TrustedKey"]):
    def visible_to(self, user: Person | AnonymousUser) -> TrustedKeyQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user))


class TrustedKey(models.Model):
    """The row of a `PublicKey`. Only ever a public one; a key that is added again is brought up to date."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trusted_keys")
    format = models.CharField(
        max_length=8, choices=[(KeyFormat.OPENPGP.value, "OpenPGP"), (KeyFormat.SSH.value, "SSH")]
    )
    text = models.TextField(help_text="an armoured block, or type and key of ssh")
    fingerprint = models.CharField(max_length=100)
    owner = models.TextField(help_text="the user id, or the names (principals) with commas between them")
    expires_at = models.DateTimeField(null=True, blank=True)
    added_by = models.CharField(max_length=200)
    added_at = models.DateTimeField()

    objects = TrustedKeyQuerySet.as_manager()

    class Meta:
        ordering = ["owner", "fingerprint"]
        constraints = [
            models.UniqueConstraint(fields=["project", "fingerprint"], name="a_project_trusts_a_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_format_display()} key {self.fingerprint}"

    def as_key(self) -> PublicKey:
        return PublicKey(KeyFormat(self.format), self.text, self.fingerprint, self.owner, self.expires_at)
