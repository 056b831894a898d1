"""
What a kustomization reads: its bases, components, patches and generators, followed through the repository.

kustomize fetches whatever looks like a URL, from many fields. So each reference is followed here first, and
nothing is run unless all of them end at a file or folder of this commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitopsui.adapters.git_output import TreeEntry
from gitopsui.adapters.render_inputs import Finder
from gitopsui.adapters.render_paths import is_remote, shown
from gitopsui.adapters.render_source import refusal
from gitopsui.adapters.yaml_reader import ParsedFile, read_text
from gitopsui.domain.errors import UnreadableFile
from gitopsui.domain.mask_text import mask_text

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_PLUGINS = ("generators", "transformers", "validators")
_FOLDERS_OR_FILES = ("resources", "bases", "components", *_PLUGINS)
_FILES = ("crds", "configurations", "patchesStrategicMerge", "patches")
_INLINE = ("patchesStrategicMerge", *_PLUGINS)
_FILES_UNDER_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
# The fields of a plugin's own configuration that name a file or an address.
_PLUGIN_PATHS = frozenset(("path", "paths", "file", "files", "env", "envs", "resources", "repo", "url"))


@dataclass(frozen=True, slots=True)
class Reference:
    """A path as one field of a kustomization names it."""

    text: str
    field: str
    may_be_folder: bool = False

    @property
    def is_plugin(self) -> bool:
        return self.field in _PLUGINS


@dataclass(frozen=True, slots=True)
class _Folder:
    """A kustomization still to be read; below a plugin field its resources configure plugins."""

    path: str
    named_by: str = ""
    is_plugin: bool = False


class KustomizeInputs:
    """Follows one kustomization, level by level, so that each level costs one read."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._seen: set[tuple[str, bool]] = set()
        self._plugin_files: dict[str, TreeEntry] = {}

    def find(self, path: str) -> None:
        waiting = [_Folder(path)]
        while waiting:
            files = [file for folder in waiting for file in self._kustomizations_of(folder)]
            parsed = self._finder.read(entry for _, entry in files)
            waiting = [
                found
                for folder, entry in files
                for found in self._follow_all(folder, entry.path, parsed[entry.path])
            ]
        self._check_plugins()

    def _kustomizations_of(self, folder: _Folder) -> list[tuple[_Folder, TreeEntry]]:
        """The kustomization file of a folder that was not read yet."""
        if (folder.path, folder.is_plugin) in self._seen:
            return []
        self._seen.add((folder.path, folder.is_plugin))
        if not self._finder.check_folder(folder.path, named_by=folder.named_by):
            return []
        paths = [_join(folder.path, name) for name in FILE_NAMES]
        found = [(folder, entry) for path in paths if (entry := self._finder.index.find(path))]
        if len(found) != 1:
            problem = "holds no kustomization.yaml" if not found else "holds more than one kustomization file"
            self._finder.refuse(refusal("PATH_MISSING", f"The folder {shown(folder.path or '/')} {problem}."))
        return [(folder, entry) for folder, entry in found if self._finder.add_file(entry.path)]

    def _follow_all(self, folder: _Folder, path: str, parsed: ParsedFile) -> list[_Folder]:
        documents = parsed.documents
        if parsed.error is not None:
            self._finder.refuse(refusal("RENDER_FAILED", f"{path} cannot be read. {parsed.error.message}"))
        elif len(documents) != 1 or not isinstance(documents[0], dict):
            self._finder.refuse(refusal("RENDER_FAILED", f"{path} holds no kustomization."))
        else:
            self._refuse_helm(documents[0], path)
            found = (self._follow(folder, path, each) for each in references(documents[0]))
            return [base for base in found if base is not None]
        return []

    def _follow(self, folder: _Folder, path: str, reference: Reference) -> _Folder | None:
        """Take in what a reference names; the folder that is to be read next, if it is one."""
        is_plugin = folder.is_plugin or reference.is_plugin
        if is_plugin:
            # a plugin's configuration names files in fields of its own, all below its kustomization
            self._finder.add_folder(folder.path)
        if is_inline(reference):
            if is_plugin:
                self._check_inline_plugin(path, reference.text)
            return None
        if is_remote(reference.text):
            self._refuse_remote(path, reference.text)
            return None
        target = self._finder.resolve(folder.path, reference.text)
        if target is None:
            return None
        if reference.may_be_folder and self._finder.index.is_folder(target):
            return _Folder(target, path, is_plugin)
        entry = self._finder.index.find(target)
        if self._finder.add_file(target, named_by=path) and entry is not None and is_plugin:
            self._plugin_files[target] = entry
        return None

    def _refuse_remote(self, path: str, reference: str) -> None:
        message = (
            f"{path} refers to {shown(mask_text(reference))} outside this repository; nothing is fetched."
        )
        hint = "Copy what it refers to into this repository, or let another tool render it."
        self._finder.refuse(refusal("REMOTE_BASE", message, hint=hint))

    def _refuse_helm(self, document: dict[str, Any], path: str) -> None:
        if any(True for field in _HELM for _ in values_of(document, field)):
            message = f"{path} renders Helm charts inside kustomize, which would fetch them and run helm."
            hint = "Commit the chart and use it as an application rendered by helm."
            self._finder.refuse(refusal("HELM_CHARTS", message, hint=hint))

    def _check_plugins(self) -> None:
        for path, parsed in self._finder.read(self._plugin_files.values()).items():
            if parsed.error is not None:
                self._finder.refuse(
                    refusal("RENDER_FAILED", f"{path} cannot be read. {parsed.error.message}")
                )
            self._check_plugin_documents(path, parsed.documents)

    def _check_inline_plugin(self, path: str, text: str) -> None:
        try:
            self._check_plugin_documents(path, tuple(read_text(text.encode())))
        except UnreadableFile as error:
            message = f"A plugin written inside {path} cannot be read. {error.message}"
            self._finder.refuse(refusal("RENDER_FAILED", message))

    def _check_plugin_documents(self, path: str, documents: tuple[Any, ...]) -> None:
        for document in documents:
            kinds = list(values_of(document, "kind")) if isinstance(document, dict) else []
            if "HelmChartInflationGenerator" in kinds:
                self._refuse_helm({"helmCharts": []}, path)
            for text in _plugin_paths(document):
                if is_remote(text):
                    self._refuse_remote(path, text)


def references(document: dict[str, Any]) -> Iterator[Reference]:
    """Every path that a kustomization names, and what is written inline in the same fields."""
    for field in _FOLDERS_OR_FILES:
        for text in _texts(document, field):
            yield Reference(text, field, may_be_folder=True)
    for field in _FILES:
        for text in _texts(document, field):
            yield Reference(text, field)
    for field in _FILES_UNDER_PATH:
        for item in _items(document, field):
            yield from (Reference(text, field) for text in _texts(item, "path"))
    for value in values_of(document, "openapi"):
        yield from (Reference(text, "openapi") for text in _texts(value, "path"))
    for field in _GENERATORS:
        for item in _items(document, field):
            yield from _generator_references(item, field)


def _generator_references(item: Any, field: str) -> Iterator[Reference]:
    for text in _texts(item, "files"):
        # `key=path`, or a path whose last part is the key
        yield Reference(text if is_remote(text) else text.partition("=")[2] or text, field)
    for name in ("envs", "env"):
        yield from (Reference(text, field) for text in _texts(item, name))


def is_inline(reference: Reference) -> bool:
    """Patches and plugins may be written out in place of a path."""
    text = reference.text.strip()
    return reference.field in _INLINE and ("\n" in text or text.startswith(("{", "[")))


def values_of(document: Any, field: str) -> Iterator[Any]:
    """
    What kustomize finds under a field. Go reads JSON names without regard to case, and folds a few letters
    that are not ASCII: `ReſourceS` is `resources` to it.
    """
    if isinstance(document, dict):
        wanted = field.casefold()
        yield from (value for name, value in document.items() if name.casefold() == wanted)


def _items(document: Any, field: str) -> Iterator[Any]:
    for value in values_of(document, field):
        yield from value if isinstance(value, list) else [value]


def _texts(document: Any, field: str) -> Iterator[str]:
    yield from (item for item in _items(document, field) if isinstance(item, str) and item)


def _plugin_paths(value: Any, name: str = "") -> Iterator[str]:
    """Texts of a plugin's configuration that name a file, at any depth (64 at most, as the reader allows)."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _plugin_paths(item, key.casefold())
    elif isinstance(value, list):
        for item in value:
            yield from _plugin_paths(item, name)
    elif isinstance(value, str) and name in _PLUGIN_PATHS:
        yield value


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
