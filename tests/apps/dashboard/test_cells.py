"""A cell never claims more than is known: what is not watched or too old is not green."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from apps.dashboard.cells import Cell, Lead, build_cell
from apps.environments.models import Application, stale_after

NOW = datetime(2026, 11, 12, 10, 0, tzinfo=UTC)


def make_application(**changed: Any) -> Application:
    values: dict[str, Any] = {
        "pk": 7,
        "cluster_id": 1,
        "desired_version": "1.2.0",
        "live_version": "1.2.0",
        "live_since": NOW - timedelta(hours=3),
        "health": "Healthy",
        "sync": "Synced",
        "checked_at": NOW - timedelta(minutes=1),
    }
    return Application(**(values | changed))


def build(*applications: Application, lead: Lead | None = None, is_first: bool = False) -> Cell:
    return build_cell("dev", applications, lead=lead, is_first=is_first, now=NOW)


def draw(cell: Cell) -> str:
    return render_to_string("dashboard/_tile.html", {"cell": cell})


def test_a_healthy_cell_that_is_in_sync_says_both_and_has_no_tint() -> None:
    cell = build(make_application())
    assert (cell.version, cell.health, cell.sync, cell.tint, cell.is_stale) == (
        "1.2.0", "Healthy", "Synced", "", False,
    )  # fmt: skip
    assert "Healthy" in draw(cell)


def test_a_cell_without_an_application_says_that_nothing_is_deployed() -> None:
    cell = build()
    assert cell.state == "absent"
    assert "not deployed here" in draw(cell)


def test_a_cell_without_a_cluster_says_so_and_claims_no_health() -> None:
    cell = build(make_application(cluster_id=None, live_version="", checked_at=None, live_since=None))
    assert cell.cluster_note == "no cluster connected"
    assert (cell.version, cell.health, cell.sync, cell.tint) == ("1.2.0", "", "", "")
    drawn = draw(cell)
    assert "no cluster connected" in drawn
    assert 'class="st ok"' not in drawn
    assert "Healthy" not in drawn


def test_a_refused_cell_without_a_cluster_says_both() -> None:
    application = make_application(
        cluster_id=None,
        checked_at=None,
        desired_error="It needs a remote base.",
        desired_error_code="REMOTE_BASE",
    )
    assert build(application).cluster_note == "remote base, no cluster connected"


@pytest.mark.parametrize("health", ["Healthy", "Degraded"])
def test_a_stale_cell_is_striped_without_a_tint_and_says_since_when(health: str) -> None:
    seen = NOW - stale_after() - timedelta(seconds=1)
    cell = build(make_application(checked_at=seen, health=health, error="It did not answer."))
    assert (cell.is_stale, cell.tint, cell.stale_since) == (True, "", seen)
    drawn = draw(cell)
    assert '<div class="stale">' in drawn
    assert f"was {health}, Synced" in drawn
    assert 'class="st ok"' not in drawn


def test_a_cell_whose_first_check_failed_is_stale() -> None:
    cell = build(make_application(checked_at=None, failed_at=NOW, health="Unknown", sync="Unknown"))
    assert cell.is_stale
    assert 'class="st ok"' not in draw(cell)


def test_a_cell_that_was_never_checked_is_unknown_and_not_green() -> None:
    cell = build(make_application(checked_at=None, live_version="", health="Unknown", sync="Unknown"))
    assert (cell.health, cell.sync, cell.tint, cell.sync_reason) == (
        "Unknown", "Unknown", "idle", "not checked yet",
    )  # fmt: skip
    assert 'class="st ok"' not in draw(cell)


def test_several_applications_show_the_worst_health_and_sync_and_how_many_versions() -> None:
    cell = build(
        make_application(pk=1),
        make_application(pk=2, live_version="1.1.0", health="Degraded", health_note="1 of 3 ready"),
        make_application(pk=3, sync="OutOfSync", drift_count=2),
    )
    assert (cell.health, cell.sync, cell.drift_count, cell.tint) == ("Degraded", "OutOfSync", 2, "bad")
    assert (cell.version_count, cell.desired_version) == (2, "")
    assert cell.url == "/applications/2/"
    assert "2 versions" in draw(cell)


def test_whole_resources_are_not_called_fields() -> None:
    one = make_application(sync="OutOfSync", drift_count=4)
    one.missing_count = 1  # type: ignore[attr-defined]
    assert "OutOfSync 3 fields, 1 missing" in draw(build(one))


def test_one_stale_application_makes_the_cell_stale() -> None:
    old = make_application(pk=2, checked_at=NOW - timedelta(days=1))
    assert build(make_application(pk=1), old).is_stale


@pytest.mark.parametrize(
    ("desired", "shown"), [("1.3.0", "1.3.0"), ("1.2.0", "")], ids=["another", "the same"]
)
def test_the_version_git_asks_for_stands_there_only_where_it_differs(desired: str, shown: str) -> None:
    cell = build(make_application(desired_version=desired))
    assert cell.desired_version == shown
    assert ("Git asks for" in draw(cell)) == bool(shown)


@pytest.mark.parametrize(
    ("health", "sync", "tint"),
    [
        ("Degraded", "Synced", "bad"),
        ("Degraded", "OutOfSync", "bad"),
        ("Missing", "Synced", "warn"),
        ("Healthy", "OutOfSync", "warn"),
        ("Progressing", "Synced", "run"),
        ("Progressing", "OutOfSync", "warn"),
        ("Unknown", "Synced", "idle"),
        ("Healthy", "Unknown", "idle"),
        ("Suspended", "Synced", ""),
    ],
)
def test_the_tint_tells_the_worst_of_health_and_sync(health: str, sync: str, tint: str) -> None:
    assert build(make_application(health=health, sync=sync)).tint == tint


def test_how_far_it_is_behind_is_a_number_level_or_a_reason() -> None:
    assert "<b>4</b> behind" in draw(build(make_application(), lead=Lead("dev", 4, "")))
    assert "level<i> with dev</i>" in draw(build(make_application(), lead=Lead("dev", 0, "")))
    assert "no source" in draw(build(make_application(), lead=Lead("dev", None, "no source")))


def test_foreign_text_in_a_cell_is_escaped() -> None:
    cell = build(make_application(live_version="<script>1", desired_version="</div>"))
    drawn = draw(cell)
    assert "<script>" not in drawn
    assert drawn.count("</div>") == 1
