"""
What the documents of a registry say: indexes, manifests and image configurations, each checked against the
digest it was asked for by.

https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gitopsui.adapters.http import parse_json
from gitopsui.domain.errors import HttpError, RegistryError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

# Docker's and OCI's names of the same four things; a registry that is not told gives the oldest it has.
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
LABEL = "org.opencontainers.image."
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
TEXT_CHARS = 300
URL_CHARS = 500
_COMMIT_ID = re.compile(r"[0-9a-f]{7,64}")
# Builds that are to be equal byte by byte set a date long ago; there was no image before this one.
_FIRST_IMAGE = datetime(2013, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ImageLabels:
    """What an image says of itself; "" and None where it says nothing, or nothing that makes sense."""

    revision: str = ""
    source: str = ""
    created: datetime | None = None
    version: str = ""


def read_document(content: bytes, digest: str) -> dict[str, Any]:
    """The JSON object that has this digest. Raises RegistryError REGISTRY_DIGEST or REGISTRY_FORMAT."""
    if digest_of(content, digest.partition(":")[0]) != digest:
        message = "The registry sent something else than what has this digest."
        raise RegistryError(message, code="REGISTRY_DIGEST")
    try:
        document = parse_json(content)
    except HttpError:
        document = None
    if not isinstance(document, dict):
        raise unusable()
    return document


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def is_index(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("manifests"), list)


def image_in(index: Mapping[str, Any]) -> str:
    """The digest of the manifest for linux/amd64, else of the first image. Raises REGISTRY_FORMAT."""
    listed = [one for one in index["manifests"] if isinstance(one, dict) and _digest(one)]
    images = [one for one in listed if "vnd.docker.reference.type" not in _texts(one.get("annotations"))]
    usual = [one for one in images if _platform(one) == ("linux", "amd64")]
    if not (chosen := usual or images):
        raise unusable()
    return _digest(chosen[0])


def config_in(manifest: Mapping[str, Any]) -> str:
    """The digest of the image's configuration. Raises REGISTRY_FORMAT."""
    if not (digest := _digest(manifest.get("config"))):
        raise unusable()
    return digest


def labels_in(config: Mapping[str, Any], *documents: Mapping[str, Any]) -> ImageLabels:
    """The labels of a configuration; what it does not say, the annotations of `documents` may, in order."""
    inner = config.get("config")
    found: dict[str, str] = {}
    for document in reversed(documents):
        found |= _texts(document.get("annotations"))
    found |= {
        name: text
        for name, text in _texts(inner.get("Labels") if isinstance(inner, dict) else None).items()
        if text
    }
    revision = found.get(f"{LABEL}revision", "").lower()
    built = _moment(found.get(f"{LABEL}created")) or _moment(config.get("created"))
    return ImageLabels(
        revision=revision if _COMMIT_ID.fullmatch(revision) else "",
        source=mask_text(clean_text(found.get(f"{LABEL}source", "").strip(), limit=URL_CHARS)),
        created=built,
        version=clean_text(found.get(f"{LABEL}version", "").strip(), limit=TEXT_CHARS),
    )


def unusable() -> RegistryError:
    message = "What the registry has under this digest is no image we can read."
    return RegistryError(message, code="REGISTRY_FORMAT", permanent=True)


def _digest(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else ""


def _platform(descriptor: Mapping[str, Any]) -> tuple[Any, Any]:
    platform = descriptor.get("platform")
    return (platform.get("os"), platform.get("architecture")) if isinstance(platform, dict) else (None, None)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return aware if aware >= _FIRST_IMAGE else None
