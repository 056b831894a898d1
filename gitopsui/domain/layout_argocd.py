"""Argo CD Applications as proposals: which folder, for which environment, rendered how."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.layout_application import Application, find_applications
from gitopsui.domain.layout_argocd_helm import find_values, inline_values, parameters_of
from gitopsui.domain.layout_contents import ARGO, Contents
from gitopsui.domain.layout_environment import Clues, choose_environment
from gitopsui.domain.layout_files import ROOT, Document, is_below, join
from gitopsui.domain.layout_names import component_of
from gitopsui.domain.layout_origin import shown_url
from gitopsui.domain.layout_proposal import Draft, Finding, Proposal, RendererName
from gitopsui.domain.tree import mapping, sequence, text

_WATCHED_BRANCH = {"", "HEAD"}
_USUAL_BRANCHES = {"", "main", "master", "trunk"}  # nearly always the one that is watched
_HARMLESS_KUSTOMIZE_OPTIONS = {"version"}


@dataclass(frozen=True, slots=True)
class ArgoLayout:
    """What Argo CD declares; `followed` are the folders that hold nothing but further Applications."""

    drafts: tuple[Draft, ...]
    findings: tuple[Finding, ...]
    followed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """One source of an Application. `folder` is None where it is not in this repository."""

    body: Mapping[str, Any]
    folder: str | None

    @property
    def url(self) -> str:
        return text(self.body.get("repoURL"))

    @property
    def path(self) -> str:
        return text(self.body.get("path"))[:500]

    @property
    def chart(self) -> str:
        return text(self.body.get("chart"))

    @property
    def revision(self) -> str:
        return text(self.body.get("targetRevision"))

    @property
    def branch(self) -> str:
        """The branch, tag or commit; "" where the default is meant, and for a chart."""
        return "" if self.chart or self.revision in _WATCHED_BRANCH else self.revision


def argo_layout(contents: Contents) -> ArgoLayout:
    """The proposals of all Applications, those inside an app of apps too."""
    applications = find_applications(contents)
    peers = {application.name for application in applications.found}
    findings = list(applications.findings)
    drafts: list[Draft] = []
    followed: list[str] = []
    for application in applications.found:
        for body in application.sources:
            source = _Source(body, _folder(body, contents))
            heading = _heading(application, source.folder, contents)
            if heading and source.folder:
                findings.append(heading)
                followed.append(source.folder)
            elif source.path or source.chart:
                drafts.append(_draft(application, source, contents, peers))
    return ArgoLayout(tuple(drafts), tuple(findings), tuple(followed))


def _folder(body: Mapping[str, Any], contents: Contents) -> str | None:
    path = text(body.get("path"))
    if not path or text(body.get("chart")) or not contents.origin.is_own(text(body.get("repoURL"))):
        return None
    return join(ROOT, path)


def _heading(application: Application, folder: str | None, contents: Contents) -> Finding | None:
    """What to say of an Application that only brings further ones; None where it is one itself."""
    if folder is None:
        return None
    title = f"{application.name} is an app of apps"
    if folder in contents.charts and contents.charts[folder].makes_applications:
        what = "They are not rendered here, so its folders are listed as they lie."
        detail = f"The templates of the chart {folder} seem to make Applications. {what}"
        return Finding("argocd", title, detail, False)
    names = _applications_in(folder, application.document, contents)
    if not names:
        return None
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return Finding("argocd", title, f"Its folder {folder} holds further Applications: {listed}.", True)


def _applications_in(folder: str, own: Document, contents: Contents) -> list[str]:
    """The names of the Applications that rendering the folder brings, or that lie below it."""
    found = [d for d in contents.manifests_below(folder) if d.group == ARGO]
    if not found and folder != ROOT:
        found = [d for d in contents.applications_by_folder.get(folder, ()) if is_below(d.path, folder)]
    is_other = ((d.kind, d.name) != (own.kind, own.name) for d in found)
    kinds = ("Application", "ApplicationSet")
    return list(
        dict.fromkeys(d.name for d, other in zip(found, is_other, strict=True) if other and d.kind in kinds)
    )


def _draft(application: Application, source: _Source, contents: Contents, peers: Collection[str]) -> Draft:
    helm = mapping(source.body.get("helm"))
    values, problem = find_values(helm, source.folder, application, contents)
    environment = _environment(application, source, values, contents, peers)
    component = component_of(application.name, peers, (environment, *application.clusters))
    renderer = _renderer(source, contents)
    proposal = Proposal(
        component=component,
        environment=environment,
        path=source.folder or (application.document.folder if source.chart else source.path),
        renderer=renderer,
        values_files=values,
        release_name=(text(helm.get("releaseName")) or application.name) if renderer == "helm" else "",
        namespace=application.namespace,
        cluster_hint=application.cluster,
        branch=source.branch,
        managed_by=application.maker,
        reason=_reason(source, contents) or problem,
        note=_note(source, contents),
        declared_version=source.revision if source.chart else "",
        parameters=parameters_of(helm),
        inline_values=inline_values(helm),
    )
    return Draft(proposal, (component, application.name), f"application {component}")


def _environment(
    application: Application,
    source: _Source,
    values: tuple[str, ...],
    contents: Contents,
    peers: Collection[str],
) -> str:
    clues = Clues(
        document=application.document,
        name=application.name,
        folder=source.folder or "",
        peers=peers,
        values_files=values,
        namespace=application.namespace,
        cluster=application.cluster,
        branch=source.branch,
        parameters=application.parameters,
    )
    return choose_environment(clues, contents)


def _renderer(source: _Source, contents: Contents) -> RendererName:
    if source.chart:
        return "helm"
    return contents.renderer_of(source.folder) if source.folder else "plain"


def _reason(source: _Source, contents: Contents) -> str:
    if source.chart:
        where = shown_url(source.url)
        return f"The chart {source.chart} comes from {where}: charts from the network are not rendered."
    plugin = source.body.get("plugin")
    if plugin is not None:
        name = text(mapping(plugin).get("name")) or "that Argo CD chooses"
        return f"It needs the config management plugin {name}: plugins are not run."
    if source.body.get("ksonnet") or mapping(source.body.get("directory")).get("jsonnet"):
        return "It is written in Jsonnet, which is not rendered."
    if not contents.origin.is_own(source.url):
        return f"Its manifests are in another repository: {source.path} of {shown_url(source.url)}."
    if source.folder is None:
        return "Its path leads out of the repository."
    return "" if _is_elsewhere(source, contents) else contents.reason(source.folder)


def _is_elsewhere(source: _Source, contents: Contents) -> bool:
    """Whether a folder that is not here may well be on the branch named with it."""
    is_here = source.folder is None or contents.files.has_folder(source.folder)
    return not is_here and source.branch not in _USUAL_BRANCHES


def _note(source: _Source, contents: Contents) -> str:
    notes: list[str] = []
    folder = source.folder
    if _is_elsewhere(source, contents):
        notes.append(f"Its folder is not on the branch looked at; it may be on {source.branch}.")
    changed = sorted(set(map(str, mapping(source.body.get("kustomize")))) - _HARMLESS_KUSTOMIZE_OPTIONS)
    if changed:
        listed = ", ".join(changed)[:200]
        notes.append(f"Argo CD changes this when it deploys ({listed}); that is not repeated here.")
    if sequence(mapping(source.body.get("helm")).get("fileParameters")):
        notes.append("Parameters that come from files are left out.")
    is_recursive = mapping(source.body.get("directory")).get("recurse") is True
    if folder and not is_recursive and contents.has_more_below(folder):
        notes.append("Argo CD reads only the files directly in this folder.")
    return " ".join(notes)
