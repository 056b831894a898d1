"""
Push one ref to a remote, as a compare-and-set: it is made, moved from a known commit or removed, or nothing
happens.

When Git says that it failed, or the line broke, the remote is asked what it has: that is the answer.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters.git_command import build_argv
from gitopsui.adapters.git_errors import mask_words
from gitopsui.adapters.git_remote import Conversation, Remote
from gitopsui.domain.errors import GitError

PUSH_TIMEOUT = timedelta(seconds=120)
MAX_WORDS = 600  # characters of what a server says
# The last column of --porcelain: "[remote rejected] (pre-receive hook declined)".
_REJECTED = re.compile(rb"^!\t[^\t]*\t\[(?:remote )?rejected\](?: \((.*)\))?", re.MULTILINE)
# What Git itself writes in front of what a hook wrote.
_SAID = re.compile(rb"^remote: ?(.*?)\s*$", re.MULTILINE)
# Codes after which nothing was pushed for certain, so that the remote need not be asked.
_NOTHING_SENT = frozenset(("GIT_ADDRESS", "GIT_TLS", "GIT_NOT_INSTALLED", "GIT_AUTH", "GIT_NOT_FOUND"))


def push(remote: Remote, git_dir: Path, *, sha: str | None, ref: str, expected: str | None) -> None:
    """
    Have `ref` of the remote stand at `sha` (None: be gone), if it stands at `expected` now (None: if there is
    none).

    Done too when it stands at `sha` already. Raises GIT_REF_TAKEN when it stands somewhere else,
    GIT_REJECTED with the words of the server when it refused, GIT_AUTH, and the codes of a fetch.
    """
    try:
        _send(remote, git_dir, sha, ref, expected)
    except GitError as error:
        if error.code in _NOTHING_SENT:
            raise _blame_right(error) from error
        now = _ask(remote, ref, failure=error)
        if now == sha:
            return
        if now != expected:
            raise _taken(ref, now) from error
        raise


def _ask(remote: Remote, ref: str, *, failure: GitError) -> str | None:
    """Where the ref stands; the failure that made us ask, when the remote does not answer this either."""
    try:
        return remote.list_refs().refs.get(ref)
    except GitError:
        raise failure from None


def _send(remote: Remote, git_dir: Path, sha: str | None, ref: str, expected: str | None) -> None:
    options = ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]
    options += [f"--force-with-lease={ref}:{expected or ''}"]
    with remote.conversation() as talk:
        _push(remote, talk, git_dir, [*options, "--end-of-options", talk.url.url, f"{sha or ''}:{ref}"])


def _push(remote: Remote, talk: Conversation, git_dir: Path, arguments: list[str]) -> None:
    argv = build_argv(git_dir, "push", *arguments, config=talk.config)
    result = remote.run(argv, talk.environment, timeout=PUSH_TIMEOUT, is_tied=True, check=False)
    if result.returncode == 0:
        return
    rejected = _REJECTED.search(result.stdout)
    if rejected is None:
        raise remote.describe(result)
    said = [words for words in _SAID.findall(result.stderr) if words]
    words = b"; ".join([*said, rejected[1] or b""])
    shown = mask_words(words, remote.secrets())[:MAX_WORDS].strip("; ")
    hint = "Ask who looks after the repository what it allows."
    raise GitError(f"The remote refused it: {shown}.", code="GIT_REJECTED", permanent=True, hint=hint)


def _taken(ref: str, now: str | None) -> GitError:
    name = ref.split("/", 2)[-1]
    message = (
        f"The remote has no {name} any more." if now is None else f"{name} stands at {now[:12]} already."
    )
    return GitError(message, code="GIT_REF_TAKEN", permanent=True)


def _blame_right(error: GitError) -> GitError:
    """A credential that reads may not write."""
    if error.code != "GIT_AUTH":
        return error
    hint = "Enter a credential that may write to this repository."
    return GitError(
        "The remote does not let this credential write.", code=error.code, permanent=True, hint=hint
    )
