"""Kustomizations: what each one reads, who uses whom, what stands in the way of rendering one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gitopsui.domain.layout_files import Document, Files, is_below, join, parent_of
from gitopsui.domain.layout_patch import patched
from gitopsui.domain.tree import objects, sequence, text

_BUILDING_BLOCKS = ("resources", "bases", "components")
_PLUGIN_FIELDS = ("generators", "transformers", "validators")
_GENERATOR_FIELDS = ("configMapGenerator", "secretGenerator")
# What may stand in a kustomization that only lists others.
_LISTING_FIELDS = {"apiVersion", "kind", "metadata", "resources", "bases"}
# Far more than people write; they bound what a hostile repository can cost.
_MOST_IN_A_CLOSURE = 2_000
_MOST_ENTRIES = 2_000
_MOST_DOCUMENTS = 5_000
_MOST_STRINGS = 20_000
_LONGEST_NAME = 1_024


@dataclass(frozen=True, slots=True)
class Kustomization:
    """
    One kustomization file. `folders` are those it builds on, `files` the manifests it lists itself,
    `inputs` the other files it reads (patches, generators, values), `remote` the entries that lie in
    the network, `missing` those that are nowhere.
    """

    folder: str
    path: str
    body: Mapping[str, Any]
    folders: tuple[str, ...]
    files: tuple[str, ...]
    inputs: tuple[str, ...]
    remote: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_component(self) -> bool:
        return text(self.body.get("kind")) == "Component"

    @property
    def is_listing(self) -> bool:
        """Whether it does nothing but name other kustomizations."""
        return bool(self.folders) and not self.files and set(self.body) <= _LISTING_FIELDS

    @property
    def generates(self) -> bool:
        """Whether it makes manifests of its own."""
        return any(self.body.get(field) for field in (*_PLUGIN_FIELDS, *_GENERATOR_FIELDS))

    @property
    def charts(self) -> tuple[str, ...]:
        """The Helm charts it inflates, by name and address."""
        inflated = [
            *objects(self.body.get("helmCharts")),
            *objects(self.body.get("helmChartInflationGenerator")),
        ]
        return tuple(
            f"{text(c.get('name')) or text(c.get('chartName'))} {text(c.get('repo'))}".strip()
            for c in inflated
        )


class Kustomizations:
    """All kustomizations of a commit by folder, and how they build on each other."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.by_folder: dict[str, Kustomization] = {}
        for folder in files.folders:
            path = files.kustomization_in(folder)
            if path:
                self.by_folder[folder] = _read(files, folder, path)
        self.users: dict[str, set[str]] = defaultdict(set)
        for kustomization in self.by_folder.values():
            for folder in kustomization.folders:
                self.users[folder].add(kustomization.folder)
        self.inputs = {path for k in self.by_folder.values() for path in k.inputs}
        self._closures: dict[str, tuple[Kustomization, ...]] = {}

    def closure(self, folder: str) -> tuple[Kustomization, ...]:
        """The kustomization of the folder and all it builds on, each once, itself first."""
        if folder not in self._closures:
            self._closures[folder] = tuple(self._walk(folder))
        return self._closures[folder]

    def _walk(self, start: str) -> Iterator[Kustomization]:
        waiting, seen = [start], {start}
        while waiting:
            kustomization = self.by_folder.get(waiting.pop())
            if kustomization is None:
                continue
            yield kustomization
            new = [folder for folder in kustomization.folders if folder not in seen]
            seen.update(new)
            if len(seen) < _MOST_IN_A_CLOSURE:
                waiting.extend(reversed(new))

    def documents(self, folder: str) -> tuple[Document, ...]:
        """
        The documents the kustomization of the folder brings together, with its folder as their context.

        Of its patches those of what GitOps tools are told are applied; see `layout_patch`.
        """
        found: list[Document] = []
        for kustomization in reversed(self.closure(folder)):
            for path in kustomization.files:
                found.extend(self._files.documents(path)[: max(_MOST_DOCUMENTS - len(found), 0)])
            read = partial(self._patch, kustomization)
            found = patched(found, kustomization.body, read, self._files.parse)
        return tuple(replace(document, context=folder) for document in found)

    def _patch(self, kustomization: Kustomization, reference: str) -> tuple[Any, ...]:
        path = join(kustomization.folder, reference)
        return self._files.parsed(path) if path else ()

    def reason(self, folder: str) -> str:
        """Why the folder's kustomization cannot be rendered here; "" if it can, as far as can be seen."""
        for kustomization in self.closure(folder):
            if kustomization.remote:
                return f"It builds on {kustomization.remote[0]}: bases from the network are not fetched."
            if kustomization.charts:
                chart = kustomization.charts[0]
                return f"It inflates the Helm chart {chart}: charts from the network are not rendered."
            plugin = self._plugin(kustomization)
            if plugin:
                return f"It needs the kustomize plugin {plugin}: plugins are not run."
            if kustomization.missing:
                missing = kustomization.missing[0]
                return f"{kustomization.path} names {missing}, which this repository does not have."
        return ""

    def _plugin(self, kustomization: Kustomization) -> str:
        for entry in (e for field in _PLUGIN_FIELDS for e in sequence(kustomization.body.get(field))):
            path = join(kustomization.folder, text(entry))
            for document in self._files.documents(path) if path else ():
                if document.group != "builtin" and text(document.body.get("apiVersion")) != "builtin":
                    return document.kind or text(entry)[:100]
        return ""

    def files_of(self, folder: str) -> set[str]:
        """The kustomization files and manifests that rendering the folder reads."""
        return {path for k in self.closure(folder) for path in (k.path, *k.files)}


def _read(files: Files, folder: str, path: str) -> Kustomization:
    body = files.first(path)
    folders: list[str] = []
    listed: list[str] = []
    remote: list[str] = []
    missing: list[str] = []
    for entry in _entries(body):
        target = join(folder, entry)
        if target is not None and files.kustomization_in(target) and target != folder:
            folders.append(target)
        elif target is not None and target in files:
            listed.append(target)
        else:
            (remote if is_remote(entry) else missing).append(_shown(entry))
    named = (join(folder, string.rpartition("=")[2]) for string in _strings(body))
    inputs = [path for path in named if path and path in files and path not in listed]
    known = map(tuple, map(dict.fromkeys, (folders, listed, inputs, remote, missing)))
    return Kustomization(folder, path, body, *known)


def _strings(body: Mapping[str, Any]) -> Iterator[str]:
    """The strings of a kustomization that may name a file."""
    waiting: list[Any] = list(body.values())
    for _ in range(_MOST_STRINGS):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, str) and "\n" not in node and len(node) < _LONGEST_NAME:
            yield node
        elif isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _entries(body: Mapping[str, Any]) -> Iterator[str]:
    for field in _BUILDING_BLOCKS:
        for entry in sequence(body.get(field))[:_MOST_ENTRIES]:
            if isinstance(entry, str) and entry.strip():
                yield entry.strip()


def is_remote(entry: str) -> bool:
    """Whether a reference of a kustomization means the network: a URL, `git@…`, `github.com/…`, `…?ref=…`."""
    host, slash, _ = entry.partition("/")
    return any(mark in entry for mark in ("://", "git@", "git::", "?ref=", "//")) or (
        bool(slash) and "." in host.strip(".") and not entry.endswith((".yaml", ".yml"))
    )


def _shown(entry: str) -> str:
    """The entry without what may be a password in a URL, cut to a line."""
    scheme, mark, rest = entry.partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else entry
    return shown if len(shown) <= 160 else f"{shown[:159]}…"


def listed_by(kustomizations: Kustomizations, folder: str) -> str:
    """The folder of the one kustomization that merely lists this one; "" if it is built upon otherwise."""
    users = kustomizations.users.get(folder, set())
    if len(users) != 1:
        return ""
    user = kustomizations.by_folder[next(iter(users))]
    return user.folder if user.is_listing and is_below(folder, parent_of(user.folder)) else ""
