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
    as_git_errors,
    build_argv,
    build_environment,
    build_remote_config,
    build_remote_environment,
)
from gitopsui.adapters.git_errors import describe
from gitopsui.adapters.git_names import BRANCHES, TAGS
from gitopsui.adapters.git_output import (
    Progress,
    ProgressReader,
    RemoteRefs,
    parse_remote_refs,
)
from gitopsui.adapters.git_repository import ROOT
from gitopsui.domain.errors import GitError, InputError

# The refs of a remote with very many pull requests; one with more cannot be followed.
MAX_LIST_BYTES = 64 << 20
LIST_TIMEOUT = timedelta(seconds=60)
# Complete history, said as a depth. A server that only offers files ("dumb" HTTP) cannot answer that, so Git
# gives up: it would take single objects from there without the check for unsafe ones.
WHOLE_HISTORY = "--depth=2147483647"
SMART_ANSWER = b"application/x-git-upload-pack-advertisement"
TRACE_HEADERS = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
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
        with self.conversation() as talk:
            listed = parse_remote_refs(self._list(talk, talk.environment).stdout)
            if not listed.refs and talk.url.scheme != "ssh":
                self._check_is_repository(talk)
        return listed

    def fetch_into(self, git_dir: Path, *, on_progress: Callable[[Progress], None] | None) -> None:
        """
        Bring the branches and tags of the remote into the repository `git_dir`; none is removed there.

        Git's own check refuses unsafe objects before they are kept. Raises GIT_TOO_LARGE and
        GIT_NO_SPACE while it runs, as soon as `git_dir` grows over the limit.
        """
        reader = ProgressReader()

        def report(piece: bytes) -> None:
            for progress in reader.feed(piece):
                if on_progress is not None:
                    on_progress(progress)

        with self.conversation() as talk:
            options = ["--progress", "--no-tags", "--no-write-fetch-head"]
            options += [WHOLE_HISTORY] if talk.url.scheme != "ssh" else []
            arguments = ("fetch", *options, "--end-of-options", talk.url.url, *REFSPECS)
            result = self.run(
                build_argv(git_dir, *arguments, config=talk.config),
                talk.environment,
                timeout=self.policy.total_timeout,
                on_stderr=report,
                on_tick=lambda: self.check_size(git_dir),
                is_tied=True,
            )
        # Over ssh Git warns, takes nothing and ends with 0; over HTTP it becomes shallow itself.
        if b"shallow roots are not allowed" in result.stderr or (git_dir / "shallow").exists():
            raise describe(0, b"shallow roots are not allowed")
        self.check_size(git_dir)

    def check_size(self, git_dir: Path) -> None:
        mirror_files.check_free_space(git_dir, min_free_bytes=self.policy.min_free_bytes)
        if mirror_files.measure(git_dir) > self.policy.max_bytes:
            mib = self.policy.max_bytes / (1 << 20)
            message = f"The repository is larger than the {mib:,.0f} MiB a mirror may have."
            hint = "Ask an operator for a higher limit, or mirror a smaller repository."
            raise GitError(message, code="GIT_TOO_LARGE", permanent=True, hint=hint)

    def _list(self, talk: Conversation, environment: Mapping[str, str]) -> process.Result:
        return self.run(
            build_argv(None, "ls-remote", "--symref", "--end-of-options", talk.url.url, config=talk.config),
            environment,
            timeout=min(LIST_TIMEOUT, self.policy.total_timeout),
            max_output=MAX_LIST_BYTES,
        )

    def _check_is_repository(self, talk: Conversation) -> None:
        """
        Raises GIT_NOT_FOUND for a web page. Git takes one (of a sign-in, say) for a repository without
        refs, in which everything would have been deleted. Headers show it; credentials in them Git hides.
        """
        if SMART_ANSWER not in self._list(talk, {**talk.environment, **TRACE_HEADERS}).stderr:
            raise describe(128, b"fatal: not valid: is this a git repository?")

    @contextmanager
    def conversation(self) -> Iterator[Conversation]:
        """The checked address and the lent credential, as long as the block runs."""
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

    def run(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout: timedelta,
        max_output: int = 1 << 20,
        on_stderr: Callable[[bytes], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        is_tied: bool = False,
        check: bool = True,
    ) -> process.Result:
        """Run Git for this remote. With `check` another status than 0 raises what it means."""
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
        if check and result.returncode:
            raise self.describe(result)
        return result

    def describe(self, result: process.Result) -> GitError:
        return describe(result.returncode, result.stderr, secrets=self.secrets())

    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown."""
        return self.access.secrets() if self.access else ()
