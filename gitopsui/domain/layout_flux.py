"""Flux Kustomizations and HelmReleases as proposals, each for every cluster that reaches it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gitopsui.domain.layout_argocd_helm import write_values
from gitopsui.domain.layout_contents import FLUX_HELM, FLUX_KUSTOMIZE, Contents
from gitopsui.domain.layout_environment import Clues, choose_environment
from gitopsui.domain.layout_files import ROOT, Document, join
from gitopsui.domain.layout_flux_reach import AppliedFolder, Reach, Reaches
from gitopsui.domain.layout_flux_source import ChartSource, Sources, Target, files_of_values, values_from
from gitopsui.domain.layout_names import component_of, names_of
from gitopsui.domain.layout_proposal import MOST_PROPOSALS, Draft, Finding, Proposal, sum_up
from gitopsui.domain.tree import mapping, text

_CHANGES = (
    "patches patchesStrategicMerge patchesJson6902 images namePrefix nameSuffix commonMetadata components"
)


@dataclass(frozen=True, slots=True)
class FluxLayout:
    """What Flux declares; `followed` are the folders that hold only further declarations."""

    drafts: tuple[Draft, ...]
    findings: tuple[Finding, ...]
    followed: tuple[str, ...]


def flux_layout(contents: Contents) -> FluxLayout:
    """The proposals of all Kustomizations that apply something, and of all HelmReleases."""
    flux = _Flux(contents)
    leading = [folder for folder in flux.kustomizations if flux.leads_on(folder.target)]
    drafts = [
        flux.kustomization_draft(folder, reach)
        for folder in flux.kustomizations
        if folder not in leading
        for reach in flux.reaches.of(folder.document)
    ]
    applied = {draft.proposal.path for draft in drafts}
    for release in flux.releases:
        drafts.extend(flux.release_draft(release, reach, applied) for reach in flux.reaches.of(release))
    followed = [folder.target.folder for folder in leading]
    what = "They hold further Kustomizations and HelmReleases; what else they hold is not compared"
    findings = sum_up(followed, "flux", "Kustomizations that lead on", what, is_understood=True)
    return FluxLayout(tuple(drafts), tuple(findings), tuple(followed))


class _Flux:
    """What Flux is told in one commit."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._sources = Sources(contents.declared, contents.files, contents.origin)
        kustomizations = self._of_kind(FLUX_KUSTOMIZE, "Kustomization")
        self.kustomizations = [AppliedFolder(document, self._target(document)) for document in kustomizations]
        self.releases = self._of_kind(FLUX_HELM, "HelmRelease")
        self.reaches = Reaches(contents, self.kustomizations)
        # A Kustomization and the release of the same name that it brings are one component.
        self._release_namespaces = {release.name: release.namespace for release in self.releases}
        self._peers = {document.name for document in (*kustomizations, *self.releases)}

    def _of_kind(self, group: str, kind: str) -> list[Document]:
        found = [d for d in self._contents.declared if (d.group, d.kind) == (group, kind) and d.name]
        return found[:MOST_PROPOSALS]

    def _target(self, document: Document) -> Target:
        spec = document.spec
        return self._sources.folder(spec.get("sourceRef"), text(spec.get("path")), document.namespace)

    def leads_on(self, target: Target) -> bool:
        """Whether a folder holds nothing but further declarations and what goes with them."""
        if target.reason or not self._contents.files.has_folder(target.folder):
            return False
        return not self._contents.is_application(target.folder)

    def kustomization_draft(self, applied: AppliedFolder, reach: Reach) -> Draft:
        document, target = applied.document, applied.target
        is_here = self._contents.files.has_folder(target.folder)
        is_elsewhere = bool(target.branch) and not is_here
        environment = self._environment(document, target.folder, reach)
        proposal = Proposal(
            component=component_of(document.name, self._peers, (environment, reach.cluster)),
            environment=environment,
            path=target.folder or document.context,
            renderer=self._contents.renderer_of(target.folder) if target.folder else "plain",
            namespace=text(document.spec.get("targetNamespace")),
            cluster_hint=reach.cluster,
            branch=target.branch,
            managed_by=f"Flux Kustomization {document.name}",
            reason=target.reason or ("" if is_elsewhere else self._contents.reason(target.folder)),
            note=_kustomization_note(document, target.branch if is_elsewhere else ""),
        )
        return _draft(proposal, proposal.namespace or self._release_namespaces.get(document.name, ""))

    def release_draft(self, document: Document, reach: Reach, applied: Collection[str]) -> Draft:
        """The release; beside a Kustomization that is an application its file tells the two apart."""
        chart = self._sources.chart(document)
        local = chart.target if chart.target and not chart.target.reason else None
        namespace = self._namespace(document, reach)
        environment = self._environment(document, document.context, reach)
        values, problem = self._values(document, local)
        apart = document.path if document.context in applied else document.context
        proposal = Proposal(
            component=self._component(document, environment, reach),
            environment=environment,
            path=local.folder if local else apart,
            renderer="helm",
            values_files=values,
            release_name=reach.fill(_release_name(document)),
            namespace=namespace,
            cluster_hint=reach.cluster,
            branch=local.branch if local else "",
            managed_by=f"Flux HelmRelease {document.name}",
            reason=_chart_reason(chart) or (self._contents.reason(local.folder) if local else "") or problem,
            note=_release_note(document),
            declared_version=reach.fill(chart.version),
            inline_values=write_values(document.spec.get("values")),
        )
        return _draft(proposal, namespace)

    def _component(self, release: Document, environment: str, reach: Reach) -> str:
        """The name of the release; where it is a variable without a value that of its folder."""
        name = reach.fill(release.name)
        if "${" in name:
            name = names_of(self._contents.place(release.folder).rest, name)[0]
        return component_of(name, self._peers, (environment, reach.cluster))

    def _environment(self, document: Document, folder: str, reach: Reach) -> str:
        namespace = text(document.spec.get("targetNamespace")) or document.namespace
        clues = Clues(
            document=document,
            name=document.name,
            folder=folder,
            peers=self._peers,
            namespace=namespace,
            inherited=reach.environment,
        )
        return choose_environment(clues, self._contents)

    def _namespace(self, release: Document, reach: Reach) -> str:
        kustomization = self._contents.kustomizations.by_folder.get(release.context)
        given = text(kustomization.body.get("namespace")) if kustomization else ""
        own = text(release.spec.get("targetNamespace")) or release.namespace
        return reach.fill(own or given or reach.namespace)

    def _values(self, release: Document, local: Target | None) -> tuple[tuple[str, ...], str]:
        """The values files of the chart's repository, and what stands in the way of reading them."""
        found: list[str] = []
        for entry in files_of_values(release) if local else ():
            path = join(ROOT, entry)
            if path is None or path not in self._contents.files:
                path = join(local.folder if local else ROOT, entry)
            if path is None or path not in self._contents.files:
                return tuple(found), f"Its values file {entry[:200]} does not exist."
            found.append(path)
        return tuple(dict.fromkeys(found)), ""


def _draft(proposal: Proposal, namespace: str) -> Draft:
    """Components of one name in different namespaces are different ones."""
    component = proposal.component
    is_telling = namespace not in ("", component)
    names = (component, f"{namespace}-{component}") if is_telling else (component,)
    return Draft(proposal, names, f"flux {namespace}/{component}")


def _chart_reason(chart: ChartSource) -> str:
    if chart.target:
        return chart.target.reason
    where = chart.address or "a source not told of here"
    return f"The chart {chart.name} comes from {where}: charts from the network are not rendered."


def _release_name(document: Document) -> str:
    """As Flux makes it: its own name, behind the target namespace where there is one."""
    prefix = text(document.spec.get("targetNamespace"))
    made = f"{prefix}-{document.name}" if prefix else document.name
    return text(document.spec.get("releaseName")) or made


def _release_note(document: Document) -> str:
    notes = []
    if values_from(document):
        notes.append(f"Values that lie in the cluster are left out: {values_from(document)}.")
    if document.spec.get("postRenderers"):
        notes.append("Flux changes what the chart makes (postRenderers); that is not repeated here.")
    return " ".join(notes)


def _kustomization_note(document: Document, elsewhere: str) -> str:
    notes = []
    if elsewhere:
        notes.append(f"Its folder is on {elsewhere}, which is not the branch looked at.")
    if mapping(document.spec.get("postBuild")):
        notes.append("Flux replaces variables when it applies this (postBuild); they stay as they are here.")
    changed = [name for name in _CHANGES.split() if document.spec.get(name)]
    if changed:
        listed = ", ".join(changed)
        notes.append(f"Flux changes this when it applies it ({listed}); that is not repeated here.")
    return " ".join(notes)
