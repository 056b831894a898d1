"""The manifests that change with another version of an image."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.predicted import with_version

IMAGE = "registry.example.org/shop/cart"
DIGEST = "sha256:" + "a" * 64


def deployment(*images: str) -> dict[str, Any]:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}}


@pytest.mark.parametrize(
    ("image", "version", "after"),
    [
        (f"{IMAGE}:1.0.0", "2.0.0", f"{IMAGE}:2.0.0"),
        (f"{IMAGE}:1.0.0@{DIGEST}", "2.0.0", f"{IMAGE}:2.0.0"),
        (f"{IMAGE}:1.0.0", DIGEST, f"{IMAGE}@{DIGEST}"),
        (IMAGE, "2.0.0", f"{IMAGE}:2.0.0"),
    ],
)
def test_the_image_gets_the_other_version(image: str, version: str, after: str) -> None:
    ((old, new),) = with_version([deployment("other:1", image)], IMAGE, version)
    assert old == deployment("other:1", image)
    assert new == deployment("other:1", after)


def test_what_does_not_run_the_image_does_not_change() -> None:
    manifests = [
        deployment("registry.example.org/shop/cart-admin:1"),
        {"kind": "ConfigMap", "data": {"image": "x"}},
    ]
    assert with_version(manifests, IMAGE, "2.0.0") == []
    assert with_version([deployment(f"{IMAGE}:1")], "not an image!", "2") == []
    assert with_version([deployment(f"{IMAGE}:1")], IMAGE, "1") == []
