"""
Deliveries of forges: who sent it is proved, the same one counts once, and all it does is make something due.

A delivery is believed nothing but that there may be something new: state is always read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.core.cache import cache
from django.db import Error as DatabaseProblem
from django.db import connection, transaction
from django.utils import timezone

from apps.core import jobs
from apps.core.crypto import UndecryptableError, decrypt, encrypt
from apps.core.models import Job
from apps.promotions.models import ForgeConnection, Promotion, WebhookDelivery
from apps.promotions.services.propose import ADVANCE
from apps.repositories.models import POLL
from gitopsui.domain.webhook import (
    FORGES,
    EventKind,
    WebhookEvent,
    find_delivery_id,
    read_webhook,
    source_revision_has_changed,
)
from gitopsui.domain.webhook_signature import is_signed

BODY_LIMIT = 5 << 20  # bytes
RATE = 60  # deliveries of one repository in RATE_TIME
REFUSED_RATE = 600  # unsigned deliveries of one address in RATE_TIME
RATE_TIME = timedelta(minutes=1)
# What was looked at is not looked at again before this has passed, however many deliveries say so.
REST = timedelta(seconds=10)
KEPT = timedelta(days=30)
PATIENCE = timedelta(seconds=3)
LARGEST_ID = (1 << 63) - 1  # SQLite takes no larger number, not even to find nothing
_DECOY = "promotions.decoy"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in; names of `headers` are lower case, `body` is what was signed; `forge` may be blank."""

    repository_id: int
    forge: str
    headers: Mapping[str, str]
    body: bytes
    address: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the forge is told: a status of HTTP, a sentence, and the seconds to wait before it tries again."""

    status: int
    text: str
    retry_after: int = 0


REFUSED = Answer(401, "The signature is missing or wrong.")
TOO_LARGE = Answer(413, f"A delivery has at most {BODY_LIMIT:,} bytes.")
NOT_NOW = Answer(503, "The database does not answer. Send it again later.", retry_after=30)


def receive(delivery: Delivery) -> Answer:
    """Take one delivery. Never raises because of the database, and writes all of it or nothing."""
    if _is_shut_out(delivery.address):
        return Answer(429, "Too many deliveries without a signature.", retry_after=60)
    try:
        with _little_patience():
            return _believe(delivery)
    except DatabaseProblem:
        return NOT_NOW


def _believe(delivery: Delivery) -> Answer:
    forge, secret = _find_secret(delivery)
    if not is_signed(forge, delivery.headers, delivery.body, secret):
        _count_refused(delivery.address)
        return REFUSED
    event = read_webhook(delivery.headers, delivery.body)
    if event.kind is EventKind.UNREADABLE:
        return Answer(400, "This is no event of a forge in JSON.")
    with transaction.atomic():
        return _take(delivery, forge, event)


def _find_secret(delivery: Delivery) -> tuple[str, str]:
    """
    How the delivery is signed and with which secret; "" for none, after as much work as for one.

    Where the repository lies on a forge that we know, nothing but its signature counts: who may choose among
    the ways to sign chooses the weakest.
    """
    try:
        rows = ForgeConnection.objects.filter(repository_id=min(delivery.repository_id, LARGEST_ID))
        found = rows.values_list("kind", "webhook_secret").first()
    except UndecryptableError:
        found = None
    kind, secret = found or ("", "")
    if not secret:
        decrypt(_decoy(), purpose=_DECOY)
    if kind not in FORGES:
        return delivery.forge, secret
    return kind, secret if delivery.forge in ("", kind) else ""


@lru_cache(maxsize=1)
def _decoy() -> str:
    return encrypt("a secret of about this length", purpose=_DECOY)


# --- how much is taken ------------------------------------------------------------------------------------


def _refused_key(address: str) -> str:
    return f"webhook-refused-{hashlib.sha256(address.encode()).hexdigest()[:32]}"


def _is_shut_out(address: str) -> bool:
    """Counted in the memory of this process: good enough against a flood, and it costs no query."""
    return int(cache.get(_refused_key(address), 0)) >= REFUSED_RATE


def _count_refused(address: str) -> None:
    key = _refused_key(address)
    if not cache.add(key, 1, RATE_TIME.total_seconds()):
        try:
            cache.incr(key)
        except ValueError:
            cache.set(key, 1, RATE_TIME.total_seconds())


def _take(delivery: Delivery, forge: str, event: WebhookEvent) -> Answer:
    now = timezone.now()
    name = find_delivery_id(forge, delivery.headers)
    name = name or f"sha256:{hashlib.sha256(delivery.body).hexdigest()}"
    rows = WebhookDelivery.objects.filter(repository_id=delivery.repository_id)
    if rows.filter(delivery_id=name).exists():
        return Answer(200, "This delivery was taken before.")
    recent = list(rows.filter(at__gt=now - RATE_TIME).order_by("-at").values_list("at", flat=True)[:RATE])
    if len(recent) >= RATE:
        wait = max(1, int((recent[-1] + RATE_TIME - now).total_seconds()) + 1)
        return Answer(429, f"At most {RATE} deliveries a minute are taken.", retry_after=wait)
    outcome = _act(delivery.repository_id, event, now)
    _, is_new = rows.get_or_create(
        repository_id=delivery.repository_id,
        delivery_id=name,
        defaults={"event": event.kind.value, "outcome": outcome},
    )
    return Answer(202, outcome) if is_new else Answer(200, "This delivery was taken before.")


@contextmanager
def _little_patience() -> Iterator[None]:
    """A forge waits a few seconds for an answer: a database that is locked for longer is one that is down."""
    milliseconds = int(PATIENCE.total_seconds() * 1000)
    if connection.vendor != "sqlite":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {milliseconds}")
            yield
        return
    usual = int(connection.settings_dict.get("OPTIONS", {}).get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


# --- what it makes due ------------------------------------------------------------------------------------


def _act(repository_id: int, event: WebhookEvent, now: datetime) -> str:
    """Make due what the event may have changed; what that is, in a sentence."""
    if event.kind in (EventKind.PING, EventKind.OTHER):
        return "Nothing to look at."
    told = []
    if event.kind in (EventKind.PUSH, EventKind.TAG):
        _wake(POLL, [repository_id], now)
        told.append("the repository is read")
    promotions = _concerned(repository_id, event)
    if promotions:
        _wake(ADVANCE, promotions, now)
        told.append(f"{len(promotions)} of its promotions are looked at")
    text = " and ".join(told) or "no promotion is under way"
    return f"{text[0].upper()}{text[1:]}."


def _concerned(repository_id: int, event: WebhookEvent) -> list[int]:
    """The promotions under way that the event may be about; those of a push by the branches that moved."""
    rows = Promotion.objects.unsettled().filter(repository_id=repository_id)
    if not event.refs:
        return list(rows.values_list("pk", flat=True))
    return [
        pk
        for pk, *branches in rows.values_list("pk", "base_branch", "branch")
        if any(
            source_revision_has_changed(branch, moved, touched_head=event.touched_head)
            for branch in filter(None, branches)
            for moved in event.revisions
        )
    ]


def _wake(kind: str, ids: Iterable[int], now: datetime) -> None:
    """
    Have them run now, or when they have rested: a hundred deliveries in ten seconds are one look or two.

    Within the transaction of the delivery, so that both are there or neither.
    """
    ready = []
    for row in Job.objects.filter(kind=kind, subject_id__in=list(ids)):
        at = row.started_at + REST if row.started_at else now
        if at <= now:
            ready.append(row.subject_id)
        elif row.due_at is None or row.due_at > at:
            label, group = row.subject_label, row.group
            jobs.schedule(kind, row.subject_id, label=label, group=group, every=row.every, due_at=at)
    jobs.make_due(kind, ready)
    jobs.enqueue_due(kind, ready)


def forget_old_deliveries(*, now: datetime) -> None:
    """Delete what is so old that no forge sends it again."""
    WebhookDelivery.objects.filter(at__lt=now - KEPT).delete()
