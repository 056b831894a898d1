"""What a person is told, as the page of their account shows it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from apps.accounts.models import Person
from apps.promotions.models import EVENTS, Notification, Subscription

MOST_MESSAGES = 30


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One subscription; of its address only the host is shown."""

    subscription: Subscription
    host: str
    choices: list[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message: waiting, sent or failed, and why."""

    notification: Notification
    state: str
    text: str


def subscriptions_of(person: Person) -> list[SubscriptionRow]:
    rows = person.subscriptions.select_related("project")
    return [
        SubscriptionRow(one, host_of(one), [(name, words, name in one.events) for name, words in EVENTS])
        for one in rows
    ]


def host_of(subscription: Subscription) -> str:
    """Where it goes, without what is secret of it: the path of a webhook, the name before the @."""
    if subscription.channel == "webhook":
        return urlsplit(subscription.address).hostname or ""
    address = subscription.address or subscription.person.email
    return address.rpartition("@")[2]


def messages_of(person: Person, most_attempts: int) -> list[MessageRow]:
    """The newest messages to the person, newest first."""
    rows = Notification.objects.filter(subscription__person=person).select_related("subscription__project")
    return [_row(one, most_attempts) for one in rows.order_by("-pk")[:MOST_MESSAGES]]


def _row(one: Notification, most_attempts: int) -> MessageRow:
    if one.sent_at is not None:
        return MessageRow(one, "done", "sent")
    if one.attempts >= most_attempts:
        return MessageRow(one, "failed", "not sent")
    return MessageRow(one, "waiting", "tried again" if one.attempts else "waiting")
