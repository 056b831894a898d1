"""The whole history of a repository, as it is stored: commits, changes by their patch-id, signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gitopsui.adapters.git_command import as_git_errors, build_argv, build_environment
from gitopsui.adapters.git_names import LOG_FORMAT, LOG_PLAIN
from gitopsui.adapters.git_output import LOG_FIELDS, build_commit, parse_objects
from gitopsui.adapters.git_repository import Repository
from gitopsui.adapters.git_stream import pipe_through, split_fields, stream
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError
from gitopsui.domain.text import TEXT_LIMIT

if TYPE_CHECKING:
    from gitopsui.domain.public_key import PublicKey
    from gitopsui.domain.signature import Signature

# As for `log`, then the committer.
STORED_FORMAT = f"{LOG_FORMAT}%x00%cn%x00%ce"
STORED_FIELDS = LOG_FIELDS + 2
# Besides branches and tags the heads a mirror keeps of what was rewritten or deleted.
ALL_REFS = ("--branches", "--tags", "--glob=refs/gitopsui/keep/*")
LOG_TIMEOUT = timedelta(minutes=12)
PATCH_TIMEOUT = timedelta(seconds=60)
# Their answers together stay well below the 64 KiB of a pipe.
MAX_BATCH = 300
MAX_COMMIT_BYTES = 64 << 20
# What may be wrong with one change and says nothing about the others.
OF_ONE_COMMIT = frozenset(("GIT_TIMEOUT", "GIT_ERROR", "GIT_TOO_LARGE"))

_SIGNED = re.compile(rb"^gpgsig(?:-sha256)? ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit with its committer; `is_cut` when its message is longer than what is kept of it."""

    commit: Commit
    committer_name: str
    committer_email: str
    is_cut: bool


class History(Repository):
    """A repository that is read from its beginning to its end, a piece at a time."""

    def is_shallow(self) -> bool:
        """Whether a part of the history is missing on purpose."""
        return self._answer("rev-parse", "--is-shallow-repository") == "true"

    def check_whole(self) -> None:
        """Raises GIT_REFUSED for a shallow repository: what is missing would look as if it never was."""
        if self.is_shallow():
            message = "The repository is a shallow clone: a part of its history is missing."
            raise GitError(
                message, code="GIT_REFUSED", permanent=True, hint="Fetch it with its whole history."
            )

    def tips(self) -> set[str]:
        """The commits that branches, tags and kept heads stand at."""
        lines = self._output(
            "for-each-ref", "--format=%(objectname) %(*objectname)", "refs/heads/", "refs/tags/",
            "refs/gitopsui/keep/",
        )  # fmt: skip
        shas = {sha for line in lines.decode("ascii", "replace").splitlines() for sha in line.split()}
        return shas | {ref.commit_sha for ref in self.refs() if ref.commit_sha}

    def stream_log(self, *, exclude: Iterable[str] = ()) -> Iterator[LoggedCommit]:
        """
        All commits any branch, tag or kept head has and `exclude` has not, parents before children.

        One `git log`, read as it comes. What is excluded and no longer here is passed over.
        """
        options = ["-z", f"--format={STORED_FORMAT}", "--encoding=UTF-8", "--topo-order", "--reverse"]
        options += [*LOG_PLAIN, "--ignore-missing"]
        pieces = self._stream(
            ["log", *options, "--stdin", *ALL_REFS],
            stdin="".join(f"^{sha}\n" for sha in exclude).encode(),
            timeout=LOG_TIMEOUT,
        )
        fields: list[bytes] = []
        with as_git_errors():
            for field in split_fields(pieces):
                fields.append(field)
                if len(fields) == STORED_FIELDS:
                    yield _read_commit(fields)
                    fields = []

    def patch_ids(self, shas: Sequence[str]) -> dict[str, str]:
        """
        The ids of what these commits change (`git patch-id --stable`), at most 300 at once. Commits without
        one are left out: merges, empty ones, and those whose change is too large or cannot be read.
        """
        if not shas or len(shas) > MAX_BATCH:
            assert not shas, "more than a pipe holds the answers of"
            return {}
        try:
            with as_git_errors():
                return self._read_patch_ids(shas)
        except GitError as error:
            if error.code not in OF_ONE_COMMIT:
                raise
        if len(shas) == 1:
            return {}
        middle = len(shas) // 2
        return self.patch_ids(shas[:middle]) | self.patch_ids(shas[middle:])

    def signatures(self, shas: Sequence[str]) -> dict[str, str]:
        """Of commits by id: unsigned, or unknown where there is a signature; it is not checked."""
        return {
            sha: "unknown" if _SIGNED.search(content.partition(b"\n\n")[0]) else "unsigned"
            for sha, _, content in self._read_objects(shas)
        }

    def check_signatures(
        self, tags: Iterable[tuple[str, str]], commits: Iterable[str], *, keys: Sequence[PublicKey]
    ) -> dict[tuple[str, str], Signature]:
        """
        The verdicts on the signatures of annotated tags (id and name) and commits (id and ""), against these
        keys alone; at most 200 at once. A process or two for each that is signed; what is not here is left
        out.
        """
        from gitopsui.adapters.git_verify import (
            MAX_SIGNED_BYTES,
            TOO_LARGE,
            SignedObject,
            check,
            lent_keys,
        )
        from gitopsui.domain.signature import UNSIGNED

        wanted = list(dict.fromkeys([*tags, *((sha, "") for sha in commits)]))
        sizes = self._sizes(sha for sha, _ in wanted)
        small = [sha for sha, size in sizes.items() if size <= MAX_SIGNED_BYTES]
        content = {sha: (kind, text) for sha, kind, text in self._read_objects(small)}
        objects = [SignedObject(sha, *content[sha], name) for sha, name in wanted if sha in content]
        found = {(sha, name): TOO_LARGE for sha, name in wanted if sha in sizes}
        for one in objects:
            found[one.sha, one.name] = UNSIGNED
        signed = [one for one in objects if one.find_signature()]
        if signed:
            with lent_keys(keys, near=self.path.parent) as lent:
                found |= {(one.sha, one.name): check(one, lent, self._run) for one in signed}
        return found

    def _sizes(self, shas: Iterable[str]) -> dict[str, int]:
        """The bytes of these objects, those that are not here left out."""
        request = "".join(f"{sha}\n" for sha in dict.fromkeys(shas)).encode()
        if not request:
            return {}
        answer = self._output("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=request)
        lines = (line.split() for line in answer.decode("ascii", "replace").splitlines())
        return {sha: int(size) for sha, size in lines if size.isdecimal()}

    def touching(self, paths: Sequence[str]) -> list[str]:
        """
        The commits of any branch, tag or kept head that change something at or below one of these paths,
        merges left out. No pattern means anything in a path.
        """
        # Without --full-history Git passes over a side branch whose outcome is the same as the main line's.
        options = ["--format=%H", "--full-history", "--no-merges", "--no-show-signature", "--no-color"]
        pieces = self._stream(["log", *options, *ALL_REFS, "--", *paths], stdin=b"", timeout=LOG_TIMEOUT)
        with as_git_errors():
            return b"".join(pieces).decode("ascii", "replace").split()

    def _read_objects(self, shas: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        """Id, kind and content of each of these objects."""
        if not shas:
            return iter(())
        request = "".join(f"{sha}\n" for sha in shas).encode()
        return iter(
            parse_objects(self._output("cat-file", "--batch", stdin=request, max_output=MAX_COMMIT_BYTES))
        )

    def _read_patch_ids(self, shas: Sequence[str]) -> dict[str, str]:
        # --full-index: changes of a file that is no text are told apart by the ids of its content.
        options = ["--stdin", "--root", "-r", "-p", "--full-index", "--no-renames", "--unified=3"]
        options += ["--no-ext-diff", "--no-textconv", "--no-color", "--diff-algorithm=myers"]
        request = "".join(f"{sha}\n" for sha in shas).encode()
        diffs = self._stream(["diff-tree", *options], stdin=request, timeout=PATCH_TIMEOUT)
        argv = build_argv(None, "patch-id", "--stable")
        answer = pipe_through(argv, diffs, env=build_environment(), timeout=PATCH_TIMEOUT)
        lines = (line.split() for line in answer.decode("ascii", "replace").splitlines())
        return {sha: patch_id for patch_id, sha in lines}

    def _stream(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes,
        timeout: timedelta,
    ) -> Iterator[bytes]:
        return stream(
            build_argv(self.path, *arguments),
            env=build_environment(),
            timeout=timeout,
            stdin=stdin,
            describe=self._describe,
        )


def _read_commit(fields: Sequence[bytes]) -> LoggedCommit:
    texts = [field.decode("utf-8", "replace") for field in fields]
    name, email = texts[LOG_FIELDS:]
    is_cut = len(texts[LOG_FIELDS - 1]) > TEXT_LIMIT
    return LoggedCommit(build_commit(*texts[:LOG_FIELDS]), name, email, is_cut)
