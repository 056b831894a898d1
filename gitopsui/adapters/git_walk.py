"""
A whole history that is told once and not stored: Git walks it while we load, ask and read.

Ordered by date, Git prints from the first commit on; with `--topo-order` it would walk to the end first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gitopsui.adapters.git_command import LOG_FORMAT, build_argv, build_environment
from gitopsui.adapters.git_stream import started
from gitopsui.domain.errors import GitError

if TYPE_CHECKING:
    from gitopsui.adapters.process import Result
    from gitopsui.domain.commit import Commit

TIMEOUT = timedelta(minutes=12)


@contextmanager
def walking(git_dir: Path) -> Iterator[Iterator[list[Commit]]]:
    """
    Everything that HEAD and the tags hold: Git begins now, and is read where the portions are asked for.

    The newest commits first, each before its parents unless a clock was wrong. Raises GitError.
    """
    options = ["-z", f"--format={LOG_FORMAT}", "--encoding=UTF-8"]
    options += ["--no-color", "--no-decorate", "--no-notes", "--no-show-signature"]
    argv = build_argv(git_dir, "log", *options, "--tags", "HEAD", "--")
    with started(argv, env=build_environment(), timeout=TIMEOUT, describe=_describe, is_tied=False) as pieces:
        # Loaded when Git is on its way.
        from gitopsui.adapters.git_output import read_log
        from gitopsui.adapters.git_repository import as_git_errors

        with as_git_errors():
            yield read_log(pieces)


def _describe(result: Result) -> GitError:
    from gitopsui.adapters.git_errors import describe

    return describe(result.returncode, result.stderr)
