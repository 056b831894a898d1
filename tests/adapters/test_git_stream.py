"""A command is read while it runs, is ended in time, and its failure is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from gitopsui.adapters import process
from gitopsui.adapters.git_stream import pipe_through, stream
from gitopsui.adapters.process import ProcessTimeout, ProgramNotFound
from gitopsui.domain.errors import GitError, SourceError

ENV = {"PATH": os.environ.get("PATH", os.defpath)}
LONG = timedelta(minutes=2)


def describe(result: process.Result) -> GitError:
    return GitError(f"{result.returncode} {result.stderr.decode()}", code="GIT_ERROR")


def read(*argv: str, stdin: bytes = b"", timeout: timedelta = LONG) -> Iterator[bytes]:
    return stream(argv, env=ENV, timeout=timeout, describe=describe, stdin=stdin)


class TestStream:
    def test_more_than_a_pipe_holds_goes_through_in_both_directions(self) -> None:
        data = b"0123456789" * 100_000
        assert b"".join(read("cat", stdin=data)) == data

    def test_the_first_piece_comes_before_the_program_ends(self) -> None:
        pieces = read("sh", "-c", "echo first; exec sleep 3600")
        assert next(pieces) == b"first\n"
        pieces.close()  # type: ignore[attr-defined]

    def test_a_program_that_does_not_end_is_ended(self) -> None:
        with pytest.raises(ProcessTimeout):
            list(read("sleep", "3600", timeout=timedelta(seconds=0.3)))

    def test_a_failure_is_described_by_what_it_said(self) -> None:
        with pytest.raises(GitError, match="3 sorry"):
            list(read("sh", "-c", "echo all of it; echo sorry >&2; exit 3"))

    def test_a_program_that_does_not_read_is_no_error(self) -> None:
        assert list(read("true", stdin=b"x" * 1_000_000)) == []

    def test_a_program_that_is_not_there_is_said(self) -> None:
        with pytest.raises(ProgramNotFound):
            list(read("no-such-program"))


class TestPipe:
    def test_hands_the_pieces_on(self) -> None:
        pieces = (b"line\n" for _ in range(100_000))
        assert pipe_through(["wc", "-l"], pieces, env=ENV, timeout=LONG).strip() == b"100000"

    def test_a_failure_on_the_way_goes_on(self) -> None:
        failing = read("sh", "-c", "echo half; exit 3")
        with pytest.raises(GitError, match="3"):
            pipe_through(["cat"], failing, env=ENV, timeout=LONG)

    def test_one_that_stops_reading_is_an_error(self) -> None:
        pieces = (b"x" * 100_000 for _ in range(100))
        with pytest.raises(SourceError):
            pipe_through(["true"], pieces, env=ENV, timeout=LONG)

    def test_one_that_fails_is_an_error(self) -> None:
        with pytest.raises(GitError, match="code 1"):
            pipe_through(["false"], iter(()), env=ENV, timeout=LONG)
