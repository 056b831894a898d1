"""One file of a promotion before and after: text or not, changed, added or removed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    One file before and after; the side where it does not exist is "". What is no text stands in base64.
    `is_executable` None: whether it may be run stays as it is.
    """

    path: str
    old: str
    new: str
    change: FileChange = FileChange.CHANGED
    is_binary: bool = False
    is_executable: bool | None = None

    @property
    def content(self) -> bytes | None:
        """What the file holds after; None where it is removed."""
        if self.change is FileChange.REMOVED:
            return None
        return _bytes(self.new, self.is_binary)

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes before and after."""
        return len(_bytes(self.old, self.is_binary)), len(_bytes(self.new, self.is_binary))

    @property
    def changes_anything(self) -> bool:
        is_same = self.old == self.new and self.change is FileChange.CHANGED
        return not is_same or self.is_executable is not None

    def to_json(self) -> dict[str, Any]:
        """As it is stored with a promotion; what is usual is left out."""
        row: dict[str, Any] = {"path": self.path, "old": self.old, "new": self.new}
        if self.change is not FileChange.CHANGED:
            row["change"] = self.change.value
        if self.is_binary:
            row["is_binary"] = True
        if self.is_executable is not None:
            row["is_executable"] = self.is_executable
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            path=str(row["path"]),
            old=str(row["old"]),
            new=str(row["new"]),
            change=FileChange(row.get("change", FileChange.CHANGED)),
            is_binary=bool(row.get("is_binary")),
            is_executable=row.get("is_executable"),
        )


def _bytes(text: str, is_binary: bool) -> bytes:
    return base64.b64decode(text) if is_binary else text.encode()


def edit_of(
    path: str, old: bytes | None, new: bytes | None, *, is_executable: bool | None = None
) -> FileEdit:
    """The edit from one content to the other; None where the file does not exist on that side."""
    is_binary = not all(_is_text(one) for one in (old, new) if one is not None)
    change = FileChange.ADDED if old is None else FileChange.REMOVED if new is None else FileChange.CHANGED
    return FileEdit(
        path, _text(old or b"", is_binary), _text(new or b"", is_binary), change, is_binary, is_executable
    )


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _text(content: bytes, is_binary: bool) -> str:
    return base64.b64encode(content).decode("ascii") if is_binary else content.decode("utf-8")


def hash_edits(edits: Iterable[FileEdit]) -> str:
    """Of what changes, path by path; two lists with the same hash make the same change."""
    digest = hashlib.sha256()
    for one in sorted(edits, key=lambda one: one.path):
        for text in (_head(one), one.old, one.new):
            data = text.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _head(edit: FileEdit) -> str:
    """The path, and behind a NUL, which no path has, what is unusual about the edit."""
    odd = [f"{name}={value}" for name, value in edit.to_json().items() if name not in ("path", "old", "new")]
    return "\0".join([edit.path, *odd])
