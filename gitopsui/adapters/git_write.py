"""
Make commits and tags in a repository of ours, by plumbing: nothing is checked out, no ref is moved.

The same arguments give the same id, so what is made twice is made once. What nothing points at yet is kept by
Git for a day at least; it is pushed right after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gitopsui.adapters import git_export
from gitopsui.adapters.git_access import private_directory
from gitopsui.adapters.git_address import check_ref_name
from gitopsui.adapters.git_history import History
from gitopsui.adapters.git_names import COMMIT_ID
from gitopsui.adapters.git_output import EntryKind
from gitopsui.adapters.git_sign import SigningKey, sign
from gitopsui.domain.errors import GitError, InputError
from gitopsui.domain.text import clean_text

MODES = {EntryKind.FILE: "100644", EntryKind.EXECUTABLE: "100755"}
MAX_CONFLICTS_NAMED = 5
NULL_ID = "0" * 40


@dataclass(frozen=True, slots=True)
class Signer:
    """Who made an object and when, to the second. Raises InputError IDENTITY_SYNTAX for a bad name."""

    name: str
    email: str
    at: datetime

    def __post_init__(self) -> None:
        if any(character in "<>\n\r\0" for character in f"{self.name}{self.email}"):
            raise InputError("A name or address holds what Git cannot write.", code="IDENTITY_SYNTAX")

    def line(self) -> str:
        return f"{self.name.strip() or self.email} <{self.email.strip()}> {int(self.at.timestamp())} +0000"


@dataclass(frozen=True, slots=True)
class KnownFile:
    """
    A file with a content the repository holds already, by its id. `is_executable` None: whether it may be run
    stays as it is.
    """

    blob: str
    is_executable: bool | None = None


class Writer(History):
    """
    A repository in which objects are made. Besides the codes of `Repository`: GIT_PATH_MISSING,
    GIT_PATH_REFUSED (no path a file may have, or a link or submodule in its place), GIT_CONFLICT.
    """

    def create_tag(
        self, name: str, commit: str, *, message: str, tagger: Signer, key: SigningKey | None = None
    ) -> str:
        """An annotated tag object for a commit, signed when there is a key; its id. No ref is made."""
        check_ref_name(name)
        head = f"object {self._commit_id(commit)}\ntype commit\ntag {name}\ntagger {tagger.line()}\n\n"
        content = (head + _tidy(message)).encode()
        if key is not None:
            content += sign(content, key, at=tagger.at, near=self.path.parent)
        return self._output("mktag", stdin=content).decode("ascii").strip()

    def commit_tree(
        self,
        parents: Sequence[str],
        edits: Mapping[str, bytes | KnownFile | None],
        *,
        message: str,
        author: Signer,
        committer: Signer | None = None,
    ) -> str:
        """
        A commit with the files of the first parent but for `edits`: path → new content, None removes it.

        A file keeps whether it may be run, unless told. Raises GIT_PATH_MISSING for the removal of what is
        not there.
        """
        shas = [self._commit_id(parent) for parent in parents]
        lines = [
            self._index_line(shas[0] if shas else None, path, new) for path, new in sorted(edits.items())
        ]
        with private_directory(self.path.parent) as folder:
            index = {"GIT_INDEX_FILE": str(folder / "index")}
            if shas:
                self._output("read-tree", shas[0], extra=index)
            self._output("update-index", "-z", "--index-info", stdin=b"".join(lines), extra=index)
            tree = self._output("write-tree", extra=index).decode("ascii").strip()
        return self._write_commit(tree, shas, message, author, committer)

    def merge_commit(
        self, ours: str, theirs: str, *, message: str, author: Signer, committer: Signer | None = None
    ) -> str:
        """
        The merge of `theirs` into `ours`. Raises GIT_CONFLICT with the first paths both sides changed.
        """
        shas = [self._commit_id(ours), self._commit_id(theirs)]
        tree, conflicts = self._merge_trees(shas)
        if conflicts:
            names = ", ".join(conflicts[:MAX_CONFLICTS_NAMED])
            message = f"Both sides changed the same lines of {names}."
            raise GitError(message, code="GIT_CONFLICT", permanent=True)
        return self._write_commit(tree, shas, message, author, committer)

    def find_conflicts(self, ours: str, theirs: str) -> list[str]:
        """The paths, sorted, in which a merge of the two would need a person; none where it would not."""
        return self._merge_trees([self._commit_id(ours), self._commit_id(theirs)])[1]

    def _merge_trees(self, shas: Sequence[str]) -> tuple[str, list[str]]:
        """The tree of the merge, and the paths in conflict: https://git-scm.com/docs/git-merge-tree"""
        options = ("--write-tree", "-z", "--name-only", "--no-messages")
        result = self._run("merge-tree", *options, "--end-of-options", *shas)
        if result.returncode > 1:
            raise self._describe(result)
        tree, *paths = result.stdout.decode("utf-8", "replace").split("\0")
        return tree.strip(), sorted({path for path in paths if path}) if result.returncode else []

    def _write_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Signer, committer: Signer | None
    ) -> str:
        lines = [f"tree {tree}", *(f"parent {sha}" for sha in parents)]
        lines += [f"author {author.line()}", f"committer {(committer or author).line()}"]
        content = "\n".join(lines) + "\n\n" + _tidy(message)
        return self._hash("commit", content.encode())

    def _hash(self, kind: str, content: bytes) -> str:
        return self._output("hash-object", "-t", kind, "-w", "--stdin", stdin=content).decode("ascii").strip()

    def _index_line(self, parent: str | None, path: str, new: bytes | KnownFile | None) -> bytes:
        if git_export.find_bad_name(path):
            raise _refused(path)
        kinds = self._kinds_along(parent, path) if parent else {}
        kind = kinds.pop(path, None)
        is_inside_file = any(each is not EntryKind.FOLDER for each in kinds.values())
        if is_inside_file or (kind is not None and kind not in MODES):
            raise _refused(path)
        if new is None and kind is None:
            message = "There is no file with this path at this commit."
            raise GitError(message, code="GIT_PATH_MISSING", permanent=True)
        if new is None:
            return f"0 {NULL_ID}\t{path}\0".encode()
        if isinstance(new, KnownFile):
            return f"{_mode(new, kind)} {self._held(new.blob)}\t{path}\0".encode()
        return f"{MODES[kind or EntryKind.FILE]} {self._hash('blob', new)}\t{path}\0".encode()

    def _held(self, blob: str) -> str:
        """The id, if it can be one: what is not there is refused when the tree is written."""
        if not COMMIT_ID.fullmatch(blob):
            message = "The repository holds no such file content."
            raise GitError(message, code="GIT_REF_MISSING", permanent=True)
        return blob

    def _kinds_along(self, commit: str, path: str) -> dict[str, EntryKind]:
        """What lies at a path and at each folder above it, where something does."""
        names = path.split("/")
        places = ["/".join(names[: depth + 1]) for depth in range(len(names))]
        # Asked for a folder and for something in it, Git lists all that the folder holds.
        listed = self._list(commit, *places, recursive=False)
        return {entry.path: entry.kind for entry in listed if entry.path in places}


def _mode(file: KnownFile, kind: EntryKind | None) -> str:
    if file.is_executable is None:
        return MODES[kind or EntryKind.FILE]
    return MODES[EntryKind.EXECUTABLE if file.is_executable else EntryKind.FILE]


def _tidy(message: str) -> str:
    """A message as `git commit` would keep it: no NUL, one end of line at its end."""
    return clean_text(message).replace("\r\n", "\n").strip("\n") + "\n"


def _refused(path: str) -> GitError:
    return GitError(f"{path[:200]} is no file that can be changed.", code="GIT_PATH_REFUSED", permanent=True)
