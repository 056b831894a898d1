"""Badges that fit their text and can be read aloud."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from gitopsui.domain.badge import MOST_CHARS, Tone, draw_badge, text_width

SVG = "{http://www.w3.org/2000/svg}"


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)


@pytest.mark.parametrize("message", ["1.0.0 Healthy", "1.16.0-rc.12+build OutOfSync", "版本 2026", "x", ""])
def test_a_badge_is_as_wide_as_its_text(message: str) -> None:
    root = parse(draw_badge("cart", message, Tone.GOOD))
    lengths = [int(text.get("textLength", "0")) for text in root.iter(f"{SVG}text")]
    assert lengths == [text_width("cart"), text_width(message)]
    assert int(root.get("width", "0")) == sum(lengths) + 24


def test_it_is_read_aloud() -> None:
    root = parse(draw_badge("cart", "1.0.0", Tone.GOOD, title="cart in production: 1.0.0, Healthy"))
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == "cart in production: 1.0.0, Healthy"


def test_a_stale_one_is_grey_and_striped() -> None:
    stale = draw_badge("cart", "1.0.0 stale", Tone.GOOD, is_stale=True)
    assert "pattern" in stale
    assert Tone.GOOD.value not in stale
    assert "pattern" not in draw_badge("cart", "1.0.0", Tone.GOOD)


def test_what_a_version_holds_stays_text() -> None:
    root = parse(draw_badge('"><script>', "<svg onload=alert(1)>\u202e\x1b", Tone.BAD))
    assert [element.tag for element in root.iter() if "script" in element.tag] == []
    assert "\u202e" not in ET.tostring(root, encoding="unicode")


def test_a_long_text_is_cut() -> None:
    texts = [
        text.text or "" for text in parse(draw_badge("a" * 900, "b" * 900, Tone.IDLE)).iter(f"{SVG}text")
    ]
    assert [len(text) for text in texts] == [MOST_CHARS, MOST_CHARS]


@pytest.mark.parametrize("tone", list(Tone))
def test_white_text_stands_out_on_each_colour(tone: Tone) -> None:
    parts = [int(tone.value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 4.5


@pytest.mark.parametrize("sign", ["\ufffe", "\uffff", "\ud800", "\0", "\x0b", "\x7f", "\u202e"])
def test_a_character_that_no_xml_may_hold_breaks_no_badge(sign: str) -> None:
    drawn = draw_badge(f"cart{sign} dev", f"1.0{sign}", Tone.GOOD)
    assert ET.fromstring(drawn.encode()).tag == f"{SVG}svg"
