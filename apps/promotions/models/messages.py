"""What forges tell us, and what we tell people."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.accounts.models import Project
from apps.core.crypto import EncryptedTextField
from apps.repositories.models import Repository

EVENTS = (
    ("waiting", "a promotion waits for approval"),
    ("approved", "a promotion was approved"),
    ("merged", "a promotion was merged"),
    ("deployed", "a promotion was deployed"),
    ("missed", "a promotion did not arrive"),
    ("drift", "drift opened"),
)


class WebhookDelivery(models.Model):
    """One delivery of a forge, kept so that the same one does nothing twice."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=200)
    event = models.CharField(max_length=100)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    outcome = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "delivery_id"], name="a_delivery_counts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


class ForgePause(models.Model):
    """
    Until when a forge wants to be left alone, for all workers. `endpoint` is the `host:port` of its API; once
    that time is over, the row says nothing any more.
    """

    endpoint = models.CharField(max_length=300, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.endpoint} until {self.until.isoformat()}"


class Subscription(models.Model):
    """What a person wants to be told, and how."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="subscriptions")
    channel = models.CharField(max_length=8, choices=[("email", "e-mail"), ("webhook", "webhook")])
    address = EncryptedTextField(blank=True, default="", help_text="of the webhook; it is a credential")
    events = models.JSONField(default=list)
    is_paused = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.channel} of {self.person}"


class Notification(models.Model):
    """One message to one subscription: written with what it tells of, sent by a worker, once."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="notifications")
    key = models.CharField(max_length=200, help_text="what it tells of; the same is told once")
    event = models.CharField(max_length=16, choices=EVENTS)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "key"], name="a_person_is_told_once"),
        ]

    def __str__(self) -> str:
        return self.subject
