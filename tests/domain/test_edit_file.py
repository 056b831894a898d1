"""A file before and after, as it is stored with a promotion and as it is hashed."""

from __future__ import annotations

import hashlib
import json

import pytest

from gitopsui.domain.edit_file import Content, FileChange, FileEdit, copied_edit, hash_edits


def copied(old: bytes | None, new: bytes | None, runs: bool | None = None) -> FileEdit:
    sides = [None if one is None else Content(hashlib.sha1(one).hexdigest(), one) for one in (old, new)]
    return copied_edit("a/b", sides[0], sides[1], is_executable=runs, show=str.upper)


@pytest.mark.parametrize(
    ("old", "new", "change", "shown"),
    [
        (b"a", b"b", FileChange.CHANGED, ("A", "B")),
        (None, b"b", FileChange.ADDED, ("", "B")),
        (None, b"", FileChange.ADDED, ("", "")),
        (b"a", None, FileChange.REMOVED, ("A", "")),
        (b"a", b"\x89PNG", FileChange.CHANGED, ("", "")),
        (None, b"a\0b", FileChange.ADDED, ("", "")),
    ],
)
def test_a_copy_keeps_ids_and_sizes_and_only_what_may_be_shown(
    old: bytes | None, new: bytes | None, change: FileChange, shown: tuple[str, str]
) -> None:
    edit = copied(old, new)
    again = FileEdit.from_json(json.loads(json.dumps(edit.to_json())))
    assert again == edit
    assert (again.change, (again.old, again.new)) == (change, shown)
    assert (again.old_size, again.new_size) == (len(old or b""), len(new or b""))
    assert (bool(again.old_blob), bool(again.new_blob)) == (old is not None, new is not None)
    assert again.changes_anything


@pytest.mark.parametrize("runs", [None, True, False])
@pytest.mark.parametrize(("old", "new"), [(b"a", b"bc"), (None, b"a"), (b"a", None), (b"a", b"\0")])
def test_what_is_undone_twice_is_done(old: bytes | None, new: bytes | None, runs: bool | None) -> None:
    edit = copied(old, new, runs)
    back = edit.undone()
    assert (back.old_blob, back.new_blob, back.old_size) == (edit.new_blob, edit.old_blob, edit.new_size)
    assert back.undone() == edit


def test_a_usual_row_holds_the_path_and_both_texts() -> None:
    edit = FileEdit.from_json({"path": "a", "old": "x", "new": "y"})
    assert edit == FileEdit("a", "x", "y")
    assert edit.to_json() == {"path": "a", "old": "x", "new": "y"}


def test_whether_it_may_be_run_alone_is_a_change() -> None:
    assert not copied(b"x", b"x").changes_anything
    assert copied(b"x", b"x", runs=True).changes_anything


def test_the_hash_of_usual_edits_is_that_of_paths_and_texts() -> None:
    digest = hashlib.sha256()
    for text in ("a", "old", "new"):
        digest.update(len(text).to_bytes(8, "big") + text.encode())
    assert hash_edits([FileEdit("a", "old", "new")]) == digest.hexdigest()


def test_two_edits_that_do_something_else_have_different_hashes() -> None:
    edits = [
        copied(b"x", b""),
        copied(b"x", None),
        copied(b"", b"x"),
        copied(None, b"x"),
        copied(b"x", b"", runs=True),
        copied(b"x", b"", runs=False),
        FileEdit("a/b", "x", ""),
        FileEdit("a/b", "x", "", change=FileChange.REMOVED),
        FileEdit("a/b", "x", "", is_executable=True),
    ]
    assert len({hash_edits([one]) for one in edits}) == len(edits)
    first, other = edits[0], FileEdit("c", "", "1")
    assert hash_edits([first, other]) == hash_edits([other, first])


def test_the_hash_of_a_copy_goes_by_what_is_in_git_and_not_by_what_is_shown() -> None:
    one = copied(b"x", b"y")
    sides = Content(one.old_blob, b"x"), Content(one.new_blob, b"y")
    other = copied_edit("a/b", *sides, is_executable=None, show=lambda text: "masked")
    assert hash_edits([one]) == hash_edits([other])
