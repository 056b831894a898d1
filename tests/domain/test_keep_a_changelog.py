"""Changelogs as people keep them, and as an enemy would."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from gitopsui.domain.keep_a_changelog import ChangelogEntry, find_differences, is_text, parse_changelog
from tests.domain.samples import load_bad_input, needs_samples


@pytest.mark.parametrize(
    ("heading", "version", "dated", "is_yanked"),
    [
        ("## [1.2.3] - 2024-01-01", "1.2.3", "2024-01-01", False),
        ("## [1.2.3](https://e.org/a...b) (2024-01-01)", "1.2.3", "2024-01-01", False),
        ("# v1.2.3 (2024-01-01)", "1.2.3", "2024-01-01", False),
        ("### 1.2.3 / 2024-01-01", "1.2.3", "2024-01-01", False),
        ("## 1.2.3 — January 1st, 2024", "1.2.3", "2024-01-01", False),
        ("## Version 1.2.3 (1 Jan 2024)", "1.2.3", "2024-01-01", False),
        ("## **1.2.3**", "1.2.3", "None", False),
        ("## Release 2.0.0-rc.1", "2.0.0-rc.1", "None", False),
        ("## cart@1.2.3", "1.2.3", "None", False),
        ("## [0.0.5] - 2014-08-09 [YANKED]", "0.0.5", "2014-08-09", True),
        ("## [1.0.0+build.4]", "1.0.0+build.4", "None", False),
        ("## 2024.1.5 ##", "2024.1.5", "None", False),
        ("1.2.3 (2024-01-01)\n==================", "1.2.3", "2024-01-01", False),
        ("v3.2\n----", "3.2", "None", False),
    ],
)
def test_a_heading_names_a_version(heading: str, version: str, dated: str, is_yanked: bool) -> None:
    entry = parse_changelog(f"# Changelog\n\n{heading}\n\n- a\n").entries[0]
    assert (entry.version, str(entry.date), entry.is_yanked) == (version, dated, is_yanked)
    assert entry.body == "- a"


@pytest.mark.parametrize(
    "text", ["## Added", "### 1.0 API changes", "- 1.0.0\n---", "```\n## 1.0.0\n```", "#1.0.0", "## [x]", ""]
)
def test_other_lines_name_none(text: str) -> None:
    assert [entry for entry in parse_changelog(text).entries if entry.version] == []


@pytest.mark.parametrize(
    "heading", ["## [Unreleased]", "## Unreleased changes", "## [Unreleased](https://e.org)"]
)
def test_what_is_unreleased_comes_first(heading: str) -> None:
    entries = parse_changelog(f"## 1.0.0\n- a\n\n{heading}\n- b").entries
    assert [(entry.version, entry.body) for entry in entries] == [("", "- b"), ("1.0.0", "- a")]


def test_an_impossible_date_is_said() -> None:
    assert parse_changelog("## 1.0.0 - 2024-13-41").entries[0].problems == ("2024-13-41 is no date.",)


def test_a_body_keeps_the_links_it_uses() -> None:
    text = (
        "## [1.0.0]\n- see [#3] and [docs][d]\n\n[1.0.0]: https://e.org/1\n[#3]: https://e.org/3\n[d]: /x\n"
    )
    assert (
        parse_changelog(text).entries[0].body == "- see [#3] and [docs][d]\n\n[#3]: https://e.org/3\n[d]: /x"
    )


def test_hidden_characters_of_a_heading_are_shown() -> None:
    assert "\u202e" not in parse_changelog("## 1.0.0 \u202eevil").entries[0].title


@pytest.mark.parametrize(
    "text",
    [
        "#" * 3_000_000,
        "[" * 3_000_000,
        "## " + "1." * 500_000,
        "## " + "a/" * 500_000 + "1.0.0",
        "a\n" * 300_000 + "=" * 300_000,
        "```\n" * 300_000,
        "## 1.0.0\n" * 30_000,
        "## 1.0.0 " + "January " * 300_000,
        "[a]: b\n" * 200_000,
        "[" + "a" * 1_000_000 + "]:",
    ],
    ids=[
        "hashes",
        "brackets",
        "numbers",
        "prefix",
        "setext",
        "fences",
        "headings",
        "months",
        "links",
        "label",
    ],
)
def test_no_text_makes_it_slow(text: str) -> None:
    begun = time.process_time()
    parse_changelog(text)
    assert time.process_time() - begun < 5


def told(*versions: str, dated: date | None = None) -> list[ChangelogEntry]:
    return [ChangelogEntry(version, version, "", 1, dated) for version in versions]


def test_tags_without_entry_and_entries_without_tag_are_named() -> None:
    tagged = {"1.4.0": None, "1.3.0": None, "1.2.0": None, "1.5.0-rc.1": None, "0.1.0": None}
    assert find_differences(told("1.6.0", "1.3.0", "1.2"), tagged) == [
        "1.4.0 has a tag and no entry.",
        "1.6.0 has an entry and no tag.",
    ]


def test_a_changelog_that_agrees_has_no_differences() -> None:
    on = date(2026, 1, 2)
    assert find_differences(told("1.0.0", dated=date(2026, 1, 1)), {"1.0.0": on}) == []
    assert find_differences([], {"1.0.0": on}) == []


def test_dates_that_lie_apart_are_named() -> None:
    found = find_differences(told("1.0.0", dated=date(2026, 1, 1)), {"1.0.0": date(2026, 3, 1)})
    assert found == ["1.0.0 is dated 2026-01-01 and was tagged on 2026-03-01."]


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", load_bad_input("changelog"), ids=lambda case: str(case["id"]))
def test_bad_changelogs_are_read_as_far_as_they_go(case: dict[str, Any]) -> None:
    parsed = parse_changelog(case["text"])
    versions = [entry.version for entry in parsed.entries]
    expected = {
        "changelog-control_keepachangelog": ["", "1.1.0", "1.0.0"],
        "changelog-duplicate_version": ["1.0.0", "1.0.0"],
        "changelog-invalid_utf8": ["1.0.0"],
        "changelog-unordered_versions": ["2.0.0", "1.5.0", "1.0.0"],
    }
    if case["id"] == "changelog-binary":
        assert not is_text(case["text"].encode())
        return
    assert versions == expected[case["id"]]
    assert all(entry.problems for entry in parsed.entries) == ("duplicate" in case["id"])
