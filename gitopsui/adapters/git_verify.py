"""
Check signatures of tags and commits with Git, against keys that are lent to one call.

Each check has a keyring and a file of allowed signers of its own, in a folder that is gone afterwards; the
keyring of whoever runs this is never read. GnuPG is told to ask nobody and to start nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.adapters.git_access import private_directory, write_private
from gitopsui.adapters.git_command import build_environment
from gitopsui.domain.errors import GitError, SourceError
from gitopsui.domain.public_key import KeyFormat, PublicKey
from gitopsui.domain.signature import (
    UNSIGNED,
    Signature,
    Verdict,
    find_format,
    is_x509,
    judge_gpg,
    judge_ssh,
)
from gitopsui.domain.text import clean_text, visible

IMPORT_TIMEOUT = timedelta(seconds=30)
CHECK_TIMEOUT = timedelta(seconds=10)
MAX_SAID = 256 << 10
# 200 of them are read in one answer.
MAX_SIGNED_BYTES = 256 << 10
TOO_LARGE = Signature(Verdict.UNCHECKED, reason="It is too large to be checked.")
PROGRAMS = {KeyFormat.OPENPGP: "gpg", KeyFormat.SSH: "ssh-keygen"}
_SIGNED_HEADS = (b"gpgsig ", b"gpgsig-sha256 ")
GPG_OPTIONS = """batch
quiet
no-tty
no-autostart
disable-dirmngr
no-auto-key-retrieve
no-auto-key-locate
"""

Run = Callable[..., process.Result]


@dataclass(frozen=True, slots=True)
class SignedObject:
    """A tag or commit with its content; a tag is to call itself `name`, as its ref does."""

    sha: str
    kind: str
    content: bytes
    name: str = ""

    def find_signature(self) -> str:
        """The text that may hold a signature: the end of a tag, a head of a commit; "" without one."""
        if self.kind == "tag":
            text = self.content.decode("utf-8", "replace").replace("\r\n", "\n")
            return text if find_format(text) or is_x509(text) else ""
        head = self.content.partition(b"\n\n")[0]
        lines = head.split(b"\n")
        start = next((n for n, line in enumerate(lines) if line.startswith(_SIGNED_HEADS)), None)
        if start is None:
            return ""
        first = lines[start].partition(b" ")[2]
        return b"\n".join([first, *(line.removeprefix(b" ") for line in lines[start + 1 :])]).decode(
            "utf-8", "replace"
        )

    def own_name(self) -> str:
        """What a tag calls itself; a signed tag that another ref points to says something else than it."""
        head = self.content.partition(b"\n\n")[0].split(b"\n")
        return clean_text(next((line[4:] for line in head if line.startswith(b"tag ")), b""))


@dataclass(frozen=True, slots=True)
class LentKeys:
    """Keys as Git and the programs read them while they are lent."""

    keys: tuple[PublicKey, ...]
    environment: Mapping[str, str]
    programs: frozenset[KeyFormat]


def find_programs() -> frozenset[KeyFormat]:
    """What can be checked on this machine."""
    path = build_environment()["PATH"]
    return frozenset(one for one, program in PROGRAMS.items() if shutil.which(program, path=path))


@contextmanager
def lent_keys(keys: Sequence[PublicKey], *, near: Path) -> Iterator[LentKeys]:
    """These keys, and no others, for the calls of one block. Raises GitError."""
    programs = find_programs()
    with private_directory(near) as folder:
        home = folder / "gnupg"
        home.mkdir(mode=0o700)
        signers = write_private(folder / "allowed_signers", _allowed_signers(keys))
        environment = {
            "GNUPGHOME": str(home),
            # Git writes the signature it checks into a temporary file.
            "TMPDIR": str(folder),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "gpg.ssh.allowedSignersFile",
            "GIT_CONFIG_VALUE_0": str(signers),
        }
        openpgp = [key for key in keys if key.format is KeyFormat.OPENPGP]
        trusted = "".join(f"trusted-key {key.fingerprint}\n" for key in openpgp)
        write_private(home / "gpg.conf", GPG_OPTIONS + trusted)
        if openpgp and KeyFormat.OPENPGP in programs:
            _import(openpgp, environment, folder)
        yield LentKeys(tuple(keys), environment, programs)


def _allowed_signers(keys: Sequence[PublicKey]) -> str:
    ssh = (key for key in keys if key.format is KeyFormat.SSH)
    return "".join(f'{key.owner} namespaces="git" {key.text}\n' for key in ssh)


def _import(keys: Sequence[PublicKey], environment: Mapping[str, str], folder: Path) -> None:
    """A key that GnuPG does not take is missing from the keyring: what it signed is then unknown."""
    try:
        process.run(
            ["gpg", "--import"], env=build_environment(environment), cwd=folder,
            stdin="".join(key.text for key in keys).encode(), timeout=IMPORT_TIMEOUT, max_output=MAX_SAID,
        )  # fmt: skip
    except SourceError as error:
        raise GitError("GnuPG did not take the trusted keys in time.", code="GIT_TIMEOUT") from error


def check(one: SignedObject, lent: LentKeys, run: Run) -> Signature:
    """The verdict on one tag or commit; `run` runs a command of Git on its repository."""
    text = one.find_signature()
    if not text:
        return UNSIGNED
    if one.kind == "tag" and one.own_name() != one.name:
        reason = f"What was signed calls itself {visible(one.own_name())}, and the tag is another one."
        return Signature(Verdict.BAD, reason=reason)
    wanted = find_format(text)
    if wanted is None:
        return Signature(Verdict.UNCHECKED, reason="Signatures of X.509 certificates are not checked here.")
    if wanted not in lent.programs:
        return Signature(Verdict.UNCHECKED, reason=f"{PROGRAMS[wanted]} is not installed.")
    command = "verify-tag" if one.kind == "tag" else "verify-commit"
    try:
        result = run(
            command, "--raw", one.sha, max_output=MAX_SAID, extra=lent.environment, timeout=CHECK_TIMEOUT
        )
    except GitError as error:
        if error.code not in ("GIT_TIMEOUT", "GIT_TOO_LARGE"):
            raise
        return Signature(Verdict.UNCHECKED, reason="Checking it took too long.")
    said = clean_text(result.stderr)
    judge = judge_gpg if wanted is KeyFormat.OPENPGP else judge_ssh
    return judge(said, lent.keys, is_ok=result.returncode == 0)
