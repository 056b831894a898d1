"""What the workers do with promotions: take them on, read the files they would edit."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q

from apps.core import jobs
from apps.environments.models import Application
from apps.promotions import connect
from apps.promotions.models import Promotion
from apps.promotions.services import advance, propose, targets
from apps.repositories.connect import mirror

PREPARE = "promotions.prepare"
EVERY = timedelta(seconds=15)


@jobs.job(propose.ADVANCE, lease=timedelta(minutes=5), every=EVERY)
def advance_promotion(promotion_id: int) -> None:
    """One turn of one promotion. Safe to repeat and to be killed."""
    promotion = Promotion.objects.select_related("repository__credential", "proposer").get(pk=promotion_id)
    advance.advance_promotion(promotion_id, connect.doors(promotion))
    promotion.refresh_from_db()
    if promotion.is_settled:
        jobs.forget(propose.ADVANCE, promotion_id)


def advance_due_promotions() -> None:
    """Each tick: every promotion that is not settled has a job, and those that are due are looked at."""
    for promotion in Promotion.objects.unsettled():
        jobs.schedule(propose.ADVANCE, promotion.pk, label=promotion.title)
    jobs.enqueue_due(propose.ADVANCE)


@jobs.job(PREPARE, lease=timedelta(minutes=5))
def prepare_application(application_id: int) -> None:
    """Keep the files of one application that say its version, so that a preview needs no Git."""
    application = Application.objects.select_related("component", "repository__credential").get(
        pk=application_id
    )
    targets.store_targets(application, git=mirror(application.repository))


def prepare_due_applications() -> None:
    """Each tick: those whose files were read at another commit than what is desired now."""
    current = Q(edit_targets__commit_sha=F("desired_sha"))
    behind = Application.objects.exclude(desired_sha="").exclude(current).exclude(component__image="")
    rows = list(behind.filter(refusal="").select_related("component", "environment").distinct()[:500])
    for application in rows:
        row = jobs.schedule(PREPARE, application.pk, label=f"files of {application}")
        if row.subject_id and row.state in ("done", "waiting"):
            jobs.make_due(PREPARE, [application.pk])
    jobs.enqueue_due(PREPARE)
