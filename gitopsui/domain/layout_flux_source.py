"""Where Flux takes things from: which folder of this repository a source means, which chart a release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.layout_files import ROOT, Document, Files, join
from gitopsui.domain.layout_origin import Origin, shown_url
from gitopsui.domain.tree import mapping, objects, sequence, text

BOOTSTRAP = "flux-system"  # the source that `flux bootstrap` makes of the repository itself


@dataclass(frozen=True, slots=True)
class Target:
    """A folder of this repository on a branch ("" the one watched), or the reason why it is none."""

    folder: str
    branch: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChartSource:
    """The chart of a release: `target` where it lies in this repository, else name, version, address."""

    target: Target | None
    name: str
    version: str
    address: str


class Sources:
    """The sources that the documents of a commit define, by kind and name."""

    def __init__(self, documents: Iterable[Document], files: Files, origin: Origin) -> None:
        self._files = files
        self._origin = origin
        self._by_name: dict[tuple[str, str], list[Document]] = defaultdict(list)
        for document in documents:
            self._by_name[document.kind, document.name].append(document)
        self._bootstrap_branch = _branch(self._find("GitRepository", BOOTSTRAP, ""))

    def _find(self, kind: str, name: str, namespace: str) -> Mapping[str, Any]:
        """The spec of a source, that of the same namespace first; {} where it is not defined here."""
        found = self._by_name.get((kind, name), [])
        same = [document for document in found if document.namespace == namespace]
        return (same or found)[0].spec if found else {}

    def folder(self, reference: Any, path: str, namespace: str) -> Target:
        """The folder that `path` means in the source that `reference` names."""
        ref = mapping(reference)
        kind, name = text(ref.get("kind")) or "GitRepository", text(ref.get("name"))
        spec = self._find(kind, name, text(ref.get("namespace")) or namespace)
        if kind == "ExternalArtifact":
            return self._artifact(name, path)
        if kind != "GitRepository" and name != BOOTSTRAP:
            where = shown_url(text(spec.get("url"))) or f"the {kind} {name}"
            return Target("", reason=f"Its manifests come from {where}, not from this repository.")
        url = text(spec.get("url"))
        if url and name != BOOTSTRAP and not self._origin.is_own(url):
            where = f"{path or ROOT} of {shown_url(url)}"
            return Target("", reason=f"Its manifests are in another repository: {where}.")
        folder = join(ROOT, path)
        if folder is None:
            return Target("", reason="Its path leads out of the repository.")
        branch = _branch(spec) if name != BOOTSTRAP else ""
        if branch in ("", self._bootstrap_branch):
            return Target(self._relocated(folder))
        return Target(folder, branch)

    def _relocated(self, folder: str) -> str:
        """
        The folder, or the only one of the repository whose path ends in it.

        So it is where Flux is given an artifact made of one folder of the repository.
        """
        if self._files.has_folder(folder):
            return folder
        ending = self._files.folders_ending_in(folder)
        return ending[0] if len(ending) == 1 else folder

    def _artifact(self, name: str, path: str) -> Target:
        """A folder of an artifact that an ArtifactGenerator copies together from this repository."""
        for (kind, _), documents in self._by_name.items():
            for spec in (d.spec for d in documents if kind == "ArtifactGenerator"):
                for artifact in objects(spec.get("artifacts")):
                    folder = _copied(artifact, path) if text(artifact.get("name")) == name else None
                    if folder is not None:
                        return Target(self._relocated(folder))
        return Target("", reason=f"Its manifests come from the artifact {name}, which is not told of here.")

    def chart(self, release: Document) -> ChartSource:
        """Where the chart of a HelmRelease comes from."""
        ref = mapping(release.spec.get("chartRef"))
        template = mapping(mapping(release.spec.get("chart")).get("spec"))
        if not template and text(ref.get("kind")) == "HelmChart":
            template = self._find(
                "HelmChart", text(ref.get("name")), text(ref.get("namespace")) or release.namespace
            )
        if not template:
            spec = self._find(
                text(ref.get("kind")), text(ref.get("name")), text(ref.get("namespace")) or release.namespace
            )
            url, tag = text(spec.get("url")), mapping(spec.get("ref"))
            version = text(tag.get("tag")) or text(tag.get("semver")) or text(tag.get("digest"))
            return ChartSource(None, url.rpartition("/")[2] or text(ref.get("name")), version, shown_url(url))
        return self._templated_chart(template, release.namespace)

    def _templated_chart(self, template: Mapping[str, Any], namespace: str) -> ChartSource:
        ref = mapping(template.get("sourceRef"))
        name, version = text(template.get("chart")), _version(template.get("version"))
        if text(ref.get("kind")) == "GitRepository":
            target = self.folder(ref, name, namespace)
            return ChartSource(target, name.rstrip("/").rpartition("/")[2], version, "")
        spec = self._find(
            text(ref.get("kind")), text(ref.get("name")), text(ref.get("namespace")) or namespace
        )
        address = shown_url(text(spec.get("url"))) or f"the {text(ref.get('kind'))} {text(ref.get('name'))}"
        return ChartSource(None, name, version, address)


def _version(value: Any) -> str:
    """A version that somebody left unquoted is a number by now."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else text(value)


def _branch(spec: Mapping[str, Any]) -> str:
    ref = mapping(spec.get("ref"))
    return next(
        (text(ref.get(key)) for key in ("branch", "tag", "semver", "commit", "name") if text(ref.get(key))),
        "",
    )


def _copied(artifact: Mapping[str, Any], path: str) -> str | None:
    """
    The folder of the repository that became `path` of the artifact; None where nothing tells.

    A copy takes `@alias/folder/**` to `@artifact/other/`.
    """
    wanted = join(ROOT, path) or ROOT
    best: tuple[int, str] | None = None
    for copy in objects(artifact.get("copy")):
        source = join(ROOT, text(copy.get("from")).partition("/")[2].partition("*")[0])
        target = join(ROOT, text(copy.get("to")).partition("/")[2])
        if source is None or target is None or not (target == ROOT or f"{wanted}/".startswith(f"{target}/")):
            continue
        rest = wanted if target == ROOT else wanted[len(target) :].lstrip("/")
        folder = join(source, rest)
        if folder is not None and (best is None or len(target) > best[0]):
            best = (len(target), folder)
    return best[1] if best else None


def values_from(release: Document) -> str:
    """The names of the objects in the cluster a release takes values from, in one text."""
    entries = [*objects(release.spec.get("valuesFrom"))]
    return ", ".join(f"{text(e.get('kind'))} {text(e.get('name'))}" for e in entries[:5])


def files_of_values(release: Document) -> list[str]:
    """The values files of the chart that a release names, in their order."""
    template = mapping(mapping(release.spec.get("chart")).get("spec"))
    return [text(entry) for entry in sequence(template.get("valuesFiles")) if text(entry)]
