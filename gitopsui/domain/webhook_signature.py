"""
Whether a delivery was signed with our secret: HMAC-SHA256 of the raw bytes, compared in constant time.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries; GitLab sends its secret as
it is, or signs as https://www.standardwebhooks.com describes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

_PREFIX = "sha256="
# forge -> headers that may carry the HMAC in hex, with `sha256=` before it or bare
_HEADERS = {
    "github": ("x-hub-signature-256",),
    "gitea": ("x-gitea-signature", "x-forgejo-signature", "x-hub-signature-256"),
    "bitbucket": ("x-hub-signature",),
}
_SIGNING_KEY = "whsec_"


def is_signed(forge: str, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """
    Whether a header proves that the sender knows `secret`; names of `headers` are lower case.

    Without a secret nothing is proved, but the same work is done, so that the time tells nothing.
    """
    key = secret or "nothing is signed with this"
    if forge == "gitlab":
        is_proved = _is_signed_by_gitlab(headers, body, key)
    else:
        expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        given = [headers.get(name, "") for name in _HEADERS.get(forge, ())]
        is_proved = any(_is_same(one.strip().removeprefix(_PREFIX), expected) for one in given)
    return is_proved and bool(secret)


def _is_signed_by_gitlab(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """By the signature of a signing token where there is one, else by the secret itself."""
    told = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
    expected = base64.b64encode(hmac.new(_signing_key(secret), told, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")[:5]
    is_by_signature = any(_is_same(one.strip().removeprefix("v1,"), expected) for one in given)
    # A signing token is never sent, so nobody may prove anything by sending it.
    is_by_token = _is_same(headers.get("x-gitlab-token", ""), secret) and not secret.startswith(_SIGNING_KEY)
    return is_by_signature or is_by_token


def _signing_key(secret: str) -> bytes:
    if secret.startswith(_SIGNING_KEY):
        try:
            return base64.b64decode(secret.removeprefix(_SIGNING_KEY), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def _is_same(given: str, expected: str) -> bool:
    """Compared by digest: neither the first difference nor the length shows in the time."""
    pair = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, expected)]
    return hmac.compare_digest(*pair)
