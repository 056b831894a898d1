"""
Read what a long command prints while it runs, so that memory does not follow the length of a history.

Fields end with a NUL; of a field that is longer than anything we keep only the beginning is held.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from gitopsui.adapters import process
from gitopsui.adapters.git_names import MAX_FIELD_BYTES
from gitopsui.adapters.process import Child, ProcessTimeout, Stream
from gitopsui.domain.errors import GitError, SourceError

CHUNK_BYTES = 1 << 16
PIPE_BYTES = 1 << 20  # the most Linux gives to everybody
STDERR_KEPT_BYTES = 1 << 14
ROOT = Path("/")

Describe = Callable[[process.Result], GitError]


def stream(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: timedelta,
    describe: Describe,
    stdin: bytes = b"",
) -> Iterator[bytes]:
    """
    The pieces a program prints, as they come. It is ended when the reader stops reading.

    Raises what `describe` makes of another status than 0, ProcessTimeout, ProgramNotFound.
    """
    with started(argv, env=env, timeout=timeout, describe=describe, stdin=stdin) as pieces:
        yield from pieces


@contextmanager
def started(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: timedelta,
    describe: Describe,
    stdin: bytes = b"",
    is_tied: bool = True,
) -> Iterator[Iterator[bytes]]:
    """As `stream`, but the program runs from now on, so that something else can be done meanwhile."""
    pipe = Stream.PIPE
    # Tying costs a start of Python, and one that only reads ends by itself when nobody takes what it prints.
    with process.start(
        argv, env=env, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, is_tied=is_tied
    ) as child:
        _widen(_present(child.stdout))
        yield _read_pieces(child, _Flow(child, stdin, timeout), describe)


def _widen(pipe: IO[bytes]) -> None:
    """Let the program run ahead of us by more than the usual 64 KiB, where the system can."""
    setting = getattr(fcntl, "F_SETPIPE_SZ", None)  # Linux
    if setting is not None:
        # Somebody who has many pipes gets no larger ones.
        with suppress(OSError):
            fcntl.fcntl(pipe, setting, PIPE_BYTES)


def _read_pieces(child: Child, flow: _Flow, describe: Describe) -> Iterator[bytes]:
    yield from flow.pieces()
    returncode = child.wait(flow.time_left())
    if returncode is None:
        raise ProcessTimeout(child.name, flow.timeout)
    if returncode:
        raise describe(process.Result(returncode, b"", bytes(flow.stderr)))


def pipe_through(
    argv: Sequence[str], pieces: Iterator[bytes], *, env: Mapping[str, str], timeout: timedelta
) -> bytes:
    """
    What a program prints when it is fed with `pieces`; it may print no more than a pipe holds, 64 KiB.
    """
    pipe = Stream.PIPE
    with process.start(argv, env=env, stdin=pipe, stdout=pipe, stderr=Stream.NULL, cwd=ROOT) as child:
        stdin, stdout = _present(child.stdin), _present(child.stdout)
        for piece in pieces:
            _write_all(stdin, piece)
        stdin.close()
        returncode = child.wait(timeout)
        answer = stdout.read() if returncode == 0 else b""
    if returncode is None:
        raise ProcessTimeout(child.name, timeout)
    if returncode:
        raise GitError(f"Git ended with code {returncode}.", code="GIT_ERROR")
    return answer


def split_fields(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The fields that end with a NUL, each at most `MAX_FIELD_BYTES` long; an unfinished last one is lost."""
    rest = bytearray()
    for piece in pieces:
        *whole, last = piece.split(b"\0")
        for field in whole:
            rest += field[: MAX_FIELD_BYTES - len(rest)]
            yield bytes(rest)
            rest.clear()
        rest += last[: MAX_FIELD_BYTES - len(rest)]


class _Flow:
    """Feeds one program and hands on what it prints, in the calling thread."""

    def __init__(self, child: Child, stdin: bytes, timeout: timedelta) -> None:
        self.stderr = bytearray()
        self._child = child
        self._unsent = memoryview(stdin)
        self.timeout = timeout
        self._deadline = time.monotonic() + timeout.total_seconds()

    def time_left(self) -> timedelta:
        return timedelta(seconds=max(0.0, self._deadline - time.monotonic()))

    def pieces(self) -> Iterator[bytes]:
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            while selector.get_map():
                if not self.time_left():
                    raise ProcessTimeout(self._child.name, self.timeout)
                for key, _ in selector.select(self.time_left().total_seconds()):
                    piece = key.data(key.fd)
                    if piece is None:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]  # we registered files, never numbers
                    elif piece:
                        yield piece

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(_present(self._child.stdin), selectors.EVENT_WRITE, self._write)
        selector.register(_present(self._child.stdout), selectors.EVENT_READ, self._read)
        selector.register(_present(self._child.stderr), selectors.EVENT_READ, self._read_stderr)
        for key in list(selector.get_map().values()):
            os.set_blocking(key.fd, False)

    def _write(self, fd: int) -> bytes | None:
        """Feed some; None when all is sent or nobody reads."""
        with suppress(BlockingIOError):
            try:
                self._unsent = self._unsent[os.write(fd, self._unsent[:CHUNK_BYTES]) :]
            except BrokenPipeError:
                return None
        return b"" if self._unsent else None

    def _read(self, fd: int) -> bytes | None:
        """What lies in the pipe; None at its end."""
        try:
            return os.read(fd, CHUNK_BYTES) or None
        except BlockingIOError:
            return b""

    def _read_stderr(self, fd: int) -> bytes | None:
        piece = self._read(fd)
        self.stderr += piece or b""
        del self.stderr[:-STDERR_KEPT_BYTES]
        return None if piece is None else b""


def _present(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "the program was started with a pipe here"
    return pipe


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[pipe.write(rest) :]
    except BrokenPipeError as error:
        raise SourceError("The program stopped reading.", code="PROCESS_ENDED") from error
