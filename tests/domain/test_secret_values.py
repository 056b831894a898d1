from __future__ import annotations

import pytest

from gitopsui.domain.resource import Manifest
from gitopsui.domain.secret_values import describe_not_compared, is_without_values


def secret(**body: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, **body}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (secret(), True),
        (secret(type="Opaque"), False),
        (secret(data={}), False),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, False),
        ({**secret(), "apiVersion": "evil.example/v1"}, False),
    ],
)
def test_a_secret_without_type_and_data_came_as_metadata_alone(manifest: Manifest, expected: bool) -> None:
    assert is_without_values(manifest) is expected


def test_the_sentence_counts_them() -> None:
    assert describe_not_compared([secret(type="Opaque")]) == ""
    assert describe_not_compared([secret()]).startswith("Values of 1 Secret are not")
    assert describe_not_compared([secret(), secret()]).startswith("Values of 2 Secrets are not")
