from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from apps.demo import world
from apps.demo.building import OUTAGES_FILE, read_world
from apps.demo.outages import Outages
from apps.demo.reconciler import NONPROD, PROD, UK
from gitopsui.adapters.cluster import ClusterReader
from gitopsui.adapters.http import HttpPolicy
from gitopsui.adapters.kubeconfig import parse_kubeconfig
from gitopsui.adapters.render import Tools
from gitopsui.domain.errors import ClusterError, InputError
from gitopsui.domain.resource import GroupKind, Manifest
from tests.waiting import PATIENCE, wait_for

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEPLOYMENT, CONFIG_MAP = GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap")
CALM = world.Pace(first_event=timedelta(hours=1))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """With the real stand-ins, and without kustomize and helm."""
    folder = tmp_path / "world"
    world.prepare(folder, NOW, tools=Tools())
    return folder


@pytest.fixture
def served(data: Path) -> Iterator[Path]:
    stop = threading.Event()
    thread = threading.Thread(target=world.run, args=(data, stop), kwargs={"tools": Tools(), "pace": CALM})
    thread.start()
    yield data
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def reader_of(data: Path, name: str) -> ClusterReader:
    cluster = next(one for one in read_world(data)["clusters"] if one["name"] == name)
    policy = HttpPolicy(private_hosts=frozenset({cluster["host_port"]}))
    found = parse_kubeconfig((data / cluster["kubeconfig"]).read_text(), policy=policy)
    return ClusterReader(found.access, policy=policy, mask=deepcopy)


def listed(reader: ClusterReader, kind: GroupKind, namespace: str) -> dict[str, Manifest]:
    listing = reader.live([kind], namespace=namespace).listings[kind]
    assert listing.error is None
    return {str(item["metadata"]["name"]): item for item in listing.manifests}


def answers(reader: ClusterReader) -> bool:
    try:
        return bool(reader.server_version())
    except ClusterError:
        return False


def test_a_cluster_is_read_through_the_ordinary_door_and_says_that_it_is_a_stand_in(served: Path) -> None:
    reader = reader_of(served, PROD)
    wait_for(lambda: answers(reader), "an answer")
    assert "standin" in reader.server_version()
    assert set(listed(reader, DEPLOYMENT, "shop")) == {"catalog"}


def test_what_runs_is_as_old_as_the_history_says(served: Path) -> None:
    reader = reader_of(served, NONPROD)
    wait_for(lambda: answers(reader), "an answer")
    deployment = listed(reader, DEPLOYMENT, "shop-staging")["catalog"]
    assert deployment["metadata"]["creationTimestamp"] == "2025-03-09T12:00:00Z"
    assert deployment["metadata"]["generation"] >= 3


def test_an_edit_by_hand_is_told_by_its_field_manager_and_time(served: Path) -> None:
    reader = reader_of(served, PROD)
    wait_for(lambda: answers(reader), "an answer")
    config = listed(reader, CONFIG_MAP, "shop")["catalog-config"]
    assert config["data"]["CACHE_TTL"] == "15s"
    last = max(config["metadata"]["managedFields"], key=lambda entry: str(entry["time"]))
    assert (last["manager"], last["time"]) == ("kubectl-edit", "2026-02-28T10:00:00Z")


def test_a_second_prepare_changes_nothing(data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    world.prepare(data, NOW + timedelta(days=1), tools=Tools())
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_prepare_that_was_cut_off_begins_again(data: Path) -> None:
    (data / world.WORLD_FILE).unlink()
    world.prepare(data, NOW, tools=Tools())
    assert read_world(data)["seeded_at"] == "2026-03-01T12:00:00+00:00"


def test_the_world_of_an_earlier_version_is_refused_and_kept(data: Path) -> None:
    path = data / world.WORLD_FILE
    path.write_text(json.dumps(read_world(data) | {"version": 1}))
    with pytest.raises(InputError, match="earlier version"):
        world.prepare(data, NOW, tools=Tools())
    assert read_world(data)["version"] == 1


def test_a_cluster_that_is_lost_refuses_and_comes_back_while_the_others_answer(data: Path) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    Outages(data / OUTAGES_FILE).begin(UK, until=until)
    stop = threading.Event()
    pace = world.Pace(first_event=timedelta(days=1), between_looks=timedelta(seconds=0.1))
    thread = threading.Thread(target=world.run, args=(data, stop), kwargs={"tools": Tools(), "pace": pace})
    thread.start()
    try:
        wait_for(lambda: answers(reader_of(data, PROD)), "an answer")
        assert not answers(reader_of(data, UK))
        with time_machine.travel(until, tick=True):
            wait_for(lambda: answers(reader_of(data, UK)), "an answer of the one that was lost")
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join(PATIENCE)
