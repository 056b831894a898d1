"""Release notes tell everything a range of commits holds, sorted for the people who run it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.commit import Commit
from gitopsui.domain.notes import Notes, SectionKind, build_notes, to_dict, to_html, to_markdown
from gitopsui.domain.notes_text import escape_markdown

from .samples import load_bad_input, needs_samples

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOT = ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.example.org")


def commit(
    sha: str, message: str, *parents: str, author: tuple[str, str] = ("Ada", "ada@example.org")
) -> Commit:
    """A commit whose id is `sha` repeated to its length, so that tests can name it by a letter."""
    at = NOON + timedelta(minutes=len(message))
    return Commit(full(sha), tuple(full(p) for p in parents), *author, at, at, message)


def full(sha: str) -> str:
    return (sha * 40)[:40]


def line(*messages: str) -> list[Commit]:
    """One commit after the other, the oldest given first; returned as Git lists them, newest first."""
    ids = [f"{number:07x}" for number in range(1, len(messages) + 1)]
    parents = [(), *((sha,) for sha in ids)]
    return [
        commit(*each, *above) for each, above in zip(zip(ids, messages, strict=True), parents, strict=False)
    ][::-1]


def texts(notes: Notes, kind: SectionKind) -> list[str]:
    return [entry.text for entry in notes.entries_of(kind)]


def test_sections_come_in_the_order_they_are_read() -> None:
    notes = build_notes(
        line(
            "docs: a",
            "chore(deps): bump foo from 1.0 to 1.1",
            'Revert "feat: long gone"',
            "perf: b",
            "fix: c",
            "feat: d",
            "security: e",
            "chore!: f",
            "no convention at all",
        ),
        base="v1.0.0",
        head="v1.1.0",
    )

    assert [section.kind for section in notes.sections] == list(SectionKind)
    assert texts(notes, SectionKind.OTHER) == ["no convention at all", "a"]
    assert (notes.base, notes.head, notes.commit_count) == ("v1.0.0", "v1.1.0", 9)


def test_a_breaking_change_stands_first_and_only_there() -> None:
    [entry] = build_notes(
        line("feat(api)!: x (#7)\n\nBREAKING CHANGE: do this\nBREAKING CHANGE: and that")
    ).breaking

    assert (entry.scope, entry.text, entry.breaking) == ("api", "x", ("do this", "and that"))
    assert build_notes(line("feat!: x")).entry_count == 1


def test_the_text_of_a_breaking_mark_has_no_pull_request_in_it() -> None:
    assert build_notes(line("feat!: x (#7)")).breaking[0].breaking == ("x",)


def test_a_vulnerability_in_the_header_is_security() -> None:
    notes = build_notes(line("fix: CVE-2026-12345 in y", "chore(deps): update dependency z to v2 [security]"))

    assert len(notes.entries_of(SectionKind.SECURITY)) == 2


def test_an_entry_has_numbers_issues_and_people() -> None:
    message = "fix(ui): x (#12)\n\nCloses #3\nCo-authored-by: Bob <bob@example.org>"

    [entry] = build_notes(line(message)).entries_of(SectionKind.FIXED)

    assert (entry.text, entry.scope, entry.type) == ("x", "ui", "fix")
    assert (entry.pull_request, entry.issues) == (12, ("#3",))
    assert (entry.author, entry.co_authors, entry.authors) == ("Ada", ("Bob",), ("Ada", "Bob"))
    assert entry.at is not None


def test_programs_get_no_credit_but_people_beside_them_do() -> None:
    trailer = "\n\nCo-authored-by: Bob <bob@example.org>\nCo-authored-by: ci-bot <bot@example.org>"
    notes = build_notes([commit("a", f"fix: x{trailer}", author=BOT)])

    [entry] = notes.entries_of(SectionKind.FIXED)
    assert (entry.author, entry.co_authors) == ("", ("Bob",))
    assert notes.contributors == ("Bob",)


@pytest.mark.parametrize(
    ("name", "email"),
    [
        BOT,
        ("renovate[bot]", "29139614+renovate[bot]@users.noreply.example.org"),
        ("Renovate Bot", "bot@renovateapp.com"),
        ("github-actions", "41898282+github-actions[bot]@users.noreply.example.org"),
        ("argo-bot", "x@example.org"),
        ("Some Tool", "noreply@example.org"),
        ("fluxcdbot", "fluxcdbot@users.noreply.example.org"),
    ],
)
def test_programs_are_told_by_name_or_address(name: str, email: str) -> None:
    assert build_notes([commit("a", "fix: x", author=(name, email))]).contributors == ()


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("Ann Abbott", "abbott@example.org"),
        ("Talbot", "1234+talbot@users.noreply.example.org"),
        ("Cici", "c@ci.org"),
    ],
)
def test_people_with_such_letters_in_their_names_are_people(name: str, email: str) -> None:
    assert build_notes([commit("a", "fix: x", author=(name, email))]).contributors == (name,)


def test_a_person_with_two_addresses_or_two_spellings_is_one() -> None:
    notes = build_notes(
        [
            commit("a", "fix: x", "b", author=("Ada", "ada@home.example")),
            commit("b", "fix: y", "c", author=("ada", "ada@work.example")),
            commit("c", "fix: z", author=("Ada L.", "ADA@home.example")),
        ]
    )

    assert notes.contributors == ("Ada",)


# ---- merges ----


def pull_request_history() -> list[Commit]:
    return [
        commit("f", "Merge pull request #5 from ada/topic\n\nfeat: the title", "a", "e"),
        commit("e", "fix: second", "d"),
        commit("d", "Merge branch 'main' into topic", "c", "a"),
        commit("c", "feat: first", "b"),
        commit("a", "docs: on main (#4)", "b"),
        commit("b", "chore: start"),
    ]


def test_merges_give_their_number_to_their_commits_and_disappear() -> None:
    notes = build_notes(pull_request_history())

    assert notes.merges == (full("f"), full("d"))
    assert [(e.text, e.pull_requests) for e in notes.entries_of(SectionKind.NEW)] == [("first", (5,))]
    assert [(e.text, e.pull_requests) for e in notes.entries_of(SectionKind.FIXED)] == [("second", (5,))]
    assert [(e.text, e.pull_requests) for e in notes.entries_of(SectionKind.OTHER)] == [
        ("on main", (4,)),
        ("start", ()),
    ]


def test_a_merge_whose_commits_are_not_listed_stands_for_its_pull_request() -> None:
    first_parents = [each for each in pull_request_history() if each.sha in {full("f"), full("a"), full("b")}]

    notes = build_notes(first_parents)

    assert [(e.text, e.pull_request) for e in notes.entries_of(SectionKind.NEW)] == [("the title", 5)]
    assert notes.merges == ()


def test_a_merge_of_what_is_there_already_says_nothing() -> None:
    notes = build_notes([commit("a", "Merge branch 'main' into topic", "b", "c"), commit("b", "fix: x")])

    assert notes.merges == (full("a"),)


def test_a_merge_that_alone_says_that_something_breaks_is_kept() -> None:
    notes = build_notes(
        [
            commit("c", "Merge pull request #5 from a/b\n\nfeat!: new api", "a", "b"),
            commit("b", "wip", "a"),
            commit("a", "x"),
        ]
    )

    assert [(e.text, e.pull_request) for e in notes.breaking] == [("new api", 5)]


def test_the_number_of_a_merge_inside_a_merge_reaches_its_commits() -> None:
    notes = build_notes(
        [
            commit("f", "Merge pull request #9 from a/develop", "a", "e"),
            commit("e", "Merge branch 'topic' into develop", "d", "c"),
            commit("d", "fix: on develop", "a"),
            commit("c", "fix: on topic", "a"),
            commit("a", "x"),
        ]
    )

    assert {e.text: e.pull_requests for e in notes.entries_of(SectionKind.FIXED)} == {
        "on develop": (9,),
        "on topic": (9,),
    }


def test_a_commit_keeps_its_own_number_beside_the_merge_s() -> None:
    notes = build_notes(
        [
            commit("c", "Merge pull request #9 from a/b", "a", "b"),
            commit("b", "fix: x (#8)", "a"),
            commit("a", "y"),
        ]
    )

    assert notes.entries_of(SectionKind.FIXED)[0].pull_requests == (8, 9)


# ---- reverts ----


def test_a_change_that_was_taken_back_counts_no_more() -> None:
    notes = build_notes(line("feat!: x", 'Revert "feat!: x"'))

    assert notes.breaking == ()
    [entry] = notes.entries_of(SectionKind.REVERTS)
    assert entry.is_undone
    assert entry.text == "x"
    assert len(entry.shas) == 2


def test_a_revert_that_was_reverted_leaves_the_change() -> None:
    notes = build_notes(line("feat: x", 'Revert "feat: x"', 'Revert "Revert "feat: x""'))

    assert texts(notes, SectionKind.NEW) == ["x"]
    [entry] = notes.entries_of(SectionKind.REVERTS)
    assert entry.is_undone


def test_three_reverts_take_the_change_back() -> None:
    notes = build_notes(
        line("feat: x", 'Revert "feat: x"', 'Reapply "feat: x"', 'Revert "Reapply "feat: x""')
    )

    assert texts(notes, SectionKind.NEW) == []
    assert [entry.is_undone for entry in notes.entries_of(SectionKind.REVERTS)] == [True, True]


def test_the_revert_of_an_earlier_release_is_shown() -> None:
    notes = build_notes(line(f'Revert "feat: shipped (#3)" (#9)\n\nThis reverts commit {full("9")}.'))

    [entry] = notes.entries_of(SectionKind.REVERTS)
    assert not entry.is_undone
    assert entry.text == 'Revert "feat: shipped (#3)"'
    assert entry.pull_request == 9


def test_a_reapplied_change_of_an_earlier_release_is_there_again() -> None:
    notes = build_notes(line(f'Reapply "feat: shipped"\n\nThis reverts commit {full("9")}.'))

    assert texts(notes, SectionKind.NEW) == ["shipped"]


@pytest.mark.parametrize(
    "revert",
    [
        f'Revert "something else"\n\nThis reverts commit {full("0000001")}.',
        "revert: whatever\n\nRefs: 0000001",
        'Revert "the title" (#4)\n\nReverts owner/name#3',
        'Revert "feat: x (#3)" (#4)',
        "revert: feat: x",
    ],
)
def test_the_target_of_a_revert_is_found_by_id_number_or_header(revert: str) -> None:
    notes = build_notes(line("feat: x (#3)", revert))

    assert [entry.is_undone for entry in notes.entries_of(SectionKind.REVERTS)] == [True]
    assert notes.entry_count == 1


def test_the_revert_of_a_merge_takes_all_its_commits_back() -> None:
    history = [commit("9", f'Revert "x"\n\nThis reverts commit {full("f")}, reversing\nchanges.', "f")]

    notes = build_notes([*history, *pull_request_history()])

    assert {e.text for e in notes.entries_of(SectionKind.REVERTS)} == {"second", "first"}
    assert texts(notes, SectionKind.NEW) == []


def test_a_revert_with_one_target_elsewhere_stays() -> None:
    notes = build_notes(line("feat: x", f"revert: both\n\nRefs: 0000001, {full('9')}"))

    assert [(e.text, e.is_undone) for e in notes.entries_of(SectionKind.REVERTS)] == [
        ("both", False),
        ("x", True),
    ]


def test_a_commit_that_only_mentions_a_revert_takes_nothing_back() -> None:
    notes = build_notes(line("feat: x", f"fix: y\n\nThis reverts commit {full('0000001')}."))

    assert texts(notes, SectionKind.NEW) == ["x"]


# ---- dependencies ----


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("chore(deps): bump foo from 1.0.0 to 1.1.0", "foo 1.0.0 → 1.1.0"),
        ("build(deps-dev): bump @a/b from 1.0.0 to 1.1.0 in /ui (#3)", "@a/b 1.0.0 → 1.1.0"),
        ("Bump foo from v1 to v2", "foo v1 → v2"),
        (
            "chore(deps): bump library/golang from `ab12cd3` to `9f00aa1` in /x",
            "library/golang ab12cd3 → 9f00aa1",
        ),
        ("chore(deps): update dependency eslint to v9", "eslint → v9"),
        ("fix(deps): update module golang.org/x/net to v0.56.0", "golang.org/x/net → v0.56.0"),
        ("chore(deps): update actions/checkout action to v4", "actions/checkout → v4"),
        ("chore(deps): update ghcr.io/a/b docker tag to v1.2.3", "ghcr.io/a/b → v1.2.3"),
        ("chore(deps): update helm release redis to v19", "redis → v19"),
        ("feat(container): update image a/b ( 1.2.3 → 1.3.0 )", "a/b 1.2.3 → 1.3.0"),
        ("feat(helm): Update chart redis (15.2.0 ➔ 16.0.0)", "redis 15.2.0 → 16.0.0"),
        ("deps: bump foo from 1.0.0 to v1.1.0", "foo 1.0.0 → 1.1.0"),
    ],
)
def test_an_update_becomes_one_line(header: str, expected: str) -> None:
    assert texts(build_notes(line(header)), SectionKind.DEPENDENCIES) == [expected]


@pytest.mark.parametrize(
    "header",
    ["docs: update guide to 2.0", "bump version to 1.2.3", "chore: update readme to v2", "Update README"],
)
def test_not_every_update_is_one_of_a_dependency(header: str) -> None:
    assert texts(build_notes(line(header)), SectionKind.DEPENDENCIES) == []


def test_what_cannot_be_taken_apart_stays_as_it_is() -> None:
    notes = build_notes(line("chore(deps): lock file maintenance"))

    assert texts(notes, SectionKind.DEPENDENCIES) == ["lock file maintenance"]


def test_several_updates_of_one_dependency_fold_to_their_net() -> None:
    notes = build_notes(
        line(
            "chore(deps): bump Foo from 1.0 to 1.1 (#1)",
            "chore(deps): bump bar from 2.0 to 2.1 (#2)",
            "chore(deps): bump foo from 1.1 to 1.2 (#3)",
        )
    )

    folded = notes.entries_of(SectionKind.DEPENDENCIES)
    assert [(e.text, e.pull_requests) for e in folded] == [("bar 2.0 → 2.1", (2,)), ("foo 1.0 → 1.2", (3, 1))]
    assert len(folded[1].shas) == 2


def test_a_dependency_that_came_back_says_so() -> None:
    notes = build_notes(
        line("chore(deps): bump foo from 1.0 to 1.1", "chore(deps): bump foo from 1.1 to 1.0")
    )

    assert texts(notes, SectionKind.DEPENDENCIES) == ["foo 1.0 (moved and moved back)"]


def test_a_grouped_update_is_taken_apart() -> None:
    body = (
        "Updates `foo` from 1.0 to 1.1\n- [Commits](x)\n\n"
        "Updates `bar` from 2 to 3\nBumps [baz](https://x) from 4 to 5."
    )
    notes = build_notes(line(f"chore(deps): bump the tools group with 3 updates\n\n{body}"))

    assert texts(notes, SectionKind.DEPENDENCIES) == ["bar 2 → 3", "baz 4 → 5", "foo 1.0 → 1.1"]


def test_a_breaking_update_is_a_breaking_change() -> None:
    notes = build_notes(line("feat(deps)!: bump foo from 1.0 to 2.0"))

    assert len(notes.breaking) == 1


# ---- nothing is lost ----

MESSAGES = st.sampled_from(
    [
        "feat: x",
        "fix: x",
        "docs: x",
        "plain",
        "feat!: y",
        'Revert "feat: x"',
        'Reapply "feat: x"',
        'Revert "Revert "feat: x""',
        "chore(deps): bump a from 1 to 2",
        "chore(deps): bump a from 2 to 1",
        "Merge pull request #1 from a/b",
        "Merge branch 'main' into b\n\nfeat: titled",
        "",
    ]
)


@st.composite
def histories(draw: st.DrawFn) -> list[Commit]:
    """Commits with random parents among the older ones, children first."""
    count = draw(st.integers(0, 14))
    made = []
    for number in range(count):
        older = [f"{n:07x}" for n in range(number)]
        parents = draw(st.lists(st.sampled_from(older), max_size=3, unique=True)) if older else []
        made.append(commit(f"{number:07x}", draw(MESSAGES), *parents))
    return made[::-1]


def _shas(notes: Notes) -> set[str]:
    return {sha for section in notes.sections for entry in section.entries for sha in entry.shas}


@given(histories())
def test_every_commit_is_in_an_entry_or_counted_as_a_merge(history: list[Commit]) -> None:
    notes = build_notes(history)

    assert _shas(notes) | set(notes.merges) == {each.sha for each in history}
    assert not _shas(notes) & set(notes.merges)
    assert notes.commit_count == len(history)


@given(histories())
def test_every_text_of_the_notes_can_be_made(history: list[Commit]) -> None:
    notes = build_notes(history, base="a", head="b")

    assert to_markdown(notes).count("\n- ") == notes.entry_count
    assert to_html(notes).count("<li>") == notes.entry_count
    assert json.loads(json.dumps(to_dict(notes)))["commit_count"] == len(history)


def test_no_commits_make_empty_notes() -> None:
    notes = build_notes([], base="a", head="b")

    assert notes.is_empty
    assert to_markdown(notes) == "## b\n\nSince a: 0 commits.\n"


def test_ten_thousand_commits_in_any_shape_end() -> None:
    numbers = random.Random(7)
    ids = [f"{n:07x}" for n in range(10_000)]
    history = [
        commit(
            sha, f"fix: {n}", *ids[max(n - 1, 0) : n], *numbers.sample(ids[: max(n - 1, 0)], min(n // 2, 1))
        )
        for n, sha in enumerate(ids)
    ][::-1]

    assert build_notes(history).commit_count == 10_000


# ---- texts ----


def test_markdown_holds_sections_entries_and_people() -> None:
    notes = build_notes(
        line("feat(ui): `code` and *stars* (#3)\n\nBREAKING CHANGE: do\nthis", "fix: 1. first\n\nRefs: #4"),
        base="v1.0.0",
        head="v1.1.0",
    )

    assert to_markdown(notes) == (
        "## v1.1.0\n"
        "\n"
        "Since v1.0.0: 2 commits.\n"
        "\n"
        "### Breaking changes\n"
        "\n"
        "- **ui:** `code` and \\*stars\\* (#3, 00000010, by Ada)\n"
        "  > do\n"
        "  > this\n"
        "\n"
        "### Fixed\n"
        "\n"
        "- 1\\. first (00000020, see #4, by Ada)\n"
        "\n"
        "Contributors: Ada\n"
    )


def test_markdown_that_would_be_too_long_says_what_is_left_out() -> None:
    people = [(f"{n:05}" * 20, f"{n}@example.org") for n in range(500)]
    notes = build_notes([commit(f"{n:07x}", f"fix: change {n}", author=people[n]) for n in range(500)])

    text = to_markdown(notes, limit=10_000)

    assert 9_000 < len(text) <= 10_000
    assert f"… and {500 - text.count(chr(10) + '- ')} more, left out for length." in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("[x](javascript:y)", "\\[x\\](javascript:y)"),
        ("`<b>`", "`<b>`"),
        ("`` ` <b> ```", "\\`\\` \\` &lt;b> \\`\\`\\`"),
        ("odd ` <b>", "odd \\` &lt;b>"),
        ("a\u202eb\x1b[2J", "a\\\\u{202E}b\\\\x1b\\[2J"),
        ("&lt; and & alone", "&amp;lt; and & alone"),
        ("~~gone~~", "&#126;&#126;gone&#126;&#126;"),
        ("two\nlines", "two lines"),
    ],
)
def test_foreign_text_cannot_become_markup(text: str, expected: str) -> None:
    assert escape_markdown(text) == expected


def test_html_escapes_everything_from_outside() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    notes = build_notes(
        [commit("a", f"feat({hostile}): {hostile}", author=(hostile, "x@y"))], base=hostile, head=hostile
    )

    assert "<img" not in to_html(notes)


def _all_texts(notes: Notes) -> Iterable[str]:
    return (to_markdown(notes), to_html(notes))


BAD_COMMITS = load_bad_input("commit")


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", BAD_COMMITS, ids=[case["id"] for case in BAD_COMMITS])
def test_a_hostile_commit_stays_text_in_the_notes(case: dict[str, Any]) -> None:
    notes = build_notes([commit("a", case["text"])], head="v1")

    for text in _all_texts(notes):
        assert not any(character in text for character in "\x00\x07\x1b\x1e\x1f\u2028\u2029")
        assert len(text) < 20_000
    assert "<script" not in to_html(notes)
    assert "<script" not in to_markdown(notes)
