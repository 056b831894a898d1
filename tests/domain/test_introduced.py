"""What breaks is told with the version that brought it, where a range holds several."""

from __future__ import annotations

from datetime import UTC, datetime

from semver import Version

from gitopsui.domain.commit import Commit
from gitopsui.domain.introduced import find_first_releases, needs_versions, stand_in_line, with_versions
from gitopsui.domain.note_overrides import Audience, apply_overrides, from_dict, without_internals
from gitopsui.domain.notes import Notes, build_notes, to_dict, to_html, to_markdown

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# 1 — 2 — 3 — 4 on the main line; 12 and 13 on a release branch that left it at 2.
PARENTS = {1: (0,), 2: (1,), 3: (2,), 4: (3,), 12: (2,), 13: (12,)}


def first_releases(
    *releases: tuple[str, int, bool], within: tuple[int, ...] = (1, 2, 3, 4)
) -> dict[int, str]:
    found = find_first_releases(releases, within=within, before={0}, parents=PARENTS.__getitem__)
    return {number: found.get(number, "") for number in within}


def notes_of(*messages: str) -> Notes:
    """The notes of commits 1, 2, …"""
    commits = [
        Commit(f"{number:040x}", (f"{number - 1:040x}",), "Ada", "ada@example.org", NOON, NOON, message)
        for number, message in enumerate(messages, 1)
    ]
    return build_notes(commits[::-1])


def test_the_lowest_release_that_holds_a_commit_is_the_first() -> None:
    assert first_releases(("1.1.0", 2, False), ("1.2.0", 3, False)) == {
        1: "1.1.0", 2: "1.1.0", 3: "1.2.0", 4: "",
    }  # fmt: skip


def test_a_release_on_its_own_branch_holds_what_was_before_it() -> None:
    assert first_releases(("1.1.0", 12, False), ("1.1.1", 13, False), ("1.2.0", 4, False)) == {
        1: "1.1.0", 2: "1.1.0", 3: "1.2.0", 4: "1.2.0",
    }  # fmt: skip


def test_pre_releases_are_rolled_up_into_their_final_version() -> None:
    releases = (("1.1.0-rc.1", 1, True), ("1.1.0", 2, False), ("1.2.0-rc.1", 3, True))

    assert first_releases(*releases) == {1: "1.1.0", 2: "1.1.0", 3: "1.2.0-rc.1", 4: ""}


def test_what_breaks_and_what_is_secure_is_told_with_its_version_everywhere() -> None:
    notes = notes_of("feat!: a", "security: b", "feat: c")
    ids = [f"{number:040x}" for number in (1, 2, 3)]

    told = with_versions(notes, dict(zip(ids, ("1.1.0", "1.2.0", "1.2.0"), strict=True)))

    assert [[entry.since for entry in section.entries] for section in told.sections] == [
        ["1.1.0"], ["1.2.0"], [""],
    ]  # fmt: skip
    assert "- a (since 1.1.0, 00000000, by Ada)" in to_markdown(told)
    assert "since 1.2.0" in to_html(told)
    shown = apply_overrides(to_dict(told), [], audience=Audience.PUBLIC)
    assert from_dict(shown).breaking[0].since == "1.1.0"
    assert without_internals(shown)["sections"][0]["entries"][0]["since"] == "1.1.0"


def test_where_all_came_with_one_release_it_needs_no_saying() -> None:
    notes = notes_of("feat!: a", "fix: b")

    told = with_versions(notes, {f"{number:040x}": "1.1.0" for number in (1, 2)})

    assert told.breaking[0].since == ""
    assert needs_versions(notes)
    assert not needs_versions(notes_of("feat: a"))


def test_releases_made_beside_the_range_are_noticed() -> None:
    def is_in_line(inside: str, known: str) -> bool:
        parse = [[Version.parse(one) for one in text.split()] for text in (inside, known)]
        return stand_in_line(Version(1), *parse)

    assert is_in_line("1.1.0 1.2.0", "0.9.0 1.0.0 1.0.7 1.1.0 1.1.4 1.2.0 1.3.0")
    assert not is_in_line("1.2.0", "1.0.0 1.1.0 1.2.0")
    assert is_in_line("1.2.0", "1.0.0 1.1.0-rc.1 1.2.0")
    assert is_in_line("", "1.1.0")
