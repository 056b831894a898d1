"""Events are cut down as they come in, and a flood of them ends."""

from __future__ import annotations

from gitopsui.adapters.cluster_events import MESSAGE_CHARS, MOST_PAGES, slim_event
from gitopsui.domain.resource import GroupKind
from tests.adapters.fault_server import Request, always
from tests.adapters.small_cluster import groups, reading, resource, version

EVENT = GroupKind("", "Event")
CORE = groups(core=[version("v1", resource("events", "Event"))])


def test_an_event_keeps_what_is_said_of_whom_and_when() -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "a", "namespace": "n", "managedFields": [{}], "uid": "x"},
        "involvedObject": {"uid": "u", "name": "web"},
        "message": "m" * 5000,
        "reason": "BackOff",
        "source": {"host": "node"},
        "lastTimestamp": "2026-11-23T12:00:00Z",
    }
    slim = slim_event(event)
    assert slim["involvedObject"] == {"uid": "u"}
    assert len(slim["message"]) == MESSAGE_CHARS
    assert slim["metadata"] == {"name": "a", "namespace": "n"}
    assert "source" not in slim


def test_a_flood_of_events_is_cut_and_complete_all_the_same() -> None:
    pages = []

    def endless(request: Request) -> None:
        pages.append(request.query)
        item = {"metadata": {"name": "a"}, "involvedObject": {"uid": "u"}, "reason": "Again"}
        body = {"kind": "List", "metadata": {"continue": f"page-{len(pages)}"}, "items": [item]}
        always(body)(request)

    with reading({"/api": always(CORE), "/api/v1/namespaces/n/events": endless}) as (_, reader):
        listing = reader.live([EVENT], namespace="n").listings[EVENT]
    assert listing.error is None
    assert (len(listing.manifests), len(pages)) == (MOST_PAGES, MOST_PAGES)
