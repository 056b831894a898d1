"""Paths of a commit as text: what lies where, and what a file may refer to inside its repository."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from gitopsui.adapters.git_output import EntryKind, TreeEntry
from gitopsui.adapters.render_source import refusal

# What kustomize and helm would fetch: URLs, `git::…`, `user@host:…`, and GitHub without a scheme.
# https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/git/repospec.go (extractHost)
_REMOTE = re.compile(r"://|::|^[^/]*@|^gh:|^github\.com[/:]", re.IGNORECASE)


def is_remote(reference: str) -> bool:
    """Whether a tool might go to the network for this."""
    return _REMOTE.search(reference.strip()) is not None


def resolve(folder: str, reference: str) -> str:
    """
    The path that `reference` means when it is written in a file of `folder`; "" is the root.

    Raises RenderError PATH_OUTSIDE for what leads out of the repository.
    """
    parts = [part for part in folder.split("/") if part]
    if reference.startswith("/") or "\0" in reference or "\\" in reference:
        raise _outside(reference)
    for part in reference.split("/"):
        if part == "..":
            if not parts:
                raise _outside(reference)
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _outside(reference: str) -> Exception:
    return refusal("PATH_OUTSIDE", f"The path {shown(reference)} leads out of the repository.")


def shown(text: str) -> str:
    """A foreign word inside a sentence: quoted, control characters escaped, cut at 200 characters."""
    return repr(text if len(text) <= 200 else f"{text[:199]}…")


class TreeIndex:
    """All files of one commit by path, and the folders they make."""

    def __init__(self, entries: Iterable[TreeEntry]) -> None:
        self.entries = {entry.path: entry for entry in entries if entry.kind is not EntryKind.FOLDER}
        self._paths = sorted(self.entries)

    def find(self, path: str) -> TreeEntry | None:
        """The file, link or submodule of this name."""
        return self.entries.get(path)

    def is_folder(self, path: str) -> bool:
        if not path:
            return True
        position = bisect_left(self._paths, f"{path}/")
        return position < len(self._paths) and self._paths[position].startswith(f"{path}/")

    def below(self, path: str) -> list[TreeEntry]:
        """Everything below a folder, sorted by path."""
        if not path:
            return [self.entries[name] for name in self._paths]
        # "0" is the character after "/"
        start, end = bisect_left(self._paths, f"{path}/"), bisect_left(self._paths, f"{path}0")
        return [self.entries[name] for name in self._paths[start:end]]

    def find_link(self, path: str) -> TreeEntry | None:
        """The link or submodule that stands in the way to `path`, if any."""
        parts = path.split("/")
        ways = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        found = (self.entries.get(way) for way in ways)
        return next((entry for entry in found if entry and entry.kind in _DETOURS), None)


_DETOURS = (EntryKind.SYMLINK, EntryKind.SUBMODULE)
