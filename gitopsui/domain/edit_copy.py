"""Copying a folder over another: which files are added, changed and removed, and what forbids it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gitopsui.domain.edit_path import EditError
from gitopsui.domain.errors import InputError

MOST_FILES = 400  # that differ
MAX_FILE_BYTES = 400_000
MAX_COPY_BYTES = 4_000_000  # of both sides of all files that differ
MOST_PARTS = 40  # of one pattern: each is held against every file
_ANY = "**"


@dataclass(frozen=True, slots=True)
class FolderFile:
    """
    One file below a folder: `blob` is the id of its content. `odd` says in words what it is, where it is no
    regular file.
    """

    blob: str
    size: int
    is_executable: bool = False
    odd: str = ""


@dataclass(frozen=True, slots=True)
class CopyRule:
    """
    `source` and `target` are folders of one repository. `only` names files and folders below them that are
    copied, none: all. `keep` are patterns of what stays as it is: names as in a shell, `**` for any number
    of folders; one without a slash is a name in any folder.
    """

    source: str
    target: str
    only: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file that differs: its full path in the target, and what is on each side, None where nothing is."""

    path: str
    old: FolderFile | None
    new: FolderFile | None


def check_rule(rule: CopyRule) -> None:
    """Raises InputError with the `field` to blame: source, target, only or keep."""
    for field in ("source", "target"):
        check_folder(getattr(rule, field), field)
    if _is_in(rule.source, rule.target) or _is_in(rule.target, rule.source):
        message = "One folder lies in the other, or both are the same: nothing could be copied."
        raise InputError(message, code="COPY_OVERLAP", field="source")
    for path in rule.only:
        check_folder(path, "only")
    for pattern in rule.keep:
        check_pattern(pattern)


def check_folder(path: str, field: str) -> None:
    """Raises InputError for what is no plain path from the root of a repository."""
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        message = f"“{path[:100]}” is no path like environments/staging/cart, without a slash at its ends."
        raise InputError(message, code="COPY_PATH", field=field)


def check_pattern(pattern: str) -> None:
    parts = pattern.removesuffix("/").split("/")
    is_odd = any(part in ("", ".", "..") for part in parts)
    if not pattern.strip("/") or is_odd or len(parts) > MOST_PARTS:
        message = f"“{pattern[:100]}” is no pattern like replicas.yaml, secrets/** or *-local.yaml."
        raise InputError(message, code="COPY_PATTERN", field="keep")


def plan_copy(
    rule: CopyRule, source: Mapping[str, FolderFile], target: Mapping[str, FolderFile]
) -> list[CopiedFile]:
    """
    What differs, sorted by path. `source` and `target` hold all files below the folders by the path from
    there. Raises EditError: an empty source, links, submodules, a file in the place of a folder, too much.
    """
    ours, theirs = _taken(source, rule), _taken(target, rule)
    if not ours:
        raise EditError(_nothing(rule))
    _refuse_odd(rule.source, ours)
    _refuse_odd(rule.target, theirs)
    _refuse_clashes(rule, ours, target)
    found = [
        CopiedFile(f"{rule.target}/{path}", theirs.get(path), ours.get(path))
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    ]
    _refuse_too_much(found)
    return found


def _nothing(rule: CopyRule) -> str:
    if rule.only:
        return f"{rule.source} holds none of {', '.join(rule.only[:3])}, so there is nothing to copy."
    return f"The folder {rule.source} is empty or not there, so there is nothing to copy."


def _taken(files: Mapping[str, FolderFile], rule: CopyRule) -> dict[str, FolderFile]:
    return {
        path: one
        for path, one in files.items()
        if (not rule.only or any(_is_in(path, part) for part in rule.only)) and not _is_kept(path, rule.keep)
    }


def _refuse_odd(folder: str, files: Mapping[str, FolderFile]) -> None:
    for path, one in sorted(files.items()):
        if "\ufffd" in path:
            raise EditError(f"The name of {folder}/{path} is not valid UTF-8, so it cannot be copied.")
        if one.odd:
            raise EditError(f"{folder}/{path} is {one.odd}, which is not copied. Keep it, or commit a file.")


def _refuse_clashes(rule: CopyRule, ours: Mapping[str, FolderFile], target: Mapping[str, FolderFile]) -> None:
    """A file where the target has a folder, or the other way round: a commit could hold only one of them."""
    ours_folders, their_folders = _folders(ours), _folders(target)
    for path in sorted({*(ours.keys() & their_folders), *(target.keys() & ours_folders)}):
        raise EditError(f"{path} is a folder on one side and a file on the other of {rule.target}.")


def _folders(paths: Iterable[str]) -> set[str]:
    return {path[:end] for path in paths for end in (match.start() for match in re.finditer("/", path))}


def _refuse_too_much(found: list[CopiedFile]) -> None:
    if len(found) > MOST_FILES:
        raise EditError(f"{len(found):,} files differ; a promotion changes {MOST_FILES} at most.")
    sides = [(one.path, side.size) for one in found for side in (one.old, one.new) if side is not None]
    for path, size in sides:
        if size > MAX_FILE_BYTES:
            raise EditError(f"{path} has {size:,} bytes; a file may have {MAX_FILE_BYTES:,} to be copied.")
    total = sum(size for _, size in sides)
    if total > MAX_COPY_BYTES:
        raise EditError(
            f"The files that differ have {total:,} bytes together; {MAX_COPY_BYTES:,} are copied."
        )


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _is_kept(path: str, patterns: Iterable[str]) -> bool:
    return any(_matches(path.split("/"), pattern) for pattern in patterns)


def _matches(names: Sequence[str], pattern: str) -> bool:
    """Whether a pattern is the path, or a folder on its way. Name by name, so that no pattern is slow."""
    parts = pattern.removesuffix("/").split("/")
    parts = parts if len(parts) > 1 else [_ANY, *parts]
    reached = _behind_any({0}, parts)
    for name in names:
        steps = {
            at if parts[at] == _ANY else at + 1
            for at in reached
            if at < len(parts) and (parts[at] == _ANY or fnmatchcase(name, parts[at]))
        }
        reached = _behind_any(steps, parts)
        if len(parts) in reached:
            return True
    return False


def _behind_any(reached: set[int], parts: Sequence[str]) -> set[int]:
    """With the places behind each `**`, which may stand for no folder at all."""
    found = set(reached)
    for at in range(len(parts)):
        if at in found and parts[at] == _ANY:
            found.add(at + 1)
    return found
