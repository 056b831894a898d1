"""A commit message is read by Conventional Commits 1.0.0, leniently where tools disagree, never dropped."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.commit import DESCRIPTION_LIMIT, ParsedMessage, parse_message
from gitopsui.domain.footers import Lint
from gitopsui.domain.references import MAX_ISSUES

from .samples import load_bad_input, load_sample, needs_samples

DEPENDABOT = """\
chore(deps): bump foo from 1.0.0 to 2.0.0 (#7)

Bumps [foo](https://example.org/foo) from 1.0.0 to 2.0.0.
- [Commits](https://example.org/foo/compare/v1.0.0...v2.0.0)

---
updated-dependencies:
- dependency-name: foo
  dependency-version: 2.0.0
...

Signed-off-by: dependabot[bot] <support@example.org>
Co-authored-by: dependabot[bot] <49699333+dependabot[bot]@users.noreply.example.org>
"""


@pytest.mark.parametrize(
    ("header", "kind", "scope", "description"),
    [
        ("feat: x", "feat", None, "x"),
        ("feat(api): x", "feat", "api", "x"),
        ("feat(ng:list): x", "feat", "ng:list", "x"),
        ("feat( api ): x", "feat", "api", "x"),
        ("feat!: x", "feat", None, "x"),
        ("FEAT: x", "feat", None, "x"),
        ("Feat(API): X", "feat", "API", "X"),
        ("build-deps: x", "build-deps", None, "x"),
        ("feat/ui: x", "feat/ui", None, "x"),
        ("фича: x", "фича", None, "x"),
        ("feat:   x  ", "feat", None, "x"),
        ("feat:\u00a0x", "feat", None, "x"),
    ],
)
def test_a_conventional_header_gives_type_scope_and_description(
    header: str, kind: str, scope: str | None, description: str
) -> None:
    parsed = parse_message(header)

    assert (parsed.type, parsed.scope, parsed.description) == (kind, scope, description)
    assert parsed.header == header.strip()


@pytest.mark.parametrize(
    "header",
    [
        "feat(): x",
        "feat( ): x",
        "feat(a)(b): x",
        "feat(a(b)): x",
        "feat (api): x",
        "feat\u00a0: x",
        "feat:",
        "feat: ",
        ": x",
        "Merge branch 'main' into feat",
        "https://example.org/a: b",
        "12:30 fix the clock",
        "Update README",
    ],
)
def test_any_other_header_has_no_type_and_is_its_own_description(header: str) -> None:
    parsed = parse_message(header)

    assert parsed.type is None
    assert parsed.description == header.strip()


def test_a_missing_space_is_forgiven_for_known_types_and_remarked() -> None:
    assert parse_message("feat:x").type == "feat"
    assert parse_message("feat:x").lint == (Lint.NO_SPACE,)
    assert parse_message("ui(nav):x").type == "ui"
    assert parse_message("http://x").type is None


def test_an_empty_message_is_an_empty_description() -> None:
    assert parse_message("\n \n").description == ""


@pytest.mark.parametrize(
    ("message", "texts"),
    [
        ("feat!: x", ("x",)),
        ("chore(api)!: x", ("x",)),
        ("feat!: x\n\nBREAKING CHANGE: y", ("y",)),
        ("docs: x\n\nBREAKING CHANGE: y", ("y",)),
        ("docs: x\n\nBREAKING-CHANGE: y", ("y",)),
        ("feat: x\n\nBREAKING CHANGE #7 is gone", ("#7 is gone",)),
        ("feat: x\n\nBREAKING CHANGE: y\nsecond line", ("y\nsecond line",)),
        ("feat: x\n\nBREAKING CHANGE: y\n\nsecond paragraph", ("y\n\nsecond paragraph",)),
        ("feat: x\n\nBREAKING CHANGE:\n\ny", ("y",)),
        ("feat: x\n\nBREAKING CHANGE:", ("x",)),
        ("feat: x\r\n\r\nBREAKING CHANGE: y\r\n", ("y",)),
        ("feat: x\rbody\r\rBREAKING CHANGE: y", ("y",)),
        ("feat: x\n\n* some change\n* BREAKING CHANGE: y\n* another", ("y",)),
        ("feat: x\n\n- BREAKING CHANGE: y\n  goes on\n- another", ("y\n  goes on",)),
        ("feat: x\n\nBREAKING CHANGE: y\nBREAKING CHANGE: z", ("y", "z")),
        ("feat: x\n\nBREAKING CHANGE: y\n\nSigned-off-by: A", ("y",)),
        ("feat: x\n\nBREAKING CHANGE: y\nRefs: #1", ("y",)),
        ("feat: x\n\nsome body\nBREAKING CHANGE: y", ("y",)),
        ("feat: x\n\nBREAKING CHANGE: y\n\n* fix: another commit of the squash", ("y",)),
        ("feat: x\n\n```\nan unclosed fence\nBREAKING CHANGE: y", ("y",)),
        ("something else\n\nBREAKING CHANGE: y", ("y",)),
    ],
)
def test_a_message_breaks_by_its_mark_or_its_footers(message: str, texts: tuple[str, ...]) -> None:
    parsed = parse_message(message)

    assert parsed.is_breaking
    assert parsed.breaking == texts


@pytest.mark.parametrize(
    "message",
    [
        "feat: x",
        "feat: x\n\nbreaking change: y",
        "feat: x\n\nBreaking Change: y",
        "feat: x\n\nBREAKING CHANGES: y",
        "feat: x\n\nBREAKING CHANGE was discussed but there is none",
        "feat: x\n\nthis is no BREAKING CHANGE: at all",
        "feat: x\n\n```\nBREAKING CHANGE: y\n```",
        "feat: x\n\n~~~ text\nBREAKING CHANGE: y\n~~~\n\nmore",
        "BREAKING CHANGES ahead",
    ],
)
def test_a_message_that_only_speaks_of_breaking_does_not_break(message: str) -> None:
    assert not parse_message(message).is_breaking


def test_breaking_in_small_letters_is_kept_as_a_remark() -> None:
    parsed = parse_message("feat: x\n\nbreaking change: y")

    assert parsed.footers == (("breaking change", "y"),)
    assert parsed.lint == (Lint.BREAKING_NOT_UPPER,)
    # The sign of the unit kelvin is a k to whoever ignores case.
    assert parse_message("feat: x\n\nbrea\u212aing-change: y").lint == (Lint.BREAKING_NOT_UPPER,)


def test_breaking_inside_a_paragraph_is_remarked() -> None:
    assert parse_message("feat: x\n\nbody\nBREAKING CHANGE: y").lint == (Lint.BREAKING_WITHOUT_BLANK_LINE,)
    assert parse_message("feat: x\n\nbody\n\nBREAKING CHANGE: y").lint == ()


def test_two_exclamation_marks_graduate_to_the_first_stable_version() -> None:
    parsed = parse_message("feat!!: ready")

    assert (parsed.type, parsed.is_graduation, parsed.breaking) == ("feat", True, ("ready",))


def test_a_footer_can_graduate_to_the_first_stable_version() -> None:
    parsed = parse_message("feat: x\n\nINITIAL STABLE RELEASE: ready")

    assert (parsed.is_graduation, parsed.footers) == (True, (("INITIAL STABLE RELEASE", "ready"),))
    assert not parse_message("feat: x\n\nan INITIAL STABLE RELEASE: no").is_graduation


def test_a_body_on_the_second_line_is_accepted_and_remarked() -> None:
    parsed = parse_message("feat: x\nbody")

    assert (parsed.body, parsed.lint) == ("body", (Lint.NO_BLANK_LINE,))


@pytest.mark.parametrize(
    ("message", "body", "footers"),
    [
        ("fix: x\n\nbody\n\nReviewed-by: Z\nRefs: #12", "body", (("Reviewed-by", "Z"), ("Refs", "#12"))),
        ("fix: x\n\nReviewed-by: Z", "", (("Reviewed-by", "Z"),)),
        ("fix: x\n\nCloses #12", "", (("Closes", "#12"),)),
        ("fix: x\nCloses #12\nCloses #13", "", (("Closes", "#12"), ("Closes", "#13"))),
        ("fix: x\n\nRefs: one\n two", "", (("Refs", "one\n two"),)),
        ("fix: x\n\nRefs: one\n\nAcked-by: Z", "", (("Refs", "one"), ("Acked-by", "Z"))),
        ("fix: x\n\nNote: this\n\nis a body", "Note: this\n\nis a body", ()),
        ("fix: x\n\nbody\nRefs: no footer", "body\nRefs: no footer", ()),
        ("fix: x\n\n  indented: y", "indented: y", ()),
        ("fix: x\n\nsee https://example.org", "see https://example.org", ()),
        ("fix: x\n\na\n\nCo-authored-by: A <a@b>\n\nb", "a\n\n\nb", (("Co-authored-by", "A <a@b>"),)),
        (
            "fix: x\n\n* one\n\nSigned-off-by: A\n\n* two: y\nRefs: no footer\n\nSigned-off-by: B\nRefs: #1",
            "* one\n\n\n* two: y\nRefs: no footer",
            (("Signed-off-by", "A"), ("Signed-off-by", "B"), ("Refs", "#1")),
        ),
        ("fix: x\n\nbody\n\n\u00c9tat: y\nRefs: z", "body", (("\u00c9tat", "y"), ("Refs", "z"))),
    ],
)
def test_footers_are_the_last_paragraphs_that_begin_with_a_token(
    message: str, body: str, footers: tuple[tuple[str, str], ...]
) -> None:
    parsed = parse_message(message)

    assert parsed.body == body
    assert parsed.footers == footers


def test_the_yaml_in_a_dependency_bot_s_message_is_body() -> None:
    parsed = parse_message(DEPENDABOT)

    assert (parsed.type, parsed.scope, parsed.pull_request) == ("chore", "deps", 7)
    assert parsed.body.endswith("...")
    assert [token for token, _ in parsed.footers] == ["Signed-off-by", "Co-authored-by"]


def test_a_cherry_pick_is_taken_out_of_the_footers() -> None:
    first, second = "1" * 40, "2" * 40
    parsed = parse_message(
        "fix: x\n\nSigned-off-by: A <a@b>\n"
        f"(cherry picked from commit {first})\n(cherry picked from commit {second})"
    )

    assert parsed.footers == (("Signed-off-by", "A <a@b>"),)
    assert parsed.cherry_picks == (first, second)
    assert parsed.cherry_pick_of == second
    assert parse_message("fix: x").cherry_pick_of is None


def test_the_last_release_as_footer_counts() -> None:
    assert parse_message("meta: x\n\nRelease-As: 1.0.0\nrelease-as: v2.0.0").release_as == "v2.0.0"
    assert parse_message("meta: x").release_as is None


@pytest.mark.parametrize(
    ("header", "number"),
    [
        ("fix: x (#12)", 12),
        ("fix: x (!12)", 12),
        ("fix: x (gh-12)", 12),
        ("fix: x (#11) (#12)", 12),
        ("Merge pull request #12 from a/b", 12),
        ("Merge pull request 'x' (#12) from a/b into main", 12),
        ("Merged PR 12: fix: x", 12),
        ("Merged in a/b (pull request #12)", 12),
        ("Merge branch 'a' into 'main'\n\nx\n\nSee merge request group/sub/project!12", 12),
        ("fix: x", None),
        ("fix (#12): x", None),
        ("fix: x (#12345678901234567890)", None),
    ],
)
def test_the_pull_request_is_read_in_every_forge_s_words(header: str, number: int | None) -> None:
    assert parse_message(header).pull_request == number


@pytest.mark.parametrize(
    ("message", "issues"),
    [
        ("fix: x\n\nFixes #1, #2", ("#1", "#2")),
        ("fix: x\n\nCloses: #1\nCloses: #1", ("#1",)),
        ("fix: #3 (#9)\n\nrelates to owner/name#4 and name#5", ("#3", "owner/name#4", "name#5")),
        ("fix: x\n\nhandled gh-6, GH-7", ("#6", "#7")),
        ("fix: x\n\nhandled #5 at a high-level and Gh-6", ("#5", "#6")),
        ("fix: x\n\nsee https://example.org/a#8 and https://example.org/issues/9#issuecomment-44", ()),
        ("fix: x\n\n<a href='y'>#10</a> [#11](z) color #12ab &#13;", ()),
        ("fix: x\n\nRefs: SHOP-12, SHOP-13", ("SHOP-12", "SHOP-13")),
        ("fix: UTF-8 and SHA-256 in the body", ()),
        ("fix: x (#9)\n\nCloses #9", ()),
        ("fix: rolled back, PR#9 and issue#8 crashed", ("#9", "#8")),
        ("fix: a title that was cut (#1…", ()),
        ("fix: a title that was cut (#1...", ()),
    ],
)
def test_issues_are_found_without_addresses_markup_and_the_own_pull_request(
    message: str, issues: tuple[str, ...]
) -> None:
    assert parse_message(message).issues == issues


@pytest.mark.parametrize(
    ("message", "kind", "depth", "inner"),
    [
        ('Revert "feat: x"', "revert", 1, "feat: x"),
        ('Revert "Revert "feat: x""', "feat", 2, "feat: x"),
        ('Reapply "feat: x"', "feat", 2, "feat: x"),
        ('Revert "Reapply "feat: x""', "revert", 3, "feat: x"),
        ('Revert "feat: x (#1)" (#2)', "revert", 1, "feat: x (#1)"),
        ('Revert "Revert "feat: x (#1)" (#2)" (#3)', "feat", 2, "feat: x (#1)"),
        ("revert: feat: x", "revert", 1, "feat: x"),
        ("Revert: feat: x", "revert", 1, "feat: x"),
        ("revert(api): feat: x", "revert", 0, None),
        ('Revert "no end', None, 0, None),
        ("feat: x", "feat", 0, None),
    ],
)
def test_reverts_are_unwrapped_and_counted(
    message: str, kind: str | None, depth: int, inner: str | None
) -> None:
    parsed = parse_message(message)

    assert (parsed.type, parsed.revert_depth, parsed.reverted_header) == (kind, depth, inner)


@pytest.mark.parametrize(
    ("message", "ids", "number"),
    [
        (f'Revert "x"\n\nThis reverts commit {"a" * 40}.', ("a" * 40,), None),
        (
            f"fix: undo\n\nThis reverts commit {'a' * 40}, reversing\nchanges made to {'b' * 40}.",
            ("a" * 40,),
            None,
        ),
        ("revert: x\n\nRefs: 676104e, a215868", ("676104e", "a215868"), None),
        ("feat: x\n\nRefs: 676104e", (), None),
        ('Revert "x" (#3)\n\nReverts owner/name#2', (), 2),
    ],
)
def test_what_is_reverted_is_named_by_id_or_by_pull_request(
    message: str, ids: tuple[str, ...], number: int | None
) -> None:
    parsed = parse_message(message)

    assert (parsed.reverts, parsed.reverted_pull_request) == (ids, number)


def test_a_pull_request_may_override_the_message_of_its_squash() -> None:
    parsed = parse_message(
        "chore: old (#9)\n\nBEGIN_COMMIT_OVERRIDE\nfix: new\n\nCloses #1\nEND_COMMIT_OVERRIDE\n"
    )

    assert (parsed.type, parsed.pull_request, parsed.issues) == ("fix", 9, ("#1",))


def test_bidi_and_zero_width_controls_are_taken_out_of_the_header_and_remarked() -> None:
    parsed = parse_message("feat\u200b: a\u202egnp.exe\ufeff")

    assert (parsed.type, parsed.description) == ("feat", "agnp.exe")
    assert parsed.lint == (Lint.HIDDEN_CHARACTERS,)


def test_the_joiners_of_emoji_stay() -> None:
    assert parse_message("fix: 👩\u200d👩\u200d👦 names").description == "👩\u200d👩\u200d👦 names"


def test_a_long_description_is_cut() -> None:
    parsed = parse_message("feat: " + "x" * 3_000 + " (#12)")

    assert len(parsed.description) == DESCRIPTION_LIMIT
    assert parsed.description.endswith("…")
    assert parsed.pull_request == 12


@given(
    st.text(
        alphabet=st.sampled_from('fix feat():!#12 BREAKING CHANGE\n\r"Revert`-*\x00\u2028\x1f'), max_size=300
    )
)
def test_no_message_raises_and_every_word_is_kept(message: str) -> None:
    parsed = parse_message(message)

    kept = " ".join((parsed.header, parsed.body, *(f"{token} {value}" for token, value in parsed.footers)))
    for word in re.split(r"[\s:#\x00*+-]+", message):
        assert word in kept


@given(st.text(max_size=200))
def test_no_text_at_all_raises(message: str) -> None:
    assert len(parse_message(message).description) <= DESCRIPTION_LIMIT


HOSTILE = {
    "one long line": "a" * 100_000,
    "a long conventional line": "feat(scope): " + "a" * 100_000,
    "open parentheses": "feat" + "(" * 100_000,
    "spaces": " " * 100_000 + "x",
    "hashes by line": "x\n\n" + "#\n" * 50_000,
    "newlines": "b" + "\r\n" * 1_000_000 + "b",
    "footers": "x\n\n" + "a: b\n" * 20_000,
    "breaking footers": "x\n\n" + "BREAKING CHANGE: x\n" * 5_000,
    "fences": "x\n\n" + "```\n" * 25_000,
    "nested reverts": 'Revert "' * 12_000 + "x" + '"' * 12_000,
    "issues": "x\n\n" + "#1" * 50_000 + " " + "a/" * 50_000 + "#1",
    "merge request": "x\n\nSee merge request " + "a/" * 50_000,
    "pull requests": "Merged in " + "(pull request #" * 6_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_message_takes_long(name: str) -> None:
    message = HOSTILE[name]

    fastest = min(_seconds_for(message) for _ in range(3))

    # Linear work is a few milliseconds of the processor; what backtracks takes seconds.
    assert fastest < 0.5


def _seconds_for(message: str) -> float:
    started = time.process_time()
    parse_message(message)
    return time.process_time() - started


# ---- sample cases ----

CCP = load_sample("conventional/conventional-commits-parser.json")
CCP_CALLS = [
    (case["name"].split(" > ", 1)[1], call) for case in CCP.get("cases", ()) for call in case["calls"]
]
RELEASE_PLEASE = load_sample("conventional/release-please-commits.json")
RELEASE_PLEASE_CALLS = [
    (case["name"].split(" > ", 1)[1], call)
    for case in RELEASE_PLEASE.get("cases", ())
    for call in case["calls"]
]


def _words(text: str | None) -> list[str]:
    return re.findall(r"\w+", text or "")


def _parse_with_options(call: dict[str, Any]) -> ParsedMessage:
    text = call["input"]
    if isinstance(text, dict):
        length = int(text["$generated"].removeprefix("length "))
        text = "b" + "\r\n" * ((length - 2) // 2) + "b"
    options = call["options_changed"]
    tokens = options.get("noteKeywords", CCP["default_options"]["noteKeywords"])
    # ccp cuts at the scissors and leaves comments; neither is ours to change, so only scissors turn it on.
    comment_char = options.get("commentChar") or ""
    return parse_message(text, breaking_tokens=tokens, comment_char=comment_char)


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize(("name", "call"), CCP_CALLS, ids=[name for name, _ in CCP_CALLS])
def test_what_the_reference_parser_finds_is_found(name: str, call: dict[str, Any]) -> None:
    expected = call["output"]

    parsed = _parse_with_options(call)

    if expected.get("type"):
        assert (parsed.type, parsed.scope) == (expected["type"], expected["scope"])
        if "subject" in expected:
            assert parsed.description == expected["subject"]
    assert parsed.header == (expected["header"] or expected["merge"])
    assert [_words(text) for text in parsed.breaking] == (
        [_words(note["text"]) for note in expected["notes"]]
        or [_words(t) for t in parsed.breaking if "!" in parsed.header]
    )
    found = {issue.rpartition("#")[2] for issue in parsed.issues} | {str(parsed.pull_request)}
    assert {reference["issue"] for reference in expected["references"]} <= found
    kept = _words(parsed.body) + [
        word for footer in parsed.footers for text in footer for word in _words(text)
    ]
    for part in ("body", "footer"):
        assert set(_words(expected[part])) <= set(kept)


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize(
    ("name", "call"), RELEASE_PLEASE_CALLS, ids=[name for name, _ in RELEASE_PLEASE_CALLS]
)
def test_what_release_please_finds_is_found(name: str, call: dict[str, Any]) -> None:
    [[commit]] = call["args"]
    # The last of the parsed is the commit itself; the ones before are footers that it reads as commits.
    *footers, expected = call["result"]

    # A squash merge writes the body of the pull request below the title.
    body = commit.get("pullRequest", {}).get("body", "")
    parsed = parse_message(f"{commit['message']}\n\n{body}")

    assert (parsed.type, parsed.scope) == (expected["type"], expected["scope"])
    assert parsed.description == expected["bareMessage"]
    assert parsed.is_breaking is expected["breaking"]
    notes = {note["title"]: note["text"] for note in expected["notes"]}
    if "BREAKING CHANGE" in notes:
        assert _words(parsed.breaking[0]) == _words(notes["BREAKING CHANGE"])
    assert parsed.release_as == notes.get("RELEASE AS")
    assert parsed.issues == tuple(
        reference["prefix"] + reference["issue"] for reference in expected["references"]
    )
    kept = parsed.body + "".join(f"{token}: {value}" for token, value in parsed.footers)
    assert all(footer["message"] in kept for footer in footers)


BAD_COMMITS = load_bad_input("commit")


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", BAD_COMMITS, ids=[case["id"] for case in BAD_COMMITS])
def test_a_hostile_message_is_read_as_text(case: dict[str, Any]) -> None:
    started = time.process_time()
    parsed = parse_message(case["text"])
    elapsed = time.process_time() - started

    assert elapsed < 1
    assert "\x00" not in parsed.header + parsed.body
    assert "\n" not in parsed.description
    assert len(parsed.issues) <= MAX_ISSUES
    assert len(parsed.description) <= DESCRIPTION_LIMIT
