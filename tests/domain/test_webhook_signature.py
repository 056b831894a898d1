"""A delivery is believed by its signature alone."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from gitopsui.domain.webhook_signature import is_signed

SECRET, BODY = "s3cret of a webhook", b'{"a": "\xc3\xa9"}'
HEX = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
SHA1 = hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
KEY = base64.b64encode(b"k" * 32).decode()
SIGNED = base64.b64encode(hmac.new(b"k" * 32, b"id.17." + BODY, hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("forge", "headers"),
    [
        ("github", {"x-hub-signature-256": f"sha256={HEX}"}),
        ("gitea", {"x-gitea-signature": HEX}),
        ("gitea", {"x-forgejo-signature": HEX}),
        ("gitea", {"x-hub-signature-256": f"sha256={HEX}"}),
        ("bitbucket", {"x-hub-signature": f"sha256={HEX}"}),
        ("gitlab", {"x-gitlab-token": SECRET}),
    ],
)
def test_who_knows_the_secret_is_believed(forge: str, headers: dict[str, str]) -> None:
    assert is_signed(forge, headers, BODY, SECRET)
    assert not is_signed(forge, headers, BODY, "another")
    assert not is_signed(forge, headers, BODY, "")


@pytest.mark.parametrize(
    ("forge", "headers"),
    [
        ("github", {}),
        ("github", {"x-hub-signature-256": ""}),
        ("github", {"x-hub-signature-256": "sha256="}),
        ("github", {"x-hub-signature": f"sha1={SHA1}"}),
        ("github", {"x-hub-signature": f"sha256={HEX}"}),
        ("github", {"x-hub-signature-256": f"sha256={HEX[:-1]}"}),
        ("github", {"x-hub-signature-256": f"sha256={HEX}\u00e9"}),
        ("github", {"x-gitlab-token": SECRET}),
        ("bitbucket", {"x-hub-signature": f"sha1={SHA1}"}),
        ("gitlab", {"x-gitlab-token": SECRET + " "}),
        ("gitlab", {"x-hub-signature-256": f"sha256={HEX}"}),
        ("", {"x-hub-signature-256": f"sha256={HEX}"}),
    ],
)
def test_anything_else_is_not(forge: str, headers: dict[str, str]) -> None:
    assert not is_signed(forge, headers, BODY, SECRET)


def test_a_body_that_was_touched_is_not_signed() -> None:
    headers = {"x-hub-signature-256": f"sha256={HEX}"}

    assert not is_signed("github", headers, BODY + b" ", SECRET)
    assert not is_signed("github", headers, b"", SECRET)


def test_a_signing_token_signs_id_time_and_body() -> None:
    headers = {"webhook-id": "id", "webhook-timestamp": "17", "webhook-signature": f"v1,{SIGNED}"}

    assert is_signed("gitlab", headers, BODY, f"whsec_{KEY}")
    assert is_signed("gitlab", headers | {"webhook-signature": f"v1,AAAA v1,{SIGNED}"}, BODY, f"whsec_{KEY}")
    assert not is_signed("gitlab", headers | {"webhook-id": "other"}, BODY, f"whsec_{KEY}")
    assert not is_signed("gitlab", {"x-gitlab-token": f"whsec_{KEY}"}, BODY, f"whsec_{KEY}")
