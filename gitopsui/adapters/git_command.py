"""
How Git is started: the options and the environment every command gets.

Nothing of the machine's own configuration is read, nothing is run that a repository names (hooks, filters,
helpers), and only the protocols of the policy are spoken. Written for Git 2.39 and newer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gitopsui.domain.errors import GitError, SourceError

if TYPE_CHECKING:
    from gitopsui.adapters.git_address import GitPolicy, GitUrl

# Old repositories carry these harmless faults; refusing them would lock out their whole history.
# https://git-scm.com/docs/git-fsck#_fsck_messages
FSCK_WARNINGS = (
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeEmail",
    "missingSpaceBeforeDate",
    "badTimezone",
    "badDate",
    "badDateOverflow",
    "zeroPaddedFilemode",
    "zeroPaddedDate",
    "nulInCommit",
    "badEmail",
    "badName",
    "multipleAuthors",
)

CONFIG = (
    "transfer.fsckObjects=true",
    *(f"fetch.fsck.{fault}=warn" for fault in FSCK_WARNINGS),
    # Always keep the pack that came: fewer files, and one place where the faults above are judged.
    "fetch.unpackLimit=1",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1024",
    "http.lowSpeedTime=30",
    "credential.helper=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=no",
    "gc.auto=0",
    "maintenance.auto=false",
)

ENVIRONMENT = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    # Answers every question with a failure; `git_access` puts its own in this place.
    "GIT_ASKPASS": "false",
    # A clone may say that what it lacks is fetched when it is asked for, and by which command. Only
    # `build_remote_environment` lets a command talk to anybody.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    # Into a pipe it would write each commit of a log by itself.
    "GIT_FLUSH": "0",
}


def build_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a command. Of ours only the PATH is handed on."""
    return {"PATH": os.environ.get("PATH", os.defpath), **ENVIRONMENT, **(extra or {})}


def build_argv(git_dir: Path | None, *arguments: str, config: Sequence[str] = ()) -> list[str]:
    """`git` with the hardening options. Names and ids in `arguments` stand after --end-of-options."""
    options = [part for setting in (*CONFIG, *config) for part in ("-c", setting)]
    place = [] if git_dir is None else [f"--git-dir={git_dir}"]
    return ["git", *place, *options, *arguments]


def find_git() -> str:
    """The path of git. Raises GitError GIT_NOT_INSTALLED."""
    found = shutil.which("git")
    if found is None:
        message = "Git is not installed on this server."
        raise GitError(message, code="GIT_NOT_INSTALLED", permanent=True, hint="Install git 2.39 or newer.")
    return found


@contextmanager
def as_git_errors() -> Iterator[None]:
    """What `process` raises becomes a GitError."""
    try:
        yield
    except GitError:
        raise
    except SourceError as error:
        # Loaded when Git fails: the patterns take a while to build.
        from gitopsui.adapters.git_errors import describe_process

        raise describe_process(error) from error


def build_remote_config(url: GitUrl, policy: GitPolicy, *, peer: str) -> list[str]:
    """The settings for one remote: pinned to the address that was checked, plain HTTP only where allowed."""
    # Sockets and TLS take longer to load than a log to read, and a repository on disk needs neither.
    from gitopsui.adapters.http_policy import parse_address

    settings = []
    if url.scheme == "http":
        settings.append("protocol.http.allow=always")
    if policy.ca_file is not None:
        settings.append(f"http.sslCAInfo={policy.ca_file}")
    if url.scheme != "ssh" and parse_address(url.host) is None:
        address = f"[{peer}]" if ":" in peer else peer
        settings.append(f"http.curloptResolve={url.host}:{url.port}:{address}")
    return settings


def build_remote_environment(url: GitUrl) -> dict[str, str]:
    """What a command may speak with the remote."""
    return {"GIT_ALLOW_PROTOCOL": "https:ssh:http" if url.scheme == "http" else "https:ssh"}
