"""
A whole history that is told once and not stored: Git walks it while we load, ask and read.

Ordered by date, Git prints from the first commit on; with `--topo-order` it would walk to the end first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitopsui.adapters.git_command import as_git_errors, build_argv, build_environment
from gitopsui.adapters.git_names import BRANCHES, LOG_FORMAT, LOG_PLAIN, REF_FORMAT, TAGS
from gitopsui.adapters.git_stream import started
from gitopsui.domain.errors import GitError

if TYPE_CHECKING:
    from gitopsui.adapters.git_output import Ref
    from gitopsui.adapters.process import Result
    from gitopsui.domain.commit import Commit

TIMEOUT = timedelta(minutes=12)


class Walk(NamedTuple):
    """A walk that goes on: each part is read when it is asked for. `head` is the id of the commit of HEAD."""

    head: Callable[[], str]
    portions: Iterator[list[Commit]]
    refs: Callable[[], list[Ref]]


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
        _started(
            git_dir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", describe=_describe_head
        ) as head,
    ):
        # Loaded when Git is on its way.
        from gitopsui.adapters.git_output import parse_refs, read_log

        def read_head() -> str:
            return b"".join(head).decode("ascii").rstrip("\n")

        def read_refs() -> list[Ref]:
            found, nested = parse_refs(b"".join(refs))
            return _follow(git_dir) if nested else found

        yield Walk(read_head, read_log(commits), read_refs)


def _follow(git_dir: Path) -> list[Ref]:
    """The refs with what tags of tags lead to, which few repositories have."""
    from gitopsui.adapters.git_repository import Repository

    return Repository(git_dir).refs()


def _describe(result: Result) -> GitError:
    from gitopsui.adapters.git_errors import describe

    return describe(result.returncode, result.stderr)


def _describe_head(result: Result) -> GitError:
    """Quiet, Git says nothing about a name it does not know."""
    if result.stderr:
        return _describe(result)
    return GitError("HEAD leads to no commit.", code="GIT_REF_MISSING", permanent=True)


def _started(
    git_dir: Path, *arguments: str, describe: Callable[[Result], GitError] = _describe
) -> AbstractContextManager[Iterator[bytes]]:
    argv = build_argv(git_dir, *arguments)
    return started(argv, env=build_environment(), timeout=TIMEOUT, describe=describe, is_tied=False)
