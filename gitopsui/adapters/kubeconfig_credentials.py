"""The credentials inside a kubeconfig: decoded, checked to be what they claim, and never quoted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gitopsui.adapters.cluster_access import is_pair, load_certificates, load_key
from gitopsui.domain.errors import InputError

MAX_TOKEN_LENGTH = 16_384


def refused(message: str, code: str) -> InputError:
    return InputError(message, code=code, field="kubeconfig")


def text_of(body: Mapping[str, Any], key: str) -> str:
    """The text under `key`, "" when there is none. Raises InputError KUBECONFIG_SHAPE for another type."""
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refused(f"{key} must be text; put it in quotes.", "KUBECONFIG_SHAPE")
    return value


def read_token(user: Mapping[str, Any]) -> str:
    token = text_of(user, "token").strip()
    # It becomes a header: a line break in it would begin another one.
    if len(token) > MAX_TOKEN_LENGTH or not all("!" <= character <= "~" for character in token):
        raise refused("token holds characters that no token has.", "KUBECONFIG_AUTH")
    return token


def read_authority(cluster: Mapping[str, Any]) -> str:
    """The authorities as PEM, "" for those of the system; what stands between them is dropped."""
    if cluster.get("certificate-authority"):
        message = "certificate-authority names a file of another machine; use certificate-authority-data."
        raise refused(message, "KUBECONFIG_FILE")
    return to_pem(read_chain(cluster, "certificate-authority-data"))


def read_client_pair(user: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """The client certificate and its key as PEM ("" when there is none), and notes."""
    chain = read_chain(user, "client-certificate-data")
    key_text = decode(user, "client-key-data")
    if not chain and not key_text:
        return "", "", ()
    if not chain or not key_text:
        raise refused("A client certificate needs its key and a key its certificate.", "KUBECONFIG_AUTH")
    try:
        key = load_key(key_text)
    except (ValueError, TypeError):
        raise refused("client-key-data is not a private key without a password.", "KUBECONFIG_TLS") from None
    if not is_pair(chain[0], key):
        raise refused("client-key-data is not the key of the client certificate.", "KUBECONFIG_TLS")
    ends = chain[0].not_valid_after_utc
    return to_pem(chain), key_text, (f"The client certificate ends on {ends:%Y-%m-%d}.",)


def read_chain(body: Mapping[str, Any], key: str) -> list[x509.Certificate]:
    text = decode(body, key)
    if not text:
        return []
    try:
        return load_certificates(text)
    except ValueError:
        raise refused(f"{key} is not a certificate.", "KUBECONFIG_TLS") from None


def decode(body: Mapping[str, Any], key: str) -> str:
    packed = "".join(text_of(body, key).split())
    try:
        return base64.b64decode(packed, validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        raise refused(f"{key} is not base64 of a PEM text.", "KUBECONFIG_TLS") from None


def to_pem(chain: list[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in chain)
