"""Releases, their notes, which version ran where, and how far an environment lags its left neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from apps.accounts.models import Person, Project
from apps.environments.models import Application, Component, Environment

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ReleaseQuerySet(models.QuerySet["Release"]):
    def visible_to(self, user: Person | AnonymousUser) -> ReleaseQuerySet:
        return self.filter(component__project__in=Project.objects.visible_to(user))


class Release(models.Model):
    """
    A version of a component: a tag and its notes. The key is the raw tag, since `v1.0.1+3` and
    `v1.0.1+4` are equal versions. `position` orders newest first.
    """

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="releases")
    tag = models.CharField(max_length=300)
    version = models.CharField(max_length=300, help_text="without the prefix of the tag")
    position = models.PositiveIntegerField(default=0)
    is_prerelease = models.BooleanField(default=False)
    commit_sha = models.CharField(max_length=64)
    dated_at = models.DateTimeField(null=True, blank=True)
    base_tag = models.CharField(max_length=300, blank=True)
    base_sha = models.CharField(max_length=64, blank=True)
    notes = models.JSONField(null=True, blank=True, help_text="as gitopsui.domain.notes_text.to_dict")
    notes_html = models.TextField(blank=True, help_text="sanitised when it was stored")
    notes_sha = models.CharField(max_length=64, blank=True, help_text="the commit the notes are of")
    notes_error = models.TextField(blank=True)
    commit_count = models.PositiveIntegerField(null=True, blank=True)
    change_count = models.PositiveIntegerField(null=True, blank=True, help_text="entries of the notes")
    breaking_count = models.PositiveIntegerField(default=0)
    summary = models.CharField(max_length=300, blank=True)
    words = models.TextField(blank=True, help_text="what a search looks through")
    moved_note = models.TextField(blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["component", "tag"], name="a_tag_is_one_release"),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.version}"


class DeploymentRecord(models.Model):
    """Which version ran in which application from when to when, by which config commit, by whom."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="deployments")
    version = models.CharField(max_length=200)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)
    sha = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=8, choices=[("git", "git"), ("live", "live")])

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


class ComponentDigest(models.Model):
    """What a component's releases, deployments and lags were last worked out from."""

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="digest")
    tags = models.CharField(max_length=64, blank=True)
    versions = models.CharField(max_length=64, blank=True)
    observation_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"digest of {self.component}"
