"""
Read a Git repository on disk: a mirror of ours or somebody's clone.

Nothing is ever checked out, nothing a repository names is run, and a path from Git is text, never a file of
ours. Every command is one `process.run` with the options of `git_command`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import git_export, git_place, mirror_files, process
from gitopsui.adapters.git_command import as_git_errors, build_argv, build_environment
from gitopsui.adapters.git_export import LeftOut
from gitopsui.adapters.git_names import (
    BRANCHES,
    COMMIT_ID,
    LOG_FORMAT,
    LOG_PLAIN,
    REF_FORBIDDEN,
    REF_FORMAT,
    TAGS,
)
from gitopsui.adapters.git_output import (
    EntryKind,
    Ref,
    TreeEntry,
    parse_log,
    parse_objects,
    parse_refs,
    parse_tree,
    with_commits,
)
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError
from gitopsui.domain.text import clean_text

READ_TIMEOUT = timedelta(seconds=60)
MAX_ANSWER = 128 << 20
# Exported content is read in portions of this size, so that memory does not follow the size of a commit.
PORTION_BYTES = 16 << 20
ROOT = Path("/")


class Repository:
    """
    A repository on disk, read only. Every method may raise GitError: GIT_REF_MISSING for a name or id it
    does not hold, GIT_DAMAGED, GIT_TIMEOUT, GIT_TOO_LARGE, GIT_NOT_INSTALLED, GIT_ERROR.

    A revision is a full ref name (`refs/heads/main`), `HEAD`, or a commit id; never a short name, which
    may mean a branch and a tag at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def at(cls, path: Path) -> Repository:
        """The repository of a clone with or without files, as people name it."""
        return Repository(git_place.find_git_dir(path))

    def exists(self) -> bool:
        return git_place.is_git_dir(self.path)

    def size_bytes(self) -> int:
        return mirror_files.measure(self.path)

    def refs(self) -> list[Ref]:
        """All branches and tags, sorted by name; tags of tags of commits are followed to the commit."""
        refs, nested = parse_refs(self._output("for-each-ref", f"--format={REF_FORMAT}", BRANCHES, TAGS))
        return with_commits(refs, self._find_commits(nested)) if nested else refs

    def resolve(self, revision: str) -> str:
        """The full id of the commit; an id may be shortened to seven digits."""
        is_name = revision.startswith("refs/") and not REF_FORBIDDEN.search(revision)
        is_id = 7 <= len(revision) <= 64 and not revision.strip("0123456789abcdefABCDEF")
        if not (is_name or is_id or revision == "HEAD"):
            raise _missing()
        arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        try:
            return self._answer(*arguments)
        except GitError as error:
            # Quiet, Git says nothing about a name it does not know.
            raise _missing() if error.code == "GIT_ERROR" else error from error

    def log(
        self,
        tip: str,
        *,
        exclude: str | None = None,
        paths: Sequence[str] = (),
        limit: int | None = None,
        first_parent: bool = False,
        no_merges: bool = False,
        also: Sequence[str] = (),
    ) -> list[Commit]:
        """
        The commits that `tip` or one of `also` (full ids) has and `exclude` has not, children before parents
        whatever their dates say.

        With `paths`, only those that changed one of these files or folders.
        """
        options = ["-z", f"--format={LOG_FORMAT}", "--encoding=UTF-8", "--topo-order", *LOG_PLAIN]
        options += ["--first-parent"] * first_parent + ["--no-merges"] * no_merges
        options += [f"--max-count={limit}"] if limit is not None else []
        tips = [*self._range(tip, exclude), *map(self._commit_id, also)]
        return parse_log(self._output("log", *options, *tips, "--", *paths))

    def count(self, tip: str, *, exclude: str | None = None, no_merges: bool = True) -> int:
        """How many commits `log` would list."""
        options = ["--no-merges"] if no_merges else []
        return int(self._answer("rev-list", "--count", *options, *self._range(tip, exclude), "--"))

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether the history of `descendant` holds `ancestor`; a commit is its own ancestor."""
        shas = (self._commit_id(ancestor), self._commit_id(descendant))
        result = self._run("merge-base", "--is-ancestor", "--end-of-options", *shas)
        if result.returncode > 1:
            raise self._describe(result)
        return result.returncode == 0

    def tree(self, commit: str, path: str = "", *, recursive: bool = True) -> list[TreeEntry]:
        """
        What lies below the folder `path` ("" is the root), or the file `path` itself, sorted by path.

        Recursive: all files, links and submodules; else one level, folders included. No such path: [].
        """
        if not path:
            return self._list(commit, recursive=recursive)
        if git_export.find_bad_name(path):
            return []
        return self._list(commit, path if recursive else f"{path}/", recursive=recursive)

    def blobs(self, shas: Iterable[str], *, max_bytes: int) -> dict[str, bytes]:
        """
        The contents of files by id. Raises GIT_TOO_LARGE when they have more than `max_bytes` together.
        """
        wanted = list(dict.fromkeys(shas))
        if not all(COMMIT_ID.fullmatch(sha) for sha in wanted):
            raise _missing()
        if not wanted:
            return {}
        request = "".join(f"{sha}\n" for sha in wanted).encode()
        # Each object comes with a line of its own: id, type and size.
        data = self._output("cat-file", "--batch", stdin=request, max_output=max_bytes + 100 * len(wanted))
        found = {sha: content for sha, kind, content in parse_objects(data) if kind == "blob"}
        if len(found) < len(wanted):
            raise _missing("The repository holds no such file content.")
        return found

    def read(self, commit: str, path: str, *, max_bytes: int = MAX_ANSWER) -> bytes:
        """The content of one regular file; links are not followed. Raises GIT_PATH_MISSING."""
        is_name = not git_export.find_bad_name(path)
        found = self._list(commit, path, recursive=False) if is_name else []
        if not found or found[0].kind not in git_export.FILES:
            message = "There is no file with this path at this commit."
            raise GitError(message, code="GIT_PATH_MISSING", permanent=True)
        return self.blobs([found[0].sha], max_bytes=max_bytes)[found[0].sha]

    def export(
        self,
        commit: str,
        prefixes: Iterable[str],
        destination: Path,
        *,
        max_bytes: int = MAX_ANSWER,
        max_files: int = 20_000,
    ) -> tuple[LeftOut, ...]:
        """
        Write what lies below `prefixes` ("" is everything) into `destination`, which is new or empty.

        Regular files keep whether they may be run; links are written when they lead to something that is
        written. All else is left out, and returned with the reason. Raises GIT_TOO_LARGE before writing.
        """
        wanted = tuple(prefix.strip("/") for prefix in prefixes)
        entries = [entry for entry in self.tree(commit) if git_export.is_below(entry.path, wanted)]
        _check_size(entries, max_bytes=max_bytes, max_files=max_files)
        destination.mkdir(parents=True, exist_ok=True, mode=0o700)
        left_out, good = git_export.sort_out(entries)
        files = [entry for entry in good if entry.kind in git_export.FILES]
        for portion in git_export.group_by_size(files, max_bytes=PORTION_BYTES):
            contents = self.blobs((entry.sha for entry in portion), max_bytes=max_bytes)
            for entry in portion:
                git_export.write_file(destination, entry, contents[entry.sha])
        links = {entry.path: entry.sha for entry in good if entry.kind is EntryKind.SYMLINK}
        targets = self.blobs(links.values(), max_bytes=max_bytes)
        by_path = {path: targets[sha] for path, sha in links.items()}
        left_out += git_export.write_links(destination, [entry.path for entry in files], by_path)
        return tuple(left_out)

    def _range(self, tip: str, exclude: str | None) -> list[str]:
        excluded = [f"^{self._commit_id(exclude)}"] if exclude is not None else []
        return ["--end-of-options", self._commit_id(tip), *excluded]

    def _commit_id(self, revision: str) -> str:
        return revision if COMMIT_ID.fullmatch(revision) else self.resolve(revision)

    def _list(self, commit: str, *paths: str, recursive: bool) -> list[TreeEntry]:
        options = ["-z", "-l", "--full-tree", *(["-r"] if recursive else [])]
        return parse_tree(
            self._output("ls-tree", *options, "--end-of-options", self._commit_id(commit), *paths)
        )

    def _find_commits(self, shas: Sequence[str]) -> dict[str, str]:
        """The commits behind tags, by the id of the tag; those that lead to none are left out."""
        request = "".join(f"{sha}^{{commit}}\n" for sha in shas).encode()
        answers = self._output("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=request)
        pairs = zip(shas, answers.decode().splitlines(), strict=True)
        return {sha: answer.split()[0] for sha, answer in pairs if answer.endswith(" commit")}

    def _snapshot(self) -> dict[str, str]:
        """The ids of branches and tags by full name."""
        answer = self._output("for-each-ref", "--format=%(objectname) %(refname)", BRANCHES, TAGS)
        lines = (clean_text(line).partition(" ") for line in answer.splitlines())
        return {name: sha for sha, _, name in lines}

    def _holds(self, shas: Iterable[str]) -> bool:
        """Whether all of these objects are here."""
        request = "".join(f"{sha}\n" for sha in shas).encode()
        return not request or b" missing\n" not in self._output("cat-file", "--batch-check", stdin=request)

    def _answer(self, *arguments: str) -> str:
        """The one line a command prints."""
        return self._output(*arguments).decode("ascii", "replace").rstrip("\n")

    def _output(
        self,
        *arguments: str,
        stdin: bytes = b"",
        max_output: int = MAX_ANSWER,
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """All a command prints. Raises GitError when it ends with another status than 0."""
        result = self._run(*arguments, stdin=stdin, max_output=max_output, extra=extra)
        if result.returncode:
            raise self._describe(result)
        return result.stdout

    def _run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        max_output: int = MAX_ANSWER,
        extra: Mapping[str, str] | None = None,
        timeout: timedelta = READ_TIMEOUT,
    ) -> process.Result:
        """
        Run a command on this repository, whatever its status. `extra` are entries of its environment.
        Raises GitError.
        """
        argv = build_argv(self.path, *arguments)
        with as_git_errors():
            return process.run(
                argv,
                env=build_environment(extra),
                cwd=ROOT,
                stdin=stdin,
                timeout=timeout,
                max_output=max_output,
            )

    def _describe(self, result: process.Result) -> GitError:
        """The error of a command that failed."""
        if not self.path.exists():
            return _missing("This repository has not been fetched yet.")
        # Loaded when Git fails: the patterns take a while to build.
        from gitopsui.adapters.git_errors import describe

        return describe(result.returncode, result.stderr)


def _check_size(entries: Sequence[TreeEntry], *, max_bytes: int, max_files: int) -> None:
    size = sum(entry.size or 0 for entry in entries)
    if len(entries) > max_files or size > max_bytes:
        message = f"The files to read are {len(entries):,} with {size:,} bytes: more than is allowed."
        raise GitError(message, code="GIT_TOO_LARGE", permanent=True)


def _missing(message: str = "The mirror holds no such branch, tag or commit.") -> GitError:
    return GitError(message, code="GIT_REF_MISSING", permanent=True)
