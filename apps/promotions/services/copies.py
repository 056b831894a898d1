"""What a rule of an application says to edit, read from Git: one named value, or a folder that is copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from django.conf import settings

from apps.promotions.models import EditRule, EditTarget
from gitopsui.adapters.git import EntryKind, TreeEntry
from gitopsui.domain.edit import EditError, find_values
from gitopsui.domain.edit_copy import (
    MAX_COPY_BYTES,
    MAX_FILE_BYTES,
    CopiedFile,
    CopyRule,
    FolderFile,
    check_rule,
    plan_copy,
)
from gitopsui.domain.edit_file import Content, FileEdit, copied_edit
from gitopsui.domain.edit_mask import mask_file
from gitopsui.domain.errors import GitError, InputError

EXECUTABLE = "100755"
MOST_LISTED = 5_000  # files of the folder that is written
_ODD = {EntryKind.SYMLINK: "a symbolic link", EntryKind.SUBMODULE: "a submodule"}
_FILES = (EntryKind.FILE, EntryKind.EXECUTABLE)


class Tree(Protocol):
    """The part of a mirror that folders are read through."""

    def tree(self, commit: str, path: str = "", *, recursive: bool = True) -> list[TreeEntry]: ...

    def blobs(self, shas: Iterable[str], *, max_bytes: int) -> dict[str, bytes]: ...


def field_target(rule: EditRule, sha: str, git: Tree) -> EditTarget:
    """The file with the named value; one that has it not says so."""
    row = EditTarget(application=rule.application, path=rule.path, commit_sha=sha, field_path=rule.field_path)
    found = [one for one in git.tree(sha, rule.path) if one.path == rule.path and one.kind in _FILES]
    try:
        if not found:
            raise EditError(f"There is no file {rule.path} at {sha[:8]}.")
        row.blob_sha, row.text = found[0].sha, _read_text(found[0], git)
        if not find_values(row.text, rule.field_path):
            raise EditError(f"{rule.path} has no {rule.field_path} at {sha[:8]}.")
    except EditError as error:
        row.refusal = str(error)
    return row


def _read_text(entry: TreeEntry, git: Tree) -> str:
    if (entry.size or 0) > MAX_FILE_BYTES:
        raise EditError(f"{entry.path} has more than {MAX_FILE_BYTES:,} bytes.")
    try:
        text = git.blobs([entry.sha], max_bytes=MAX_FILE_BYTES)[entry.sha].decode("utf-8")
    except UnicodeDecodeError as error:
        raise EditError(f"{entry.path} is no text.") from error
    if "\0" in text:
        raise EditError(f"{entry.path} is no text.")
    return text


def folder_target(rule: EditRule, sha: str, git: Tree) -> EditTarget:
    """
    What copying changes at this commit, or why nothing can be copied. Its text is the listing of the folder
    that is written, which a way back is held against.
    """
    row = EditTarget(application=rule.application, path=rule.path, commit_sha=sha, is_folder=True)
    try:
        entries = _read_entries(sha, git)
        row.text = _list_below(rule.path, entries)
        row.files = [edit.to_json() for edit in _copy(copy_rule(rule), entries, git)]
    except (EditError, InputError) as error:
        row.refusal = str(error)
    return row


def _list_below(folder: str, entries: Mapping[str, TreeEntry]) -> str:
    below = [one for path, one in entries.items() if path.startswith(f"{folder}/") and "\n" not in path]
    return "".join(f"{one.mode} {one.sha} {one.path}\n" for one in below[:MOST_LISTED])


Listing = Mapping[str, tuple[bool, str]]


def listed(row: EditTarget) -> Listing:
    """What lay in the folder when it was read: path → whether it may be run, and its id."""
    found = {}
    for line in row.text.split("\n")[:-1]:
        mode, blob, path = line.split(" ", 2)
        found[path] = mode == EXECUTABLE, blob
    return found


def is_there(listing: Listing, edit: FileEdit) -> bool:
    """Whether what an edit makes of its file is what lies there."""
    held = listing.get(edit.path)
    if held is None:
        return not edit.new_blob
    runs, blob = held
    return blob == edit.new_blob and edit.is_executable in (None, runs)


def copy_rule(rule: EditRule) -> CopyRule:
    return CopyRule(rule.source_path, rule.path, tuple(rule.only), tuple(rule.keep))


def _read_entries(sha: str, git: Tree) -> dict[str, TreeEntry]:
    try:
        return {entry.path: entry for entry in git.tree(sha)}
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        raise EditError(f"The commit {sha[:8]} is not here any more.") from error


def _copy(rule: CopyRule, entries: Mapping[str, TreeEntry], git: Tree) -> list[FileEdit]:
    check_rule(rule)
    for folder in (rule.source, rule.target):
        _check_way(folder, entries)
    found = plan_copy(rule, _below(rule.source, entries), _below(rule.target, entries))
    wanted = [side.blob for one in found for side in (one.old, one.new) if side is not None]
    contents = git.blobs(wanted, max_bytes=2 * MAX_COPY_BYTES)
    return [_edit(one, contents) for one in found]


def _check_way(folder: str, entries: Mapping[str, TreeEntry]) -> None:
    """A folder that is reached through a link, or that is a file, is no folder of its own."""
    parts = folder.split("/")
    for depth in range(1, len(parts) + 1):
        entry = entries.get("/".join(parts[:depth]))
        if entry is not None:
            raise EditError(f"{entry.path} is {_ODD.get(entry.kind, 'a file')} and no folder.")


def _below(folder: str, entries: Mapping[str, TreeEntry]) -> dict[str, FolderFile]:
    start = f"{folder}/"
    return {
        path.removeprefix(start): FolderFile(
            entry.sha, entry.size or 0, entry.kind is EntryKind.EXECUTABLE, _ODD.get(entry.kind, "")
        )
        for path, entry in entries.items()
        if path.startswith(start)
    }


def _edit(one: CopiedFile, contents: Mapping[str, bytes]) -> FileEdit:
    runs, ran = bool(one.new and one.new.is_executable), bool(one.old and one.old.is_executable)
    differs = runs != ran
    return copied_edit(
        one.path,
        Content(one.old.blob, contents[one.old.blob]) if one.old else None,
        Content(one.new.blob, contents[one.new.blob]) if one.new else None,
        is_executable=(runs if one.new else ran) if differs else None,
        show=_masked,
    )


def _masked(text: str) -> str:
    """A folder may hold Secrets: what is kept of its files is only looked at, so nothing secret is kept."""
    return mask_file(text, key=settings.GITOPSUI_MASK_KEY.encode())
