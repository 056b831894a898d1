from __future__ import annotations

import json
import socket
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.demo import world
from apps.environments.models import Application, Cluster, Silence
from apps.releases.models import Changelog, NoteOverride, Release
from gitopsui.domain.drift import SyncStatus
from tests.ports import find_port

pytestmark = pytest.mark.django_db(transaction=True)


def find_ports(count: int) -> range:
    """Free ports beside each other, as the clusters of the demo have them."""
    for _ in range(50):
        with ExitStack() as stack:
            first = find_port()
            with suppress(OSError):
                for number in range(count):
                    stack.enter_context(socket.create_server(("127.0.0.1", first + number)))
                return range(first, first + count)
    raise AssertionError(f"no {count} ports beside each other are free")


@pytest.fixture
def demo(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of script/demo, without kustomize and helm: only catalog can be rendered."""
    ports = find_ports(4)
    settings.GITOPSUI_DATA, settings.GITOPSUI_TOOLS = tmp_path, tmp_path / "no-tools"
    settings.GITOPSUI_DEMO_GIT_PORT, settings.GITOPSUI_DEMO_CLUSTER_PORT = ports[0], ports[1]
    settings.GITOPSUI_TRUSTED_ENDPOINTS = frozenset(f"127.0.0.1:{port}" for port in ports)
    for name in ("GITOPSUI_KUSTOMIZE", "GITOPSUI_KUBECTL", "GITOPSUI_HELM"):
        monkeypatch.setenv(name, "")
    return tmp_path


def application(component: str, environment: str) -> Application:
    return Application.objects.get(component__name=component, environment__name=environment)


def test_the_first_board_has_drift_by_hand_silenced_drift_and_three_clusters(demo: Path) -> None:
    call_command("demo_seed")
    assert [cluster.failed_at for cluster in Cluster.objects.all()] == [None] * 3
    drifted = application("catalog", "production")
    assert (drifted.sync, drifted.drift_count) == (SyncStatus.OUT_OF_SYNC, 1)
    assert [change["manager"] for change in drifted.drifts.get().changes] == ["kubectl-edit"]
    silenced = application("catalog", "production-uk")
    assert (silenced.sync, silenced.drift_count) == (SyncStatus.SYNCED, 0)
    row = silenced.drifts.get()
    assert row.is_silenced
    assert len(row.silenced) == 1
    assert application("catalog", "dev").health == "Suspended"


def test_a_silence_has_a_reason_an_author_and_an_end_and_a_second_seed_changes_nothing(demo: Path) -> None:
    call_command("demo_seed")
    silence = Silence.objects.get()
    assert (silence.created_by, silence.reason[:24]) == ("approver", "One of the two nodes is ")
    assert silence.expires_at is not None
    assert timedelta(days=4) < silence.expires_at - timezone.now() < timedelta(days=6)
    before = (Application.objects.count(), Silence.objects.count(), (demo / "world/world.json").read_bytes())
    call_command("demo_seed")
    after = (Application.objects.count(), Silence.objects.count(), (demo / "world/world.json").read_bytes())
    assert after == before


def test_people_said_something_of_the_releases_of_one_component(demo: Path, client: Client) -> None:
    call_command("demo_seed")
    releases = Release.objects.filter(component__name="checkout")
    assert [(one.version, one.bad_reason[:11]) for one in releases.filter(is_bad=True)] == [
        ("2.13.1", "Orders were")
    ]
    assert "<strong>The way from the basket" in releases.get(version="2.15.0").introduction_html
    override = NoteOverride.objects.get()
    assert (override.audience, override.edited_by, bool(override.generated)) == ("operator", "proposer", True)
    assert Changelog.objects.get().differences == ["2.13.2 has a tag and no entry."]
    page = client.get("/public/shop/checkout/")
    assert page.status_code == 200
    assert "its alert is switched on" not in page.content.decode()
    assert client.get("/public/shop/cart/").status_code == 404


def test_the_demo_of_an_earlier_version_is_refused_with_what_to_do(demo: Path) -> None:
    path = demo / "world" / world.WORLD_FILE
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 1}))
    with pytest.raises(CommandError, match="--reset"):
        call_command("demo_seed")
