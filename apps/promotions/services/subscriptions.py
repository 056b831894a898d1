"""People choose what they are told, and try whether it reaches them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.core import audit, jobs
from apps.promotions.models import Notification, Subscription
from apps.promotions.services.send import SEND
from gitopsui.domain.errors import PromotionDenied

MOST_OF_A_PERSON = 20
TEST_REST = timedelta(seconds=20)


@transaction.atomic
def subscribe(
    project: Project, *, channel: str, address: str, events: Sequence[str], by: Person
) -> Subscription:
    """Raises PromotionDenied where the person has as many as they may."""
    if by.subscriptions.count() >= MOST_OF_A_PERSON:
        raise PromotionDenied(f"You have {MOST_OF_A_PERSON} subscriptions. Remove one first.")
    subscription = Subscription.objects.create(
        person=by, project=project, channel=channel, address=address, events=list(events)
    )
    audit.record(by, "subscribed", subscription, after={"channel": channel, "events": list(events)})
    return subscription


@transaction.atomic
def change_events(subscription: Subscription, events: Sequence[str], *, by: Person) -> None:
    before = {"events": subscription.events}
    subscription.events = list(events)
    subscription.save(update_fields=["events"])
    audit.record(by, "changed subscription", subscription, before=before, after={"events": list(events)})


@transaction.atomic
def set_paused(subscription: Subscription, is_paused: bool, *, by: Person) -> None:
    """What is told while it is paused is not told later."""
    subscription.is_paused = is_paused
    subscription.save(update_fields=["is_paused"])
    audit.record(by, "paused subscription" if is_paused else "resumed subscription", subscription)


@transaction.atomic
def unsubscribe(subscription: Subscription, *, by: Person) -> None:
    audit.record(by, "unsubscribed", subscription, before={"channel": subscription.channel})
    jobs.forget(SEND, subscription.pk)
    subscription.delete()


@transaction.atomic
def ask_test(subscription: Subscription, *, by: Person) -> None:
    """Write a message that says it is a test, and have it sent. Raises PromotionDenied just after another."""
    if subscription.is_paused:
        raise PromotionDenied("It is paused. Resume it first.")
    recent = timezone.now() - TEST_REST
    if subscription.notifications.filter(event="test", created_at__gt=recent).exists():
        raise PromotionDenied("A test is on its way already. Wait a moment.")
    Notification.objects.create(
        subscription=subscription,
        key=f"test:{secrets.token_hex(8)}",
        event="test",
        subject=f"gitopsui reaches you for {subscription.project.name}"[:300],
        text=f"{by.get_username()} asked for this test.",
    )
    jobs.ask(SEND, subscription.pk, label=str(subscription))
    audit.record(by, "tested subscription", subscription)
