"""The Argo CD Applications of a commit: those that are written down and those that ApplicationSets make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsui.domain.layout_applicationset import expand
from gitopsui.domain.layout_contents import ARGO, Contents
from gitopsui.domain.layout_environment import cluster_name
from gitopsui.domain.layout_files import Document
from gitopsui.domain.layout_plain import EXAMPLE_FOLDERS, is_aside
from gitopsui.domain.layout_proposal import MOST_PROPOSALS, Finding, sum_up
from gitopsui.domain.tree import mapping, objects, text

# Twice as many as are proposed: some only lead to others.
MOST_APPLICATIONS = 2 * MOST_PROPOSALS
_CLUSTER_KEYS = {"cluster", "clustername", "cluster_name", "cluster-name"}
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_NOT_UNDERSTOOD = "Its template uses expressions that are not understood."


@dataclass(frozen=True, slots=True)
class Application:
    """One Application: its document, who makes it, and the parameters an ApplicationSet filled in."""

    document: Document
    maker: str
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name, without the joints that an empty parameter left at the ends."""
        return self.document.name.strip("-_.")

    @property
    def sources(self) -> Sequence[Mapping[str, Any]]:
        return objects(self.document.spec.get("sources")) or objects([self.document.spec.get("source")])

    @property
    def cluster(self) -> str:
        """The name or address of the cluster it goes to."""
        destination = mapping(self.document.spec.get("destination"))
        return text(destination.get("name")) or text(destination.get("server"))

    @property
    def clusters(self) -> list[str]:
        """The names its cluster goes by."""
        given = (text(value) for key, value in self.parameters.items() if key.lower() in _CLUSTER_KEYS)
        return [name for name in (cluster_name(self.cluster), *given) if name]

    @property
    def namespace(self) -> str:
        return text(mapping(self.document.spec.get("destination")).get("namespace"))


@dataclass(slots=True)
class Applications:
    """All Applications, in the order of their files, and what was seen beside them."""

    found: list[Application] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def find_applications(contents: Contents) -> Applications:
    """
    The Applications that would be made from this commit.

    Left out, with a finding, are those in folders of examples and those whose name is a placeholder
    (`<CLUSTER_NAME>-apps`): they become Applications only after somebody has filled them in.
    """
    applications = Applications()
    aside: list[str] = []
    templates: list[str] = []
    for document in contents.declared:
        if len(applications.found) >= MOST_APPLICATIONS:
            detail = f"Only the first {MOST_APPLICATIONS} Applications were looked at."
            applications.findings.append(Finding("limit", "Too many Applications", detail, False))
            break
        if document.group != ARGO or document.kind not in ("Application", "ApplicationSet"):
            continue
        if is_aside(document.folder, EXAMPLE_FOLDERS):
            aside.append(document.path)
            continue
        made = _made_of(document, contents, applications.findings)
        for application in made:
            is_named = _NAME.fullmatch(application.name) is not None
            (applications.found.append(application) if is_named else templates.append(document.path))
    applications.findings += sum_up(aside, "argocd", "Applications of examples", "They are left out")
    what = "Their names are placeholders, so they are left out"
    applications.findings += sum_up(templates, "argocd", "Templates of Applications", what)
    return applications


def _made_of(document: Document, contents: Contents, findings: list[Finding]) -> list[Application]:
    if document.kind == "Application":
        return [Application(document, f"Argo CD Application {document.name}", {})]
    expansion = expand(document.spec, contents.files, contents.origin)
    maker = f"Argo CD ApplicationSet {document.name}"
    made = [Application(replace(document, body=body), maker, p) for body, p in expansion.applications]
    clear = [application for application in made if "{{" not in _needed(application)]
    problems = [*expansion.problems, *([_NOT_UNDERSTOOD] if len(clear) < len(made) else [])]
    findings.extend(Finding("argocd", maker, f"{document.path}: {problem}", False) for problem in problems)
    if clear or not problems:
        count = "1 Application" if len(clear) == 1 else f"{len(clear)} Applications"
        findings.append(Finding("argocd", maker, f"{document.path} makes {count}.", True))
    return clear


def _needed(application: Application) -> str:
    """The fields that an Application cannot do without, in one text."""
    sources = application.sources
    fields = [text(source.get(key)) for source in sources for key in ("path", "chart", "repoURL")]
    return " ".join([application.document.name, *fields])
