"""Two texts beside each other: nothing lost, words marked, hidden characters seen, limits kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.text_diff import (
    MOST_BYTES,
    MOST_LINES,
    Change,
    Line,
    Mark,
    Row,
    Run,
    TextDiff,
    changed_words,
    diff_texts,
    unified,
    visible_runs,
)

LINES = st.lists(st.sampled_from(["a: 1", "b: 2", "b: 3", "", "  x", "- y "]), max_size=30)


def rows_of(diff: TextDiff) -> list[Row]:
    return [row for piece in diff.pieces for row in piece.rows]


def text_of(line: Line) -> str:
    return "".join(run.text for run in line.runs)


def shown(line: str) -> list[tuple[str, Mark]]:
    return [(run.text, run.mark) for run in visible_runs(line)]


def marked(line: Line | None) -> list[str]:
    assert line is not None
    return [run.text for run in line.runs if run.is_changed]


@given(LINES, LINES)
def test_both_texts_can_be_read_off_the_rows(old: list[str], new: list[str]) -> None:
    """Every line is there once, in its order and under its number, folded or not."""
    rows = rows_of(diff_texts("".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new)))
    seen_old, seen_new = [row.old for row in rows if row.old], [row.new for row in rows if row.new]
    assert [text_of(line).replace("·", " ") for line in seen_old] == old
    assert [text_of(line).replace("·", " ") for line in seen_new] == new
    assert [line.number for line in seen_old] == list(range(1, len(old) + 1))
    assert [line.number for line in seen_new] == list(range(1, len(new) + 1))


@given(st.text(), st.text())
def test_any_two_texts_differ_exactly_where_they_are_not_equal(old: str, new: str) -> None:
    diff = diff_texts(old, new)
    assert (diff.removed_count + diff.added_count == 0) == (old == new)
    assert all(row.old and row.new for row in rows_of(diff) if row.change is Change.SAME)


@given(st.text(), st.text())
def test_what_is_not_marked_is_the_same_on_both_sides(old: str, new: str) -> None:
    ours, theirs = changed_words(old, new)
    assert _without(old, ours) == _without(new, theirs)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    return "".join(char for at, char in enumerate(text) if not any(a <= at < b for a, b in spans))


@given(LINES, LINES)
def test_one_column_holds_the_same_lines_as_two(old: list[str], new: list[str]) -> None:
    rows = rows_of(diff_texts("\n".join(old), "\n".join(new)))
    column = list(unified(rows))
    assert [row.old for row in column if row.old] == [row.old for row in rows if row.old]
    assert all((row.old is None) != (row.new is None) for row in column if row.change is not Change.SAME)


def test_unchanged_lines_far_from_a_change_are_folded() -> None:
    text = "".join(f"line {n}\n" for n in range(40))
    pieces = diff_texts(text, text.replace("line 20\n", "line twenty\n")).pieces
    assert [(piece.is_folded, len(piece.rows)) for piece in pieces] == [(True, 17), (False, 7), (True, 16)]


def test_a_fold_that_would_hide_one_line_stays_open() -> None:
    old = "".join(f"line {n}\n" for n in range(8))
    pieces = diff_texts(old, old.replace("line 0", "first").replace("line 7", "last"), context=3).pieces
    assert [piece.is_folded for piece in pieces] == [False]


def test_only_the_words_that_differ_are_marked() -> None:
    row = rows_of(diff_texts("image: shop/cart:1.4.0\n", "image: shop/cart:1.5.0\n"))[0]
    assert row.change is Change.CHANGED
    assert (marked(row.old), marked(row.new)) == (["4"], ["5"])


def test_a_line_is_paired_with_what_it_became_and_not_with_what_stands_beside_it() -> None:
    rows = rows_of(diff_texts("replicas: 2\n", "paused: true\nreplicas: 5\n"))
    assert [row.change for row in rows] == [Change.ADDED, Change.CHANGED]


def test_lines_with_nothing_in_common_are_removed_and_added() -> None:
    rows = rows_of(diff_texts("one two three\n", "four five six\n"))
    assert [row.change for row in rows] == [Change.REMOVED, Change.ADDED]


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        pytest.param("a  ", [("a", Mark.TEXT), ("··", Mark.BLANK)], id="trailing spaces"),
        pytest.param("a b", [("a b", Mark.TEXT)], id="a space between words is plain"),
        pytest.param("\ta", [("→\t", Mark.TAB), ("a", Mark.TEXT)], id="tab"),
        pytest.param("a \r", [("a", Mark.TEXT), ("·", Mark.BLANK), ("\\r", Mark.RETURN)], id="CR LF"),
        pytest.param(
            "a\N{NO-BREAK SPACE}b", [("a", Mark.TEXT), ("⍽", Mark.ODD), ("b", Mark.TEXT)], id="no-break space"
        ),
        pytest.param("\N{EM SPACE}", [("\\u{2003}", Mark.ODD)], id="em space"),
        pytest.param("\N{ZERO WIDTH SPACE}", [("\\u{200B}", Mark.HIDDEN)], id="zero width"),
        pytest.param("\N{RIGHT-TO-LEFT OVERRIDE}", [("\\u{202E}", Mark.HIDDEN)], id="bidi override"),
        pytest.param("\x1b[0m", [("\\x1b", Mark.HIDDEN), ("[0m", Mark.TEXT)], id="control"),
        pytest.param("\\x1b", [("\\x1b", Mark.TEXT)], id="what only spells an escape is plain"),
        pytest.param(
            "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
            [("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", Mark.TEXT)],
            id="a joiner inside an emoji is plain",
        ),
    ],
)
def test_a_character_that_would_not_be_seen_is_shown(line: str, runs: list[tuple[str, Mark]]) -> None:
    assert shown(line) == runs


def test_a_trailing_space_that_came_is_the_only_mark_of_its_line() -> None:
    row = rows_of(diff_texts("a: b\n", "a: b \n"))[0]
    assert row.new is not None
    assert row.new.runs[-1] == Run("·", Mark.BLANK, is_changed=True)


def test_a_missing_newline_at_the_end_is_a_difference_and_said() -> None:
    row = rows_of(diff_texts("a\n", "a"))[0]
    assert row.change is Change.CHANGED
    assert row.new is not None
    assert row.new.runs[-1].mark is Mark.END
    assert row.old is not None
    assert Mark.END not in [run.mark for run in row.old.runs]


def test_texts_without_a_newline_on_either_side_do_not_say_so() -> None:
    row = rows_of(diff_texts("a: 1", "a: 2"))[0]
    assert row.old is not None
    assert Mark.END not in [run.mark for run in row.old.runs]


@pytest.mark.parametrize(
    ("text", "count"),
    [("x\n" * (MOST_LINES + 1), MOST_LINES), (("y" * 999 + "\n") * 200, MOST_BYTES // 1000)],
    ids=["lines", "bytes"],
)
def test_what_is_too_long_is_cut_and_said_to_be(text: str, count: int) -> None:
    diff = diff_texts(text, text)
    assert diff.is_cut
    assert len(rows_of(diff)) == count


def test_a_text_of_exactly_the_most_lines_is_whole() -> None:
    assert not diff_texts("x\n" * MOST_LINES, "").is_cut


def test_a_line_put_before_many_equal_ones_is_the_only_difference() -> None:
    diff = diff_texts("head\n" + "line\n" * 600 + "x", "head\nnew\n" + "line\n" * 600 + "y")
    assert (diff.removed_count, diff.added_count) == (1, 2)


@pytest.mark.parametrize("old", ["a\nb\n" * 1000, "a\n" * 1999 + "b\n"], ids=["two lines", "one line"])
def test_texts_of_few_different_lines_are_compared_all_the_same(old: str) -> None:
    diff = diff_texts(old, "b\n" + old)
    assert 1 <= diff.added_count <= MOST_LINES
