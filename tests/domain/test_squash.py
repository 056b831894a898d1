"""What a squash merge lists is told as what it was, once, and counts for the next version."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from semver import Version

from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.next_version import next_version
from gitopsui.domain.note_overrides import Audience, Override, apply_overrides, from_dict
from gitopsui.domain.notes import Notes, build_notes, to_dict, to_markdown

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GITHUB = """Sprint 12 (#40)

* feat(ui): sign in with a key

  It asks for the key once.

* fix: crash at the start

Closes #7

* wip

---------

Co-authored-by: Grace <grace@example.org>
"""


def told(*messages: str, author: str = "Ada") -> Notes:
    """The notes of these commits, the newest first, each the child of the next."""
    ids = [f"{number:040x}" for number in range(1, len(messages) + 2)]
    return build_notes(
        [
            Commit(ids[at], (ids[at + 1],), author, "ada@example.org", NOON, NOON, message)
            for at, message in enumerate(messages)
        ]
    )


def lines(notes: Notes) -> list[str]:
    return [f"{section.title}: {entry.text}" for section in notes.sections for entry in section.entries]


def test_the_commits_of_a_squash_stand_in_their_sections() -> None:
    notes = told(GITHUB)

    assert lines(notes) == ["New: sign in with a key", "Fixed: crash at the start"]
    assert notes.commit_count == 1
    [new], [fixed] = (section.entries for section in notes.sections)
    assert (new.scope, new.part_of, new.pull_requests) == ("ui", "Sprint 12", (40,))
    assert new.shas == fixed.shas
    assert (new.author, new.co_authors) == ("Ada", ("Grace",))
    assert (new.issues, fixed.issues) == ((), ("#7",))
    assert "- **ui:** sign in with a key (part of Sprint 12, #40," in to_markdown(notes)


@pytest.mark.parametrize(
    "message",
    [
        "Merged in sprint-12 (pull request #40)\n\nSprint 12\n\n* feat: a\n* fix: b",  # Bitbucket Cloud
        "Merged PR 40: Sprint 12\n\n- feat: a\n- fix: b",  # Azure DevOps
        "Sprint 12\n\n* feat: a\n\n* fix: b\n\nSee merge request group/shop!40",  # GitLab
        "Sprint 12 (#40)\r\n\r\n* feat: a\r\n\r\n* fix: b\r\n",
        "Sprint 12 (#40)\n* feat: a\n* fix: b",
    ],
)
def test_every_forge_s_way_to_list_commits_is_read(message: str) -> None:
    notes = told(message)

    assert lines(notes) == ["New: a", "Fixed: b"]
    assert notes.sections[0].entries[0].pull_request == 40


def test_a_conventional_title_speaks_for_its_commits() -> None:
    assert lines(told("feat: sign in (#3)\n\n* feat: sign in\n\n* test: more\n\n* fix: typo")) == [
        "New: sign in"
    ]
    assert lines(told("docs: a guide (#4)\n\n* feat: begin a guide\n* fix: typo")) == ["Other: a guide"]


def test_what_weighs_more_than_the_title_is_told_beside_it() -> None:
    assert lines(
        told("fix: no locks (#5)\n\n* fix: no locks\n\n* feat: batches of events\n\n* fix: lint")
    ) == [
        "New: batches of events",
        "Fixed: no locks",
    ]
    assert lines(told("chore: sync (#6)\n\n* feat: a\n* fix: b\n* chore: c")) == [
        "New: a",
        "Fixed: b",
        "Other: sync",
    ]


def test_what_breaks_in_a_part_is_told_first_and_once() -> None:
    untitled = told("Sprint 12\n\n* feat: a\n\nBREAKING CHANGE: no more b\n\n* fix!: c\n\n* fix: d")
    titled = told("fix: a\n\n* fix!: b is gone\n\n* test: c")

    assert lines(untitled) == ["Breaking changes: a", "Breaking changes: c", "Fixed: d"]
    assert [entry.breaking for entry in untitled.breaking] == [("no more b",), ("c",)]
    assert lines(titled) == ["Breaking changes: a"]
    assert titled.breaking[0].breaking == ("b is gone",)


def test_a_break_that_no_part_says_stays_with_the_title() -> None:
    notes = told("Sprint 12\n\n* BREAKING CHANGE: all new\n\n* feat: a")

    assert lines(notes) == ["Breaking changes: Sprint 12", "New: a"]


@pytest.mark.parametrize(
    "message",
    [
        "Sprint 12\n\n* update the readme\n* more: of this",
        "Sprint 12\n\n* Note: restart it\n* http://example.org",
        "Sprint 12\n\n```\n* feat: an example\n```",
        "Sprint 12\n\nwe say * feat: in the text",
        "Bump foo from 1.0 to 1.1\n\n* feat: of foo\n* fix: of foo",
        "chore(deps): update foo to 2\n\n- feat!: of foo",
        'Sprint 12\n\n* feat: a\n* Revert "feat: a"',
        'chore: lint (#2)\n\n* refactor: a\n* revert: "refactor: a"',
    ],
)
def test_other_lists_are_text(message: str) -> None:
    assert parse_message(message).parts == ()


def test_what_another_commit_of_the_range_tells_is_not_told_again() -> None:
    notes = told(
        "Catch up\n\n* feat: a (#1)\n* fix: b\n* feat: new here", "feat: a, reworded (#1)", "fix: b (#2)"
    )

    assert sorted(lines(notes)) == ["Fixed: b", "New: a, reworded", "New: new here"]


def test_a_squash_that_was_taken_back_is_one_line() -> None:
    assert lines(told('Revert "Sprint 12 (#40)"', GITHUB)) == ["Reverts: Sprint 12"]


def test_updates_in_a_squash_are_folded_with_the_others() -> None:
    notes = told(
        "Chores\n\n* chore(deps): bump foo from 1.1 to 1.2\n* fix: a", "chore(deps): bump foo from 1.0 to 1.1"
    )

    assert lines(notes) == ["Fixed: a", "Dependencies: foo 1.0 → 1.2"]


@pytest.mark.parametrize(
    ("message", "version"),
    [
        (GITHUB, "1.3.0"),
        ("Sprint 12\n\n* fix: a\n* docs: b", "1.2.4"),
        ("Sprint 12\n\n* feat!: a", "2.0.0"),
        ("fix: a\n\n* feat: b", "1.3.0"),
        ("docs: a\n\n* feat: the first draft", None),
        ("Sprint 12\n\n* something else", None),
    ],
)
def test_the_parts_of_a_squash_count_for_the_next_version(message: str, version: str | None) -> None:
    found = next_version(Version(1, 2, 3), [message])

    assert (str(found) if found else None) == version


def test_a_squash_that_was_written_anew_is_told_once() -> None:
    notes = to_dict(told(GITHUB))
    said = Override("pull_request", "40", text="Keys and calm")

    shown = apply_overrides(notes, [said], audience=Audience.INTERNAL)
    sections = [
        apply_overrides(notes, [], audience=Audience.INTERNAL),
        shown,
    ]

    assert [len(each["sections"]) for each in sections] == [2, 1]
    assert lines(from_dict(shown)) == ["New: Keys and calm"]


def test_a_list_inside_a_list_is_read_in_no_time() -> None:
    deep = "\n".join("  " * depth + "* feat: x" for depth in range(250))

    assert len(parse_message(f"Sprint\n\n{deep}").parts) == 1
