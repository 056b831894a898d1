"""Helm charts in the repository and the values files that make one application of each environment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.layout_files import (
    ROOT,
    Files,
    folders_above,
    is_below,
    is_yaml,
    join,
    parent_of,
    segments_of,
)
from gitopsui.domain.layout_names import confirms, is_environment, locate, split_environment
from gitopsui.domain.layout_origin import shown_url
from gitopsui.domain.tree import objects, text

_VALUES_WORD = "values"
_CHART_FOLDERS = ("templates", "charts", "crds", "files")
_MOST_VALUES_FILES = 500
_TEST_FOLDERS = {"ci", "tests", "test", "examples", "example"}  # chart-testing and friends
_APPLICATION_CHARTS = {
    "app-of-apps",
    "apps",
    "applications",
    "argo-apps",
    "argocd-apps",
    "root-app",
    "root-apps",
}


@dataclass(frozen=True, slots=True)
class Chart:
    """
    A chart of the repository that is no part of another one. `missing` are its dependencies that
    are in the network and not beside it, by name and address.
    """

    folder: str
    name: str
    version: str
    is_library: bool
    makes_applications: bool
    local: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why it cannot be rendered here; "" if it can."""
        if not self.missing:
            return ""
        return f"It depends on the chart {self.missing[0]}: charts from the network are not rendered."


def find_charts(files: Files) -> dict[str, Chart]:
    """The charts by folder, without those inside another chart."""
    charts: dict[str, Chart] = {}
    for folder in files.folders:
        path = files.chart_in(folder)
        is_part = any(above in charts for above in folders_above(folder)) if folder != ROOT else False
        if path and not is_part:
            charts[folder] = _read(files, folder, files.first(path))
    return charts


def _read(files: Files, folder: str, body: Mapping[str, Any]) -> Chart:
    dependencies = [
        *objects(body.get("dependencies")),
        *objects(files.first(join(folder, "requirements.yaml") or "").get("dependencies")),
    ]
    local, missing = [], []
    for dependency in dependencies:
        name, address = text(dependency.get("name")), text(dependency.get("repository"))
        if address.startswith("file://"):
            local.append(join(folder, address.removeprefix("file://")) or "")
        elif address and not _is_vendored(files, folder, name):
            missing.append(f"{name} of {shown_url(address)}")
    return Chart(
        folder=folder,
        name=text(body.get("name")) or (segments_of(folder) or ("chart",))[-1],
        version=text(body.get("version")),
        is_library=text(body.get("type")) == "library",
        makes_applications=_makes_applications(files, folder, text(body.get("name"))),
        local=tuple(local),
        missing=tuple(missing),
    )


def _is_vendored(files: Files, folder: str, name: str) -> bool:
    charts = join(folder, "charts") or ""
    archives = (path.rpartition("/")[2] for path in files.files_in(charts))
    return files.has_folder(f"{charts}/{name}") or any(
        a.startswith(f"{name}-") and a.endswith(".tgz") for a in archives
    )


def _makes_applications(files: Files, folder: str, name: str) -> bool:
    """Whether its templates seem to be Argo CD Applications, which only rendering could tell for sure."""
    templates = [path.rpartition("/")[2] for path in files.files_below(join(folder, "templates") or "")]
    stems = [t.rpartition(".")[0].lower() for t in templates if is_yaml(t)]
    if not stems:
        return False
    named = [
        s
        for s in stems
        if s in ("application", "applications", "applicationset", "app-of-apps")
        or s.endswith(("-app", "-application", "-applicationset"))
    ]
    folder_name = (segments_of(folder) or ("",))[-1].lower()
    is_so_called = bool({folder_name, name.lower()} & _APPLICATION_CHARTS)
    return len(named) == len(stems) or (
        is_so_called and not {"deployment", "service", "statefulset"} & set(stems)
    )


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """A values file and the environment its name or folder tells; "" where none does."""

    path: str
    environment: str


class ValuesFiles:
    """The values files of a commit, by the names of the charts they may be meant for."""

    def __init__(self, files: Files, charts: Mapping[str, Chart]) -> None:
        self._files = files
        applications = [chart.folder for chart in charts.values() if not chart.is_library]
        self._only_chart = applications[0] if len(applications) == 1 else None
        self._nameless: list[str] = []
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in files.all:
            if is_yaml(path) and files.chart_in(parent_of(path)) == "" and _is_values(path, files):
                names = _meant_names(path)
                for name in names:
                    self._by_name[name].append(path)
                if all(is_environment(name) for name in names):
                    self._nameless.append(path)

    def of(self, chart: Chart) -> list[ValuesFile]:
        """
        The values files meant for this chart, but for its own values.yaml, sorted by path.

        They lie in the chart, or elsewhere under its name: `values/<env>/<chart>.yaml`,
        `<env>/<chart>/values.yaml`, `<chart>-<env>-values.yaml`; those without a name are for the
        only chart of a repository.
        """
        found = [*self._inside(chart), *self._outside(chart)]
        return sorted(found, key=lambda values: values.path)

    def _inside(self, chart: Chart) -> Iterator[ValuesFile]:
        for path in self._files.files_below(chart.folder):
            below = path if chart.folder == ROOT else path[len(chart.folder) + 1 :]
            *folders, name = below.split("/")
            is_other = bool(folders) and (folders[0] in _CHART_FOLDERS or bool(set(folders) & _TEST_FOLDERS))
            if (
                is_other
                or not is_yaml(name)
                or below in ("values.yaml", "Chart.yaml")
                or not _is_values(path, self._files)
            ):
                continue
            environment = self._environment(path, chart, len(segments_of(chart.folder)))
            if environment or _VALUES_WORD in name.lower():
                yield ValuesFile(path, environment)

    def _outside(self, chart: Chart) -> Iterator[ValuesFile]:
        nameless = self._nameless if chart.folder == self._only_chart else []
        for path in [*self._by_name.get(chart.name, ()), *nameless][:_MOST_VALUES_FILES]:
            environment = "" if is_below(path, chart.folder) else self._environment(path, chart, 0)
            if environment:
                yield ValuesFile(path, environment)

    def _environment(self, path: str, chart: Chart, skip: int) -> str:
        """The environment a values file is for: its own name says it, else the folders from `skip` on."""
        stem = stem_of(path, chart.name)
        split = split_environment(stem)
        others = [stem_of(other, chart.name) for other in self._files.files_in(parent_of(path))]
        if split.environment and (split.is_whole or confirms(split, others)):
            return split.environment
        segments = segments_of(parent_of(path))
        place = locate(segments, lambda i: self._files.siblings(segments, i))
        return place.environment if place.is_word and place.index >= skip else ""


def _meant_names(path: str) -> set[str]:
    """The charts that the name of a values file may mean."""
    stem = stem_of(path, "")
    folder = parent_of(path).rpartition("/")[2]
    return {
        stem,
        split_environment(stem).rest,
        *([folder] if _VALUES_WORD in path.rpartition("/")[2] or is_environment(stem) else []),
    } - {"", ROOT}


def _is_values(path: str, files: Files) -> bool:
    """A mapping that is neither a manifest nor one of a tool's own files; one called values may be empty."""
    name = path.rpartition("/")[2].lower()
    documents = files.documents(path)
    is_other = name.startswith(("kustomization", "chart.", "requirements.", ".", "helmfile"))
    if is_other or not documents:
        return _VALUES_WORD in name and not is_other
    return not {"apiVersion", "kind"} & set(documents[0].body)


def stem_of(path: str, chart: str) -> str:
    """`values-prod.yaml`, `cart.prod.values.yml` → `prod`: the name without "values" and the chart's."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    for word in (_VALUES_WORD, *([chart] if chart else [])):
        for joint in "-_.":
            stem = stem.removeprefix(word + joint).removesuffix(joint + word)
        stem = "" if stem == word else stem
    return stem
