"""What comes from outside can be stored, and shows everything it holds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.text import CUT, clean_json, clean_text, visible

SAMPLES = Path(__file__).parents[2] / "../shared/conformance/badinput"

ANY_TEXT = st.text(alphabet=st.characters(codec=None))
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT | st.integers(), inner) | st.tuples(inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("plain", "plain"),
        ("a\x00b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        (b"caf\xc3\xa9", "café"),
        (b"a\xff\x00b", "a\ufffdb"),
        ("line\r\nline\ttab", "line\r\nline\ttab"),
    ],
)
def test_a_text_keeps_what_can_be_stored(raw: str | bytes, cleaned: str) -> None:
    assert clean_text(raw) == cleaned


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clean_text("x" * 11, limit=10) == "x" * 9 + CUT
    assert clean_text("x" * 10, limit=10) == "x" * 10
    assert len(clean_text("x" * 1_000_000)) == 65_536


@given(ANY_TEXT)
def test_every_cleaned_text_is_utf8_without_nul_and_stays_as_it_is(text: str) -> None:
    cleaned = clean_text(text)

    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean_text(cleaned) == cleaned


@given(ANY_VALUE)
def test_every_cleaned_value_is_strict_json(value: object) -> None:
    written = json.dumps(clean_json(value), allow_nan=False)

    assert "\\u0000" not in written
    assert json.loads(written) == clean_json(value)


def test_values_json_does_not_know_become_text() -> None:
    value = {
        "nan": float("nan"),
        "endless": float("inf"),
        "huge": 10**30,
        "larger": 1 << 100_000,
        "day": date(2026, 8, 1),
        "moment": datetime(2026, 8, 1, 12, tzinfo=UTC),
        "bytes": b"a\x00b",
        "set": {"b", "a"},
        "tuple": (1, 2.5, True),
        "object": object(),
        7: "number",
        None: "null",
        True: "true",
    }

    cleaned = clean_json(value)

    assert cleaned.pop("larger").startswith("0x1000")
    assert cleaned == {
        "nan": None,
        "endless": None,
        "huge": "1" + "0" * 30,
        "day": "2026-08-01",
        "moment": "2026-08-01T12:00:00+00:00",
        "bytes": "ab",
        "set": ["a", "b"],
        "tuple": [1, 2.5, True],
        "object": "(object)",
        "7": "number",
        "null": "null",
        "true": "true",
    }


def test_a_value_that_holds_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)

    assert json.dumps(clean_json(endless)).count("[") == 128


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("v1.0.0\u200b", "v1.0.0\\u{200B}"),
        ("\u202etxt", "\\u{202E}txt"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\x9bb", "a\\x9bb"),
        ("tab\tend\nend\r\n", "tab\tend\nend\r\n"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\ufeffstart", "\\u{FEFF}start"),
        ("soft\xadhyphen", "soft\\u{00AD}hyphen"),
        ("a\u200db", "a\\u{200D}b"),
        ("v1\ufe0f", "v1\\u{FE0F}"),
        ("tag\U000e0041", "tag\\u{E0041}"),
        ("\ud800", "\\u{D800}"),
        ("line\u2028end", "line\\u{2028}end"),
        ("filler\u3164", "filler\\u{3164}"),
    ],
)
def test_hidden_characters_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "👩‍🚀",
        "🏳️‍🌈",
        "🕵🏻‍♂️",
        "❤️",
        "1️⃣",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "👨‍👩‍👧‍👦",
    ],
)
def test_emoji_sequences_are_not_broken_up(text: str) -> None:
    assert visible(f"a {text} b") == f"a {text} b"


def test_a_joiner_after_an_emoji_that_joins_nothing_is_shown() -> None:
    assert visible("🚀\u200dlogin") == "🚀\\u{200D}login"
    assert visible("🚀\u200d") == "🚀\\u{200D}"


@pytest.mark.parametrize("text", ["naïve café", "日本語", "עברית", "русский", "a\xa0b", "Straße"])
def test_writing_of_the_world_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(ANY_TEXT)
def test_what_is_shown_can_be_sent_and_holds_no_control(text: str) -> None:
    shown = visible(text)

    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not any(ord(character) < 0x20 and character not in "\t\n\r" for character in shown)
    assert not set(shown) & set("\u200b\u202a\u202e\u2066\u2069\ufeff")


def test_a_hundred_thousand_joined_emoji_take_no_time() -> None:
    text = "🚀\u200d" * 100_000

    assert visible(text).endswith("🚀\\u{200D}")


@pytest.mark.shared
@pytest.mark.parametrize(("name", "expected"), [("ansi", "\\x1b"), ("control_emoji", "\u200d")])
def test_the_sample_messages_show_as_expected(name: str, expected: str) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("sample cases are not beside this repository")
    shown = visible((SAMPLES / "commit" / f"{name}.txt").read_text("utf-8"))

    assert expected in shown
    assert "\x1b" not in shown
