"""Where components run: clusters, environments, and the components themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from apps.accounts.models import Person, Project
from apps.core.crypto import EncryptedTextField
from apps.repositories.models import Repository

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ClusterQuerySet(models.QuerySet["Cluster"]):
    def visible_to(self, user: Person | AnonymousUser) -> ClusterQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user))


class Cluster(models.Model):
    """A Kubernetes API server we read. Its credentials are write-only and bound to its address."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="clusters")
    name = models.CharField(max_length=100)
    server = models.CharField(max_length=500)
    ca_data = models.TextField(blank=True)
    token = EncryptedTextField(blank=True, default="")
    client_certificate = models.TextField(blank=True)
    client_key = EncryptedTextField(blank=True, default="")
    tls_server_name = models.CharField(max_length=300, blank=True)
    is_in_cluster = models.BooleanField(default=False)
    is_insecure = models.BooleanField(default=False)
    is_paused = models.BooleanField(default=False)
    # What this connection may do beside reading; each is off until an administrator says so.
    may_dry_run = models.BooleanField(default=False, help_text="deep checks by server-side apply, dry run")
    may_refresh = models.BooleanField(default=False, help_text="ask Argo CD and Flux to look again")
    reads_secrets = models.BooleanField(default=False, help_text="compare Secret values by a keyed hash")
    version = models.CharField(max_length=100, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="last time it answered")
    failed_at = models.DateTimeField(null=True, blank=True, help_text="first failure since the last answer")
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_hint = models.TextField(blank=True)
    credential_set_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClusterQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="a_cluster_has_one_name_in_a_project"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_standin(self) -> bool:
        """Whether it says of itself that it is the demo's stand-in and no Kubernetes."""
        return "standin" in self.version


class KindListing(models.Model):
    """How one kind of a cluster was last listed. A failure makes it stale; its objects are never gone."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="kinds")
    namespace = models.CharField(max_length=253, blank=True)
    group = models.CharField(max_length=253, blank=True)
    kind = models.CharField(max_length=100)
    complete_at = models.DateTimeField(null=True, blank=True)
    object_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["group", "kind", "namespace"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "namespace", "group", "kind"], name="a_kind_is_listed_once_in_a_namespace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.namespace or 'all namespaces'}"


class Environment(models.Model):
    """A stage such as dev, staging, production; versions move from low positions to high ones."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], name="an_environment_has_one_name_in_a_project"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ComponentQuerySet(models.QuerySet["Component"]):
    def visible_to(self, user: Person | AnonymousUser) -> ComponentQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user))


class Component(models.Model):
    """A thing that has versions: a service with a source repository, an image and a tag pattern."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="components")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=100)
    labels = models.JSONField(default=list, blank=True)
    source = models.ForeignKey(
        Repository, on_delete=models.SET_NULL, null=True, blank=True, related_name="components"
    )
    tag_pattern = models.CharField(max_length=200, blank=True, help_text="regex with a group `version`")
    image = models.CharField(max_length=500, blank=True)

    objects = ComponentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="a_component_has_one_slug_in_a_project"),
        ]

    def __str__(self) -> str:
        return self.name
