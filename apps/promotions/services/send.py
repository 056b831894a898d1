"""
Sends what was written for people. A try is counted before it begins: whoever dies in it leaves a mark.

Webhooks: at most once. What may have arrived is not sent again. Mail: at least once and at most twice, each
time with the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Project
from apps.core import jobs
from apps.promotions.models import Notification, Subscription
from gitopsui.domain.errors import SourceError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

SEND = "promotions.send"
EVERY = timedelta(minutes=10)
MOST_ATTEMPTS = 20  # with the pauses of a job between them: an hour and a quarter
MOST_AT_ONCE = 20
TOO_OLD = timedelta(days=1)
KEPT = timedelta(days=90)
SENDING = "It is being sent."
SENDING_AGAIN = "It is being sent a second time."
UNSURE = "It may have arrived: the connection ended before the answer. It is not sent again."
STALE = "It is more than a day old, so it is not sent any more."
UNSEEN = "This person does not see the project any more."
# What went wrong after the message may have been taken.
_UNSURE_CODES = frozenset({"HTTP_TIMEOUT", "HTTP_BROKEN", "HTTP_TOO_LARGE", "MAIL_BROKEN"})


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `link` is a whole address, or blank."""

    number: int
    subject: str
    text: str
    link: str


Send = Callable[[str, Message], None]


def pending() -> QuerySet[Notification]:
    """Those that were neither sent nor given up."""
    rows = Notification.objects.filter(sent_at=None, attempts__lt=MOST_ATTEMPTS)
    return rows.filter(subscription__is_paused=False)


def schedule_sending() -> None:
    """Each subscription that has something to send has a job."""
    waiting = Subscription.objects.filter(pk__in=pending().values("subscription_id"))
    for subscription in waiting.select_related("person"):
        jobs.schedule(SEND, subscription.pk, label=str(subscription), every=EVERY)
    jobs.enqueue_due(SEND)


def send_pending(subscription_id: int, doors: Mapping[str, Send]) -> None:
    """
    Send what waits for one subscription, the oldest first. Raises SourceError where it has to be tried again,
    and then nothing behind it is sent before it.
    """
    rows = Subscription.objects.select_related("person", "project")
    subscription = rows.filter(pk=subscription_id, is_paused=False).first()
    if subscription is None:
        return
    waiting = pending().filter(subscription=subscription)
    if not Project.objects.visible_to(subscription.person).filter(pk=subscription.project_id).exists():
        waiting.update(attempts=MOST_ATTEMPTS, error=UNSEEN)
        Subscription.objects.filter(pk=subscription.pk).update(error=UNSEEN)
        return
    for row in list(waiting[:MOST_AT_ONCE]):
        _send(row, subscription, doors[subscription.channel])


def has_pending(subscription_id: int) -> bool:
    return pending().filter(subscription=subscription_id).exists()


def _send(row: Notification, subscription: Subscription, send: Send) -> None:
    refusal = _refuse(row, subscription, now=timezone.now())
    if refusal:
        _give_up(row, refusal)
        return
    mark = SENDING_AGAIN if row.error == SENDING else SENDING
    mine = Notification.objects.filter(pk=row.pk, sent_at=None, attempts=row.attempts)
    if not mine.update(attempts=row.attempts + 1, error=mark):
        return
    link = f"{settings.GITOPSUI_URL}{row.url}" if row.url else ""
    try:
        send(subscription.address or subscription.person.email, Message(row.pk, row.subject, row.text, link))
    except SourceError as error:
        _note(row, subscription, error, mark)
        return
    Notification.objects.filter(pk=row.pk).update(sent_at=timezone.now(), error="")
    Subscription.objects.filter(pk=subscription.pk).exclude(error="").update(error="")


def _refuse(row: Notification, subscription: Subscription, *, now: datetime) -> str:
    """Why it is not tried; "" where it is."""
    if now - row.created_at > TOO_OLD:
        return STALE
    is_unsure = row.error == SENDING_AGAIN or (row.error == SENDING and subscription.channel == "webhook")
    return UNSURE if is_unsure else ""


def _note(row: Notification, subscription: Subscription, error: SourceError, mark: str) -> None:
    """Keep what went wrong; raises it again where another try is due."""
    text = clean_text(mask_text(f"{error.message} {error.hint}".strip()), limit=1_000)
    Subscription.objects.filter(pk=subscription.pk).update(error=text)
    if error.code in _UNSURE_CODES:
        if subscription.channel == "webhook" or mark == SENDING_AGAIN:
            _give_up(row, UNSURE)
            return
        # The mark stays: the next try is the last one.
    else:
        Notification.objects.filter(pk=row.pk).update(error=text)
    if error.permanent or row.attempts + 1 >= MOST_ATTEMPTS:
        _give_up(row, text)
        return
    raise error


def _give_up(row: Notification, reason: str) -> None:
    Notification.objects.filter(pk=row.pk).update(attempts=MOST_ATTEMPTS, error=reason)


def forget_old_notifications(*, now: datetime) -> None:
    Notification.objects.filter(created_at__lt=now - KEPT).delete()
