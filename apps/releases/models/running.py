"""Which version ran where, how far an environment lags, and what the registry has."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.environments.models import Application, Component, Environment


class DeploymentRecord(models.Model):
    """Which version ran in which application from when to when, by which config commit, by whom."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="deployments")
    version = models.CharField(max_length=200)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)
    sha = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=8, choices=[("git", "git"), ("live", "live")])
    health = models.CharField(max_length=16, blank=True, help_text="seen last while it ran; blank: never")
    healthy_at = models.DateTimeField(null=True, blank=True, help_text="when it was first seen well")

    class Meta:
        ordering = ["-from_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["application"], condition=Q(to_at=None), name="one_version_runs_in_an_application"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.version}"


class Lag(models.Model):
    """
    How many non-merge source commits of the left neighbour's version are absent in an environment.

    `commit_count` is None where it cannot be told; `reason` says why.
    """

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="lags")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="lags")
    behind = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    here_version = models.CharField(max_length=200, blank=True)
    there_version = models.CharField(max_length=200, blank=True)
    commit_count = models.PositiveIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["component", "environment"], name="a_cell_has_one_lag"),
        ]

    def __str__(self) -> str:
        count = "?" if self.commit_count is None else self.commit_count
        return f"{self.component} in {self.environment}: {count}"


class RegistryState(models.Model):
    """How the registry of a component's image answered last."""

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="registry_state")
    image = models.CharField(max_length=500, help_text="what was asked for, without a tag")
    tags_digest = models.CharField(max_length=64, blank=True, help_text="of the sorted list of tags")
    newest_allowed = models.CharField(max_length=300, blank=True, help_text="tag")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="last time it answered")
    failed_at = models.DateTimeField(null=True, blank=True, help_text="first failure since the last answer")
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_hint = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"registry of {self.component}"


class ImageTag(models.Model):
    """A tag of a component's image as the registry last had it. Kept when it is gone there."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="image_tags")
    tag = models.CharField(max_length=300)
    digest = models.CharField(max_length=200, blank=True)
    previous_digest = models.CharField(max_length=200, blank=True, help_text="before the tag was moved")
    version = models.CharField(max_length=300, blank=True, help_text="blank where the tag is no version")
    revision = models.CharField(max_length=64, blank=True, help_text="org.opencontainers.image.revision")
    source_url = models.CharField(max_length=500, blank=True, help_text="org.opencontainers.image.source")
    built_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["tag"]
        constraints = [
            models.UniqueConstraint(fields=["component", "tag"], name="an_image_tag_is_stored_once"),
        ]
        indexes = [models.Index(fields=["component", "digest"], name="image_tags_by_digest")]

    def __str__(self) -> str:
        return f"{self.component}:{self.tag}"
