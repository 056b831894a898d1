"""What an environment asks of promotions into it: rules, freezes, locks, and how a pull request is made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import Project
from apps.core.crypto import EncryptedTextField
from apps.environments.models import Application, Component, Environment
from apps.repositories.models import Repository
from gitopsui.domain.promotion import MergeBy

NO_ROWS = models.Value([], models.JSONField())
BUILT_IN = "builtin"  # a connection to no forge: the review is here


class EnvironmentPolicy(models.Model):
    """
    The rules of an environment. One without a row has the defaults: an approval of somebody else, a healthy
    source, no drift in the target, merged here when somebody says so.
    """

    environment = models.OneToOneField(Environment, on_delete=models.CASCADE, related_name="promotion_policy")
    approvals = models.PositiveSmallIntegerField(default=1)
    groups = models.JSONField(default=list, blank=True, help_text="name of a group and how many of it")
    counts_strangers = models.BooleanField(
        default=False, db_default=False, help_text="approvals on the forge by logins of nobody here"
    )
    soak_minutes = models.PositiveIntegerField(default=0)
    needs_healthy_source = models.BooleanField(default=True)
    needs_healthy_target = models.BooleanField(default=False)
    needs_synced_target = models.BooleanField(default=True)
    checks = models.JSONField(default=list, blank=True, help_text="names of commit statuses")
    source_checks = models.JSONField(
        default=list, db_default=NO_ROWS, blank=True, help_text="the same of the commits that are released"
    )
    needs_signature = models.BooleanField(default=False)
    external_gates = models.JSONField(default=list, blank=True, help_text="name and https address")
    gate_secret = EncryptedTextField(blank=True, default="", help_text="signs what external gates are asked")
    merge = models.CharField(
        max_length=8,
        default=MergeBy.HERE,
        choices=[
            (MergeBy.HERE.value, "somebody presses Merge here"),
            (MergeBy.FORGE.value, "it is merged on the forge"),
            (MergeBy.AUTO.value, "it is merged when all gates pass"),
        ],
    )
    arrive_minutes = models.PositiveIntegerField(default=30)
    auto_promote = models.BooleanField(default=False)
    auto_range = models.CharField(max_length=200, blank=True, help_text="versions that promote themselves")
    held_by = models.CharField(max_length=200, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    hold_reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"policy of {self.environment}"


class FreezeWindow(models.Model):
    """A time in which nothing is promoted. The row of a `FreezeRule`; never deleted but ended."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="freezes")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, null=True, blank=True, related_name="freezes"
    )
    reason = models.CharField(max_length=300)
    zone = models.CharField(max_length=64, default="UTC")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    weekdays = models.JSONField(default=list, blank=True, help_text="0 is Monday")
    from_time = models.TimeField(null=True, blank=True)
    lasts_minutes = models.PositiveIntegerField(null=True, blank=True)
    exceptions = models.JSONField(default=list, blank=True, help_text="slugs of components that may")
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.reason


class Lock(models.Model):
    """Somebody keeps an environment, a component or one application as it is. Never deleted but ended."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="locks")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, null=True, blank=True, related_name="locks"
    )
    component = models.ForeignKey(
        Component, on_delete=models.CASCADE, null=True, blank=True, related_name="locks"
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="locks"
    )
    owner = models.CharField(max_length=200)
    message = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(environment__isnull=False)
                | Q(component__isnull=False)
                | Q(application__isnull=False),
                name="a_lock_names_what_it_locks",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner}: {self.message}"


class ForgeConnection(models.Model):
    """How pull requests of a repository are made. One without a row has the built-in review."""

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="forge")
    kind = models.CharField(
        max_length=8,
        choices=[
            ("github", "GitHub"),
            ("gitlab", "GitLab"),
            ("gitea", "Gitea or Forgejo"),
            (BUILT_IN, "here"),
        ],
    )
    api_url = models.CharField(max_length=500, blank=True)
    path = models.CharField(max_length=500, blank=True, help_text="owner/name on the forge")
    token = EncryptedTextField(blank=True, default="")
    webhook_secret = EncryptedTextField(blank=True, default="")
    set_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.repository}"


class EditTarget(models.Model):
    """
    A file of an application that says which version it runs, as the base branch has it: what a preview
    edits without reaching for Git. Of a folder that is copied `path` is the folder, `text` lists what lies in
    it, and `files` is what copying changes. `refusal` says why nothing can be edited there.
    """

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="edit_targets")
    path = models.CharField(max_length=1000)
    blob_sha = models.CharField(max_length=64)
    commit_sha = models.CharField(max_length=64)
    text = models.TextField()
    field_path = models.CharField(max_length=500, blank=True, help_text="named by somebody; blank: the image")
    is_folder = models.BooleanField(default=False)
    files = models.JSONField(default=list, blank=True, help_text="edits of a folder that is copied")
    refusal = models.TextField(blank=True)

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["application", "path"], name="an_edit_target_is_stored_once"),
        ]

    def __str__(self) -> str:
        return self.path
