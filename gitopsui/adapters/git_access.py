"""
Lend a credential to one call of Git: in files only we can read, in a directory that is gone afterwards.

Nothing secret is in the URL, in an argument or in the environment; Git gets the path of a program that
reads the files, or of a configuration for ssh.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters.git_address import DEFAULT_PORTS, GitPolicy, GitUrl
from gitopsui.domain.errors import InputError

DIRECTORY_PREFIX = "gitopsui-access-"
MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it private
# Longer than any call: what is older was left behind by a process that was killed.
LEFT_BEHIND_AFTER = timedelta(hours=1)

# Git asks "Username for …" and "Password for …", and reads one line.
ASKPASS = """#!/bin/sh
case "$1" in Username*) file=username ;; *) file=password ;; esac
IFS= read -r line < "${0%/*}/$file"
printf '%s\\n' "$line"
"""

SSH_CONFIG = """Host *
  HostName {peer}
  HostKeyAlias {alias}
  UserKnownHostsFile {directory}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  CheckHostIP no
  IdentityFile {identity}
  IdentitiesOnly yes
  IdentityAgent none
  PreferredAuthentications publickey
  ConnectTimeout {connect_seconds}
  ServerAliveInterval 15
  ServerAliveCountMax 2
  ControlPath none
  PermitLocalCommand no
"""


@dataclass(frozen=True, slots=True, repr=False)
class GitAccess:
    """
    What a remote asks for: user name and password or token for HTTPS, or a private key for ssh.

    `known_hosts` holds lines of that file; without one for the host ssh refuses to talk to it.
    Raises InputError CREDENTIAL_SYNTAX for text that no program could hand on unchanged.
    """

    username: str = ""
    password: str = ""
    ssh_key: str = ""
    known_hosts: str = ""

    def __post_init__(self) -> None:
        for field in ("username", "password"):
            if any(character in getattr(self, field) for character in "\r\n\0"):
                message = "The credential must be one line without control characters."
                raise InputError(message, code="CREDENTIAL_SYNTAX", field=field)

    def __repr__(self) -> str:
        return "GitAccess(hidden)"

    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown."""
        return tuple(text for text in (self.password, self.ssh_key.strip()) if text)


@contextmanager
def lent(
    access: GitAccess | None, url: GitUrl, *, peer: str, policy: GitPolicy, near: Path
) -> Iterator[Mapping[str, str]]:
    """
    The environment entries that let Git answer `url`'s questions while the block runs.

    `peer` is the checked address ssh connects to. `near` is a directory to fall back on where the
    usual temporary ones cannot hold a program.
    """
    access = access or GitAccess()
    if url.scheme != "ssh" and not access.password:
        yield {}
        return
    with private_directory(near) as directory:
        if url.scheme == "ssh":
            yield _write_ssh(directory, access, url, peer, policy)
        else:
            yield _write_askpass(directory, access)


def _write_askpass(directory: Path, access: GitAccess) -> Mapping[str, str]:
    write_private(directory / "username", (access.username or "git") + "\n")
    write_private(directory / "password", access.password + "\n")
    write_private(directory / "askpass", ASKPASS, mode=0o700)
    return {"GIT_ASKPASS": str(directory / "askpass")}


def _write_ssh(
    directory: Path, access: GitAccess, url: GitUrl, peer: str, policy: GitPolicy
) -> Mapping[str, str]:
    alias = url.host if url.port == DEFAULT_PORTS["ssh"] else f"[{url.host}]:{url.port}"
    identity = "none"
    if access.ssh_key:
        identity = str(write_private(directory / "key", access.ssh_key.replace("\r\n", "\n").strip() + "\n"))
    known_hosts = write_private(
        directory / "known_hosts", access.known_hosts.replace("\r\n", "\n").strip() + "\n"
    )
    text = SSH_CONFIG.format(
        peer=peer,
        alias=alias,
        directory=directory,
        identity=identity,
        connect_seconds=max(1, int(policy.connect_timeout.total_seconds())),
    )
    config = write_private(directory / "config", text)
    options = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ClearAllForwardings=yes")
    argv = ["ssh", "-F", str(config)]
    for option in (*options, f"UserKnownHostsFile={known_hosts}"):
        argv += ["-o", option]
    return {"GIT_SSH_COMMAND": shlex.join(argv), "GIT_SSH_VARIANT": "ssh"}


@contextmanager
def private_directory(near: Path) -> Iterator[Path]:
    """A directory only we can read, gone when the block ends; in `near` where no other place will do."""
    base = _find_base(near)
    _remove_left_behind(base)
    directory = Path(tempfile.mkdtemp(prefix=DIRECTORY_PREFIX, dir=base))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _find_base(near: Path) -> Path:
    """Memory first, so that nothing reaches a disk; containers often mount it so that no program starts."""
    for base in (MEMORY, Path(tempfile.gettempdir())):
        is_usable = base.is_dir() and os.access(base, os.W_OK | os.X_OK)
        if is_usable and not os.statvfs(base).f_flag & os.ST_NOEXEC:
            return base
    return near


def _remove_left_behind(base: Path) -> None:
    oldest = time.time() - LEFT_BEHIND_AFTER.total_seconds()
    for directory in base.glob(f"{DIRECTORY_PREFIX}*"):
        try:
            status = directory.lstat()
        except FileNotFoundError:
            continue
        if status.st_uid == os.getuid() and status.st_mtime < oldest:
            shutil.rmtree(directory, ignore_errors=True)


def write_private(path: Path, text: str, *, mode: int = 0o600) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
