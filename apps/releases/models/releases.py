"""Releases and their notes, what people wrote into them, and how a component is released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from apps.accounts.models import Person, Project
from apps.environments.models import Component
from apps.repositories.models import Credential

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
    flags = models.JSONField(
        default=list, help_text="moved, unsigned, foreign, unreachable: code and sentence"
    )
    signature = models.JSONField(
        null=True, blank=True, help_text="verdict, of (tag or commit), fingerprint, name, reason"
    )
    # What people wrote; notes are generated again and again and never touch it.
    introduction = models.TextField(blank=True)
    introduction_html = models.TextField(blank=True, help_text="sanitised when it was stored")
    edited_by = models.CharField(max_length=200, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    is_bad = models.BooleanField(default=False, help_text="never offered for a promotion or a rollback")
    bad_reason = models.TextField(blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["component", "tag"], name="a_tag_is_one_release"),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.version}"


class ComponentDigest(models.Model):
    """What a component's releases, deployments and lags were last worked out from."""

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="digest")
    tags = models.CharField(max_length=64, blank=True)
    versions = models.CharField(max_length=64, blank=True)
    observation_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"digest of {self.component}"


class ReleasePolicy(models.Model):
    """How a component is versioned and told about. A component without a row has all defaults."""

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="release_policy")
    paths = models.JSONField(
        default=list, blank=True, help_text="folders of the source repository that are its own; empty: all"
    )
    below_one = models.CharField(
        max_length=8,
        default="minor",
        choices=[("minor", "a breaking change raises the minor number"), ("major", "it makes 1.0.0")],
    )
    tracker_pattern = models.CharField(max_length=200, blank=True, help_text="regex of an issue id")
    tracker_url = models.CharField(max_length=500, blank=True, help_text="with {id}")
    version_range = models.CharField(max_length=200, blank=True, help_text="versions that are offered")
    has_public_notes = models.BooleanField(default=False)
    watches_registry = models.BooleanField(default=False)
    registry_credential = models.ForeignKey(
        Credential, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"release policy of {self.component}"


class PathCommits(models.Model):
    """
    Which commits touch the paths of a component: their binary ids, one after the other. Merges are left out.

    `digest` is that of the paths and refs they were read for; a component of a whole repository has no row.
    """

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="path_commits")
    digest = models.CharField(max_length=64)
    ids = models.BinaryField()
    id_bytes = models.PositiveSmallIntegerField(default=20)

    def __str__(self) -> str:
        return f"commits of the paths of {self.component}"


class NoteOverride(models.Model):
    """What a person says instead of, or about, a generated entry. Regeneration never touches it."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="note_overrides")
    kind = models.CharField(
        max_length=16,
        choices=[("commit", "commit"), ("pull_request", "pull request"), ("release", "release")],
    )
    key = models.CharField(max_length=300, help_text="full commit id, pull request number, or tag")
    language = models.CharField(max_length=16, blank=True, help_text="blank: the language of the notes")
    text = models.TextField(blank=True, help_text="blank: the generated text stays")
    audience = models.CharField(
        max_length=8,
        default="public",
        choices=[("internal", "internal"), ("operator", "operators"), ("public", "everybody")],
    )
    is_hidden = models.BooleanField(default=False)
    advisory = models.CharField(max_length=100, blank=True, help_text="CVE or GHSA ids")
    generated = models.TextField(blank=True, help_text="what the notes said when it was written")
    edited_by = models.CharField(max_length=200)
    edited_at = models.DateTimeField()

    class Meta:
        ordering = ["-edited_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "kind", "key", "language"], name="an_entry_is_overridden_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:12]}"


class ReleaseCut(models.Model):
    """A release that somebody cuts: planned by a person, pushed once by a worker."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="cuts")
    tag = models.CharField(max_length=300)
    commit_sha = models.CharField(max_length=64)
    message = models.TextField()
    state = models.CharField(
        max_length=8,
        default="planned",
        choices=[("planned", "planned"), ("pushed", "pushed"), ("failed", "failed")],
    )
    tag_sha = models.CharField(max_length=64, blank=True, help_text="of the tag object, before it is pushed")
    is_signed = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "tag"],
                condition=~models.Q(state="failed"),
                name="a_tag_is_cut_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag} of {self.component}"


class Changelog(models.Model):
    """A CHANGELOG file that the source repository keeps, read, with what differs from the tags."""

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="changelog")
    path = models.CharField(max_length=1000)
    blob_sha = models.CharField(max_length=64)
    entries = models.JSONField(default=list, help_text="newest first: version, date, html, problems")
    differences = models.JSONField(default=list, help_text="sentences")
    error = models.TextField(blank=True)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.path} of {self.component}"
