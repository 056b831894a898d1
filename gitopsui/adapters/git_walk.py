"""
A whole history that is told once and not stored: Git walks it while we load, ask and read.

Ordered by date, Git prints from the first commit on; with `--topo-order` it would walk to the end first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitopsui.adapters.git_command import as_git_errors, build_argv, build_environment
from gitopsui.adapters.git_names import BRANCHES, LOG_FORMAT, LOG_PLAIN, REF_FORMAT, TAGS
from gitopsui.adapters.git_place import read_branch
from gitopsui.adapters.git_stream import started
from gitopsui.domain.errors import GitError

if TYPE_CHECKING:
    from gitopsui.adapters.git_output import Ref
    from gitopsui.adapters.process import Result
    from gitopsui.domain.commit import Commit

TIMEOUT = timedelta(minutes=12)


class Walk(NamedTuple):
    """A walk that goes on: each part is read when it is asked for."""

    refs: Callable[[], list[Ref]]
    portions: Iterator[list[Commit]]


@contextmanager
def walking(git_dir: Path) -> Iterator[Walk]:
    """
    Everything that HEAD and the tags hold: Git begins now, and is read where the portions are asked for.

    The newest commits first, each before its parents unless a clock was wrong. `refs` are all branches and
    tags. Raises GitError.
    """
    options = ("-z", f"--format={LOG_FORMAT}", "--encoding=UTF-8", *LOG_PLAIN)
    with (
        as_git_errors(),
        _started(git_dir, "log", *options, "--tags", "HEAD", "--") as commits,
        _started(git_dir, "for-each-ref", f"--format={REF_FORMAT}", BRANCHES, TAGS) as refs,
    ):
        # Loaded when Git is on its way.
        from gitopsui.adapters.git_output import parse_refs, read_log

        def read_refs() -> list[Ref]:
            found, nested = parse_refs(b"".join(refs))
            return _follow(git_dir) if nested else found

        yield Walk(read_refs, read_log(commits))


def find_head(git_dir: Path, refs: Iterable[Ref]) -> str:
    """The id of the commit of HEAD: mostly a branch, so that Git need not be asked again. Raises GitError."""
    branch = read_branch(git_dir)
    for ref in refs:
        if ref.name == branch and ref.commit_sha:
            return ref.commit_sha
    from gitopsui.adapters.git_repository import Repository

    return Repository(git_dir).resolve("HEAD")


def _follow(git_dir: Path) -> list[Ref]:
    """The refs with what tags of tags lead to, which few repositories have."""
    from gitopsui.adapters.git_repository import Repository

    return Repository(git_dir).refs()


def _describe(result: Result) -> GitError:
    from gitopsui.adapters.git_errors import describe

    return describe(result.returncode, result.stderr)


def _started(git_dir: Path, *arguments: str) -> AbstractContextManager[Iterator[bytes]]:
    argv = build_argv(git_dir, *arguments)
    return started(argv, env=build_environment(), timeout=TIMEOUT, describe=_describe, is_tied=False)
