"""What the cluster says of single objects: the newest events of each, kept with the resource tree."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar, runtime_checkable

from django.db.models import Q

from apps.environments.models import Application, ResourceState
from apps.environments.services.live import Live, LiveDoor
from gitopsui.adapters.cluster_role import NAMESPACE
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.identity import GroupKind, Manifest
from gitopsui.domain.managed_fields import parse_time
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text
from gitopsui.domain.tree import mapping, text

EVENT = GroupKind("", "Event")
MOST_EVENTS = 5
MESSAGE_LIMIT = 500
# The same event said again so soon is not worth a write, nor another drawing of the page.
PATIENCE = timedelta(minutes=2)
Event = dict[str, Any]
Found = TypeVar("Found")
Events = Mapping[str, Sequence[Event]]
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@runtime_checkable
class SharingDoor(Protocol):
    """A door of a round that many applications go through."""

    def once(self, name: Hashable, read: Callable[[], Found]) -> Found: ...


def update_events(application: Application, live: Live | None, *, cluster: LiveDoor | None) -> None:
    """Store what is said now of the objects of the tree. Events are told or not; nothing rests on them."""
    if live is None or cluster is None:
        return
    try:
        events = read_events(cluster, sorted({namespace for namespace, _ in live.listings}))
    except ClusterError:
        # The next check says what is wrong with the cluster.
        return
    store_events(application, events)


def read_events(cluster: LiveDoor, namespaces: Iterable[str]) -> dict[str, list[Event]] | None:
    """
    The newest events of each object, by its uid. None when they could not be read: the page of the cluster
    says why, and what is known of them stays.
    """
    found: dict[str, list[Event]] = {}
    for namespace in filter(NAMESPACE.fullmatch, namespaces):
        part = _read_shared(cluster, namespace)
        if part is None:
            return None
        found |= part
    return found


def _read_shared(cluster: LiveDoor, namespace: str) -> dict[str, list[Event]] | None:
    """The events of a namespace, brought into order once for all applications of a round."""

    def read() -> dict[str, list[Event]] | None:
        listing = cluster.live([EVENT], namespace=namespace).listings.get(EVENT)
        return None if listing is None or listing.error is not None else events_by_uid(listing.manifests)

    return cluster.once(("events", namespace), read) if isinstance(cluster, SharingDoor) else read()


def events_by_uid(manifests: Iterable[Manifest]) -> dict[str, list[Event]]:
    """Events in their stored form, the newest first, at most five of each object."""
    found: dict[str, list[Event]] = {}
    for manifest in manifests:
        about = mapping(manifest.get("involvedObject")) or mapping(manifest.get("regarding"))
        if uid := text(about.get("uid")):
            found.setdefault(uid, []).append(_event(manifest))
    return {uid: sorted(items, key=_order)[:MOST_EVENTS] for uid, items in found.items()}


def _event(manifest: Manifest) -> Event:
    series = mapping(manifest.get("series"))
    counts = (series.get("count"), manifest.get("count"), manifest.get("deprecatedCount"))
    moment = _last_at(manifest, series)
    message = text(manifest.get("message")) or text(manifest.get("note"))
    return {
        "type": clean_text(text(manifest.get("type")), limit=20),
        "reason": clean_text(text(manifest.get("reason")), limit=128),
        "message": clean_text(mask_text(message), limit=MESSAGE_LIMIT),
        "count": next((count for count in counts if type(count) is int and 0 < count < 1 << 31), 1),
        "last_at": moment.isoformat() if moment else None,
    }


def _last_at(manifest: Manifest, series: Mapping[str, Any]) -> datetime | None:
    times = (
        series.get("lastObservedTime"),
        manifest.get("lastTimestamp"),
        manifest.get("deprecatedLastTimestamp"),
        manifest.get("eventTime"),
        manifest.get("firstTimestamp"),
        mapping(manifest.get("metadata")).get("creationTimestamp"),
    )
    return next((moment for value in times if (moment := parse_time(value))), None)


def _order(event: Event) -> tuple[float, str, str]:
    """The newest first; those of one second in a stable order."""
    moment = parse_time(event["last_at"]) or _LONG_AGO
    return (-(moment - _LONG_AGO).total_seconds(), event["reason"], event["message"])


def store_events(application: Application, events: Events | None) -> None:
    """Bring the rows of the tree level; rows about which nothing new is said are not written."""
    if events is None:
        return
    changed: list[ResourceState] = []
    for row in application.resources.all():
        fresh = list(events.get(row.uid, ())) if row.uid else []
        if not _is_level(row.events, fresh):
            row.events = fresh
            changed.append(row)
    ResourceState.objects.bulk_update(changed, ["events"], batch_size=200)


def update_events_of(namespaces: Mapping[int, Sequence[str]], *, cluster: LiveDoor) -> None:
    """As `update_events` for many applications, whose namespaces these are, with few statements."""
    events: dict[int, Events] = {}
    for application_id, names in namespaces.items():
        try:
            found = read_events(cluster, names)
        except ClusterError:
            return
        if found is not None:
            events[application_id] = found
    rows = ResourceState.objects.filter(application__in=events)
    spoken_of = [application_id for application_id, found in events.items() if found]
    rows = rows.filter(Q(application__in=spoken_of) | ~Q(events=[]))
    changed: list[ResourceState] = []
    for row in rows.only("application_id", "uid", "events").iterator():
        fresh = list(events[row.application_id].get(row.uid, ())) if row.uid else []
        if not _is_level(row.events, fresh):
            row.events = fresh
            changed.append(row)
    ResourceState.objects.bulk_update(changed, ["events"], batch_size=200)


def _is_level(stored: Any, fresh: Sequence[Event]) -> bool:
    """Whether what is stored says the same, but for the same event said again a moment ago."""
    known = stored if isinstance(stored, list) else []
    if len(known) != len(fresh):
        return False
    return all(_is_same(mapping(one), other) for one, other in zip(known, fresh, strict=True))


def _is_same(one: Mapping[str, Any], other: Event) -> bool:
    if any(one.get(name) != other[name] for name in ("type", "reason", "message")):
        return False
    before, after = parse_time(one.get("last_at")), parse_time(other["last_at"])
    return before == after or (before is not None and after is not None and abs(after - before) < PATIENCE)
