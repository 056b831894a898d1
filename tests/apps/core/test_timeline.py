"""Tests of the timeline's geometry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.template.loader import render_to_string

from apps.core.templatetags.timeline import LEFT, PITCH, RIGHT, TOP, timeline

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAYS = timedelta(days=30)


def stay(version: str, start: float, end: float | None) -> Any:
    """A deployment from `start` to `end` days before now."""
    to_at = None if end is None else NOW - timedelta(days=end)
    return SimpleNamespace(version=version, from_at=NOW - timedelta(days=start), to_at=to_at)


def drawn(*deployments: Any, environment: str = "dev") -> dict[str, Any]:
    """The timeline of one lane over thirty days."""
    lane = SimpleNamespace(environment=environment, deployments=list(deployments))
    return timeline("cart", [lane], NOW - DAYS, NOW)


def test_a_stay_over_the_whole_span_fills_the_axis() -> None:
    bar = drawn(stay("1.0.0", 60, None))["lanes"][0].bars[0]
    assert float(bar.x) == LEFT
    assert float(bar.x) + float(bar.width) == RIGHT - 2


def test_a_stay_before_the_span_is_not_drawn() -> None:
    assert drawn(stay("1.0.0", 60, 31))["lanes"][0].bars == []


def test_a_short_stay_is_still_seen_but_not_labelled() -> None:
    bar = drawn(stay("1.0.0", 3, 2.999))["lanes"][0].bars[0]
    assert float(bar.width) == 5
    assert bar.label == ""
    assert bar.title == "1.0.0 in dev, 1 min"


def test_what_runs_now_is_written_at_the_end_of_its_lane() -> None:
    lane = drawn(stay("1.1.0", 6, None), stay("1.0.0", 20, 6))["lanes"][0]
    assert (lane.current, lane.current_since) == ("1.1.0", "since 6 d")


def test_a_lane_where_nothing_runs_says_so() -> None:
    assert drawn(stay("1.0.0", 20, 6))["lanes"][0].current == "nothing"


def test_the_newest_version_is_the_deepest() -> None:
    bars = drawn(*(stay(f"1.{n}.0", 25 - n * 4, 21 - n * 4) for n in range(5)))["lanes"][0].bars
    assert [bar.shade for bar in bars] == [0, 0, 1, 2, 3]


def test_ticks_are_days_inside_the_span_and_leave_room_for_now() -> None:
    ticks = drawn(stay("1.0.0", 6, None))["ticks"]
    assert [tick["label"] for tick in ticks] == ["25 Oct", "31 Oct", "6 Nov", "12 Nov", "18 Nov"]
    assert all(LEFT <= int(tick["x"]) < RIGHT - 48 for tick in ticks)


def test_a_long_environment_keeps_its_name_and_hidden_characters_are_shown() -> None:
    lane = drawn(stay("1\u202e0", 6, None), environment="production-europe")["lanes"][0]
    assert lane.name == "production-europe"
    assert lane.current == "1\\u{202E}0"


def test_the_names_of_the_lanes_are_text_beside_the_drawing_which_stays_while_it_is_scrolled() -> None:
    context = drawn(stay("1.0.0", 60, None), environment="production-uk")
    html = render_to_string("releases/_timeline.html", context)
    assert '<ul class="lanes"><li><span>production-uk</span></li></ul>' in html
    # A bar begins below the name of its lane, which may lie over the drawing anywhere.
    assert context["lanes"][0].bars[0].y >= TOP + 16


def test_the_style_sheet_knows_the_same_proportions_as_the_drawing() -> None:
    css = (Path(__file__).parents[3] / "static" / "css" / "app.css").read_text(encoding="utf-8")
    assert f"grid-template-rows: {TOP}fr; grid-auto-rows: {PITCH}fr" in css


def test_a_span_of_no_length_is_drawn_without_a_fault() -> None:
    lane = SimpleNamespace(environment="dev", deployments=[stay("1.0.0", 0, None)])
    lanes: Any = timeline("cart", [lane], NOW, NOW)["lanes"]
    assert lanes[0].bars
