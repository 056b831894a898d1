"""What people are told about promotions: one message for each subscription, written with what it tells of."""

from __future__ import annotations

from django.urls import reverse

from apps.promotions.models import Notification, Promotion, Subscription
from gitopsui.domain.promotion import Phase
from gitopsui.domain.text import clean_text

_EVENT_OF = {Phase.OPEN: "waiting", Phase.MERGED: "merged", Phase.DEPLOYED: "deployed"}
_WORDS = {
    "waiting": "waits for approval",
    "approved": "was approved",
    "merged": "was merged",
    "deployed": "is deployed",
    "missed": "did not arrive in time",
}


def tell(promotion: Promotion, phase: Phase) -> None:
    """Write the messages of a step, within the transaction of the step; the same is written once."""
    event = _EVENT_OF.get(phase)
    if event is not None:
        tell_event(promotion, event)


def tell_event(promotion: Promotion, event: str, *, detail: str = "") -> None:
    """`event` is waiting, approved, merged, deployed or missed."""
    subject = clean_text(f"{promotion.title} {_WORDS[event]}", limit=300)
    url = reverse("promotion-detail", args=[promotion.pk])
    key = f"promotion:{promotion.pk}:{event}:{promotion.head_sha[:12]}"
    wanted = Subscription.objects.filter(project=promotion.project_id, is_paused=False)
    Notification.objects.bulk_create(
        [
            Notification(
                subscription=one,
                key=key,
                event=event,
                subject=subject,
                text=detail or promotion.reason,
                url=url,
            )
            for one in wanted
            if event in one.events
        ],
        ignore_conflicts=True,
    )
