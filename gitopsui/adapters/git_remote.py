"""Talk to one remote: ask for its refs, fetch from it. Every word goes to an address that was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import mirror_files, process
from gitopsui.adapters.git_access import GitAccess, lent
from gitopsui.adapters.git_address import GitPolicy, GitUrl, check_url, find_peer
from gitopsui.adapters.git_command import (
    build_argv,
    build_environment,
    build_remote_config,
    build_remote_environment,
)
from gitopsui.adapters.git_errors import describe
from gitopsui.adapters.git_output import (
    BRANCHES,
    TAGS,
    Progress,
    ProgressReader,
    RemoteRefs,
    parse_remote_refs,
)
from gitopsui.adapters.git_repository import ROOT, as_git_errors
from gitopsui.domain.errors import GitError, InputError

# The refs of a remote with very many pull requests; one with more cannot be followed.
MAX_LIST_BYTES = 64 << 20
LIST_TIMEOUT = timedelta(seconds=60)
REFSPECS = (f"+{BRANCHES}*:{BRANCHES}*", f"+{TAGS}*:{TAGS}*")


@dataclass(frozen=True, slots=True)
class Conversation:
    """The address, and what the commands to it get besides the usual options."""

    url: GitUrl
    config: Sequence[str]
    environment: Mapping[str, str]


class Remote:
    """The remote `url` under `policy`. `near` is a folder of ours for files that live as long as a call."""

    def __init__(self, url: str, *, access: GitAccess | None, policy: GitPolicy, near: Path) -> None:
        self.url = url
        self.access = access
        self.policy = policy
        self.near = near

    def list_refs(self) -> RemoteRefs:
        with self._conversation() as talk:
            arguments = ("ls-remote", "--symref", "--end-of-options", talk.url.url)
            answer = self._run(
                build_argv(None, *arguments, config=talk.config),
                talk.environment,
                timeout=min(LIST_TIMEOUT, self.policy.total_timeout),
                max_output=MAX_LIST_BYTES,
            )
        return parse_remote_refs(answer.stdout)

    def fetch_into(self, git_dir: Path, *, on_progress: Callable[[Progress], None] | None) -> None:
        """
        Make the branches and tags of the repository `git_dir` those of the remote.

        Git's own check refuses unsafe objects before they are kept. Raises GIT_TOO_LARGE and
        GIT_NO_SPACE while it runs, as soon as `git_dir` grows over the limit.
        """
        options = ("--progress", "--no-tags", "--prune", "--no-write-fetch-head", "--end-of-options")
        reader = ProgressReader()

        def report(piece: bytes) -> None:
            for progress in reader.feed(piece):
                if on_progress is not None:
                    on_progress(progress)

        with self._conversation() as talk:
            result = self._run(
                build_argv(git_dir, "fetch", *options, talk.url.url, *REFSPECS, config=talk.config),
                talk.environment,
                timeout=self.policy.total_timeout,
                on_stderr=report,
                on_tick=lambda: self.check_size(git_dir),
                is_tied=True,
            )
        if b"shallow roots are not allowed" in result.stderr:
            # Only a warning to Git, which takes nothing and ends with 0.
            raise describe(result.returncode, result.stderr)
        self.check_size(git_dir)

    def check_size(self, git_dir: Path) -> None:
        mirror_files.check_free_space(git_dir, min_free_bytes=self.policy.min_free_bytes)
        if mirror_files.measure(git_dir) > self.policy.max_bytes:
            mib = self.policy.max_bytes / (1 << 20)
            message = f"The repository is larger than the {mib:,.0f} MiB a mirror may have."
            hint = "Ask an operator for a higher limit, or mirror a smaller repository."
            raise GitError(message, code="GIT_TOO_LARGE", permanent=True, hint=hint)

    @contextmanager
    def _conversation(self) -> Iterator[Conversation]:
        url = self._checked_url()
        peer = find_peer(url, self.policy)
        with lent(self.access, url, peer=peer, policy=self.policy, near=self.near) as entries:
            environment = build_environment({**build_remote_environment(url), **entries})
            yield Conversation(url, build_remote_config(url, self.policy, peer=peer), environment)

    def _checked_url(self) -> GitUrl:
        """Checked at each use: the operator may have changed the rules since it was entered."""
        try:
            return check_url(self.url, self.policy)
        except InputError as error:
            raise GitError(error.message, code=error.code, permanent=True) from error

    def _run(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout: timedelta,
        max_output: int = 1 << 20,
        on_stderr: Callable[[bytes], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        is_tied: bool = False,
    ) -> process.Result:
        with as_git_errors():
            result = process.run(
                argv,
                env=environment,
                cwd=ROOT,
                timeout=timeout,
                max_output=max_output,
                on_stderr=on_stderr,
                on_tick=on_tick,
                is_tied=is_tied,
            )
        if result.returncode:
            secrets = self.access.secrets() if self.access else ()
            raise describe(result.returncode, result.stderr, secrets=secrets)
        return result
