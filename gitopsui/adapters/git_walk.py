"""
A whole history that is told once and not stored: Git walks it while we load, ask and read.

Ordered by date, Git prints from the first commit on; with `--topo-order` it would walk to the end first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from gitopsui.adapters.git_command import build_argv, build_environment
from gitopsui.adapters.git_output import LOG_FORMAT, read_log
from gitopsui.adapters.git_repository import Repository, as_git_errors
from gitopsui.adapters.git_stream import started
from gitopsui.domain.commit import Commit

TIMEOUT = timedelta(minutes=12)


class Walk(Repository):
    """A repository of which everything that HEAD and the tags hold is read."""

    @contextmanager
    def started(self) -> Iterator[Iterator[list[Commit]]]:
        """
        Git begins now; what it prints is read where the portions are asked for, newest commits first.

        A commit comes before its parents unless a clock was wrong. Raises GitError.
        """
        options = ["-z", f"--format={LOG_FORMAT}", "--encoding=UTF-8"]
        options += ["--no-color", "--no-decorate", "--no-notes", "--no-show-signature"]
        argv = build_argv(self.path, "log", *options, "--tags", "HEAD", "--")
        with (
            as_git_errors(),
            started(
                argv, env=build_environment(), timeout=TIMEOUT, describe=self._describe, is_tied=False
            ) as pieces,
        ):
            yield read_log(pieces)
