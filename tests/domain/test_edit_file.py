"""A file before and after, as it is stored with a promotion and as it is hashed."""

from __future__ import annotations

import hashlib
import json

import pytest

from gitopsui.domain.edit_file import FileChange, FileEdit, edit_of, hash_edits


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (b"a", b"b", FileChange.CHANGED),
        (None, b"b", FileChange.ADDED),
        (None, b"", FileChange.ADDED),
        (b"a", None, FileChange.REMOVED),
        (b"\xef\xbb\xbfa\r\n", "ü\u2028".encode(), FileChange.CHANGED),
        (b"\x89PNG\0", b"\xff", FileChange.CHANGED),
        (None, b"a\0b", FileChange.ADDED),
    ],
)
def test_every_byte_comes_back_from_what_is_stored(
    old: bytes | None, new: bytes | None, change: FileChange
) -> None:
    edit = edit_of("a/b", old, new)
    again = FileEdit.from_json(json.loads(json.dumps(edit.to_json())))
    assert again == edit
    assert "\\u0000" not in json.dumps(edit.to_json())
    assert (again.change, again.content) == (change, new)
    assert again.sizes == (len(old or b""), len(new or b""))
    assert again.changes_anything


def test_a_row_of_an_older_version_is_a_changed_text() -> None:
    edit = FileEdit.from_json({"path": "a", "old": "x", "new": "y"})
    assert edit == FileEdit("a", "x", "y")
    assert edit.to_json() == {"path": "a", "old": "x", "new": "y"}


def test_whether_it_may_be_run_alone_is_a_change() -> None:
    assert not edit_of("a", b"x", b"x").changes_anything
    assert edit_of("a", b"x", b"x", is_executable=True).changes_anything


def test_the_hash_of_usual_edits_is_that_of_paths_and_texts() -> None:
    digest = hashlib.sha256()
    for text in ("a", "old", "new"):
        digest.update(len(text).to_bytes(8, "big") + text.encode())
    assert hash_edits([FileEdit("a", "old", "new")]) == digest.hexdigest()


def test_two_edits_that_do_something_else_have_different_hashes() -> None:
    edits = [
        edit_of("a", b"x", b""),
        edit_of("a", b"x", None),
        edit_of("a", b"", b"x"),
        edit_of("a", None, b"x"),
        edit_of("a", b"x", b"", is_executable=True),
        edit_of("a", b"x", b"", is_executable=False),
        FileEdit("a", "eA==", "", is_binary=True),
    ]
    assert len({hash_edits([one]) for one in edits}) == len(edits)
    assert hash_edits([edits[0], edit_of("b", b"", b"1")]) == hash_edits([edit_of("b", b"", b"1"), edits[0]])
