"""A secret that changed is seen to have changed, and nothing else of it."""

from __future__ import annotations

from gitopsui.domain.mask_text import BULLETS, keyed_mask
from gitopsui.domain.masked_diff import diff_masked
from gitopsui.domain.text_diff import Line, TextDiff

ONE, TWO = (keyed_mask(text, b"key") for text in (b"one", b"two"))


def said(line: Line | None) -> str:
    return "".join(run.text for run in line.runs) if line else ""


def lines(diff: TextDiff) -> list[tuple[str, str, str]]:
    return [(row.change.value, said(row.old), said(row.new)) for piece in diff.pieces for row in piece.rows]


def test_a_changed_secret_is_another_value_and_an_equal_one_is_not() -> None:
    diff = diff_masked(f"a: {ONE}\nb: {ONE}\n", f"a: {TWO}\nb: {ONE}\n")
    assert lines(diff) == [
        ("changed", f"a: {BULLETS}", f"a: {BULLETS} (another value)"),
        ("same", f"b: {BULLETS}", f"b: {BULLETS}"),
    ]
    marked = [run.text for run in diff.pieces[0].rows[0].new.runs if run.is_changed]  # type: ignore[union-attr]
    assert marked == [" (another value)"]


def test_a_secret_that_comes_or_goes_has_no_hash_either() -> None:
    assert lines(diff_masked("", f"a: {ONE}\n")) == [("added", "", f"a: {BULLETS}")]
    assert lines(diff_masked(f"a: {ONE}\n", "")) == [("removed", f"a: {BULLETS}", "")]


def test_a_secret_in_place_of_something_plain_is_the_secret_alone() -> None:
    ((change, old, new),) = lines(diff_masked("a: plain\n", f"a: {ONE} # said\n"))
    assert (change, old) == ("changed", "a: plain")
    assert ONE not in new
    assert new.endswith("# said")


def test_what_holds_no_secret_is_as_ever() -> None:
    assert lines(diff_masked("a: 1\n", "a: 2\n")) == [("changed", "a: 1", "a: 2")]
