"""Everything one render may read, and what forbids it, found without running anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gitopsui.adapters.git_export import find_bad_name
from gitopsui.adapters.git_output import EntryKind, TreeEntry
from gitopsui.adapters.render_paths import TreeIndex, resolve, shown
from gitopsui.adapters.render_source import Tree, refusal
from gitopsui.adapters.yaml_reader import ParsedFile, read_files
from gitopsui.domain.errors import RenderError, UnreadableFile

# Files that steer a render (kustomization.yaml, Chart.yaml) are small; values files may be larger.
MAX_STEERING_BYTES = 1 << 20
_MAX_CACHED = 1000
_MOST_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    `entries` are the files a render may read, by path. `copies` are (from, to): folders that helm expects
    below the chart and that lie elsewhere in the repository. With `problems` nothing may be run.
    """

    entries: Mapping[str, TreeEntry]
    problems: tuple[RenderError, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()

    def digest(self, *facts: str) -> str:
        """Changes when any input, any problem or one of `facts` does, and with nothing else."""
        lines = [f"{entry.mode} {entry.sha} {path}" for path, entry in sorted(self.entries.items())]
        lines += [f"{problem.code} {problem.message}" for problem in self.problems]
        lines += [f"{start} > {end}" for start, end in self.copies]
        text = "\0".join([*facts, "", *lines])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def check(self) -> None:
        """Raises the first problem, with the sentences of the next ones."""
        if not self.problems:
            return
        first = self.problems[0]
        sentences = list(dict.fromkeys(problem.message for problem in self.problems))
        rest = len(sentences) - _MOST_SENTENCES
        more = [f"And {rest} more of this kind."] if rest > 0 else []
        message = " ".join([*sentences[:_MOST_SENTENCES], *more])
        raise RenderError(message, code=first.code, permanent=first.permanent, hint=first.hint)


class Finder:
    """Collects the inputs of one render. A problem is kept and the search goes on, so that all are named."""

    def __init__(
        self, index: TreeIndex, read: Callable[[Iterable[TreeEntry]], dict[str, ParsedFile]]
    ) -> None:
        self.index = index
        self.read = read
        self._entries: dict[str, TreeEntry] = {}
        self._problems: list[RenderError] = []
        self._copies: list[tuple[str, str]] = []
        self._folders: set[str] = set()

    def finish(self) -> Inputs:
        return Inputs(dict(self._entries), tuple(self._problems), tuple(self._copies))

    def refuse(self, problem: RenderError) -> None:
        self._problems.append(problem)

    def resolve(self, folder: str, reference: str) -> str | None:
        """The path that is meant; None, and a problem, where it leads out of the repository."""
        try:
            return resolve(folder, reference)
        except RenderError as problem:
            self.refuse(problem)
            return None

    def add_file(self, path: str, *, named_by: str = "") -> bool:
        """Whether `path` is a regular file; a link or a submodule in its way is a problem."""
        detour = self.index.find_link(path)
        if detour is not None:
            self._refuse_detour(detour)
            return False
        entry = self.index.find(path)
        if entry is None:
            self.refuse(_missing(path, named_by, is_folder=self.index.is_folder(path)))
            return False
        self._add(entry)
        return True

    def add_folder(self, path: str) -> None:
        """Everything below the folder; each link and submodule there is a problem."""
        if path in self._folders:
            return
        self._folders.add(path)
        for entry in self.index.below(path):
            if entry.kind in (EntryKind.SYMLINK, EntryKind.SUBMODULE):
                self._refuse_detour(entry)
            else:
                self._add(entry)

    def add_copy(self, start: str, end: str) -> None:
        self._copies.append((start, end))

    def check_folder(self, path: str, *, named_by: str = "") -> bool:
        """Whether `path` is a folder that is reached without a link; else it is a problem."""
        detour = self.index.find_link(path)
        if detour is not None:
            self._refuse_detour(detour)
        elif not self.index.is_folder(path):
            self.refuse(_missing(path, named_by))
        else:
            return True
        return False

    def _add(self, entry: TreeEntry) -> None:
        reason = find_bad_name(entry.path)
        if reason:
            self.refuse(refusal("PATH_OUTSIDE", f"The file {shown(entry.path)} cannot be used. {reason}"))
        self._entries[entry.path] = entry

    def _refuse_detour(self, entry: TreeEntry) -> None:
        self._entries[entry.path] = entry
        self.refuse(detour_problem(entry))


def detour_problem(entry: TreeEntry) -> RenderError:
    """Why a link or a submodule is not followed."""
    if entry.kind is EntryKind.SUBMODULE:
        message = f"{shown(entry.path)} is a submodule: its files lie in another repository."
        return refusal("PATH_MISSING", message)
    message = f"{shown(entry.path)} is a symbolic link, which is not followed."
    return refusal("SYMLINK", message, hint="Commit the file itself in place of the link.")


def _missing(path: str, named_by: str, *, is_folder: bool = False) -> RenderError:
    by = f", which {named_by} names," if named_by else ""
    problem = "is a folder and no file" if is_folder else "is not in the repository"
    return refusal("PATH_MISSING", f"{shown(path or '/')}{by} {problem}.")


class SteeringFiles:
    """The parsed small files of repositories. What lies under an id never changes, so each is parsed once."""

    def __init__(self) -> None:
        self._known: dict[str, ParsedFile] = {}

    def read(self, tree: Tree, entries: Iterable[TreeEntry]) -> dict[str, ParsedFile]:
        """Each file under its path; one that is too large carries an error."""
        wanted = list(entries)
        found = {entry.sha: self._known.get(entry.sha) or _TOO_LARGE for entry in wanted}
        small = {entry.sha for entry in wanted if (entry.size or 0) <= MAX_STEERING_BYTES}
        missing = small - self._known.keys()
        if missing:
            contents = tree.blobs(missing, max_bytes=MAX_STEERING_BYTES * len(missing))
            parsed = read_files(contents)
            found.update(parsed)
            if len(self._known) > _MAX_CACHED:
                self._known = {}
            self._known.update(parsed)
        return {entry.path: found[entry.sha] for entry in wanted}


_TOO_LARGE = ParsedFile(
    error=UnreadableFile(f"The file has more than {MAX_STEERING_BYTES:,} bytes.", code="YAML_SIZE")
)
