"""What rendered manifests would say with another version of an image, told without rendering them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.image import ImageReference, find_image


def with_version(manifests: Sequence[Manifest], image: str, version: str) -> list[tuple[Manifest, Manifest]]:
    """
    The manifests that would change with `version`, a tag or a digest, of `image`: each as it is and as it
    would be. Only images change here; what templates make of the version elsewhere, a label, is not foretold.
    """
    wanted = find_image(image)
    if wanted is None:
        return []
    pairs = ((manifest, _changed(manifest, wanted, version)) for manifest in manifests)
    return [(old, new) for old, new in pairs if new != old]


def _changed(value: Any, wanted: ImageReference, version: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _changed(one, wanted, version, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_changed(one, wanted, version) for one in value]
    return _image(value, wanted, version) if key == "image" and isinstance(value, str) else value


def _image(text: str, wanted: ImageReference, version: str) -> str:
    """The reference with the other version, its name as it is written."""
    found = find_image(text)
    if found is None or found.name != wanted.name:
        return text
    name = text.partition("@")[0]
    if found.tag is not None:
        name = name.rpartition(":")[0]
    return f"{name}@{version}" if ":" in version else f"{name}:{version}"
