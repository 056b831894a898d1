"""The files of a promotion as its pages draw them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.promotions.selectors.edits import MOST_DRAWN, EditRow, edit_rows
from gitopsui.domain.edit_file import Content, FileEdit, copied_edit


def edit_of(path: str, old: bytes | None, new: bytes | None, **values: Any) -> FileEdit:
    sides = [None if one is None else Content(f"{one!r}", one) for one in (old, new)]
    return copied_edit(path, sides[0], sides[1], is_executable=values.get("is_executable"), show=str)


def row(old: bytes | None, new: bytes | None, **values: Any) -> EditRow:
    (found,) = edit_rows([edit_of("a", old, new, **values).to_json()], is_unified=True)
    return found


def lines(found: EditRow) -> str:
    assert found.diff is not None
    rows = [row for piece in found.diff.pieces for row in piece.rows]
    return "\n".join(
        f"{row.change.value}: {''.join(run.text for run in line.runs)}"
        for row in rows
        for line in (row.old or row.new,)
        if line is not None
    )


@pytest.mark.parametrize(
    ("old", "new", "values", "note"),
    [
        (None, b"\0\1", {}, "No text: 2 bytes."),
        (b"\0\1", None, {}, "No text: 2 bytes."),
        (b"\0\1", b"\0\1\2", {}, "No text: 2 bytes become 3."),
        (None, b"", {}, "An empty file."),
        (b"x", b"x", {"is_executable": True}, "Its content stays. It may be run."),
        (b"x", b"x", {"is_executable": False}, "Its content stays. It may not be run any more."),
    ],
)
def test_what_has_no_lines_to_show_is_said(
    old: bytes | None, new: bytes | None, values: dict[str, Any], note: str
) -> None:
    found = row(old, new, **values)
    assert (found.diff, found.note) == (None, note)


def test_files_that_come_and_go_are_drawn_as_a_whole() -> None:
    assert (row(None, b"a: 1\n").change, lines(row(None, b"a: 1\n"))) == ("added", "added: a: 1")
    assert (row(b"a: 1\n", None).change, lines(row(b"a: 1\n", None))) == ("removed", "removed: a: 1")


def test_a_secret_in_git_is_not_on_the_page_but_that_it_changes_is() -> None:
    old, new = (f"kind: Secret\ndata: {{a: {value}}}\n" for value in ("aHVudGVyMg==", "aHVudGVyMw=="))
    (found,) = edit_rows([{"path": "a", "old": old, "new": new}], is_unified=True)
    text = lines(found)
    assert "aHVud" not in text
    assert "added: data: {a: •••••• (another value)}" in text.replace("removed: data: {a: ••••••}\n", "")


def test_of_very_many_files_the_rest_is_named() -> None:
    files = [edit_of(f"f{number}", b"1", b"2").to_json() for number in range(MOST_DRAWN + 1)]
    rows = edit_rows(files, is_unified=False)
    assert all(one.diff for one in rows[:MOST_DRAWN])
    assert rows[-1].note == "Not shown, since there is too much of it: 1 bytes become 1."
