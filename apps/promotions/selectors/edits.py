"""The files that a promotion edits, drawn."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.environments.selectors.drift_diff import as_drawn, cut_note
from gitopsui.domain.edit_file import FileChange, FileEdit
from gitopsui.domain.edit_mask import mask_file
from gitopsui.domain.masked_diff import diff_masked
from gitopsui.domain.text_diff import TextDiff

MOST_DRAWN = 40  # files whose lines are compared on one page
MOST_DRAWN_CHARS = 1_000_000  # of both sides together
# Masks are compared within one page and taken out of it: any key will do.
_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class EditRow:
    """One file. `change` is changed, added or removed; without `diff` the sentence in `note` says why."""

    path: str
    change: str
    diff: TextDiff | None
    note: str = ""


def edit_rows(files: Iterable[Mapping[str, Any]], *, is_unified: bool) -> list[EditRow]:
    """All files in order; those beyond what one page can draw are named alone."""
    rows, left = [], MOST_DRAWN_CHARS
    for number, edit in enumerate(map(FileEdit.from_json, files)):
        size = len(edit.old) + len(edit.new)
        is_drawn = not edit.is_binary and number < MOST_DRAWN and size <= left
        left -= size if is_drawn else 0
        rows.append(_row(edit, is_drawn=is_drawn, is_unified=is_unified))
    return rows


def _row(edit: FileEdit, *, is_drawn: bool, is_unified: bool) -> EditRow:
    if not is_drawn or edit.old == edit.new:
        return EditRow(edit.path, edit.change.value, None, _note(edit))
    # The texts of a copy were masked before they were stored.
    is_masked = bool(edit.old_blob or edit.new_blob)
    old, new = (text if is_masked else mask_file(text, key=_KEY) for text in (edit.old, edit.new))
    diff = as_drawn(diff_masked(old, new), is_unified=is_unified)
    return EditRow(edit.path, edit.change.value, diff, " ".join(filter(None, (_runs(edit), cut_note(diff)))))


def _note(edit: FileEdit) -> str:
    old, new = edit.old_size or len(edit.old.encode()), edit.new_size or len(edit.new.encode())
    if edit.change is not FileChange.CHANGED and not old + new:
        what = "An empty file."
    elif edit.old == edit.new and edit.old_blob == edit.new_blob:
        what = "Its content stays."
    elif edit.is_binary:
        what = f"No text: {_size(edit, old, new)}."
    elif edit.old == edit.new:
        what = "What differs in it is not shown."
    else:
        what = f"Not shown, since there is too much of it: {_size(edit, old, new)}."
    return " ".join(filter(None, (what, _runs(edit))))


def _size(edit: FileEdit, old: int, new: int) -> str:
    if edit.change is FileChange.ADDED:
        return f"{new:,} bytes"
    if edit.change is FileChange.REMOVED:
        return f"{old:,} bytes"
    return f"{old:,} bytes become {new:,}"


def _runs(edit: FileEdit) -> str:
    if edit.is_executable is None or edit.change is FileChange.REMOVED:
        return ""
    return "It may be run." if edit.is_executable else "It may not be run any more."
