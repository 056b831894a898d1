"""Tests of the template tags: what a reader sees, and what must never reach the page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import time_machine
from django.template import Context, Engine
from django.utils.safestring import SafeString

from apps.core.templatetags import ui

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def draw(source: str, **context: object) -> str:
    """A template source drawn with our tags."""
    engine = Engine(
        dirs=[str(ROOT / "templates")], libraries={"ui": "apps.core.templatetags.ui"}, builtins=[]
    )
    return engine.from_string("{% load ui %}" + source).render(Context(context))


# ── icons and status ─────────────────────────────────────────────────────────


def symbols() -> set[str]:
    """The names of the icons that the sprite holds."""
    tree = ElementTree.parse(ROOT / "static/img/sprite.svg")
    return {element.attrib["id"] for element in tree.iter() if element.tag.endswith("symbol")}


def test_an_icon_names_its_symbol_and_is_hidden_from_screen_readers() -> None:
    drawn = ui.icon("gear", "big")
    assert re.fullmatch(
        r'<svg class="i big" aria-hidden="true"><use href="[^"]*sprite[^"]*\.svg#gear"/></svg>', drawn
    )


def test_every_icon_that_is_asked_for_is_in_the_sprite() -> None:
    asked = {image for _, image, *_ in (*ui.HEALTH.values(), *ui.SYNC.values(), *ui.STATES.values())}
    for path in (ROOT / "templates").rglob("*.html"):
        asked |= set(re.findall(r'\{% icon "([^"]+)"', path.read_text(encoding="utf-8")))
    assert asked <= symbols()


def test_every_symbol_that_a_cell_names_is_carried_by_the_page() -> None:
    carried = set(re.findall(r'id="i-([^"]+)"', (ROOT / "templates/core/_status_symbols.html").read_text()))
    named = {ui.SHORT.get(image, image) for _, image in (*ui.HEALTH.values(), *ui.SYNC.values())}
    tile = (ROOT / "templates/dashboard/_tile.html").read_text(encoding="utf-8")
    assert named | set(re.findall(r'href="#i-([^"]+)"', tile)) <= carried


@pytest.mark.parametrize(
    ("status", "css", "image"),
    [
        ("Healthy", "ok", "check-circle"),
        ("Suspended", "idle", "skip"),
        ("Progressing", "run", "hourglass"),
        ("Missing", "warn", "circle-slash"),
        ("Degraded", "bad", "x-circle-fill"),
        ("Unknown", "idle", "question"),
    ],
)
def test_health_has_a_colour_an_icon_and_argo_cds_word(status: str, css: str, image: str) -> None:
    drawn = ui.health(status)
    assert f'class="st {css}"' in drawn
    assert f"#{image}" in drawn
    assert f">{status}<" in drawn.replace("</svg>", ">")


def test_the_reason_stands_beside_the_word() -> None:
    assert ui.health("Degraded", "1 of 3 ready").endswith("Degraded 1 of 3 ready</span>")


def test_a_status_that_nobody_knows_is_drawn_as_unknown_with_its_own_word() -> None:
    drawn = ui.health("<Odd>")
    assert "st idle" in drawn
    assert "&lt;Odd&gt;" in drawn


def test_no_health_is_said_and_not_left_blank() -> None:
    assert "no health" in ui.health("")


def test_drift_is_counted_beside_out_of_sync_only() -> None:
    assert ui.sync("OutOfSync", 3).endswith("OutOfSync 3 fields</span>")
    assert ui.sync("OutOfSync", 0, "4 resources").endswith("OutOfSync 4 resources</span>")
    assert ui.sync("Synced", 3).endswith("Synced</span>")


def test_what_an_owner_made_is_owned() -> None:
    assert ">owned<" in ui.sync("owned")


def test_the_two_unknowns_of_a_cell_can_be_told_apart() -> None:
    assert "Health Unknown" in ui.health("Unknown", inline=True)
    assert "Sync Unknown" in ui.sync("Unknown", inline=True)


def test_a_state_says_its_usual_word_or_the_one_it_is_given() -> None:
    assert ui.state("ok").endswith("up to date</span>")
    assert ui.state("failed", "credentials refused").endswith("credentials refused</span>")
    assert ui.state("odd").endswith("odd</span>")


# ── times ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=4), "4 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=26), "26 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=210), "210 d"),
        (timedelta(days=400), "1 y"),
        (timedelta(minutes=-4), "in 4 min"),
    ],
)
def test_an_age_is_one_unit_rounded_down(age: timedelta, words: str) -> None:
    assert ui.age_words(age) == words


@time_machine.travel(NOW, tick=False)
def test_ago_carries_the_exact_moment_and_its_zone() -> None:
    drawn = ui.ago(NOW - timedelta(hours=2))
    assert drawn == '<time datetime="2026-11-23T10:00:00Z" title="23 Nov 2026, 10:00 UTC">2 h</time>'


def test_what_never_happened_is_never() -> None:
    assert ui.ago(None) == ui.at(None) == ui.exact(None) == "never"


@time_machine.travel(NOW, tick=False)
def test_a_short_moment_is_a_clock_today_a_day_this_year_and_a_date_before() -> None:
    assert ">09:14 UTC<" in ui.at(NOW.replace(hour=9, minute=14))
    assert ">12 Nov<" in ui.at(NOW - timedelta(days=11))
    assert ">31 Dec 2025<" in ui.at(datetime(2025, 12, 31, 9, tzinfo=UTC))


def test_a_moment_in_full_is_in_view_and_not_only_in_a_title() -> None:
    assert ">12 Nov 2026, 09:58 UTC<" in ui.exact(datetime(2026, 11, 12, 9, 58, tzinfo=UTC))


# ── words ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "field", "0 fields"),
        (1, "field", "1 field"),
        (48210, "object", "48,210 objects"),
        (1, "repository,repositories", "1 repository"),
        (2, "repository,repositories", "2 repositories"),
        (None, "field", "0 fields"),
    ],
)
def test_a_noun_agrees_with_its_count(count: int | None, noun: str, text: str) -> None:
    assert ui.plural(count, noun) == text


def test_the_heading_names_what_is_wrong_worst_first_and_links_to_it() -> None:
    answer = SimpleNamespace(drifted=1234, degraded=1, unknown=0)
    parts = ui.answer_parts(answer)
    assert [part["words"] for part in parts] == ["1 degraded", "1,234 drifted"]
    assert parts[0]["query"] == "health=Degraded"


def test_names_are_listed_of_rows_and_of_plain_words() -> None:
    assert ui.names([SimpleNamespace(name="dev"), "stag\u202eing"]) == "dev, stag\\u{202E}ing"


# ── foreign text ─────────────────────────────────────────────────────────────


def test_foreign_text_is_escaped_and_shows_what_it_hides() -> None:
    drawn = draw("{{ text|visible }}", text="<b>exe.\u202etxt</b>")
    assert drawn == "&lt;b&gt;exe.\\u{202E}txt&lt;/b&gt;"


def test_short_text_is_shown_whole_and_long_text_on_demand() -> None:
    assert draw("{{ text|clip:5 }}", text="12345") == "<bdi>12345</bdi>"
    drawn = draw("{{ text|clip:5 }}", text="12345<script>")
    assert drawn.startswith('<details class="clip"><summary>12345…</summary>')
    assert "<script>" not in drawn
    assert "12345&lt;script&gt;</div>" in drawn


def test_the_digest_of_a_masked_value_is_not_shown() -> None:
    assert "3f2a91bc" not in draw("{{ text|masked }}", text="••••••(3f2a91bc)")


def test_a_commit_id_is_cut_to_seven_digits() -> None:
    assert ui.short_sha("a91f0c2d5e") == "a91f0c2"
    assert ui.short_sha(None) == ""


@pytest.mark.parametrize(
    ("live", "desired", "drawn"),
    [
        ("1Gi", "512Mi", "<code><mark>1Gi</mark></code>"),
        ("DE,AT,CH,NL", "DE,AT,CH", "<code>DE,AT,CH<mark>,NL</mark></code>"),
        ("shop/cart:2.14.0", "shop/cart:2.15.0", "<code>shop/cart:2.<mark>14</mark>.0</code>"),
        ("a,b", "a,b,c", "<code><mark>a,b</mark></code>"),
        ("same", "same", "<code>same</code>"),
        ("<b>", None, "<code><mark>&lt;b&gt;</mark></code>"),
        (None, "x", '<span class="dim">not set</span>'),
        ("", "x", "<code><mark>&quot;&quot;</mark></code>"),
    ],
)
def test_only_what_differs_is_marked(live: str | None, desired: str | None, drawn: str) -> None:
    assert ui.marked_value(live, desired) == drawn


def test_a_long_value_is_folded() -> None:
    assert ui.value("x" * 301).startswith('<details class="clip">')
    assert ui.value("x" * 300).startswith("<code>")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>",
        "//evil.example",
        "https://",
        "https://good.example@evil.example/",
        "https:\\\\evil.example",
        "http://[::1",
        "ftp://files.example/",
        "",
    ],
)
def test_a_link_that_is_not_plain_web_is_only_text(url: str) -> None:
    drawn = ui.safe_link(url, "runbook")
    assert drawn == "<bdi>runbook</bdi>"


def test_a_link_out_shows_its_host_and_tells_it_nothing() -> None:
    drawn = ui.safe_link("https://grafana.example:3000/d?a=1&b=2", "metrics <b>")
    assert drawn == (
        '<a href="https://grafana.example:3000/d?a=1&amp;b=2" rel="noopener noreferrer nofollow">'
        'metrics &lt;b&gt;</a> <span class="dim small">grafana.example:3000</span>'
    )


def test_a_link_that_names_its_host_already_does_not_say_it_twice() -> None:
    assert "span" not in ui.safe_link("https://docs.example/x")


@pytest.mark.parametrize(
    "draw_tag",
    [
        lambda: ui.health("<b>", "<b>"),
        lambda: ui.sync("<b>"),
        lambda: ui.state("<b>"),
        lambda: ui.icon('"><b>'),
        lambda: ui.safe_link("https://a.example/<b>", "<b>"),
        lambda: ui.value("<b>"),
        lambda: ui.clip("<b>" * 99),
    ],
)
def test_no_tag_lets_markup_through(draw_tag: Callable[[], SafeString]) -> None:
    assert "<b>" not in draw_tag()


# ── parts and files ──────────────────────────────────────────────────────────


def test_progress_is_a_real_bar_with_counts() -> None:
    job = SimpleNamespace(progress_done=1, progress_total=3, progress_text="1 of 3")
    drawn = draw("{% progress_bar job 'Clone' %}", job=job)
    assert '<progress value="1" max="3" aria-label="Clone">33 %</progress>' in drawn


def test_progress_without_an_end_has_no_value() -> None:
    job = SimpleNamespace(progress_done=0, progress_total=None, progress_text="connecting")
    assert '<progress aria-label="Clone"></progress>' in draw("{% progress_bar job 'Clone' %}", job=job)


def test_the_vendored_scripts_are_the_ones_that_were_recorded() -> None:
    folder = ROOT / "static/js/vendor"
    recorded = dict(re.findall(r"\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|", (folder / "README.md").read_text()))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.js")}
    assert found == recorded


def test_a_cell_of_the_board_is_small_enough_for_250_of_them() -> None:
    cell = SimpleNamespace(
        environment="production", state="present", url="/applications/1234/", version="2.14.0-rc.1",
        since=NOW, health="Healthy", sync="Synced", drift_count=0, behind=0, behind_of="staging",
    )  # fmt: skip
    drawn = draw('{% include "dashboard/_tile.html" %}', cell=cell)
    assert len(drawn.encode()) <= 420
