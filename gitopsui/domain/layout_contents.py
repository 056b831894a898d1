"""All that is known of a commit before anything is proposed: files, kustomizations, charts, declarations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gitopsui.domain.layout_files import ROOT, Document, Files, folders_above, is_below, join, segments_of
from gitopsui.domain.layout_helm import Chart, ValuesFiles, find_charts
from gitopsui.domain.layout_kustomize import Kustomizations
from gitopsui.domain.layout_names import Place, locate
from gitopsui.domain.layout_origin import Origin
from gitopsui.domain.layout_plain import is_workload
from gitopsui.domain.layout_proposal import RendererName
from gitopsui.domain.tree import mapping, objects, text

ARGO = "argoproj.io"
FLUX_KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
FLUX_HELM = "helm.toolkit.fluxcd.io"
_FLUX_SUFFIX = ".fluxcd.io"
_ARGO_KINDS = ("Application", "ApplicationSet", "AppProject")
_LEADING_KINDS = ("Application", "ApplicationSet", "Kustomization", "HelmRelease")
_MOST_CONTEXTS = 2_000
_MOST_LISTED = 100


def is_declaration(document: Document) -> bool:
    """Whether a document tells a GitOps tool what to deploy, rather than being deployed itself."""
    if document.group == ARGO:
        return document.kind in _ARGO_KINDS
    return document.group.endswith(_FLUX_SUFFIX) or document.body.get("kind") == "Kustomization"


def generators_of(spec: Mapping[str, Any], depth: int = 3) -> Iterator[Mapping[str, Any]]:
    """The generators of an ApplicationSet, those inside a matrix or merge too."""
    for generator in objects(spec.get("generators")):
        yield generator
        for outer in ("matrix", "merge"):
            if depth > 0 and outer in generator:
                yield from generators_of(mapping(generator.get(outer)), depth - 1)


class Contents:
    """Files, kustomizations and charts of one commit, and the declarations as they are applied."""

    def __init__(self, files: Files, url: str) -> None:
        self.files = files
        self._places: dict[str, Place] = {}
        self.kustomizations = Kustomizations(files)
        self.charts: Mapping[str, Chart] = find_charts(files)
        self.values = ValuesFiles(files, self.charts)
        self.declared: tuple[Document, ...] = tuple(self._declarations())
        self.origin = Origin(url, self._named_repositories())
        self.applications_by_folder: dict[str, list[Document]] = defaultdict(list)
        for document in self.declared:
            if document.group == ARGO:
                for folder in folders_above(document.path):
                    if len(self.applications_by_folder[folder]) < _MOST_LISTED:
                        self.applications_by_folder[folder].append(document)
        self._overlays: dict[str, set[str]] | None = None
        self._below: dict[tuple[str, bool], tuple[Document, ...]] = {}

    def _declarations(self) -> Iterator[Document]:
        """
        The documents that declare applications, once for each context they are applied from.

        A context is a kustomization that nothing builds on, or for a document in no kustomization its
        own folder. What a kustomization patches is seen patched.
        """
        listed: set[str] = set()
        leaves = [folder for folder in self.kustomizations.by_folder if self._is_leaf(folder)]
        for folder in leaves[:_MOST_CONTEXTS]:
            listed |= self.kustomizations.files_of(folder)
            if not self.kustomizations.by_folder[folder].is_component:
                yield from filter(is_declaration, self.kustomizations.documents(folder))
        for document in self.files.every_document():
            is_applied = document.path not in listed and document.path not in self.kustomizations.inputs
            if is_applied and is_declaration(document):
                yield document

    def _is_leaf(self, folder: str) -> bool:
        return not self.kustomizations.users.get(folder)

    def _named_repositories(self) -> Iterator[tuple[str, bool]]:
        """The repositories that Argo CD is told of, and whether the folders named with them are here."""
        for document in self.declared:
            if (document.kind, document.name) == ("GitRepository", "flux-system"):
                yield text(document.spec.get("url")), True
            template = mapping(document.spec.get("template"))
            for spec in (document.spec, mapping(template.get("spec"))):
                sources = [(mapping(spec.get("source"))), *objects(spec.get("sources"))]
                yield from self._votes((s.get("repoURL"), s.get("path")) for s in sources)
            gits = [mapping(g.get("git")) for g in generators_of(document.spec)]
            yield from self._votes(
                (git.get("repoURL"), entry.get("path"))
                for git in gits
                for entry in (*objects(git.get("directories")), *objects(git.get("files")))
            )

    def _votes(self, named: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, bool]]:
        for url, path in named:
            fixed = re.split(r"{{|\*|\?|\[", text(path))[0]
            folder = join(ROOT, fixed if fixed == path else fixed.rpartition("/")[0]) if fixed else None
            if text(url) and folder and folder != ROOT:
                yield text(url), self.files.has_folder(folder) or folder in self.files

    def renderer_of(self, folder: str) -> RendererName:
        """What makes manifests of a folder, by the file that lies in it."""
        if folder in self.kustomizations.by_folder:
            return "kustomize"
        return "helm" if self.files.chart_in(folder) else "plain"

    def reason(self, folder: str) -> str:
        """Why a folder of this repository cannot be rendered here; "" if it can, as far as can be seen."""
        if not self.files.has_folder(folder):
            return f"The folder {folder} is not in this repository."
        if folder in self.kustomizations.by_folder:
            return self.kustomizations.reason(folder)
        if self.files.chart_in(folder):
            return self.charts[folder].reason if folder in self.charts else ""
        names = self.files.files_in(folder)
        if any(n.endswith(".jsonnet") for n in names) and not any(self.files.documents(n) for n in names):
            return "It is written in Jsonnet, which is not rendered."
        return ""

    def place(self, folder: str) -> Place:
        """The environment a folder names, and what is left of it."""
        if folder not in self._places:
            segments = segments_of(folder)
            self._places[folder] = locate(segments, partial(self.files.siblings, segments))
        return self._places[folder]

    def is_shared(self, overlay: str) -> bool:
        """
        Whether a name without a known word, such as that of an overlay, is taken for an environment.

        It is where several things have it (the cluster `local.home`), or where there is one thing only.
        """
        if self._overlays is None:
            places = [self.place(folder) for folder in self.files.folders]
            self._overlays = defaultdict(set)
            for place in places:
                if place.environment and not place.is_word and place.root.endswith("*"):
                    self._overlays[place.environment].add(place.root)
        roots = self._overlays.get(overlay, set())
        return len(roots) > 1 or len(set().union(*self._overlays.values())) <= 1

    def manifests_below(self, folder: str, *, nested: bool = False) -> tuple[Document, ...]:
        """
        The documents that rendering the folder reads, as far as they can be told without rendering.

        With `nested` those of kustomizations below a folder that is none itself too, as Flux reads it.
        """
        key = (folder, nested)
        if key not in self._below:
            self._below[key] = tuple(self._find_below(folder, nested))
        return self._below[key]

    def _find_below(self, folder: str, nested: bool) -> Sequence[Document]:
        graph = self.kustomizations
        if folder in graph.by_folder:
            return graph.documents(folder)
        found: list[Document] = []
        inner: dict[str, None] = {}
        for path in self.files.files_below(folder):
            within = [f for f in folders_above(path) if f in graph.by_folder and is_below(f, folder)]
            if within:
                inner[within[-1]] = None
            else:
                found.extend(self.files.documents(path))
        for kustomization in inner if nested else ():
            found.extend(graph.documents(kustomization))
        return found

    def has_more_below(self, folder: str) -> bool:
        """Whether a folder of plain manifests has further ones in folders below it."""
        if self.renderer_of(folder) != "plain":
            return False
        direct = set(self.files.files_in(folder))
        return any(document.path not in direct for document in self.manifests_below(folder))

    def _may_hold_more(self, folder: str) -> bool:
        """Whether a folder without known documents may make some, by a file not read or a generator."""
        closure = self.kustomizations.closure(folder)
        if any(k.remote or k.missing or k.charts or k.generates for k in closure):
            return True
        paths = [path for k in closure for path in k.files] or self.files.files_below(folder)
        return any(not self.files.is_read(path) for path in paths)

    def is_application(self, folder: str) -> bool:
        """
        Whether rendering the folder gives more than what leads to applications and what goes with that.

        A folder with a HelmRelease and, say, its secret leads on; one with a workload too is an
        application. A folder of which nothing is known may be one.
        """
        documents = [d for d in self.manifests_below(folder, nested=True) if d.is_manifest]
        others = [d for d in documents if not is_declaration(d) and d.kind != "Namespace"]
        if any(d.kind in _LEADING_KINDS and is_declaration(d) for d in documents):
            return any(map(is_workload, others))
        return bool(others) or (not documents and self._may_hold_more(folder))
