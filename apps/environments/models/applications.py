"""Applications: a component in an environment, what Git asks for there and what was seen to run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person, Project
from apps.environments.models.places import Cluster, Component, Environment
from apps.repositories.models import Repository
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health import HealthStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

SYNC_CHOICES = [(status.value, status.value) for status in SyncStatus]
HEALTH_CHOICES = [(status.value, status.value) for status in HealthStatus]
BRANCH_GONE = "BRANCH_GONE"
RENDERER_CHOICES = [("plain", "plain YAML"), ("kustomize", "kustomize"), ("helm", "Helm")]


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, user: Person | AnonymousUser) -> ApplicationQuerySet:
        return self.filter(component__project__in=Project.objects.visible_to(user))

    def stale(self, now: datetime) -> ApplicationQuerySet:
        """Those whose last good check is too old to be believed or never was, or whose branch is gone."""
        return self.exclude(cluster=None).filter(
            Q(checked_at=None, failed_at__isnull=False)
            | Q(checked_at__lt=now - stale_after())
            | Q(desired_error_code=BRANCH_GONE)
        )


def stale_after() -> timedelta:
    """How old a check may be before it is no longer believed."""
    after: timedelta = settings.GITOPSUI_STALE_AFTER
    return after


class Application(models.Model):
    """
    One component in one environment on one cluster: a path in a config repository and how it is rendered.

    `desired_*` is what Git asks for, `live_*` what the cluster has; `*_since` is when that value was first
    seen. `checked_at` is the last good look at the cluster, `failed_at` the first bad one after it.
    """

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="applications")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="applications")
    cluster = models.ForeignKey(
        Cluster, on_delete=models.SET_NULL, null=True, blank=True, related_name="applications"
    )
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="applications")
    branch = models.CharField(max_length=300, blank=True)
    path = models.CharField(max_length=1000)
    renderer = models.CharField(max_length=16, choices=RENDERER_CHOICES)
    values_files = models.JSONField(default=list, blank=True)
    parameters = models.JSONField(default=list, blank=True)
    release_name = models.CharField(max_length=100, blank=True)
    namespace = models.CharField(max_length=253, blank=True)
    managed_by = models.CharField(max_length=300, blank=True)
    refusal = models.TextField(blank=True, help_text="why it can never be rendered here")
    declared_version = models.CharField(max_length=200, blank=True)
    is_paused = models.BooleanField(default=False)

    desired_sha = models.CharField(max_length=64, blank=True)
    desired_digest = models.CharField(max_length=64, blank=True)
    desired_version = models.CharField(max_length=200, blank=True)
    desired_at = models.DateTimeField(null=True, blank=True)
    desired_error = models.TextField(blank=True)
    desired_error_code = models.CharField(max_length=40, blank=True)
    desired_error_hint = models.TextField(blank=True)
    desired_notes = models.JSONField(default=list, blank=True, help_text="what is odd about it, sentences")
    live_version = models.CharField(max_length=200, blank=True)
    live_digest = models.CharField(
        max_length=200, blank=True, help_text="of the component's image, as its pods report it"
    )
    live_since = models.DateTimeField(null=True, blank=True)
    sync = models.CharField(max_length=16, choices=SYNC_CHOICES, default=SyncStatus.UNKNOWN)
    sync_reason = models.TextField(blank=True, default="Not checked yet.")
    sync_since = models.DateTimeField(null=True, blank=True)
    drift_count = models.PositiveIntegerField(default=0, help_text="fields and whole resources that differ")
    health = models.CharField(max_length=16, choices=HEALTH_CHOICES, default=HealthStatus.UNKNOWN)
    health_reason = models.TextField(blank=True, default="Not checked yet.")
    health_note = models.CharField(max_length=100, blank=True, help_text="the reason in three words")
    health_since = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="last time anything shown changed")
    history_sha = models.CharField(max_length=64, blank=True, help_text="commit the history was read at")
    compared_sha = models.CharField(
        max_length=64, blank=True, help_text="commit of the last comparison with the cluster"
    )
    compared = models.CharField(
        max_length=64, blank=True, help_text="digest of desired state, live versions and rules compared last"
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["component__name", "environment__position", "pk"]
        constraints = [
            models.UniqueConstraint(
                F("component"),
                F("environment"),
                F("repository"),
                F("path"),
                F("release_name"),
                F("namespace"),
                name="an_application_is_taken_once",
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "component"], name="cells_of_the_board"),
            # All the heading of the board counts by: it reads this index and none of the long rows.
            models.Index(
                fields=[
                    *("environment", "cluster", "health", "sync"),
                    *("desired_error_code", "checked_at", "failed_at", "changed_at"),
                ],
                name="overview_of_the_board",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} in {self.environment}"

    @property
    def is_branch_gone(self) -> bool:
        """Whether what Git asked for last was kept because its branch is not there any more."""
        return self.desired_error_code == BRANCH_GONE

    def is_stale(self, now: datetime) -> bool:
        if self.cluster_id is None:
            return False
        if self.is_branch_gone:
            return True
        if self.checked_at is None:
            return self.failed_at is not None
        return self.checked_at < now - stale_after()


class DesiredState(models.Model):
    """Rendered and masked manifests, kept by the digest of everything the render read."""

    digest = models.CharField(max_length=64, unique=True)
    manifests = models.JSONField()
    notes = models.JSONField(default=list)
    unreadable = models.JSONField(default=list)
    renderer = models.CharField(max_length=100, blank=True)
    volatile = models.JSONField(
        default=list, help_text="fields that differ between two renders of the same inputs: key and path"
    )
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class VersionObservation(models.Model):
    """Which version Git asked for, or the cluster was seen to run, from a moment on. Only ever added."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="observations")
    at = models.DateTimeField()
    source = models.CharField(max_length=8, choices=[("git", "git"), ("live", "live")])
    version = models.CharField(max_length=200, blank=True)
    sha = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "source", "at", "sha"], name="an_observation_is_stored_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.version} at {self.at:%Y-%m-%d %H:%M}"


class ConfigCommit(models.Model):
    """
    A commit of the config repository that changes what an application is rendered to. Merges are left out.
    `previous_version` is what its first parent asks for; "" on either side where nothing tells.
    Rows follow the log of the branch, the oldest first.
    """

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="config_commits")
    sha = models.CharField(max_length=64)
    at = models.DateTimeField(help_text="when it was committed, or seen if that is earlier")
    author = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    previous_version = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=200, blank=True)
    change = models.CharField(max_length=500, blank=True, help_text="what else it changed, in a line")
    is_unrendered = models.BooleanField(default=False, help_text="it cannot be rendered at this commit")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "sha"], name="a_config_commit_is_stored_once_for_an_application"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.sha[:8]}"

    @property
    def changes_version(self) -> bool:
        return bool(self.version) and self.version != self.previous_version


class ApplicationEvent(models.Model):
    """What happened to an application, in a sentence. Only ever added."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.text
