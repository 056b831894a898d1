"""
Tells people of drift that opened. The checks know nothing of this: what they stored is looked through at each
tick, and what was told is remembered by its message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F
from django.urls import reverse

from apps.environments.models import Application, DriftedResource
from apps.promotions.models import Notification, Subscription
from apps.promotions.services.notices import subscriptions_to
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

# Drift that is older is not news any more, for a subscription that was paused meanwhile either.
NEWS = timedelta(days=1)
MOST_NAMED = 10


def tell_drift(*, now: datetime) -> None:
    """One message for each application and subscription with what opened since the last one."""
    wanted = subscriptions_to("drift")
    if not wanted:
        return
    opened = _opened({one.project_id for one in wanted}, now)
    if not opened:
        return
    told = _told(wanted, now)
    found = [
        _message(one, application, fresh)
        for one in wanted
        for application, rows in opened.items()
        if application.component.project_id == one.project_id
        and (fresh := _fresh(rows, one, told[one.pk, application.pk]))
    ]
    Notification.objects.bulk_create(found, ignore_conflicts=True)


def _opened(projects: set[int], now: datetime) -> dict[Application, list[DriftedResource]]:
    """Open drift that counts and that a second check has seen too: a rollout under way is no news."""
    rows = DriftedResource.objects.filter(
        application__component__project__in=projects,
        resolved_at=None,
        is_silenced=False,
        first_seen_at__gt=now - NEWS,
        last_seen_at__gt=F("first_seen_at"),
    ).select_related("application__component", "application__environment")
    found: dict[Application, list[DriftedResource]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.application].append(row)
    return found


def _told(wanted: Sequence[Subscription], now: datetime) -> defaultdict[tuple[int, int], int]:
    """The last row each subscription was told of, for each application: rows are numbered as they open."""
    keys = Notification.objects.filter(
        subscription__in=wanted, event="drift", created_at__gt=now - 2 * NEWS
    ).values_list("subscription_id", "key")
    found: defaultdict[tuple[int, int], int] = defaultdict(int)
    for subscription, key in keys:
        _, application, last = key.split(":")
        place = (subscription, int(application))
        found[place] = max(found[place], int(last))
    return found


def _fresh(rows: list[DriftedResource], one: Subscription, last: int) -> list[DriftedResource]:
    return [row for row in rows if row.pk > last and row.first_seen_at > one.created_at]


def _message(one: Subscription, application: Application, rows: list[DriftedResource]) -> Notification:
    """Which resources differ and of how many fields; never which values."""
    names = [_name(row) for row in rows[:MOST_NAMED]]
    more = f"\nand {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    what = names[0] if len(rows) == 1 else f"{len(rows)} resources"
    return Notification(
        subscription=one,
        key=f"drift:{application.pk}:{rows[-1].pk}",
        event="drift",
        subject=clean_text(mask_text(f"{application} differs from Git: {what}"), limit=300),
        text=clean_text(mask_text("\n".join(names) + more)),
        url=reverse("application-detail", args=[application.pk]),
    )


def _name(row: DriftedResource) -> str:
    fields = len(row.changes)
    detail = f", {fields} field{'' if fields == 1 else 's'}" if fields else ""
    return f"{row.kind} {row.name} ({row.verdict.lower()}{detail})"
