"""What Git prints is read by position, and refused when it does not fit."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.adapters.git_output import (
    EntryKind,
    Progress,
    ProgressReader,
    parse_log,
    parse_objects,
    parse_refs,
    parse_remote_refs,
    parse_time,
    parse_tree,
)
from gitopsui.domain.errors import GitError

SHA = "a" * 40


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1767225600", datetime(2026, 1, 1, tzinfo=UTC)),
        ("253402300799", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        *((bad, None) for bad in ("", "-1", "253402300800", "9" * 30, "1.5", "x", " 1", "١", "1\n")),
    ],
)
def test_times_are_read_where_they_are_times(seconds: str, expected: datetime | None) -> None:
    assert parse_time(seconds) == expected


def test_a_log_whose_fields_do_not_add_up_is_refused() -> None:
    record = b"\0".join([SHA.encode(), b"", b"n", b"e", b"1", b"2", b"m"]) + b"\0"
    assert len(parse_log(record * 3)) == 3
    assert parse_log(b"") == []
    for broken in (record[:-1], record + b"x\0", record.replace(b"n\0", b"")):
        with pytest.raises(GitError) as caught:
            parse_log(broken)
        assert caught.value.code == "GIT_ERROR"


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_a_log_of_anything_is_read_or_refused(fields: list[bytes]) -> None:
    try:
        commits = parse_log(b"".join(field + b"\0" for field in fields))
    except GitError:
        return
    for commit in commits:
        assert "\0" not in commit.message
        commit.message.encode()


@given(st.binary(max_size=200))
def test_other_answers_of_anything_are_read_or_refused(data: bytes) -> None:
    parse_remote_refs(data)
    for parse in (parse_refs, parse_tree, lambda some: list(parse_objects(some))):
        with contextlib.suppress(GitError):
            parse(data)


def test_remote_refs_are_branches_and_tags() -> None:
    data = (
        b"ref: refs/heads/main\tHEAD\n"
        b"1\tHEAD\n2\trefs/heads/main\n3\trefs/pull/1/head\n4\trefs/tags/v1\n5\trefs/tags/v1^{}\n"
        b"6\trefs/heads/caf\xe9\n7\trefs/replace/x\n"
    )
    remote = parse_remote_refs(data)
    assert remote.refs == {"refs/heads/main": "2", "refs/tags/v1": "4", "refs/heads/caf�": "6"}
    assert remote.head == "refs/heads/main"


def test_the_digest_does_not_depend_on_the_order() -> None:
    lines = [b"1\trefs/heads/a\n", b"2\trefs/heads/b\n"]
    one, other = (parse_remote_refs(b"".join(order)).digest for order in (lines, lines[::-1]))
    assert one == other


def test_tree_entries_know_what_they_are() -> None:
    data = b"".join(
        b"%s %s %s %s\t%s\0" % (mode, kind, SHA.encode(), size, path)
        for mode, kind, size, path in [
            (b"100644", b"blob", b"     12", b"a\tb\nc"),
            (b"100755", b"blob", b"      0", b"run"),
            (b"100664", b"blob", b"      1", b"old"),
            (b"120000", b"blob", b"      3", b"link"),
            (b"160000", b"commit", b"      -", b"sub"),
            (b"040000", b"tree", b"      -", b"dir"),
        ]
    )
    assert [(entry.path, entry.kind, entry.size) for entry in parse_tree(data)] == [
        ("a\tb\nc", EntryKind.FILE, 12),
        ("run", EntryKind.EXECUTABLE, 0),
        ("old", EntryKind.FILE, 1),
        ("link", EntryKind.SYMLINK, 3),
        ("sub", EntryKind.SUBMODULE, None),
        ("dir", EntryKind.FOLDER, None),
    ]


def test_objects_are_cut_by_their_size_whatever_they_hold() -> None:
    content = b"x missing\n\0" + SHA.encode() + b" blob 3\n"
    data = b"%s blob %d\n%s\n" % (SHA.encode(), len(content), content)
    assert list(parse_objects(data + b"b missing\n" + data)) == [
        (SHA, "blob", content),
        ("b", "missing", b""),
        (SHA, "blob", content),
    ]


def test_progress_is_read_in_pieces_of_any_size() -> None:
    text = (
        b"remote: Enumerating objects: 5, done.        \n"
        b"remote: Compressing objects:  50% (1/2)        \rReceiving objects: 100% (7/7), 1.2 MiB | 3 MiB/s\r"
        b"From http://x\n * [new branch] a -> b\nResolving deltas:   0% (0/3)\r"
    )
    expected = [
        Progress("Enumerating objects", 5, None, "done."),
        Progress("Compressing objects", 1, 2),
        Progress("Receiving objects", 7, 7, "1.2 MiB | 3 MiB/s"),
        Progress("Resolving deltas", 0, 3),
    ]
    for size in (1, 7, len(text)):
        reader = ProgressReader()
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert [progress for piece in pieces for progress in reader.feed(piece)] == expected


def test_a_line_that_never_ends_is_not_kept() -> None:
    reader = ProgressReader()
    for _ in range(100):
        assert list(reader.feed(b"x" * 10_000)) == []
    assert len(reader._rest) <= 1000
