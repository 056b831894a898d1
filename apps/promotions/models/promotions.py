"""Promotions: what moves into an environment, by whom, how far it got, and who said what to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import Person, Project
from apps.environments.models import Application, Component, Environment
from apps.promotions.models.policies import NO_ROWS
from apps.repositories.models import Repository
from gitopsui.domain.promotion import ENDS, Phase, PromotionKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

PHASE_CHOICES = [(phase.value, phase.value) for phase in Phase]


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def visible_to(self, user: Person | AnonymousUser) -> PromotionQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user))

    def unsettled(self) -> PromotionQuerySet:
        """Those that a worker still has to look at: open ones, and merged ones on their way."""
        rows = self.exclude(phase__in=ENDS)
        return rows.filter(arrival_missed_at=None, unfollowed_at=None)


class Promotion(models.Model):
    """
    Moving versions into an environment through one pull request.

    What the commit is made of (base, author, dates, message) is fixed when it is planned, so that the same
    plan makes the same commit again. `owner`, `fence` and `lease_until` are of the protocol: whoever writes
    says the fence it claimed with, and writes nothing where another one has claimed since.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promotions")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="promotions")
    source_environment = models.ForeignKey(
        Environment, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="promotions")
    kind = models.CharField(
        max_length=16,
        default=PromotionKind.PROMOTION,
        choices=[
            (PromotionKind.PROMOTION.value, "promotion"),
            (PromotionKind.ROLLBACK.value, "rollback"),
            (PromotionKind.AUTO.value, "automatic promotion"),
        ],
    )
    reverts = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reverted_by"
    )
    title = models.CharField(max_length=300)
    reason = models.TextField(blank=True)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    proposer_name = models.CharField(max_length=200)
    planned_at = models.DateTimeField()

    phase = models.CharField(max_length=16, choices=PHASE_CHOICES, default=Phase.PLANNED)
    phase_at = models.DateTimeField()
    attention = models.TextField(blank=True, help_text="what somebody has to look at, a sentence")
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_hint = models.TextField(blank=True)

    owner = models.CharField(max_length=64, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    base_branch = models.CharField(max_length=300)
    base_sha = models.CharField(max_length=64)
    branch = models.CharField(max_length=300, blank=True, help_text="gitopsui/promote/<id>")
    head_sha = models.CharField(max_length=64, blank=True, help_text="stored before it is pushed")
    diff_hash = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True, help_text="of the commit")
    last_pusher = models.CharField(max_length=200, blank=True)
    merge_sha = models.CharField(max_length=64, blank=True)
    number = models.CharField(max_length=40, blank=True, help_text="of the pull request, as its forge counts")
    url = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    checks = models.JSONField(default=list, blank=True, help_text="commit statuses: name, state, detail")
    source_checks = models.JSONField(
        default=list, db_default=NO_ROWS, blank=True, help_text="of released commits: repository, sha, checks"
    )
    external = models.JSONField(default=list, blank=True, help_text="external gates: name, state, reason")
    gates = models.JSONField(default=list, blank=True, help_text="the prognosis as it was last worked out")
    gates_at = models.DateTimeField(null=True, blank=True)
    is_mergeable = models.BooleanField(null=True, blank=True)
    conflicts = models.JSONField(default=list, blank=True, help_text="files")
    preview = models.JSONField(default=dict, blank=True, help_text="what ships, file and manifest diffs")
    wants_merge = models.BooleanField(
        default=False, help_text="somebody, or the policy, said: merge when open"
    )
    wants_close = models.BooleanField(default=False)
    close_asked_by = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text='"": before this was noted'
    )
    close_asked_at = models.DateTimeField(null=True, blank=True)
    forge_waits_since = models.DateTimeField(
        null=True, blank=True, help_text="every gate is open, and the forge does not merge it yet"
    )

    merged_at = models.DateTimeField(null=True, blank=True)
    deployed_at = models.DateTimeField(null=True, blank=True)
    arrive_by = models.DateTimeField(null=True, blank=True)
    arrival_missed_at = models.DateTimeField(null=True, blank=True)
    unfollowed_at = models.DateTimeField(
        null=True, blank=True, help_text="Git asks for it from then on, and no cluster says whether it runs"
    )
    changed_at = models.DateTimeField(auto_now=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ["-planned_at", "-pk"]
        indexes = [models.Index(fields=["project", "phase"], name="promotions_by_phase")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=PromotionKind.ROLLBACK) | ~Q(reason=""), name="a_rollback_has_a_reason"
            ),
            models.CheckConstraint(
                condition=~Q(phase__in=[Phase.MERGED, Phase.DEPLOYED]) | Q(merged_at__isnull=False),
                name="what_is_merged_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(close_asked_by="", close_asked_at=None)
                | Q(wants_close=True, close_asked_at__isnull=False) & ~Q(close_asked_by=""),
                name="who_closes_it_does_so_since_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.phase in ENDS or bool(self.arrival_missed_at or self.unfollowed_at)


class PromotionItem(models.Model):
    """One application of a promotion: which version replaces which, and by which edits."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="items")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="promotion_items")
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="promotion_items")
    from_version = models.CharField(max_length=200, blank=True)
    to_version = models.CharField(max_length=200)
    edits = models.JSONField(default=list, help_text="path, old and new text of the lines")
    is_open = models.BooleanField(default=True, help_text="follows the phase of the promotion")
    arrived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["component__name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["application"], condition=Q(is_open=True), name="one_open_promotion_per_application"
            ),
            models.UniqueConstraint(
                fields=["promotion", "application"], name="an_application_is_promoted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.from_version} → {self.to_version}"


class Approval(models.Model):
    """One person's answer, bound to what they saw. The row of an `Answer`."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="approvals")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=200, help_text="from a forge: the login there")
    groups = models.JSONField(default=list, help_text="of the person, then")
    at = models.DateTimeField()
    base_sha = models.CharField(max_length=64)
    head_sha = models.CharField(max_length=64)
    diff_hash = models.CharField(max_length=64)
    is_rejection = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    is_from_forge = models.BooleanField(default=False)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                # A login on the forge may be the name of somebody else here.
                fields=["promotion", "name", "is_from_forge", "base_sha", "head_sha", "diff_hash"],
                condition=Q(is_rejection=False),
                name="a_person_approves_once_in_each_place",
            ),
            models.CheckConstraint(
                condition=Q(is_rejection=False) | ~Q(reason=""), name="a_rejection_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {'rejected' if self.is_rejection else 'approved'} {self.promotion_id}"


class GateOverride(models.Model):
    """A gate that an administrator opened, with the reason. Never deleted."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="overrides")
    gate = models.CharField(max_length=100)
    name = models.CharField(max_length=200, help_text="of the administrator")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["promotion", "gate"], name="a_gate_is_overridden_once"),
        ]

    def __str__(self) -> str:
        return f"{self.gate} of {self.promotion_id}"


class PromotionEvent(models.Model):
    """One step of a promotion, in a sentence. Only ever added; a transition is there once."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    phase = models.CharField(max_length=16, choices=PHASE_CHOICES)
    is_transition = models.BooleanField(default=False)
    fence = models.PositiveBigIntegerField(default=0)
    actor = models.CharField(max_length=200, default="system")
    text = models.TextField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text
