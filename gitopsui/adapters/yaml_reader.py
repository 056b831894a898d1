"""
The only reader of foreign YAML: Kubernetes' rules, under limits, in a child that a file may kill.

Each process has one child of its own, started by the first file and restarted when it is gone. A file
is all or nothing: when its second document is broken, the first is not shown as the whole truth.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gitopsui.adapters import process
from gitopsui.adapters.yaml_frames import Channel
from gitopsui.adapters.yaml_limits import Limits
from gitopsui.domain.errors import SourceError, UnreadableFile

__all__ = ["DEFAULT_LIMITS", "Limits", "ParsedFile", "YamlReader", "as_manifests", "read_files", "read_text"]

DEFAULT_LIMITS = Limits()
_CHILD = (sys.executable, "-I", str(Path(__file__).with_name("yaml_child.py")))
_FILES_PER_CHILD = 5_000  # a new child now and then, so that no leak of a C library lives long


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """
    One file. `documents` leaves out empty ones; `lines` says in which line each begins, from 1.
    With an `error` there are no documents.
    """

    documents: tuple[Any, ...] = ()
    error: UnreadableFile | None = None
    lines: tuple[int, ...] = ()


def read_files(files: Mapping[str, bytes], *, limits: Limits = DEFAULT_LIMITS) -> dict[str, ParsedFile]:
    """
    Every file under its path. What is wrong with a file is in its `error` and never raised; SourceError is,
    when this machine cannot start the reader.
    """
    return {path: _shared.read_file(path, data, limits) for path, data in files.items()}


def read_text(data: bytes, *, path: str = "", limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """The documents of one text that are not empty. Raises UnreadableFile, and SourceError as above."""
    parsed = _shared.read_file(path, data, limits)
    if parsed.error is not None:
        raise parsed.error
    return list(parsed.documents)


def as_manifests(path: str, parsed: ParsedFile) -> ParsedFile:
    """The file as one of manifests: unreadable (NOT_MANIFEST) when a document is no mapping."""
    for document, line in zip(parsed.documents, parsed.lines, strict=True):
        if not isinstance(document, dict):
            what = "a list" if isinstance(document, list) else "a single value"
            message = f"Line {line} begins {what}; a manifest is a mapping with apiVersion and kind."
            return ParsedFile(error=UnreadableFile(message, code="NOT_MANIFEST", path=path, line=line))
    return parsed


@dataclass(slots=True)
class _Child:
    handle: process.Child
    channel: Channel
    files_left: int

    def ask(self, data: bytes, limits: Limits) -> dict[str, Any]:
        """Raises TimeoutError, and EOFError when the child is gone."""
        header = json.dumps({"limits": asdict(limits)}).encode()
        return dict(json.loads(self.channel.ask((header, data), seconds=limits.wall_seconds)))


class YamlReader:
    """
    Reads with a child of its own, one file at a time, whichever thread asks.

    `argv` is the child's command; it speaks as `yaml_child.py` describes.
    """

    def __init__(self, argv: Sequence[str] = _CHILD, *, files_per_child: int = _FILES_PER_CHILD) -> None:
        self._argv = tuple(argv)
        self._files_per_child = files_per_child
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._inherited: list[_Child] = []

    def read_file(self, path: str, data: bytes, limits: Limits) -> ParsedFile:
        """One file; what is wrong with it is in the answer, under the codes YAML_…"""
        with self._lock:
            answer = self._ask(data, limits) if len(data) <= limits.file_bytes else _too_large(data, limits)
        if "error" in answer:
            code, message, line = answer["error"]
            return ParsedFile(error=UnreadableFile(message, code=code, path=path, line=line))
        pairs = answer["documents"]
        return ParsedFile(tuple(value for _, value in pairs), lines=tuple(line for line, _ in pairs))

    def close(self) -> None:
        """End the child; the next file starts another."""
        with self._lock:
            self._end_child()

    def forget_after_fork(self) -> None:
        """In a forked process: leave the parent's child to the parent, with the only ends of its pipes."""
        self._lock = threading.Lock()
        if self._child is not None:
            self._inherited.append(self._child)  # kept, or its finaliser would complain that it still runs
            for pipe in (self._child.handle.stdin, self._child.handle.stdout):
                if pipe is not None:
                    pipe.close()
            self._child = None

    def _ask(self, data: bytes, limits: Limits) -> dict[str, Any]:
        """A file is blamed for the end of a child only when it ended a second, fresh one too."""
        for _ in range(2):
            child = self._ready_child()
            try:
                return child.ask(data, limits)
            except TimeoutError:
                self._end_child()
                return _error(
                    "YAML_TIME", f"Reading the file took longer than {limits.wall_seconds} seconds."
                )
            except EOFError:
                if self._end_child() == -signal.SIGXCPU:
                    return _error(
                        "YAML_TIME", f"Reading the file takes more than {limits.cpu_seconds} seconds."
                    )
        return _error("YAML_CRASH", "The file makes its parser crash.")

    def _ready_child(self) -> _Child:
        child = self._child
        if child is None or child.files_left <= 0 or child.handle.poll() is not None:
            self._end_child()
            child = self._child = self._start_child()
        child.files_left -= 1
        return child

    def _start_child(self) -> _Child:
        """It ends when its input does, so it needs no tie to this thread, which may end earlier."""
        pipe = process.Stream.PIPE
        silent = process.Stream.NULL
        handle = process.start(self._argv, env={}, stdin=pipe, stdout=pipe, stderr=silent, is_tied=False)
        assert handle.stdin is not None
        assert handle.stdout is not None
        child = _Child(handle, Channel(handle.stdin.fileno(), handle.stdout.fileno()), self._files_per_child)
        try:
            child.ask(b"", DEFAULT_LIMITS)
        except (EOFError, TimeoutError) as error:
            # no file is to blame for a child that cannot even read nothing
            handle.kill_group()
            raise SourceError("The reader of YAML files cannot be started.", code="YAML_READER") from error
        return child

    def _end_child(self) -> int:
        """Kill the child, if there is one; its return code, negative for a signal."""
        child, self._child = self._child, None
        return child.handle.kill_group() if child is not None else 0


def _too_large(data: bytes, limits: Limits) -> dict[str, Any]:
    return _error("YAML_SIZE", f"The file has {len(data):,} bytes; at most {limits.file_bytes:,} are read.")


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": [code, message, 0]}


_shared = YamlReader()
atexit.register(_shared.close)
os.register_at_fork(after_in_child=_shared.forget_after_fork)
