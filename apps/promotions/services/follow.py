"""What a merged promotion passes on its way into the cluster is looked at more often for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.core import jobs
from apps.environments.services.layouts import CHECK
from apps.promotions.models import Promotion
from apps.repositories.models import POLL
from gitopsui.domain.promotion import Phase

CLOSELY_FOR = timedelta(minutes=10)  # of a roll-out that takes longer each usual check tells soon enough
PAUSE = timedelta(seconds=5)


def follow(promotion: Promotion, *, now: datetime) -> timedelta | None:
    """
    Make due what can tell that it has arrived: its repository until the merge is read, and the checks of the
    applications that are still on their way. When to look at the promotion again; None for the usual time.
    """
    merged_at = promotion.merged_at
    if promotion.phase != Phase.MERGED or promotion.is_settled or merged_at is None:
        return None
    if now - merged_at > CLOSELY_FOR:
        return None
    repository = promotion.repository
    if repository.polled_at is None or repository.polled_at < merged_at:
        jobs.make_due(POLL, [repository.pk])
    else:
        waiting = promotion.items.filter(arrived_at=None).values_list("application_id", flat=True)
        jobs.make_due(CHECK, list(waiting))
    return PAUSE
