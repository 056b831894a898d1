"""A folder at a commit → manifests: plain YAML, kustomize, helm. Nothing is fetched, no plugin is run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gitopsui.adapters.git_output import TreeEntry
from gitopsui.adapters.render_helm import CHART_FILE, Chart, HelmInputs, build_arguments, read_chart
from gitopsui.adapters.render_inputs import Finder, Inputs, SteeringFiles
from gitopsui.adapters.render_kustomize import KustomizeInputs
from gitopsui.adapters.render_manifests import Collection
from gitopsui.adapters.render_paths import TreeIndex, resolve
from gitopsui.adapters.render_plain import PlainFolder
from gitopsui.adapters.render_sandbox import DEFAULT_LIMITS, RenderLimits, Sandbox, open_sandbox
from gitopsui.adapters.render_source import (
    HELM,
    KUSTOMIZE,
    PLAIN,
    Origin,
    Rendered,
    RenderSource,
    Tree,
    refusal,
)
from gitopsui.adapters.render_tools import Tools, find_tools
from gitopsui.adapters.yaml_reader import Limits, ParsedFile, read_files
from gitopsui.domain.volatile import differing_fields

__all__ = [
    "Chart",
    "Origin",
    "RenderLimits",
    "RenderSource",
    "Rendered",
    "Renderer",
    "Tools",
    "Tree",
    "find_tools",
]

# Part of every digest: raise it when the same inputs are read into other manifests than before.
READING_VERSION = "2"
# The output of a tool is one text for a whole application, and not from strangers alone.
_OUTPUT_LIMITS = Limits(
    file_bytes=DEFAULT_LIMITS.output_bytes,
    nodes=1_000_000,
    expanded_nodes=1_000_000,
    cpu_seconds=20,
    wall_seconds=60,
)
_SOURCE = re.compile(rb"^---\n# Source: ([^\n]+)\n", re.MULTILINE)
_COMMIT_ID = re.compile("[0-9a-f]{40}([0-9a-f]{24})?")
_MAX_TREES = 4


class Renderer:
    """
    Renders folders of any repository with the tools of this machine, in private folders below `scratch`.

    Keep it between calls: it remembers the listings of a few commits and the parsed kustomizations.
    """

    def __init__(self, tools: Tools, scratch: Path, *, limits: RenderLimits = DEFAULT_LIMITS) -> None:
        self._tools = tools
        self._limits = limits
        self._scratch = scratch
        self._files = SteeringFiles()
        self._trees: dict[tuple[Path, str], TreeIndex] = {}

    def inputs_digest(self, mirror: Tree, commit: str, source: RenderSource) -> str:
        """
        The same for two commits when nothing that this render reads differs between them, and the same
        tool renders. `commit` is a full id. Runs no tool, and no fault of the folder is raised here.
        """
        version = self._tools.versions.get(source.renderer, "")
        return self._find_inputs(mirror, commit, source).digest(READING_VERSION, version, repr(source))

    def input_folders(self, mirror: Tree, commit: str, source: RenderSource) -> tuple[str, ...]:
        """The outermost folders that hold what this render reads, sorted; nothing raises for a bad one."""
        entries = self._find_inputs(mirror, commit, source).entries
        folders = sorted({path.rpartition("/")[0] or "." for path in entries})
        kept: list[str] = []
        for folder in folders:
            if not any(outer == "." or folder.startswith(f"{outer}/") for outer in kept):
                kept.append(folder)
        return tuple(kept)

    def render(
        self, mirror: Tree, commit: str, source: RenderSource, *, check_determinism: bool = False
    ) -> Rendered:
        """
        The manifests of a folder. With `check_determinism` a chart is rendered twice and compared.

        Raises RenderError (TOOL_MISSING, REMOTE_BASE, REMOTE_CHART, HELM_CHARTS, PATH_OUTSIDE,
        PATH_MISSING, SYMLINK, RENDER_FAILED, RENDER_TIMEOUT, RENDER_TOO_LARGE) and GitError.
        """
        if source.renderer == PLAIN:
            return PlainFolder(self._index(mirror, commit), source).render(mirror)
        inputs = self._find_inputs(mirror, commit, source)
        inputs.check()
        command = self._tools.require(source.renderer)
        with open_sandbox(self._scratch, self._limits) as sandbox:
            sandbox.write(mirror, inputs)
            if source.renderer == KUSTOMIZE:
                return self._run_kustomize(sandbox, command, source)
            return self._run_helm(sandbox, command, source, check_determinism=check_determinism)

    def chart(self, mirror: Tree, commit: str, path: str) -> Chart:
        """What the chart in the folder `path` calls itself. Raises RenderError PATH_MISSING, PATH_OUTSIDE."""
        finder = self._finder(mirror, commit)
        name = f"{resolve('', path)}/{CHART_FILE}".lstrip("/")
        finder.add_file(name)
        inputs = finder.finish()
        inputs.check()
        return read_chart(finder.read(inputs.entries.values())[name])

    def _run_kustomize(self, sandbox: Sandbox, command: tuple[str, ...], source: RenderSource) -> Rendered:
        verb = [] if command[1:] else ["build"]
        output = sandbox.run(
            [*command, *verb, "."], cwd=sandbox.tree / resolve("", source.path), name=KUSTOMIZE
        )
        parsed = read_files({"": output}, limits=_OUTPUT_LIMITS)[""]
        if parsed.error is not None:
            raise refusal("RENDER_FAILED", f"What kustomize gave cannot be read. {parsed.error.message}")
        collection = Collection()
        collection.add("", parsed, has_lines=False)
        return collection.finish(self._name(KUSTOMIZE))

    def _run_helm(
        self, sandbox: Sandbox, command: tuple[str, ...], source: RenderSource, *, check_determinism: bool
    ) -> Rendered:
        values = sandbox.place_values(resolve("", name) for name in source.values_files)
        argv = [*command, *build_arguments(source, values)]
        chart = resolve("", source.path)
        output = sandbox.run(argv, cwd=sandbox.tree, name=HELM)
        collection = _collect(output, chart)
        again = sandbox.run(argv, cwd=sandbox.tree, name=HELM) if check_determinism else output
        if again == output:
            return collection.finish(self._name(HELM))
        volatile = differing_fields(collection.manifests, _collect(again, chart).manifests)
        if volatile:
            collection.note(_describe_volatile(output, again, chart))
        return collection.finish(self._name(HELM), volatile=volatile)

    def _find_inputs(self, mirror: Tree, commit: str, source: RenderSource) -> Inputs:
        if source.renderer == PLAIN:
            return PlainFolder(self._index(mirror, commit), source).inputs()
        finder = self._finder(mirror, commit)
        if source.renderer == HELM:
            HelmInputs(finder).find(source)
        elif source.renderer == KUSTOMIZE:
            path = finder.resolve("", source.path)
            if path is not None:
                KustomizeInputs(finder).find(path)
        else:
            finder.refuse(refusal("RENDER_FAILED", f"There is no renderer called {source.renderer!r}."))
        return finder.finish()

    def _finder(self, mirror: Tree, commit: str) -> Finder:
        def read(entries: Iterable[TreeEntry]) -> dict[str, ParsedFile]:
            return self._files.read(mirror, entries)

        return Finder(self._index(mirror, commit), read)

    def _index(self, mirror: Tree, commit: str) -> TreeIndex:
        key = (mirror.path, commit)
        found = self._trees.get(key)
        if found is None:
            found = TreeIndex(mirror.tree(commit))
            if len(self._trees) >= _MAX_TREES:
                self._trees = {}
            if _COMMIT_ID.fullmatch(commit):  # what a branch points to may change
                self._trees[key] = found
        return found

    def _name(self, tool: str) -> str:
        return f"{tool} {self._tools.versions.get(tool, '')}".rstrip()


def _collect(output: bytes, chart: str) -> Collection:
    """What `helm template` printed for the chart in the folder `chart`."""
    collection = Collection()
    parts = _split_templates(output, chart)
    contents = {str(number): text for number, (_, text) in enumerate(parts)}
    parsed = read_files(contents, limits=_OUTPUT_LIMITS)
    for number, (path, _) in enumerate(parts):
        collection.add(path, parsed[str(number)], has_lines=False)
    return collection


def _describe_volatile(output: bytes, again: bytes, chart: str) -> str:
    changed = sorted(set(_split_templates(output, chart)) ^ set(_split_templates(again, chart)))
    names = ", ".join(dict.fromkeys(path for path, _ in changed))
    return f"Each render of this chart differs; what is made up anew is not compared: {names[:500]}."


def _split_templates(output: bytes, chart_path: str) -> list[tuple[str, bytes]]:
    """
    (file of the repository, text) for each manifest `helm template` printed, so that one that cannot be read
    does not hide the others. The lines that helm puts between them begin with the name of the chart.
    """
    _, *pieces = _SOURCE.split(output)
    names = (name.decode("utf-8", "replace").partition("/")[2] for name in pieces[::2])
    return [
        (f"{chart_path}/{name}".lstrip("/"), text) for name, text in zip(names, pieces[1::2], strict=True)
    ]
