"""Whether a tag or commit was signed, by whom, and what the programs that check it say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gitopsui.domain.public_key import KeyFormat, PublicKey
from gitopsui.domain.text import clean_text

NAME_CHARS = 200


class Verdict(StrEnum):
    """What is known of a signature, worst first."""

    BAD = "bad"  # does not fit, or its key was revoked
    UNSIGNED = "unsigned"  # there is none
    EXPIRED = "expired"  # fits, made with a key of ours that is out of date
    UNKNOWN = "unknown"  # made with a key that is none of ours
    UNCHECKED = "unchecked"  # nobody looked yet, or what is needed to look is missing
    GOOD = "good"  # fits, made with a key of ours


@dataclass(frozen=True, slots=True)
class Signature:
    """One verdict; `fingerprint` and `name` of the key where they are known, `reason` why it is not good."""

    verdict: Verdict
    fingerprint: str = ""
    name: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items() if value}


UNSIGNED = Signature(Verdict.UNSIGNED)
_MARKS = (
    (re.compile(r"^-----BEGIN SSH SIGNATURE-----$", re.MULTILINE), KeyFormat.SSH),
    (re.compile(r"^-----BEGIN PGP (?:SIGNATURE|MESSAGE)-----$", re.MULTILINE), KeyFormat.OPENPGP),
)
_X509 = re.compile(r"^-----BEGIN SIGNED MESSAGE-----$", re.MULTILINE)
# https://github.com/gpg/gnupg/blob/master/doc/DETAILS, "General status codes"
_STATUS = re.compile(r"^\[GNUPG:\] ([A-Z_]+)(?: (.*))?$", re.MULTILINE)
_OUTCOMES = ("GOODSIG", "BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG")
_NO_PUBLIC_KEY = "9"
_SSH_GOOD = re.compile(r'^Good "git" signature for (.+) with \S+ key (SHA256:\S+)$', re.MULTILINE)
_SSH_UNKNOWN = re.compile(r'^Good "git" signature with \S+ key (SHA256:\S+)$', re.MULTILINE)


def find_format(text: str) -> KeyFormat | None:
    """Which program checks the last signature in `text`; None where none that we ask does."""
    found = [(last.start(), kind) for mark, kind in _MARKS for last in mark.finditer(text)]
    return max(found)[1] if found else None


def is_x509(text: str) -> bool:
    return _X509.search(text) is not None


def judge_gpg(status: str, keys: Iterable[PublicKey], *, is_ok: bool) -> Signature:
    """What the status lines of GnuPG say of a signature. `keys` are all that its keyring holds."""
    lines = [(word, rest or "") for word, rest in _STATUS.findall(status)]
    outcomes = [(word, rest) for word, rest in lines if word in _OUTCOMES]
    if len(outcomes) != 1:
        reason = "It has several signatures." if outcomes else "GnuPG could not read it."
        return Signature(Verdict.BAD if outcomes else Verdict.UNCHECKED, reason=reason)
    word, rest = outcomes[0]
    ours = {key.fingerprint: key for key in keys if key.format is KeyFormat.OPENPGP}
    if word == "ERRSIG":
        return _judge_error(rest.split())
    name = clean_text(rest.partition(" ")[2], limit=NAME_CHARS)
    if word in ("BADSIG", "REVKEYSIG"):
        reason = "It does not fit what it stands on." if word == "BADSIG" else "Its key was revoked."
        return Signature(Verdict.BAD, rest.partition(" ")[0], name, reason)
    valid = next((rest.split() for word, rest in lines if word == "VALIDSIG"), [])
    key = ours.get(valid[-1]) if valid else None
    if key is None:
        return Signature(Verdict.UNKNOWN, valid[-1] if valid else "", name)
    if word == "GOODSIG" and is_ok:
        return Signature(Verdict.GOOD, key.fingerprint, key.owner)
    return Signature(Verdict.EXPIRED, key.fingerprint, key.owner, "Its key or the signature has expired.")


def _judge_error(fields: Sequence[str]) -> Signature:
    """ERRSIG keyid algorithm hash class time rc fingerprint."""
    fingerprint = fields[6] if len(fields) > 6 and fields[6] != "-" else (fields[0] if fields else "")
    if len(fields) > 5 and fields[5] == _NO_PUBLIC_KEY:
        return Signature(Verdict.UNKNOWN, fingerprint)
    return Signature(Verdict.UNCHECKED, fingerprint, reason="GnuPG here does not know how to check it.")


def judge_ssh(said: str, keys: Iterable[PublicKey], *, is_ok: bool) -> Signature:
    """What ssh-keygen says of a signature. `keys` are all that the file of allowed signers holds."""
    ours = {key.fingerprint for key in keys if key.format is KeyFormat.SSH}
    good = _SSH_GOOD.search(said)
    if good and is_ok and good[2] in ours:
        return Signature(Verdict.GOOD, good[2], clean_text(good[1], limit=NAME_CHARS))
    if unknown := _SSH_UNKNOWN.search(said):
        return Signature(Verdict.UNKNOWN, unknown[1])
    return Signature(Verdict.BAD, reason="It does not fit what it stands on.")


def combine(tag: Signature, commit: Signature) -> tuple[str, Signature]:
    """
    What counts of both: `tag` or `commit`, and its verdict. A bad one always does; else a good one; else
    what is known of the tag, unless only the commit is signed.
    """
    pair = (("tag", tag), ("commit", commit))
    for wanted in (Verdict.BAD, Verdict.GOOD):
        for one in pair:
            if one[1].verdict is wanted:
                return one
    return pair[1] if tag.verdict is Verdict.UNSIGNED else pair[0]


def signature_of(stored: Mapping[str, Any] | None) -> Signature:
    """A signature from `to_dict`; nobody looked yet where there is none."""
    found = stored or {}
    text = {name: str(found.get(name, "")) for name in ("fingerprint", "name", "reason")}
    verdict = str(found.get("verdict", ""))
    return Signature(Verdict(verdict) if verdict in list(Verdict) else Verdict.UNCHECKED, **text)


def describe(signature: Signature, *, of: str) -> str:
    """A sentence on the signature of a `tag` or `commit`, as pages and the gate say it."""
    key = f", key {short_fingerprint(signature.fingerprint)}" if signature.fingerprint else ""
    by = f" by {signature.name}" if signature.name else ""
    return {
        Verdict.GOOD: f"The {of} is signed{by}{key}.",
        Verdict.BAD: f"The signature of the {of} is bad. {signature.reason}".rstrip(),
        Verdict.UNSIGNED: f"The {of} is not signed.",
        Verdict.EXPIRED: f"The {of} is signed{by}{key}, with a key that has expired.",
        Verdict.UNKNOWN: f"The {of} is signed with a key that is not trusted here{key}.",
        Verdict.UNCHECKED: f"The {of} is signed and cannot be checked. {signature.reason}".rstrip(),
    }[signature.verdict]


def short_fingerprint(fingerprint: str) -> str:
    """The part people compare: the last 16 digits of OpenPGP, the first 16 characters of ssh."""
    return fingerprint[:23] if fingerprint.startswith("SHA256:") else fingerprint[-16:]


def has_expired(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at <= now
