"""Sign what Git writes, with a private key that is lent to one call: in files that are gone afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.adapters.git_access import private_directory, write_private
from gitopsui.adapters.git_command import build_environment
from gitopsui.domain.errors import GitError, SourceError

SIGN_TIMEOUT = timedelta(seconds=30)
MAX_SIGNATURE = 64 << 10


class KeyKind(StrEnum):
    """What a private key belongs to."""

    SSH = "ssh"  # OpenSSH, as ssh-keygen writes it
    GPG = "gpg"  # GnuPG, as `gpg --armor --export-secret-keys` writes it


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key without a passphrase, as text."""

    text: str
    kind: KeyKind = KeyKind.SSH

    def __repr__(self) -> str:
        return f"SigningKey({self.kind}, hidden)"


def sign(content: bytes, key: SigningKey, *, at: datetime, near: Path) -> bytes:
    """
    The armoured signature of `content`. Raises GitError GIT_KEY for a key that cannot be used,
    GIT_NOT_INSTALLED without the program for its kind.
    """
    with private_directory(near) as folder:
        path = write_private(folder / "key", key.text.replace("\r\n", "\n").strip() + "\n")
        if key.kind is KeyKind.SSH:
            return _run(["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(path)], content, folder)
        return _sign_with_gpg(content, path, at, folder)


def _sign_with_gpg(content: bytes, key: Path, at: datetime, folder: Path) -> bytes:
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
    try:
        _run([*gpg, "--import", str(key)], b"", folder)
        moment = f"{at.astimezone(UTC):%Y%m%dT%H%M%S}!"
        return _run([*gpg, "--faked-system-time", moment, "--armor", "--detach-sign"], content, folder)
    finally:
        # The import starts an agent that would outlive us, with the key in its memory.
        _run(["gpgconf", "--kill", "all"], b"", folder)


def _run(argv: list[str], content: bytes, folder: Path) -> bytes:
    environment = build_environment({"HOME": str(folder), "GNUPGHOME": str(folder / "gnupg")})
    try:
        result = process.run(
            argv, env=environment, cwd=folder, stdin=content, timeout=SIGN_TIMEOUT, max_output=MAX_SIGNATURE
        )
    except process.ProgramNotFound as error:
        message = f"The program {error.program}, which signs with this kind of key, is not installed."
        raise GitError(message, code="GIT_NOT_INSTALLED", permanent=True) from error
    except SourceError as error:
        raise GitError("Signing took too long.", code="GIT_TIMEOUT") from error
    if result.returncode:
        # What the program says may quote the key.
        message = "The key cannot be used for signing."
        hint = "Enter a private key without a passphrase."
        raise GitError(message, code="GIT_KEY", permanent=True, hint=hint)
    return result.stdout
