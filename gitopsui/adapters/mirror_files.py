"""
The folder of a mirror as files: its lock, its size, what killed processes left in it, the mark of damage.

    DIR            the mirror, a bare repository
    DIR.lock       held by whoever writes; let go by the kernel when the holder dies
    DIR.tmp        a mirror that is being built; becomes DIR when it is whole
    DIR.old        the one that was there before, for a moment
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from gitopsui.domain.errors import GitError

DAMAGE_MARK = "gitopsui-damaged"
JOURNAL = "gitopsui-before-fetch"
LEFTOVER_PATTERNS = (
    "*.lock",
    "refs/**/*.lock",
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/??/tmp_obj_*",
    "objects/info/**/*.lock",
    "objects/info/**/tmp_*",
    "objects/tmp_objdir-*",
)


@contextmanager
def locked(path: Path, *, patience: timedelta) -> Iterator[None]:
    """
    The right to write the mirror at `path`, against other processes and other threads.

    Raises GitError GIT_BUSY when somebody else holds it longer than `patience`.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(_beside(path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_lock(descriptor, time.monotonic() + patience.total_seconds())
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                message = "Another fetch of this repository is still running."
                raise GitError(message, code="GIT_BUSY") from None
            time.sleep(0.1)
        else:
            return


def remove_leftovers(path: Path, *, older_than: timedelta) -> None:
    """Remove the lock files and half-written packs that killed processes left. Only under the lock."""
    oldest = time.time() - older_than.total_seconds()
    for leftover, written_at in _find_leftovers(path):
        if written_at < oldest:
            _remove(leftover)


@contextmanager
def removing_unfinished(path: Path) -> Iterator[None]:
    """
    Remove what a fetch in this block leaves half-written when it fails. Only under the lock.

    Git leaves its half pack on a full disk, which would then stay full.
    """
    # File systems count time more coarsely than we do.
    began = time.time() - 2
    try:
        yield
    except BaseException:
        for leftover, written_at in _find_leftovers(path):
            if written_at >= began:
                _remove(leftover)
        raise


def _find_leftovers(path: Path) -> Iterator[tuple[Path, float]]:
    for pattern in LEFTOVER_PATTERNS:
        for leftover in path.glob(pattern):
            with suppress(FileNotFoundError):
                yield leftover, leftover.lstat().st_mtime


@contextmanager
def building(path: Path) -> Iterator[Path]:
    """
    A folder in which to build the mirror of `path`; it takes its place when the block ends well, and is
    removed when it does not. For a moment between two renames there is no mirror.
    """
    new, old = _beside(path, ".tmp"), _beside(path, ".old")
    _remove(new)
    try:
        yield new
        _remove(old)
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        _remove(new)
        _remove(old)


def mark_damaged(path: Path) -> None:
    with suppress(OSError):
        (path / DAMAGE_MARK).touch()


def is_damaged(path: Path) -> bool:
    return (path / DAMAGE_MARK).exists()


def write_journal(path: Path, refs: Mapping[str, str]) -> None:
    """Note what the refs were before a fetch, so that one that is killed half-way loses no old head."""
    journal = path / JOURNAL
    new = _beside(journal, ".new")
    lines = "".join(f"{sha} {name}\n" for name, sha in refs.items())
    new.write_text(lines, encoding="utf-8", errors="surrogateescape")
    new.replace(journal)


def read_journal(path: Path) -> dict[str, str] | None:
    """What the refs were before a fetch that did not end, or None."""
    try:
        text = (path / JOURNAL).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    return {name: sha for sha, _, name in (line.partition(" ") for line in text.split("\n") if line)}


def remove_journal(path: Path) -> None:
    (path / JOURNAL).unlink(missing_ok=True)


def measure(path: Path) -> int:
    """The bytes of all files below `path`."""
    size = 0
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        # Git removes files while we look.
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    with suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_size
    return size


def check_free_space(path: Path, *, min_free_bytes: int) -> None:
    """Raises GitError GIT_NO_SPACE when the disk of `path` has less left than must stay free."""
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    if shutil.disk_usage(place).free < min_free_bytes:
        message = "The disk that holds the mirrors is nearly full; nothing is fetched until there is space."
        raise GitError(message, code="GIT_NO_SPACE", hint="Free some space; the next poll goes on by itself.")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
