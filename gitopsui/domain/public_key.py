"""Public keys that people trust: what was pasted becomes a key, or is refused with a sentence."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gitopsui.domain import openpgp
from gitopsui.domain.errors import InputError

MAX_TEXT = 64 << 10  # characters; a key with hundreds of signatures of others on it is smaller
MAX_PRINCIPALS = 10
PRIVATE = "KEY_PRIVATE"

_SSH_KINDS = frozenset((
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
))  # fmt: skip
# Patterns and quotes mean something in a file of allowed signers: a name is a name.
_PRINCIPAL = re.compile(r"[\w.@+/:=-]{1,100}")
_PRIVATE = re.compile(r"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|^PuTTY-User-Key-File|^AGE-SECRET-KEY-", re.MULTILINE)


class KeyFormat(StrEnum):
    """What signatures a key is for."""

    OPENPGP = "openpgp"  # GnuPG
    SSH = "ssh"  # ssh-keygen


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    A key as it is trusted. `text` is an armoured block, or `type base64` of ssh; `owner` the user id, or the
    names (principals) separated by commas. `expires_at` is None for a key that never does.
    """

    format: KeyFormat
    text: str
    fingerprint: str
    owner: str
    expires_at: datetime | None = None


def read_public_key(text: str, principals: str, *, now: datetime) -> PublicKey:
    """
    The key in `text`; `principals` are the names an ssh key signs for, unless they stand before it.

    Raises InputError: KEY_PRIVATE, KEY_SYNTAX, KEY_SEVERAL, KEY_VERSION, KEY_EXPIRED, KEY_REVOKED,
    KEY_PRINCIPALS.
    """
    if _PRIVATE.search(text):
        raise _refuse_private()
    if len(text) > MAX_TEXT:
        raise _refuse(f"The key is longer than {MAX_TEXT:,} characters.", "KEY_SYNTAX")
    if "BEGIN PGP PUBLIC KEY BLOCK" in text:
        return _read_openpgp(text, now)
    return _read_ssh(text, principals)


def _read_openpgp(text: str, now: datetime) -> PublicKey:
    data = openpgp.unarmour(text)
    if openpgp.holds_secret(data):
        raise _refuse_private()
    block = openpgp.read_block(data)
    if block.is_revoked:
        raise _refuse("The key was revoked by its owner.", "KEY_REVOKED")
    if block.expires_at is not None and block.expires_at <= now:
        message = f"The key expired on {block.expires_at:%Y-%m-%d}. Export it again once it is renewed."
        raise _refuse(message, "KEY_EXPIRED")
    owner = block.owners[0] if block.owners else "no name"
    return PublicKey(KeyFormat.OPENPGP, block.text, block.fingerprint, owner, block.expires_at)


def _read_ssh(text: str, principals: str) -> PublicKey:
    lines = [line for line in text.strip().splitlines() if line.strip() and not line.startswith("#")]
    words = lines[0].split() if len(lines) == 1 else []
    place = next((number for number, word in enumerate(words) if word in _SSH_KINDS), None)
    if place is None or len(words) < place + 2:
        raise _refuse(_none_of_them(lines), "KEY_SYNTAX" if len(lines) < 2 else "KEY_SEVERAL")
    # A line of a file of allowed signers: the names, perhaps what they may sign, then the key.
    if place > 2 or (place == 2 and words[1].casefold() != 'namespaces="git"'):
        raise _refuse('Only namespaces="git" may stand between the names and the key.', "KEY_SYNTAX")
    kind, encoded = words[place], words[place + 1]
    names = _read_principals(f"{principals},{words[0] if place else ''}")
    digest = base64.b64encode(hashlib.sha256(_read_blob(kind, encoded)).digest()).decode().rstrip("=")
    return PublicKey(KeyFormat.SSH, f"{kind} {encoded}", f"SHA256:{digest}", ",".join(names))


def _none_of_them(lines: list[str]) -> str:
    if len(lines) > 1:
        return "These are several lines. Add one key at a time, so that each can be removed alone."
    if "CERTIFICATE" in "".join(lines):
        return "This is a certificate. Paste the public key itself."
    wanted = "a block of GnuPG (gpg --armor --export) or one line of a .pub file of ssh"
    return f"This is no public key: paste {wanted}."


def _read_blob(kind: str, encoded: str) -> bytes:
    """The key as bytes; it begins with its type: https://www.rfc-editor.org/rfc/rfc4253#section-6.6."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    size = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + size] != kind.encode() or len(blob) < size + 36:
        raise _refuse("The key was not copied whole.", "KEY_SYNTAX")
    return blob


def _read_principals(text: str) -> list[str]:
    names = list(dict.fromkeys(name for name in re.split(r"[,\s]+", text) if name))
    if not names or len(names) > MAX_PRINCIPALS:
        message = f"Say whose key it is: one to {MAX_PRINCIPALS} e-mail addresses or names."
        raise InputError(message, code="KEY_PRINCIPALS", field="principals")
    if wrong := [name for name in names if not _PRINCIPAL.fullmatch(name)]:
        message = f"{wrong[0][:40]} cannot be a name here: letters, digits and . @ + / : = - are."
        raise InputError(message, code="KEY_PRINCIPALS", field="principals")
    return names


def _refuse_private() -> InputError:
    return _refuse(
        "This is a private key. It was not stored. Whoever saw it may sign in your name: paste the public "
        "one, and think of replacing this one.",
        PRIVATE,
    )


def _refuse(message: str, code: str) -> InputError:
    return InputError(message, code=code, field="text")
