"""
Write files of a commit into a folder, without Git: no hook, filter or attribute can have a say.

Only regular files are written, and links whose target is written too. Names are checked, nothing that
exists is opened, and links come last, so that no write can go through one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gitopsui.adapters.git_output import EntryKind, TreeEntry

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 3000
# Deeper ones could be written, but Python could not remove them again.
MAX_FOLDERS = 600
MAX_LINK_HOPS = 40
FILES = (EntryKind.FILE, EntryKind.EXECUTABLE)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that was not written, and why, in a sentence."""

    path: str
    reason: str


def find_bad_name(path: str) -> str:
    """Why no file may be called so, or "" when one may. Fsck refuses most of these before they get here."""
    names = path.split("/")
    if any(name in ("", ".", "..") or name.lower() == ".git" for name in names):
        return "The path leaves its folder or enters Git's own."
    if "\0" in path or "�" in path:
        return "The name is not valid UTF-8."
    if len(names) > MAX_FOLDERS:
        return "It lies too many folders deep."
    if len(path.encode()) > MAX_PATH_BYTES or any(len(name.encode()) > MAX_NAME_BYTES for name in names):
        return "The name is too long."
    return ""


def sort_out(entries: Iterable[TreeEntry]) -> tuple[list[LeftOut], list[TreeEntry]]:
    """The entries that cannot be written, with the reason, and those that can."""
    left_out, good = [], []
    for entry in entries:
        reason = find_bad_name(entry.path)
        if entry.kind is EntryKind.SUBMODULE:
            reason = "It is a submodule, whose files are in another repository."
        if reason:
            left_out.append(LeftOut(entry.path, reason))
        else:
            good.append(entry)
    return left_out, good


def is_below(path: str, prefixes: Iterable[str]) -> bool:
    """Whether `path` is one of `prefixes` or lies below one; "" is the root."""
    return any(not prefix or path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def write_file(destination: Path, entry: TreeEntry, content: bytes) -> None:
    path = _make_place(destination, entry.path)
    mode = 0o700 if entry.kind is EntryKind.EXECUTABLE else 0o600
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as file:
        file.write(content)


def _make_place(destination: Path, path: str) -> Path:
    """The full path of `path`, its folders made one by one: some are nested deeper than calls may be."""
    *folders, name = path.split("/")
    place = destination
    for folder in folders:
        place /= folder
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
    return place / name


def write_links(destination: Path, files: Iterable[str], links: Mapping[str, bytes]) -> list[LeftOut]:
    """Write the links that lead to a written file or folder; `links` holds their targets by path."""
    left_out = []
    folders = {str(parent) for path in (*files, *links) for parent in PurePosixPath(path).parents}
    targets = {path: os.fsdecode(target) for path, target in links.items()}
    known = _Written(frozenset(files), frozenset(folders), targets)
    for path, target in targets.items():
        end = known.find(path)
        if end is None or is_below(path, [end]):
            left_out.append(
                LeftOut(path, "The link leads out of the exported files, in a circle, or nowhere.")
            )
            continue
        _make_place(destination, path).symlink_to(target)
    return left_out


@dataclass(frozen=True, slots=True)
class _Written:
    """The exported names, to follow a link on paper before it exists on disk."""

    files: frozenset[str]
    folders: frozenset[str]
    links: Mapping[str, str]

    def find(self, path: str) -> str | None:
        """The file or folder `path` ends at; None when it leaves the export, ends nowhere or in a circle."""
        done: list[str] = []
        waiting = list(reversed(path.split("/")))
        hops = 0
        while waiting:
            name = waiting.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if not done:
                    return None
                done.pop()
                continue
            done.append(name)
            target = self.links.get("/".join(done))
            if target is not None:
                hops += 1
                if hops > MAX_LINK_HOPS or target.startswith("/") or not target:
                    return None
                done.pop()
                waiting += reversed(target.split("/"))
        return self._known("/".join(done))

    def _known(self, path: str) -> str | None:
        return path if path in self.files or path in self.folders or not path else None


def group_by_size(entries: Iterable[TreeEntry], *, max_bytes: int) -> Iterator[list[TreeEntry]]:
    """Neighbours together, at most `max_bytes` of content a group unless one entry alone is larger."""
    group: list[TreeEntry] = []
    size = 0
    for entry in entries:
        if group and size + (entry.size or 0) > max_bytes:
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size or 0
    if group:
        yield group
