"""Applications told by nothing but folders: kustomize overlays, charts with values, plain manifests."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from gitopsui.domain.layout_contents import Contents, is_declaration
from gitopsui.domain.layout_files import ROOT, Document, folders_above, segments_of
from gitopsui.domain.layout_helm import Chart
from gitopsui.domain.layout_kustomize import Kustomization, listed_by
from gitopsui.domain.layout_names import names_of, words
from gitopsui.domain.layout_plain import is_aside, is_workload, plain_roots
from gitopsui.domain.layout_proposal import (
    DEFAULT_ENVIRONMENT,
    Draft,
    Finding,
    Proposal,
    RendererName,
    sum_up,
)
from gitopsui.domain.tree import mapping, text

# They have the shape of manifests and are read by tools, not by clusters.
_TOOL_GROUPS = words(
    """
    kind.x-k8s.io skaffold backstage.io ctlptl.dev k3d.io kubeadm.k8s.io kubelet.config.k8s.io
    audit.k8s.io apiserver.config.k8s.io config.kubernetes.io kustomize.config.k8s.io kuttl.dev
    chainsaw.kyverno.io cli.kyverno.io eksctl.io client.authentication.k8s.io kubeproxy.config.k8s.io
    config.karmada.io builtin viaduct.ai
    """
)


_BASE = "A base is no application by itself"
_ASIDE = "They are left out"
_VERSION = re.compile(r"v?\d+(?:\.\d+)*")


@dataclass(slots=True)
class FolderLayout:
    """The drafts of folders, and what was seen and left out."""

    drafts: list[Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class FolderGuesses:
    """
    Guesses for the folders that no declaration has claimed.

    `claimed` are folders that are applications already, with all below them; `followed` those that
    only hold declarations; `name` is what the whole repository is called.
    """

    def __init__(
        self, contents: Contents, claimed: Collection[str], followed: Collection[str], name: str
    ) -> None:
        self._contents = contents
        self._claimed = set(claimed)
        self._followed = set(followed)
        self._name = name
        built_on = {k.folder for folder in claimed for k in contents.kustomizations.closure(folder)}
        self._used = built_on - self._claimed

    def _is_claimed(self, folder: str) -> bool:
        if folder in self._claimed or folder in self._followed or folder in self._used:
            return True
        return any(above in self._claimed for above in folders_above(folder) if above != ROOT)

    def _is_aside(self, folder: str) -> bool:
        place = self._contents.place(folder)
        return is_aside("/".join(place.rest)) if place.is_word else is_aside(folder)

    def all(self) -> FolderLayout:
        """Everything that folders tell."""
        layouts = [self.kustomizations(), self.charts(), self.plain()]
        drafts = [draft for layout in layouts for draft in layout.drafts]
        return FolderLayout(drafts, [finding for layout in layouts for finding in layout.findings])

    def kustomizations(self) -> FolderLayout:
        """Every kustomization that nothing builds on; of one that only lists others, those others."""
        layout = FolderLayout()
        bases: list[str] = []
        empty: list[str] = []
        aside: list[str] = []
        for folder, kustomization in self._contents.kustomizations.by_folder.items():
            if not self._is_free(kustomization):
                continue
            if self._is_aside(folder):
                aside.append(folder)
            elif _is_base(folder):
                bases.append(folder)
            elif self._contents.is_application(folder):
                layout.drafts.append(self._kustomize_draft(kustomization))
            elif not self._contents.manifests_below(folder):
                empty.append(folder)
        layout.drafts = as_variants(layout.drafts, self._contents)
        for paths, title, what in (
            (bases, "Bases that nothing builds on", _BASE),
            (aside, "Kustomizations of examples and tests", _ASIDE),
            (empty, "Kustomizations without manifests", "What they list holds no manifests"),
        ):
            layout.findings += sum_up(paths, "kustomize", title, what)
        return layout

    def _is_free(self, kustomization: Kustomization) -> bool:
        """Whether it may be an application: nothing claims it or builds on it, unless to list it."""
        folder, graph = kustomization.folder, self._contents.kustomizations
        if kustomization.is_component or self._is_claimed(folder) or self._is_split(kustomization):
            return False
        lister = listed_by(graph, folder)
        is_listed = bool(lister) and self._is_split(graph.by_folder[lister])
        return is_listed or not graph.users.get(folder)

    def _is_split(self, kustomization: Kustomization, depth: int = 32) -> bool:
        """Whether a kustomization only lists others, each of which is an application."""
        graph = self._contents.kustomizations
        if not kustomization.is_listing or kustomization.is_component or depth < 0:
            return False
        if any(listed_by(graph, folder) != kustomization.folder for folder in kustomization.folders):
            return False
        users = graph.users.get(kustomization.folder, set())
        return all(self._is_split(graph.by_folder[user], depth - 1) for user in users)

    def _kustomize_draft(self, kustomization: Kustomization) -> Draft:
        folder = kustomization.folder
        lister = listed_by(self._contents.kustomizations, folder)
        above = self._contents.place(lister).environment if lister else ""
        reason = self._contents.reason(folder)
        return self._draft(folder, "kustomize", text(kustomization.body.get("namespace")), reason, above)

    def _draft(
        self, folder: str, renderer: RendererName, namespace: str, reason: str, above: str = ""
    ) -> Draft:
        place = self._contents.place(folder)
        names = names_of(place.rest, self._name)
        proposal = Proposal(
            component=names[0],
            environment=place.environment or above or DEFAULT_ENVIRONMENT,
            path=folder,
            renderer=renderer,
            namespace=namespace,
            reason=reason,
        )
        return Draft(proposal, names, place.root, 2 if names[0] == self._name else 1)

    def charts(self) -> FolderLayout:
        """Every chart that is no part of another, once for each environment it has values for."""
        layout = FolderLayout()
        parts = {folder for chart in self._contents.charts.values() for folder in chart.local}
        libraries: list[str] = []
        aside: list[str] = []
        for folder, chart in self._contents.charts.items():
            if self._is_claimed(folder):
                continue
            if chart.is_library or (folder in parts and not self._has_environments(chart)):
                libraries.append(folder)
            elif self._is_aside(folder):
                aside.append(folder)
            elif chart.makes_applications:
                detail = f"The templates of {folder} seem to make Applications; they are not rendered here."
                layout.findings.append(Finding("helm", f"Chart {chart.name}", detail, False))
            elif folder not in self._contents.kustomizations.by_folder:
                layout.drafts += self._chart_drafts(chart)
                layout.findings += self._other_values(chart)
        what = "They are no applications by themselves"
        layout.findings += sum_up(libraries, "helm", "Charts that are parts", what, is_understood=True)
        layout.findings += sum_up(aside, "helm", "Charts of examples and tests", _ASIDE)
        return layout

    def _has_environments(self, chart: Chart) -> bool:
        return any(values.environment for values in self._contents.values.of(chart))

    def _chart_drafts(self, chart: Chart) -> Iterator[Draft]:
        place = self._contents.place(chart.folder)
        names = names_of([name for name in place.rest if not _VERSION.fullmatch(name)], chart.name)
        by_environment: dict[str, list[str]] = {}
        for values in self._contents.values.of(chart):
            if values.environment:
                by_environment.setdefault(values.environment, []).append(values.path)
        for environment, paths in (by_environment or {place.environment or DEFAULT_ENVIRONMENT: []}).items():
            proposal = Proposal(
                component=names[0],
                environment=environment,
                path=chart.folder,
                renderer="helm",
                values_files=tuple(paths),
                release_name=chart.name,
                reason=chart.reason,
                note="It has more than one values file for this environment." if len(paths) > 1 else "",
            )
            yield Draft(proposal, names, f"chart {place.root}", 1)

    def _other_values(self, chart: Chart) -> list[Finding]:
        others = [values.path for values in self._contents.values.of(chart) if not values.environment]
        return sum_up(
            others,
            "helm",
            f"Values files of {chart.name}",
            "Their names are no environments, so nothing uses them",
        )

    def plain(self) -> FolderLayout:
        """Every folder of manifests that is in no kustomization and no chart; see `plain_roots`."""
        layout = FolderLayout()
        found, headings = plain_roots(self._contents.files, self._loose_manifests)
        bases: list[str] = []
        aside: list[str] = []
        for folder in found:
            if self._is_beside(folder):
                headings.append(folder)
            elif self._is_aside(folder):
                aside.append(folder)
            elif _is_base(folder):
                bases.append(folder)
            else:
                documents = self._contents.manifests_below(folder)
                layout.drafts.append(self._draft(folder, "plain", _only_namespace(documents), ""))
        for paths, title, what in (
            (bases, "Bases of plain manifests", _BASE),
            (aside, "Manifests of examples and tests", _ASIDE),
            (
                headings,
                "Manifests beside the applications",
                "No application has those directly in these folders",
            ),
        ):
            layout.findings += sum_up(paths, "plain", title, what)
        return layout

    def _is_beside(self, folder: str) -> bool:
        """Whether a folder without workloads holds what GitOps tools are told, and little else."""
        documents = self._contents.manifests_below(folder)
        return any(map(is_declaration, documents)) and not any(map(is_workload, documents))

    def _loose_manifests(self, folder: str) -> Iterator[Document]:
        if self._is_claimed(folder) or self._is_in_unit(folder):
            return
        for path in self._contents.files.files_in(folder):
            if path not in self._contents.kustomizations.inputs:
                for document in self._contents.files.documents(path):
                    if document.is_manifest and not is_declaration(document) and not _is_for_tool(document):
                        yield document

    def _is_in_unit(self, folder: str) -> bool:
        """Whether a folder is a kustomization or chart, or lies inside one."""
        graph, charts = self._contents.kustomizations.by_folder, self._contents.charts
        return (
            folder in graph
            or folder in charts
            or any(above in charts or (above in graph and above != ROOT) for above in folders_above(folder))
        )


def _is_base(folder: str) -> bool:
    return any(segment.lower() in ("base", "bases", "_base") for segment in segments_of(folder))


def _is_for_tool(document: Document) -> bool:
    return document.group in _TOOL_GROUPS or document.body.get("apiVersion") in _TOOL_GROUPS


def _only_namespace(documents: Iterable[Document]) -> str:
    """The namespace all documents are in, "" where they are in several."""
    namespaces = {text(mapping(d.body.get("metadata")).get("namespace")) for d in documents} - {""}
    return next(iter(namespaces)) if len(namespaces) == 1 else ""


def as_variants(drafts: list[Draft], contents: Contents) -> list[Draft]:
    """The drafts with overlays that are no environments made part of the name: `operator-with-sso`."""
    return [
        draft
        if contents.place(draft.proposal.path).is_word or contents.is_shared(draft.proposal.environment)
        else _variant(draft)
        for draft in drafts
    ]


def _variant(draft: Draft) -> Draft:
    overlay = draft.proposal.environment
    if overlay == DEFAULT_ENVIRONMENT:
        return draft
    names = tuple(f"{name}-{overlay}" for name in draft.names)
    proposal = replace(draft.proposal, environment=DEFAULT_ENVIRONMENT, component=names[0])
    return replace(draft, proposal=proposal, names=names, root=f"{draft.root} {overlay}")
