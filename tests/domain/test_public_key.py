"""What is pasted as a trusted key is a public key, or is refused with a sentence."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest

from gitopsui.domain import openpgp
from gitopsui.domain.errors import InputError
from gitopsui.domain.public_key import MAX_TEXT, KeyFormat, read_public_key

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MADE = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


def ssh(kind: str = "ssh-ed25519", size: int = 32) -> str:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + size.to_bytes(4, "big") + b"k" * size
    return f"{kind} {base64.b64encode(blob).decode()}"


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def subpacket(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def key_packets(
    *, lasts: int = 0, kind: int = 0x13, version: int = 4, tag: int = 6, issuer: bytes = b""
) -> bytes:
    key = bytes([version]) + MADE.to_bytes(4, "big") + b"\x16" + b"k" * 40
    hashed = subpacket(2, (MADE + 1).to_bytes(4, "big"))
    hashed += subpacket(9, lasts.to_bytes(4, "big")) if lasts else b""
    hashed += subpacket(16, issuer) if issuer else b""
    signature = bytes([4, kind, 22, 8]) + len(hashed).to_bytes(2, "big") + hashed + b"\0\0" + b"s" * 60
    return packet(tag, key) + packet(13, b"Ada <ada@example.org>") + packet(2, signature)


def block(data: bytes) -> str:
    return openpgp.armour(data)


def code_of(text: str, principals: str = "") -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        read_public_key(text, principals, now=NOW)
    return caught.value.code, caught.value.field


def test_a_block_tells_owner_and_end() -> None:
    key = read_public_key(f"Hello\n{block(key_packets(lasts=86_400 * 3650))}\nbye", "", now=NOW)
    assert (key.format, key.owner, len(key.fingerprint)) == (KeyFormat.OPENPGP, "Ada <ada@example.org>", 40)
    assert key.expires_at == datetime.fromtimestamp(MADE, UTC) + timedelta(days=3650)
    assert key.text == block(key_packets(lasts=86_400 * 3650))


def test_what_others_say_about_a_key_does_not_end_it() -> None:
    key = read_public_key(block(key_packets(lasts=60, issuer=b"stranger")), "", now=NOW)
    assert key.expires_at is None


@pytest.mark.parametrize("text", [ssh(), f"{ssh()} ada@laptop\n", ssh("ecdsa-sha2-nistp256", 64)])
def test_a_line_of_a_pub_file_takes_the_names_beside_it(text: str) -> None:
    key = read_public_key(text, " ada@example.org, ci ", now=NOW)
    assert (key.owner, key.text) == ("ada@example.org,ci", " ".join(text.split()[:2]))
    assert key.fingerprint.startswith("SHA256:")


@pytest.mark.parametrize("between", ["", 'namespaces="git" '])
def test_a_line_of_allowed_signers_brings_its_names(between: str) -> None:
    assert read_public_key(f"ada@example.org,ci {between}{ssh()}", "", now=NOW).owner == "ada@example.org,ci"


@pytest.mark.parametrize(
    ("text", "principals", "code", "field"),
    [
        ("", "", "KEY_SYNTAX", "text"),
        ("hello", "ada", "KEY_SYNTAX", "text"),
        ("x" * (MAX_TEXT + 1), "", "KEY_SYNTAX", "text"),
        (ssh()[:-60], "ada", "KEY_SYNTAX", "text"),
        ("ssh-ed25519 !!!", "ada", "KEY_SYNTAX", "text"),
        (f"{ssh()}\n{ssh()}", "ada", "KEY_SEVERAL", "text"),
        (f"cert-authority ada {ssh()}", "", "KEY_SYNTAX", "text"),
        (f"a b c {ssh()}", "", "KEY_SYNTAX", "text"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "ada", "KEY_SYNTAX", "text"),
        (ssh(), "", "KEY_PRINCIPALS", "principals"),
        (ssh(), "*@example.org", "KEY_PRINCIPALS", "principals"),
        (ssh(), '"ada"', "KEY_PRINCIPALS", "principals"),
        (ssh(), ",".join(f"p{n}" for n in range(11)), "KEY_PRINCIPALS", "principals"),
        (block(key_packets())[:200], "", "KEY_SYNTAX", "text"),
        (block(key_packets()).replace("a2tr", "a2ts", 1), "", "KEY_SYNTAX", "text"),
        (block(key_packets() * 2), "", "KEY_SEVERAL", "text"),
        (block(key_packets(version=6)), "", "KEY_VERSION", "text"),
        (block(key_packets(lasts=60)), "", "KEY_EXPIRED", "text"),
        (block(key_packets(kind=0x20)), "", "KEY_REVOKED", "text"),
        (block(packet(13, b"Ada")), "", "KEY_SYNTAX", "text"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx", "", "KEY_PRIVATE", "text"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nx", "", "KEY_PRIVATE", "text"),
        ("-----BEGIN RSA PRIVATE KEY-----\nx", "", "KEY_PRIVATE", "text"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "", "KEY_PRIVATE", "text"),
        (block(key_packets(tag=5)), "", "KEY_PRIVATE", "text"),  # it only calls itself public
    ],
)  # fmt: skip
def test_what_is_no_key_of_use_is_refused_with_its_reason(
    text: str, principals: str, code: str, field: str
) -> None:
    assert code_of(text, principals) == (code, field)


def test_a_text_that_never_gets_to_a_key_is_refused_quickly() -> None:
    started = time.process_time()
    assert code_of("BEGIN " * 800_000) == ("KEY_SYNTAX", "text")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "data", [b"\xc6", b"\xc6\xff\xff", b"\x99\x00", b"\xc6\xe1\x00", b"\x06abc", b"\xc2\x05abc"]
)
def test_broken_packets_are_refused_and_never_fail(data: bytes) -> None:
    assert code_of(block(data))[0] in ("KEY_SYNTAX", "KEY_VERSION")
