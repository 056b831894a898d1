"""
Write the repositories of the demo: a list of commits and tags → a bare repository, by `git fast-import`.

The same steps give the same ids anywhere, because every date and name is part of a step.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.domain.errors import GitError

MAIN = "main"
DOMAIN = "demo.example"
TIMEOUT = timedelta(seconds=60)
MAX_OUTPUT = 4 << 20
NO_COMMIT = "0" * 40
# `{id:key}` in a message is the id of the commit with that key, which must be written before.
_ID = re.compile(r"\{id:([^}]+)\}")


@dataclass(frozen=True, slots=True)
class NewCommit:
    """
    One commit on `branch`. `files` are path → new content, None for a file that goes away.

    `author` is a role, "cart maintainer"; `starts_at` is the branch a new branch leaves from, `merges`
    the branch that is merged. `key` lets later messages name this commit.
    """

    at: datetime
    author: str
    message: str
    files: Mapping[str, str | None]
    branch: str = MAIN
    starts_at: str = ""
    merges: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag at the tip of `branch`; light (without message, date and author) where `message` is ""."""

    at: datetime
    name: str
    message: str = ""
    author: str = "release bot"
    branch: str = MAIN


Step = NewCommit | NewTag


def create_repository(path: Path, steps: Sequence[Step]) -> None:
    """
    A bare repository that holds these steps, put in place when it is whole. An existing one is replaced.

    Raises GitError.
    """
    part = path.with_name(f"{path.name}.part")
    for old in (part, path):
        shutil.rmtree(old, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    _git(path.parent, "init", "--quiet", "--bare", f"--initial-branch={MAIN}", part.name)
    _Import(part, is_new=True).write(steps)
    part.rename(path)


def extend_repository(path: Path, steps: Sequence[Step]) -> None:
    """Add steps to the branches of an existing repository. Raises GitError; then nothing was added."""
    _Import(path, is_new=False).write(steps)


def email_of(role: str) -> str:
    """`cart maintainer` → `cart-maintainer@demo.example`."""
    return f"{role.replace(' ', '-')}@{DOMAIN}"


@dataclass(slots=True)
class _Import:
    """One or more runs of fast-import: a message that names an id needs the commits before it written."""

    path: Path
    is_new: bool
    # Branches of earlier runs, and those of the run that is being put together.
    known: set[str] = field(default_factory=set)
    current: set[str] = field(default_factory=set)
    marks: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def write(self, steps: Sequence[Step]) -> None:
        portion: list[Step] = []
        for step in steps:
            if portion and isinstance(step, NewCommit) and _ID.search(step.message):
                self._run(portion)
                portion = []
            portion.append(step)
        self._run(portion)
        self._marks_file.unlink(missing_ok=True)

    @property
    def _marks_file(self) -> Path:
        return self.path / "demo-marks"

    def _run(self, steps: Sequence[Step]) -> None:
        if not steps:
            return
        ids = self._ids()
        stream = b"".join(piece for step in steps for piece in self._step(step, ids))
        marks = [f"--import-marks-if-exists={self._marks_file}", f"--export-marks={self._marks_file}"]
        _git(self.path, "fast-import", "--quiet", "--done", *marks, stdin=stream + b"done\n")
        self.known |= self.current
        self.current = set()

    def _ids(self) -> dict[str, str]:
        """The ids of the commits with a key that are written already."""
        if not self._marks_file.exists():
            return {}
        lines = self._marks_file.read_text().splitlines()
        by_mark = {int(mark[1:]): sha for mark, sha in (line.split() for line in lines)}
        return {key: by_mark[mark] for key, mark in self.marks.items() if mark in by_mark}

    def _step(self, step: Step, ids: Mapping[str, str]) -> Iterator[bytes]:
        if isinstance(step, NewTag):
            yield self._tag(step)
            return
        self.count += 1
        if step.key:
            self.marks[step.key] = self.count
        message = _ID.sub(lambda match: ids[match[1]], step.message)
        who = f"{step.author} <{email_of(step.author)}> {_raw(step.at)}"
        yield f"commit refs/heads/{step.branch}\nmark :{self.count}\n".encode()
        yield f"author {who}\ncommitter {who}\n".encode() + _data(message)
        yield self._parents(step).encode()
        for path, content in step.files.items():
            if content is None:
                yield f"D {path}\n".encode()
            else:
                yield f"M 100644 inline {path}\n".encode() + _data(content)
        yield b"\n"
        if step.merges:
            # As a forge does after a merge: no commit at all means that the branch goes away.
            yield f"reset refs/heads/{step.merges}\nfrom {NO_COMMIT}\n\n".encode()
            self.current.discard(step.merges)
            self.known.discard(step.merges)

    def _parents(self, step: NewCommit) -> str:
        lines = ""
        if step.branch not in self.current:
            is_there = step.branch in self.known or not (self.is_new or step.starts_at)
            if is_there or step.starts_at:
                lines = f"from {self._tip(step.branch if is_there else step.starts_at)}\n"
            self.current.add(step.branch)
        return lines + (f"merge {self._tip(step.merges)}\n" if step.merges else "")

    def _tip(self, branch: str) -> str:
        # A run knows its own branches by name; one of before it has to look up, which ^0 asks for.
        return f"refs/heads/{branch}" if branch in self.current else f"refs/heads/{branch}^0"

    def _tag(self, tag: NewTag) -> bytes:
        tip = self._tip(tag.branch)
        if not tag.message:
            return f"reset refs/tags/{tag.name}\nfrom {tip}\n\n".encode()
        head = f"tag {tag.name}\nfrom {tip}\ntagger {tag.author} <{email_of(tag.author)}> {_raw(tag.at)}\n"
        return head.encode() + _data(tag.message)


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


def _raw(at: datetime) -> str:
    return f"{int(at.timestamp())} +0000"


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    argv = ["git", *arguments]
    result = process.run(
        argv, env=environment, cwd=folder, stdin=stdin, timeout=TIMEOUT, max_output=MAX_OUTPUT
    )
    if result.returncode:
        # fast-import writes a crash report into the repository; the last line says the same.
        reason = result.stderr.decode("utf-8", "replace").strip()[-300:]
        raise GitError(f"The demo could not write a repository: {reason}", code="GIT_ERROR")
    return result.stdout
