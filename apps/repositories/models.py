"""Git remotes, what they said last, and how we may sign in to them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from apps.accounts.models import Person, Project
from apps.core.crypto import EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


# The kinds of jobs of a repository.
POLL = "repositories.poll"  # asks a remote what it has
COMMITS = "repositories.commits"  # stores the commits that came
TIDY = "repositories.tidy"  # keeps a mirror small and fast to read
PATCHES = "repositories.patches"  # reads what is slow to read of a commit: its patch-id and its signature

ADDRESS_LIMIT = 320  # characters of an e-mail address
PERSON_LIMIT = 200  # characters of a name
SUBJECT_LIMIT = 500  # characters; the message has all of it


class Credential(models.Model):
    """
    How to sign in to one host. Write-only: it is stored encrypted, never shown, never put into a form,
    and dropped when the repository moves to another scheme, host or port.
    """

    endpoint = models.CharField(max_length=300, help_text="scheme://host:port it may be sent to")
    username = models.CharField(max_length=200, blank=True)
    password = EncryptedTextField(blank=True, default="")
    ssh_key = EncryptedTextField(blank=True, default="")
    known_hosts = models.TextField(blank=True, default="")
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"set on {self.set_at:%Y-%m-%d} for {self.endpoint}"


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def visible_to(self, user: Person | AnonymousUser) -> RepositoryQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user))


def _new_mirror_id() -> str:
    return uuid.uuid4().hex


class Repository(models.Model):
    """A Git remote we mirror. The directory of the mirror is a random id, never made from the URL."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500)
    same_as = models.CharField(max_length=500, help_text="equal for two spellings of one repository")
    host = models.CharField(max_length=300)
    mirror_id = models.CharField(max_length=32, unique=True, default=_new_mirror_id)
    credential = models.ForeignKey(Credential, on_delete=models.SET_NULL, null=True, blank=True)
    is_config = models.BooleanField(default=False)
    is_source = models.BooleanField(default=False)
    is_paused = models.BooleanField(default=False)
    default_branch = models.CharField(max_length=300, blank=True, help_text="short name")
    branch = models.CharField(max_length=300, blank=True, help_text="the watched branch, else the default")
    refs_digest = models.CharField(max_length=64, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True, help_text="last time the remote answered")
    changed_at = models.DateTimeField(null=True, blank=True, help_text="last time something new arrived")
    failed_at = models.DateTimeField(null=True, blank=True, help_text="first failure since the last answer")
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_hint = models.TextField(blank=True)
    rewritten_note = models.TextField(blank=True)
    size_bytes = models.BigIntegerField(default=0)
    layout = models.JSONField(null=True, blank=True, help_text="what it was last recognised to hold")
    recent_commits = models.JSONField(
        default=list, blank=True, help_text="newest first: sha, subject, author, at"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "repositories"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "same_as"], name="a_project_connects_a_repository_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def watched_branch(self) -> str:
        """The full name of the branch that says what is desired; "" before the first fetch."""
        short = self.branch or self.default_branch
        return f"refs/heads/{short}" if short else ""


class Revision(models.Model):
    """A full commit id with the branch or tag it was reached by, as the remote last had it."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="revisions")
    name = models.CharField(max_length=500, help_text="full ref name")
    short = models.CharField(max_length=500)
    kind = models.CharField(max_length=8, choices=[("branch", "branch"), ("tag", "tag")])
    sha = models.CharField(max_length=64)
    commit_sha = models.CharField(max_length=64, blank=True)
    dated_at = models.DateTimeField(null=True, blank=True)
    is_annotated = models.BooleanField(default=False)
    seen_at = models.DateTimeField(help_text="first time this name stood at this commit")
    gone_at = models.DateTimeField(null=True, blank=True)
    previous_sha = models.CharField(max_length=64, blank=True, help_text="where it stood before it was moved")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="a_ref_is_stored_once"),
        ]
        indexes = [
            models.Index(
                fields=["repository", "kind"], name="live_refs_of_a_repository", condition=Q(gone_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.short} at {self.commit_sha[:8]}"


class Signature(models.TextChoices):
    """What is known of the signature of a commit."""

    UNREAD = ""  # nobody looked yet
    GOOD = "good"  # made with a key we trust
    BAD = "bad"  # does not fit the commit, or its key was revoked
    UNSIGNED = "unsigned"  # there is none
    UNKNOWN = "unknown"  # there is one and it cannot be checked here: the key is not known


class StoredCommit(models.Model):
    """
    The row of a `Commit`. Times are null where Git holds none that is a date.

    `message` is all of it with secrets masked, or its first 65,535 characters with `is_cut`. Rows are only
    added, parents before children, and go when no branch, tag or kept head leads to them any more.
    """

    NO_PATCH = "-"  # a merge, nothing changed, or the change cannot be read

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=64)
    parents = models.TextField(
        blank=True, help_text="full ids with a space between them, the first one first"
    )
    author_name = models.CharField(max_length=PERSON_LIMIT, blank=True)
    author_email = models.CharField(max_length=ADDRESS_LIMIT, blank=True)
    authored_at = models.DateTimeField(null=True, blank=True)
    committer_name = models.CharField(max_length=PERSON_LIMIT, blank=True)
    committer_email = models.CharField(max_length=ADDRESS_LIMIT, blank=True)
    committed_at = models.DateTimeField(null=True, blank=True)
    subject = models.CharField(max_length=SUBJECT_LIMIT, blank=True)
    message = models.TextField(blank=True)
    is_cut = models.BooleanField(default=False, help_text="the message is longer than what is stored")
    is_merge = models.BooleanField(default=False)
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    patch_id = models.CharField(max_length=64, blank=True, help_text='"" not read yet, "-" there is none')
    signature = models.CharField(
        max_length=8, choices=Signature.choices, blank=True, default=Signature.UNREAD
    )

    class Meta:
        constraints = [
            # Its index answers "begins with these digits" too.
            models.UniqueConstraint(fields=["repository", "sha"], name="a_commit_is_stored_once"),
        ]
        indexes = [
            models.Index(
                fields=["repository", "pull_request"],
                name="commits_of_a_pull_request",
                condition=Q(pull_request__isnull=False),
            ),
            models.Index(fields=["repository", "author_email"], name="commits_of_an_author"),
            models.Index(fields=["repository", "patch_id"], name="commits_of_a_patch"),
            models.Index(
                fields=["repository", "id"],
                name="commits_not_looked_into",
                condition=Q(patch_id="") | Q(signature=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sha[:8]} {self.subject[:60]}"

    @staticmethod
    def unread() -> Q:
        """Those whose patch-id or signature nobody has read yet."""
        return Q(patch_id="") | Q(signature="")


class CommitKey(models.Model):
    """
    By what a stored commit is recognised when it is met under another id: `gitopsui.domain.same_change`.
    Rows come and go with those of the commits.
    """

    # The constraint begins with the repository: no index of its own.
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="commit_keys", db_index=False
    )
    kind = models.CharField(max_length=8)
    value = models.CharField(max_length=64)
    sha = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "kind", "value", "sha"], name="a_key_of_a_commit_is_stored_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value} of {self.sha[:8]}"


class CommitGraph(models.Model):
    """
    How the stored commits of a repository descend from each other: `gitopsui.domain.graph` as bytes.

    `refs_digest` is that of the refs whose whole history is in it; it lags behind that of the repository
    while commits are being stored. `digest` changes with the bytes.
    """

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="commit_graph")
    blob = models.BinaryField()
    digest = models.CharField(max_length=64)
    refs_digest = models.CharField(max_length=64, blank=True)
    commit_count = models.PositiveIntegerField(default=0)
    stored_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.commit_count:,} commits"


class UnreadableRow(models.Model):
    """A file of the watched branch that could not be read, and why. Replaced as a whole at each look."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="unreadable")
    path = models.TextField()
    line = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=40)
    message = models.TextField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["path", "line"]

    def __str__(self) -> str:
        return f"{self.path}: {self.code}"
