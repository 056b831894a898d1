"""The files of a commit as the layout sees them: folders, parsed documents, paths inside the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.tree import mapping, objects, text

ROOT = "."
KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART_NAME = "Chart.yaml"
MOST_FILES = 20_000
MOST_FOLDERS_DEEP = 32
_LONGEST_TEXT = 65_536
_LONGEST_PATH = 4_096

_YAML = (".yaml", ".yml")
_READ_TOO = {"Kustomization", "config.json", "config_dir.json", "cluster.json", "params.json"}
_SKIPPED = {"node_modules", "vendor", "third_party", "testdata", "test-data", "__snapshots__"}
_HIDDEN_BUT_MEANT = {
    ".argocd",
    ".deploy",
    ".flux",
    ".gitops",
    ".helm",
    ".k8s",
    ".kube",
    ".kubernetes",
    ".manifests",
}


@dataclass(frozen=True, slots=True)
class Document:
    """One mapping of a YAML file, of any shape; `context` is the folder it is applied from."""

    path: str
    body: Mapping[str, Any]
    context: str = ""

    @property
    def folder(self) -> str:
        return parent_of(self.path)

    @property
    def group(self) -> str:
        """The API group without its version; "" for the core group."""
        return text(self.body.get("apiVersion")).rpartition("/")[0]

    @property
    def kind(self) -> str:
        return text(self.body.get("kind"))

    @property
    def name(self) -> str:
        return text(mapping(self.body.get("metadata")).get("name"))

    @property
    def namespace(self) -> str:
        return text(mapping(self.body.get("metadata")).get("namespace"))

    @property
    def spec(self) -> Mapping[str, Any]:
        return mapping(self.body.get("spec"))

    @property
    def is_manifest(self) -> bool:
        """Whether it could be applied to a cluster: it names its type and itself."""
        return bool(self.kind and text(self.body.get("apiVersion")) and mapping(self.body.get("metadata")))


class Files:
    """
    The tree of a commit, without what never holds configuration (hidden and vendored folders).

    Folders are written without a slash at the end, the root is "."; every listing is sorted.
    """

    def __init__(
        self,
        documents: Mapping[str, Sequence[Any]],
        tree: Iterable[str],
        read_text: Callable[[str], Sequence[Any]] = lambda text: (),
    ) -> None:
        self._read_text = read_text
        self._known = {path for path in tree if _is_path(path)}
        self._known_folders = {folder for path in self._known for folder in folders_above(path)}
        self.all = sorted(path for path in self._known if is_kept(path))[:MOST_FILES]
        self._files: dict[str, list[str]] = defaultdict(list)
        self._folders: dict[str, dict[str, None]] = defaultdict(dict)
        self._below: dict[str, list[str]] = defaultdict(list)
        self._endings: dict[str, list[str]] | None = None
        for path in self.all:
            self._add(path)
        self._parsed = {
            path: tuple(read) for path in self.all if isinstance(read := documents.get(path), list | tuple)
        }
        self._documents = {
            path: tuple(Document(path, body, parent_of(path)) for body in _opened(parsed))
            for path, parsed in self._parsed.items()
        }

    def _add(self, path: str) -> None:
        self._files[parent_of(path)].append(path)
        below = path
        for folder in folders_above(path):
            self._below[folder].append(path)
            if below != path:
                self._folders[folder][below] = None
            below = folder

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def has_folder(self, folder: str) -> bool:
        """Whether the folder is in the tree, looked at or not."""
        return folder in self._known_folders

    @property
    def folders(self) -> list[str]:
        """Every folder that holds a file, at any depth."""
        return sorted(self._below)

    def folders_ending_in(self, folder: str) -> Sequence[str]:
        """The folders whose path ends in that of `folder`, other than itself."""
        if self._endings is None:
            self._endings = defaultdict(list)
            for known in self.folders:
                self._endings[known.rpartition("/")[2]].append(known)
        return [f for f in self._endings.get(folder.rpartition("/")[2], ()) if f.endswith(f"/{folder}")]

    def files_in(self, folder: str) -> Sequence[str]:
        """The files directly in the folder."""
        return self._files.get(folder, ())

    def files_below(self, folder: str) -> Sequence[str]:
        """The files in the folder and in all folders below it."""
        return self._below.get(folder, ())

    def siblings(self, segments: Sequence[str], index: int) -> list[str]:
        """The names of the folders beside segment `index` of a folder."""
        folder = "/".join(segments[:index]) or ROOT
        names = (path.rpartition("/")[2] for path in self._folders.get(folder, ()))
        return [name for name in names if name != segments[index]]

    def documents(self, path: str) -> tuple[Document, ...]:
        """The mappings of one file; () where it has none or was not read."""
        return self._documents.get(path, ())

    def parsed(self, path: str) -> tuple[Any, ...]:
        """What one file holds, of any type; () where it was not read."""
        return self._parsed.get(path, ())

    def is_read(self, path: str) -> bool:
        """Whether the documents of a file are known."""
        return path in self._parsed

    def parse(self, text: str) -> tuple[Any, ...]:
        """The documents of a YAML text inside a document; () where it cannot be read."""
        return tuple(self._read_text(text)) if len(text) <= _LONGEST_TEXT else ()

    def first(self, path: str) -> Mapping[str, Any]:
        """The first mapping of one file; {} where it has none."""
        found = self.documents(path)
        return found[0].body if found else {}

    def every_document(self) -> Iterator[Document]:
        for path in self.all:
            yield from self._documents.get(path, ())

    def kustomization_in(self, folder: str) -> str:
        """The path of the folder's kustomization file; "" where it has none."""
        paths = (join(folder, name) for name in KUSTOMIZATION_NAMES)
        return next((path for path in paths if path and path in self._known), "")

    def chart_in(self, folder: str) -> str:
        """The path of the folder's Chart.yaml; "" where it has none."""
        path = join(folder, CHART_NAME)
        return path if path and path in self._known else ""


def interesting_paths(tree: Iterable[str]) -> list[str]:
    """
    The files of a commit that are worth parsing for `recognise`, sorted.

    Those are the YAML files, but for the templates of Helm charts, which are no YAML, and the JSON
    files that ApplicationSets are commonly fed with.
    """
    kept = sorted({path for path in tree if _is_path(path) and is_kept(path)})[:MOST_FILES]
    charts = {parent_of(path) for path in kept if path.rpartition("/")[2] == CHART_NAME}
    templates = {join(chart, "templates") for chart in charts}
    return [path for path in kept if is_yaml(path) and templates.isdisjoint(folders_above(path))]


def is_yaml(path: str) -> bool:
    return path.endswith(_YAML) or path.rpartition("/")[2] in _READ_TOO


def is_kept(path: str) -> bool:
    """Whether a path of the tree is looked at: in no folder of other matters."""
    *folders, _ = path.split("/")
    return _SKIPPED.isdisjoint(folders) and all(
        not part.startswith(".") or part in _HIDDEN_BUT_MEANT for part in folders
    )


def _opened(parsed: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The mappings of a file, with the items of lists (`kind: List`) in place of the lists."""
    for body in parsed:
        if isinstance(body, dict):
            is_list = text(body.get("kind")).endswith("List") and isinstance(body.get("items"), list)
            yield from objects(body["items"]) if is_list and "apiVersion" in body else [body]


def _is_path(path: Any) -> bool:
    """Whether it is a path as Git writes them, and not deeper than anybody builds."""
    parts = path.split("/") if isinstance(path, str) else []
    return 0 < len(parts) <= MOST_FOLDERS_DEEP and not any(part in ("", ".", "..") for part in parts)


def parent_of(path: str) -> str:
    """The folder a file or folder lies in; that of the root is the root."""
    return path.rpartition("/")[0] or ROOT


def folders_above(path: str) -> Iterator[str]:
    """The folder a file or folder lies in, the one above that, and so on, the root last."""
    while path != ROOT:
        path = parent_of(path)
        yield path


def segments_of(folder: str) -> tuple[str, ...]:
    return () if folder == ROOT else tuple(folder.split("/"))


def join(folder: str, reference: str) -> str | None:
    """The path that `reference` means in `folder`; None where it leaves the repository or is no path."""
    if len(reference) > _LONGEST_PATH:
        return None
    parts = [] if reference.startswith("/") else list(segments_of(folder))
    for part in reference.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or ROOT


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is the folder itself or lies in it at any depth."""
    return folder == ROOT or path == folder or path.startswith(f"{folder}/")
