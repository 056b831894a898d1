"""Events of objects, from the API server to the rows of the resource tree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.environments import tasks
from apps.environments.models import Application, KindListing
from apps.environments.services.events import MOST_EVENTS, PATIENCE, events_by_uid
from gitopsui.domain.resource import Manifest
from tests.apps.environments.standin_world import StandInWorld, standing_world
from tests.apps.environments.world import World, dump_tables

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CANARY = "canary-of-the-event-1"
CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: green}\n"
FILES = {"app/config.yaml": CONFIG}
PATH = "/api/v1/namespaces/n/configmaps/settings"


@pytest.fixture
def there(world: World, settings: Any) -> Iterator[StandInWorld]:
    yield from standing_world(world, settings)


def event(uid: str, name: str, *, at: datetime = NOW, **more: Any) -> Manifest:
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "n", "name": "settings", "uid": uid}
    body = {"type": "Normal", "reason": "Pulled", "message": name, "count": 1, "lastTimestamp": moment}
    metadata = {"name": name, "namespace": "n"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata,
        "involvedObject": about,
        **body,
        **more,
    }


def tell(there: StandInWorld, name: str, **more: Any) -> None:
    uid = there.find(PATH)["metadata"]["uid"]
    body = event(uid, name, **more)
    path = f"/api/v1/namespaces/n/events/{name}"
    there.send("PATCH", path, body, kind="application/apply-patch+yaml", manager="kubelet")


def events_of(application: Application) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = application.resources.get(kind="ConfigMap").events
    return found


def test_the_newest_five_of_each_object_are_kept() -> None:
    many = [event("a", f"e{i}", at=NOW + timedelta(minutes=i)) for i in range(9)]
    found = events_by_uid([*many, event("b", "other")])
    assert [one["message"] for one in found["a"]] == ["e8", "e7", "e6", "e5", "e4"]
    assert len(found["a"]) == MOST_EVENTS
    assert [one["message"] for one in found["b"]] == ["other"]


def test_the_series_of_an_event_tells_its_count_and_time() -> None:
    series = {"count": 7, "lastObservedTime": "2026-11-23T13:00:00.123456Z"}
    (found,) = events_by_uid([event("a", "e", series=series, lastTimestamp=None, count=None)])["a"]
    assert (found["count"], found["last_at"]) == (7, "2026-11-23T13:00:00.123456+00:00")


@pytest.mark.parametrize(
    "odd",
    [
        {"message": ["a"]},
        {"count": "many"},
        {"count": True},
        {"lastTimestamp": "yesterday"},
        {"series": 1},
        {"type": None},
        {"involvedObject": "x"},
    ],
)
def test_odd_events_do_not_raise(odd: dict[str, Any]) -> None:
    for items in events_by_uid([event("a", "e", **odd)]).values():
        assert items[0]["count"] == 1


def test_the_tree_shows_what_the_cluster_says(there: StandInWorld) -> None:
    application = there.application(FILES)
    there.apply(CONFIG)
    tell(there, "early", at=NOW)
    tell(there, "late", at=NOW + timedelta(minutes=3), type="Warning", reason="BackOff", count=4)
    there.world.check(application)
    assert [(one["type"], one["reason"], one["count"]) for one in events_of(application)] == [
        ("Warning", "BackOff", 4),
        ("Normal", "Pulled", 1),
    ]
    assert "BackOff" in there.world.page("resource-tree", application.pk)


def test_the_same_event_again_writes_nothing_for_a_while(there: StandInWorld) -> None:
    application = there.application(FILES)
    there.apply(CONFIG)
    tell(there, "again", count=1)
    there.world.check(application)
    changed_at, pk = application.changed_at, application.resources.get(kind="ConfigMap").pk
    tell(there, "again", count=2, at=NOW + PATIENCE / 2)
    there.world.check(application)
    assert events_of(application)[0]["count"] == 1
    tell(there, "again", count=3, at=NOW + PATIENCE)
    there.world.check(application)
    assert events_of(application)[0]["count"] == 3
    assert (application.changed_at, application.resources.get(kind="ConfigMap").pk) == (changed_at, pk)


def test_forbidden_events_are_said_once_and_break_nothing(there: StandInWorld) -> None:
    application = there.application(FILES)
    there.apply(CONFIG)
    tell(there, "known")
    there.world.check(application)
    there.standin.faults.forbid("Event")
    there.world.check(application)
    assert (application.sync, application.error) == ("Synced", "")
    assert [one["message"] for one in events_of(application)] == ["known"]


def test_what_looks_like_a_secret_in_an_event_is_masked(there: StandInWorld) -> None:
    application = there.application(FILES)
    there.apply(CONFIG)
    tell(there, "leak", message=f"could not connect: password={CANARY}")
    there.world.check(application)
    assert "could not connect" in events_of(application)[0]["message"]
    assert not [table for table, text in dump_tables() if CANARY in text]


def test_how_events_were_listed_is_on_the_page_of_the_cluster(there: StandInWorld) -> None:
    application = there.application(FILES)
    there.apply(CONFIG)
    there.standin.faults.forbid("Event")
    tasks.check_cluster(application.cluster_id or 0)
    (row,) = KindListing.objects.filter(kind="Event")
    assert row.error_code == "KIND_FORBIDDEN"
