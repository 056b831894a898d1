"""
An OpenPGP public key block, read as far as a list of keys shows it: fingerprint, owner, until when.

Nothing is verified here; GnuPG does that when it takes the key. https://www.rfc-editor.org/rfc/rfc4880
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gitopsui.domain.errors import InputError
from gitopsui.domain.text import clean_text

OWNER_CHARS = 200
PUBLIC_KEY, SIGNATURE, USER_ID, PUBLIC_SUBKEY = 6, 2, 13, 14
SECRET_PACKETS = (5, 7)
CERTIFICATIONS = (0x10, 0x11, 0x12, 0x13, 0x1F)  # of a user id, or of the key itself
REVOCATION = 0x20
CREATED, KEY_EXPIRES, ISSUER, ISSUER_FINGERPRINT = 2, 9, 16, 33

_ARMOUR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\n(.*?)\n-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL
)


@dataclass(slots=True)
class Block:
    """One key with its user ids. `expires_at` is None for a key that never does."""

    text: str
    fingerprint: str
    created_at: datetime
    owners: list[str] = field(default_factory=list)
    expires_at: datetime | None = None
    is_revoked: bool = False


def holds_secret(data: bytes) -> bool:
    """Whether there is a private key among the packets, whatever the block calls itself."""
    return any(tag in SECRET_PACKETS for tag, _ in _packets(data))


def unarmour(text: str) -> bytes:
    """The packets of the first block. Raises InputError KEY_SYNTAX."""
    found = _ARMOUR.search(text.replace("\r\n", "\n"))
    if found is None:
        raise _broken("The block has no end: paste it from its first to its last line.")
    lines = [line.strip() for line in found[1].split("\n")]
    # Headers stand above an empty line: https://www.rfc-editor.org/rfc/rfc4880#section-6.2
    body = lines[lines.index("") + 1 :] if "" in lines else lines
    checksum = next((line[1:] for line in body if line.startswith("=")), "")
    try:
        data = base64.b64decode("".join(line for line in body if not line.startswith("=")), validate=True)
        is_whole = not checksum or base64.b64decode(checksum) == _crc24(data)
    except binascii.Error:
        is_whole = False
        data = b""
    if not is_whole or not data:
        raise _broken("The block was not copied whole: its checksum does not fit.")
    return data


def read_block(data: bytes) -> Block:
    """The one key of these packets. Raises InputError KEY_SYNTAX, KEY_SEVERAL and KEY_VERSION."""
    packets = list(_packets(data))
    keys = [body for tag, body in packets if tag == PUBLIC_KEY]
    if not keys:
        raise _broken("The block holds no public key.")
    if len(keys) > 1:
        message = f"The block holds {len(keys)} keys. Add one at a time, so that each can be removed alone."
        raise InputError(message, code="KEY_SEVERAL", field="text")
    if len(keys[0]) < 6 or keys[0][0] != 4:
        message = "Keys of this version of OpenPGP are not read here; version 4 is."
        raise InputError(message, code="KEY_VERSION", field="text")
    return _read_key(packets, keys[0], armour(data))


def _read_key(packets: list[tuple[int, bytes]], key: bytes, text: str) -> Block:
    # The fingerprint is defined over SHA-1: https://www.rfc-editor.org/rfc/rfc4880#section-12.2
    digest = hashlib.sha1(b"\x99" + len(key).to_bytes(2, "big") + key, usedforsecurity=False)
    block = Block(text, digest.hexdigest().upper(), _moment(key[1:5]))
    newest = datetime.min.replace(tzinfo=UTC)
    for tag, body in packets:
        if tag == PUBLIC_SUBKEY:
            break  # what follows is about a part of the key
        if tag == USER_ID:
            block.owners.append(clean_text(body, limit=OWNER_CHARS))
        signed = _read_signature(body) if tag == SIGNATURE else None
        if signed is None or not signed.is_by(block.fingerprint):
            continue
        block.is_revoked = block.is_revoked or signed.kind == REVOCATION
        if signed.kind in CERTIFICATIONS and signed.created_at >= newest:
            newest = signed.created_at
            block.expires_at = block.created_at + signed.lasts if signed.lasts else None
    return block


@dataclass(frozen=True, slots=True)
class _Signature:
    """`issuers` are the id and the fingerprint of the key it names, "" for what it does not name."""

    kind: int
    created_at: datetime
    lasts: timedelta
    issuers: tuple[str, ...]

    def is_by(self, fingerprint: str) -> bool:
        """Whether nothing it names speaks against this key; one that names nothing stands for any."""
        return all(fingerprint.endswith(issuer) for issuer in self.issuers)


def _read_signature(body: bytes) -> _Signature | None:
    if len(body) < 6 or body[0] != 4:
        return None
    length = int.from_bytes(body[4:6], "big")
    hashed = dict(_subpackets(body[6 : 6 + length]))
    rest = body[6 + length :]
    unhashed = dict(_subpackets(rest[2 : 2 + int.from_bytes(rest[:2], "big")]))
    known = {**unhashed, **hashed}
    issuers = (known.get(ISSUER, b"").hex().upper(), known.get(ISSUER_FINGERPRINT, b"")[1:].hex().upper())
    lasts = timedelta(seconds=int.from_bytes(hashed.get(KEY_EXPIRES, b"")[:4], "big"))
    return _Signature(body[1], _moment(hashed.get(CREATED, b"")), lasts, issuers)


def _subpackets(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, data = _new_length(data)
        body, data = data[:length], data[length:]
        if body:
            yield body[0] & 0x7F, body[1:]


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each packet. Raises InputError KEY_SYNTAX."""
    while data:
        head, data = data[0], data[1:]
        if not head & 0x80:
            raise _broken("The block holds something that is no key.")
        if head & 0x40:
            tag = head & 0x3F
            length, data = _new_length(data)
        else:
            tag, size = (head >> 2) & 0xF, (1, 2, 4, 0)[head & 3]
            length, data = int.from_bytes(data[:size], "big"), data[size:]
            length = length if size else len(data)
        if length > len(data):
            raise _broken("The block was not copied whole.")
        yield tag, data[:length]
        data = data[length:]


def _new_length(data: bytes) -> tuple[int, bytes]:
    """A length in the new form, which subpackets have too, and what follows it."""
    first = data[0] if data else 0
    if first < 192:
        return first, data[1:]
    if first < 224 and len(data) > 1:
        return ((first - 192) << 8) + data[1] + 192, data[2:]
    if first == 255:
        return int.from_bytes(data[1:5], "big"), data[5:]
    raise _broken("The block cannot be read.")


def armour(data: bytes) -> str:
    """The block as GnuPG writes it, with nothing of what stood around it."""
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    checksum = base64.b64encode(_crc24(data)).decode()
    head, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
    return "\n".join([head, "", *lines, f"={checksum}", end, ""])


def _crc24(data: bytes) -> bytes:
    value = 0xB704CE
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864CFB
    return value.to_bytes(3, "big")


def _moment(data: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(data[:4], "big"), UTC)


def _broken(message: str) -> InputError:
    return InputError(message, code="KEY_SYNTAX", field="text")
