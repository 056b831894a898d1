"""
A folder of manifests as it lies there.

All folders below are read too, unlike Argo CD's `directory` by default, because a folder that holds only
manifests is meant as a whole. Left out are hidden files and, with a note, folders that are a Helm chart or a
kustomization of their own and the kustomization file of the folder itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from gitopsui.adapters.git_export import group_by_size
from gitopsui.adapters.git_output import EntryKind, TreeEntry
from gitopsui.adapters.render_helm import CHART_FILE
from gitopsui.adapters.render_inputs import Inputs, detour_problem
from gitopsui.adapters.render_kustomize import FILE_NAMES
from gitopsui.adapters.render_manifests import Collection
from gitopsui.adapters.render_paths import TreeIndex, resolve, shown
from gitopsui.adapters.render_source import PLAIN, Rendered, RenderSource, Tree, refusal
from gitopsui.adapters.yaml_reader import DEFAULT_LIMITS, read_files
from gitopsui.domain.errors import RenderError

MAX_BYTES = 10 << 20
MAX_FILES = 20_000
_SUFFIXES = (".yaml", ".yml", ".json")
_PORTION_BYTES = 2 << 20


class PlainFolder:
    """The files of a folder that are read as manifests, and notes on those that are not."""

    def __init__(self, index: TreeIndex, source: RenderSource) -> None:
        self.collection = Collection()
        self._index = index
        self._problems: list[RenderError] = []
        self._left_out: set[str] = set()
        try:
            self._entries = self._select(resolve("", source.path))
        except RenderError as problem:
            self._problems.append(problem)
            self._entries = []

    def inputs(self) -> Inputs:
        return Inputs({entry.path: entry for entry in self._entries}, tuple(self._problems))

    def render(self, tree: Tree) -> Rendered:
        """Raises RenderError for a folder that is not there, leads outside, or is too large."""
        self.inputs().check()
        readable = list(self._readable())
        if len(readable) > MAX_FILES or sum(entry.size or 0 for entry in readable) > MAX_BYTES:
            message = f"The folder has more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes of manifests."
            raise refusal("RENDER_TOO_LARGE", message)
        for portion in group_by_size(readable, max_bytes=_PORTION_BYTES):
            contents = tree.blobs((entry.sha for entry in portion), max_bytes=MAX_BYTES)
            parsed = read_files({entry.path: contents[entry.sha] for entry in portion})
            for path, file in parsed.items():
                self.collection.add(path, file)
        return self.collection.finish(PLAIN)

    def _select(self, path: str) -> list[TreeEntry]:
        detour = self._index.find_link(path)
        if detour is not None:
            raise detour_problem(detour)
        file = self._index.find(path)
        if file is not None:
            return [file]
        if not self._index.is_folder(path):
            raise refusal("PATH_MISSING", f"The folder {shown(path or '/')} is not in the repository.")
        return [entry for entry in self._index.below(path) if self._is_wanted(path, entry)]

    def _is_wanted(self, root: str, entry: TreeEntry) -> bool:
        relative = entry.path[len(root) + 1 if root else 0 :]
        *folders, name = relative.split("/")
        if any(part.startswith(".") for part in (*folders, name)) or self._is_left_out(root, folders):
            return False
        if name in FILE_NAMES:
            self.collection.note(f"{shown(entry.path)} is a kustomization file. It was left out.")
            return False
        return name.endswith(_SUFFIXES) or (entry.kind not in _FILES and "." not in name)

    def _is_left_out(self, root: str, folders: list[str]) -> bool:
        """Whether one of the folders on the way is rendered by a tool."""
        path = root
        for folder in folders:
            path = f"{path}/{folder}" if path else folder
            if path in self._left_out:
                return True
            found = next((name for name in _MARKS if self._index.find(f"{path}/{name}")), None)
            if found is not None:
                self._left_out.add(path)
                self.collection.note(f"The folder {shown(path)} has a {found} of its own. It was left out.")
                return True
        return False

    def _readable(self) -> Iterator[TreeEntry]:
        for entry in self._entries:
            if entry.kind is EntryKind.SUBMODULE:
                self.collection.add_unreadable(
                    "SUBMODULE", entry.path, "Its files lie in another repository."
                )
            elif entry.kind is EntryKind.SYMLINK:
                self.collection.add_unreadable("SYMLINK", entry.path, "A symbolic link is not followed.")
            elif (entry.size or 0) > DEFAULT_LIMITS.file_bytes:
                message = (
                    f"The file has {entry.size:,} bytes; at most {DEFAULT_LIMITS.file_bytes:,} are read."
                )
                self.collection.add_unreadable("YAML_SIZE", entry.path, message)
            else:
                yield entry


_FILES = (EntryKind.FILE, EntryKind.EXECUTABLE)
_MARKS = (CHART_FILE, *FILE_NAMES)
