"""One file of a promotion before and after: text or not, changed, added or removed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self


class FileChange(StrEnum):
    """What happens to a file."""

    CHANGED = "changed"  # it is there before and after
    ADDED = "added"  # it is not there before
    REMOVED = "removed"  # it is not there after


@dataclass(frozen=True, slots=True)
class FileEdit:
    """
    One file before and after; the side where it does not exist is "". `is_executable` None: whether it may be
    run stays as it is; of one that is removed, whether it could.

    A file that is copied says so with `old_blob` and `new_blob`, the ids its contents have in Git: these are
    what is meant, and its texts are only there to be looked at. What is no text has none, but its sizes.
    """

    path: str
    old: str
    new: str
    change: FileChange = FileChange.CHANGED
    is_executable: bool | None = None
    old_blob: str = ""
    new_blob: str = ""
    is_binary: bool = False
    old_size: int = 0
    new_size: int = 0

    @property
    def changes_anything(self) -> bool:
        is_same = self.old == self.new and self.old_blob == self.new_blob
        return not is_same or self.change is not FileChange.CHANGED or self.is_executable is not None

    def undone(self) -> Self:
        """The edit that takes this one back."""
        changes = {FileChange.ADDED: FileChange.REMOVED, FileChange.REMOVED: FileChange.ADDED}
        runs = self.is_executable
        if self.change is FileChange.CHANGED and runs is not None:
            runs = not runs
        return replace(
            self,
            old=self.new,
            new=self.old,
            change=changes.get(self.change, self.change),
            is_executable=runs,
            old_blob=self.new_blob,
            new_blob=self.old_blob,
            old_size=self.new_size,
            new_size=self.old_size,
        )

    def to_json(self) -> dict[str, Any]:
        """As it is stored with a promotion; what is usual is left out."""
        usual = FileEdit(self.path, self.old, self.new)
        row: dict[str, Any] = {"path": self.path, "old": self.old, "new": self.new}
        for name in _MORE:
            value = getattr(self, name)
            if value != getattr(usual, name):
                row[name] = value
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        more = {name: row[name] for name in _MORE if name in row}
        more["change"] = FileChange(more.get("change", FileChange.CHANGED))
        return cls(str(row["path"]), str(row["old"]), str(row["new"]), **more)


_MORE = ("change", "is_executable", "old_blob", "new_blob", "is_binary", "old_size", "new_size")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, under its id in Git."""

    blob: str
    data: bytes


def copied_edit(
    path: str,
    old: Content | None,
    new: Content | None,
    *,
    is_executable: bool | None,
    show: Callable[[str], str],
) -> FileEdit:
    """The edit from one content to the other, None where the file does not exist. `show` masks texts."""
    texts = [_text(side.data) if side else "" for side in (old, new)]
    is_binary = None in texts
    change = FileChange.ADDED if old is None else FileChange.REMOVED if new is None else FileChange.CHANGED
    return FileEdit(
        path=path,
        old="" if is_binary else show(texts[0] or ""),
        new="" if is_binary else show(texts[1] or ""),
        change=change,
        is_executable=is_executable,
        old_blob=old.blob if old else "",
        new_blob=new.blob if new else "",
        is_binary=is_binary,
        old_size=len(old.data) if old else 0,
        new_size=len(new.data) if new else 0,
    )


def _text(content: bytes) -> str | None:
    """None for what is no text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def hash_edits(edits: Iterable[FileEdit]) -> str:
    """Of what changes, path by path; two lists with the same hash make the same change."""
    digest = hashlib.sha256()
    for one in sorted(edits, key=lambda one: one.path):
        for text in _meant(one):
            data = text.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _meant(edit: FileEdit) -> tuple[str, str, str]:
    """What the edit does: of a copy the ids of its contents, behind a NUL, which no path has."""
    is_copy = bool(edit.old_blob or edit.new_blob)
    if not is_copy and edit.change is FileChange.CHANGED and edit.is_executable is None:
        return edit.path, edit.old, edit.new
    head = f"{edit.path}\0{edit.change}\0{edit.is_executable}"
    return (head, edit.old_blob, edit.new_blob) if is_copy else (head, edit.old, edit.new)
