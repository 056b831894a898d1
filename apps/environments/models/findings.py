"""What was found when an application was compared, and what of it does not count."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from apps.accounts.models import Person, Project
from apps.environments.models.applications import Application
from apps.environments.models.places import Cluster
from gitopsui.domain.drift import DriftKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ResourceState(models.Model):
    """One object of an application as it was last seen: the rows of its resource tree."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="resources")
    group = models.CharField(max_length=253, blank=True)
    kind = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=300)
    uid = models.CharField(max_length=64, blank=True)
    owner_uid = models.CharField(max_length=64, blank=True)
    health = models.CharField(max_length=16, blank=True)
    health_reason = models.TextField(blank=True)
    sync = models.CharField(max_length=16, blank=True, help_text="blank where Git does not speak of it")
    images = models.JSONField(default=list)
    notes = models.JSONField(default=list, help_text="what is odd about its shape, sentences")
    events = models.JSONField(default=list, help_text="type, reason, message, count, last_at; newest first")
    created_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class DriftedResource(models.Model):
    """A difference between desired and live, from when it was first seen until it was gone. Never deleted."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="drifts")
    group = models.CharField(max_length=253, blank=True)
    kind = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=300)
    verdict = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in DriftKind])
    reason = models.TextField(blank=True)
    changes = models.JSONField(default=list)
    silenced = models.JSONField(default=list, help_text="changes that a rule silences, each with its rule")
    is_silenced = models.BooleanField(default=False, help_text="nothing of it counts as drift")
    desired_sha = models.CharField(max_length=64, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "group", "kind", "namespace", "name"],
                condition=Q(resolved_at=None),
                name="a_resource_has_one_open_drift",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.verdict}"


class SilenceQuerySet(models.QuerySet["Silence"]):
    def visible_to(self, user: Person | AnonymousUser) -> SilenceQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user))

    def active(self, now: datetime) -> SilenceQuerySet:
        """Those that neither expired nor were ended by somebody."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), ended_at=None)


class Silence(models.Model):
    """
    A rule of a project, or of one application, for drift that does not count. The row of an `IgnoreRule`.

    Never deleted: one that is not wanted any more is ended.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="silences")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="silences"
    )
    group = models.CharField(max_length=253, default="*", help_text="glob")
    kind = models.CharField(max_length=100, default="*", help_text="glob")
    name = models.CharField(max_length=300, blank=True, help_text="blank: every name")
    namespace = models.CharField(max_length=253, blank=True, help_text="blank: every namespace")
    json_pointers = models.JSONField(default=list, blank=True)
    managers = models.JSONField(default=list, blank=True)
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)

    objects = SilenceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        fields = ", ".join([*self.json_pointers, *(f"written by {one}" for one in self.managers)])
        return f"{self.kind} {self.name or 'of any name'}: {fields}"


class Reconciliation(models.Model):
    """What Argo CD or Flux says of an application: the object that reconciles it, as it was last read."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="reconciliations")
    group = models.CharField(max_length=253)
    kind = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253)
    name = models.CharField(max_length=300)
    tool = models.CharField(max_length=50)
    sync = models.CharField(max_length=100, blank=True, help_text="in the words of the tool")
    health = models.CharField(max_length=100, blank=True, help_text="in the words of the tool")
    revision = models.CharField(max_length=300, blank=True, help_text="last applied, as the tool writes it")
    message = models.TextField(blank=True)
    is_suspended = models.BooleanField(default=False)
    reconciled_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()
    disagreement = models.TextField(blank=True, help_text="a sentence where it differs from our own verdict")
    refresh_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "namespace", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "group", "kind", "namespace", "name"],
                name="a_reconciler_is_stored_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.kind} {self.namespace}/{self.name}"


class DeepCheck(models.Model):
    """The last server-side apply dry run of an application: what the API server itself says would change."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="deep_check")
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    checked_at = models.DateTimeField(null=True, blank=True)
    desired_sha = models.CharField(max_length=64, blank=True)
    findings = models.JSONField(
        default=list, help_text="one for each resource: key, verdict, changes, reason"
    )
    error = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"deep check of {self.application_id}"


class KindOrphans(models.Model):
    """
    The objects of one kind in a namespace that carry no mark and have no maker, as they were listed last.
    Those that Git names are among them: who shows them leaves these out.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="orphans")
    namespace = models.CharField(max_length=253)
    group = models.CharField(max_length=253, blank=True)
    kind = models.CharField(max_length=100)
    objects_there = models.JSONField(default=list, help_text="name and created_at of each, by name")
    rest_count = models.PositiveIntegerField(default=0, help_text="more that are not kept")
    digest = models.CharField(max_length=64, blank=True, help_text="of what was listed; blank for nothing")

    class Meta:
        ordering = ["namespace", "kind", "group"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "namespace", "group", "kind"],
                name="orphans_of_a_kind_are_stored_once_in_a_namespace",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.namespace} without an owner"
