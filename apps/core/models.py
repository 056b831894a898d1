"""What the platform itself remembers: jobs and their runs, signs of life, and who did what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import models


class BaseModel(models.Model):
    """Checks itself before it is saved, so that no path around a form stores nonsense."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.full_clean(validate_unique=False, validate_constraints=False)
        super().save(*args, **kwargs)


class JobState(models.TextChoices):
    WAITING = "waiting"  # due at `due_at`, or as soon as somebody looks
    RUNNING = "running"  # somebody holds the lease
    DONE = "done"  # the last run ended well
    FAILED = "failed"  # the last run ended badly; due again at `due_at`, or never without it
    QUARANTINED = "quarantined"  # began three times without an end: not tried again until a person says so


class Outcome(models.TextChoices):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # its worker was killed
    TIMED_OUT = "timed out"  # it was ended at the deadline of a task


class Job(BaseModel):
    """
    One thing to be done for one subject, again and again or once. The queue only says "look"; this is the
    truth.

    `attempts` counts starts without an end: it is raised before the work and set to 0 after it, however it
    ended, so what takes its worker down is found out. `failures` counts bad ends in a row.
    """

    kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_label = models.CharField(max_length=200, blank=True)
    group = models.CharField(max_length=253, blank=True)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.WAITING)
    paused = models.BooleanField(default=False)
    pause_reason = models.CharField(max_length=400, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    every = models.DurationField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_holder = models.CharField(max_length=120, blank=True)
    last_error = models.TextField(blank=True)
    last_error_code = models.CharField(max_length=60, blank=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    progress_text = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], name="one_job_per_kind_and_subject"),
            models.CheckConstraint(
                condition=models.Q(lease_token="") | models.Q(lease_until__isnull=False),
                name="a_lease_has_an_end",
            ),
        ]
        indexes = [models.Index(fields=["kind", "due_at"], name="what_is_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"

    @property
    def is_given_up(self) -> bool:
        """Whether it is not tried again until a person says so, or what it is about changes."""
        ended_badly_for_good = self.state == JobState.FAILED and self.due_at is None
        return self.state == JobState.QUARANTINED or ended_badly_for_good


class JobRun(BaseModel):
    """One run of a job. The last 20 of each job are kept."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.RUNNING)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.job_id} {self.outcome}"

    @property
    def took(self) -> timedelta | None:
        return None if self.ended_at is None else max(self.ended_at - self.started_at, timedelta())


class Tick(BaseModel):
    """One entry of `gitopsui/schedules.py`: when it was last asked for and when it last ran."""

    name = models.CharField(max_length=120, unique=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_holder = models.CharField(max_length=120, blank=True)
    last_error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Heartbeat(BaseModel):
    """The last sign of life of a part of the program: `worker`, `worker promotions`, `tick`."""

    name = models.CharField(max_length=60, unique=True)
    beat_at = models.DateTimeField()
    text = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.beat_at.isoformat()}"


class FinalHistoryError(TypeError):
    """Somebody tried to change or delete a row of the audit trail."""

    def __init__(self) -> None:
        super().__init__("The audit trail is only ever added to.")


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise FinalHistoryError

    def delete(self) -> NoReturn:
        raise FinalHistoryError

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise FinalHistoryError


class AuditEvent(BaseModel):
    """Who did what to which object, in words of the product. Never changed, never deleted."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The name as it was then, "system" where no person acted.
    actor_name = models.CharField(max_length=200, default="system")
    verb = models.CharField(max_length=100)
    object_type = models.CharField(max_length=100, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_label = models.CharField(max_length=300, blank=True)
    # A number and no key: projects lie above the core, and the trail outlives them. None: of no project.
    project_id = models.BigIntegerField(null=True, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_of_an_object"),
            models.Index(fields=["project_id", "id"], name="audit_of_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_label}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise FinalHistoryError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise FinalHistoryError
