"""What people are told about promotions: one message for each subscription, written with what it tells of."""

from __future__ import annotations

from django.urls import reverse

from apps.accounts.models import Person
from apps.promotions.models import Notification, Promotion, Subscription
from gitopsui.domain.mask_text import mask_text
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
TEXT_CHARS = 2_000


def tell(promotion: Promotion, phase: Phase) -> None:
    """Write the messages of a step, within the transaction of the step; the same is written once."""
    event = _EVENT_OF.get(phase)
    if event is not None:
        # It waits because its proposer started it: they know.
        tell_event(promotion, event, by=promotion.proposer if event == "waiting" else None)


def tell_event(promotion: Promotion, event: str, *, detail: str = "", by: Person | None = None) -> None:
    """`event` is waiting, approved, merged, deployed or missed. `by` did it and is not told."""
    subject = clean_text(mask_text(f"{promotion.title} {_WORDS[event]}"), limit=300)
    reason = f"{promotion.proposer_name} proposed it{f': {promotion.reason}' if promotion.reason else '.'}"
    text = clean_text(mask_text(f"{detail}\n{reason}".strip()), limit=TEXT_CHARS)
    url = reverse("promotion-detail", args=[promotion.pk])
    key = f"promotion:{promotion.pk}:{event}:{promotion.head_sha[:12]}"
    Notification.objects.bulk_create(
        [
            Notification(subscription=one, key=key, event=event, subject=subject, text=text, url=url)
            for one in subscriptions_to(event, [promotion.project_id])
            if by is None or one.person_id != by.pk
        ],
        ignore_conflicts=True,
    )


def subscriptions_to(event: str, projects: list[int] | None = None) -> list[Subscription]:
    """Those that want to be told and are not paused, of these projects or of all."""
    rows = Subscription.objects.filter(is_paused=False, person__is_active=True)
    if projects is not None:
        rows = rows.filter(project__in=projects)
    return [one for one in rows if event in one.events]
