"""What a Helm chart reads: its folder, values files and the charts it depends on, in one repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.adapters.render_inputs import Finder
from gitopsui.adapters.render_paths import is_remote, resolve, shown
from gitopsui.adapters.render_source import RenderSource, refusal
from gitopsui.adapters.yaml_reader import ParsedFile
from gitopsui.domain.mask_text import mask_text

CHART_FILE = "Chart.yaml"
_LOCAL = "file://"
# Charts may depend on charts that depend on charts; a circle would be followed for ever.
_MAX_CHARTS = 50
_RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DEFAULT_KUBE_VERSION = "1.34.0"
_VERSION = re.compile(r"v?[0-9]+\.[0-9]+(\.[0-9]+)?[-+.0-9A-Za-z]*")


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart calls itself; each part is "" where Chart.yaml does not say it."""

    name: str
    version: str
    app_version: str


@dataclass(frozen=True, slots=True)
class _Dependency:
    name: str
    version: str
    repository: str


def read_chart(parsed: ParsedFile) -> Chart:
    """The chart of a parsed Chart.yaml, of whatever shape that is."""
    facts = parsed.documents[0] if parsed.documents and isinstance(parsed.documents[0], dict) else {}
    name, version, app_version = (facts.get(field) for field in ("name", "version", "appVersion"))
    return Chart(
        *(
            str(value) if isinstance(value, str | int | float) else ""
            for value in (name, version, app_version)
        )
    )


class HelmInputs:
    """Collects the files of a chart and of the charts below it."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._count = 0

    def find(self, source: RenderSource) -> None:
        path = self._finder.resolve("", source.path)
        if path is not None and self._finder.check_folder(path):
            self._add_chart(path, path)
        for name in source.values_files:
            if is_remote(name):
                message = (
                    f"The values file {shown(mask_text(name))} is not in this repository; nothing is fetched."
                )
                self._finder.refuse(refusal("PATH_OUTSIDE", message))
            elif (target := self._finder.resolve("", name)) is not None:
                self._finder.add_file(target, named_by="this application")

    def _add_chart(self, path: str, place: str) -> None:
        """Take in the chart in the folder `path`, which helm will find at `place`."""
        self._count += 1
        chart_file = self._finder.index.find(f"{path}/{CHART_FILE}".lstrip("/"))
        if chart_file is None:
            message = f"The folder {shown(path or '/')} holds no {CHART_FILE}."
            self._finder.refuse(refusal("PATH_MISSING", message))
            return
        self._finder.add_folder(path)
        for dependency in self._missing_dependencies(path):
            self._add_dependency(path, place, dependency)

    def _add_dependency(self, path: str, place: str, dependency: _Dependency) -> None:
        if not dependency.repository.startswith(_LOCAL):
            self._refuse_remote(path, dependency)
            return
        target = self._finder.resolve(path, dependency.repository.removeprefix(_LOCAL))
        if target is None or not self._finder.check_folder(target, named_by=f"{path}/{CHART_FILE}"):
            return
        if self._count >= _MAX_CHARTS or f"{path}/".startswith(f"{target}/"):
            message = f"The chart in {shown(path)} depends on too many charts, or on itself."
            self._finder.refuse(refusal("RENDER_FAILED", message))
            return
        copy = f"{place}/charts/{dependency.name}"
        self._finder.add_copy(target, copy)
        self._add_chart(target, copy)

    def _refuse_remote(self, path: str, dependency: _Dependency) -> None:
        what = f"{shown(dependency.name)} {dependency.version}".rstrip()
        where = f" from {shown(mask_text(dependency.repository))}" if dependency.repository else ""
        message = f"The chart in {shown(path or '/')} needs {what}{where}, which is not in its charts folder."
        hint = "Run `helm dependency update` and commit the charts folder. Nothing is fetched here."
        self._finder.refuse(refusal("REMOTE_CHART", message, hint=hint))

    def _missing_dependencies(self, path: str) -> list[_Dependency]:
        """The dependencies that do not lie in the charts folder, as a folder or an archive."""
        steering = [f"{path}/{name}".lstrip("/") for name in (CHART_FILE, "requirements.yaml")]
        entries = [entry for name in steering if (entry := self._finder.index.find(name)) is not None]
        parsed = self._finder.read(entries)
        for name, file in parsed.items():
            if file.error is not None:
                self._finder.refuse(refusal("RENDER_FAILED", f"{name} cannot be read. {file.error.message}"))
        wanted = [each for file in parsed.values() for each in _dependencies(file)]
        return [each for each in wanted if not self._is_vendored(path, each)] if wanted else []

    def _is_vendored(self, path: str, dependency: _Dependency) -> bool:
        charts = f"{path}/charts".lstrip("/")
        below = [entry.path.removeprefix(f"{charts}/") for entry in self._finder.index.below(charts)]
        archive = re.compile(rf"{re.escape(dependency.name)}-v?[0-9][^/]*\.tgz")
        if any(archive.fullmatch(name) or name.startswith(f"{dependency.name}/") for name in below):
            return True
        # the folder may be called otherwise than the chart in it
        files = [self._finder.index.entries[f"{charts}/{name}"] for name in below if _is_chart_file(name)]
        return dependency.name in {read_chart(parsed).name for parsed in self._finder.read(files).values()}


def _is_chart_file(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(f"/{CHART_FILE}")


def _dependencies(parsed: ParsedFile) -> Iterator[_Dependency]:
    for document in parsed.documents:
        found = document.get("dependencies") if isinstance(document, dict) else None
        for item in found if isinstance(found, list) else ():
            if isinstance(item, dict) and _is_name(item.get("name")):
                version, repository = (str(item.get(field) or "") for field in ("version", "repository"))
                yield _Dependency(item["name"], version, repository)


def _is_name(name: Any) -> bool:
    """A name becomes a folder here, so it may be nothing but a name."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9_.]*", name) is not None


def build_arguments(source: RenderSource, values: Sequence[str]) -> list[str]:
    """
    The arguments of `helm` in the root of the repository. `values` are the values files as helm is to find
    them: it splits their names at commas, so they are not called as in the repository.

    Raises RenderError RENDER_FAILED for a release name, namespace or version that no cluster would take.
    """
    path = resolve("", source.path)
    release = source.release_name or path.rpartition("/")[2] or "release"
    _check(_RELEASE_NAME, release, "release name", 53)
    arguments = ["template", release, f"./{path}", f"--kube-version={_kube_version(source)}"]
    if source.namespace:
        _check(_NAMESPACE, source.namespace, "namespace", 63)
        arguments.append(f"--namespace={source.namespace}")
    if source.include_crds:
        arguments.append("--include-crds")
    arguments += [f"--values={name}" for name in values]
    arguments += [f"--set={parameter}" for parameter in source.parameters]
    return arguments + [f"--api-versions={version}" for version in source.api_versions]


def _kube_version(source: RenderSource) -> str:
    version = source.kube_version or _DEFAULT_KUBE_VERSION
    _check(_VERSION, version, "Kubernetes version", 60)
    return version


def _check(pattern: re.Pattern[str], text: str, what: str, longest: int) -> None:
    if not pattern.fullmatch(text) or len(text) > longest:
        raise refusal("RENDER_FAILED", f"{shown(text)} is no valid {what}.")
