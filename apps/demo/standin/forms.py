"""The forms an object goes out in: whole, its metadata only, or as the row of a table."""

from __future__ import annotations

from dataclasses import dataclass

from .exchange import JSON_TYPE
from .kinds import Kind
from .store import Manifest

_FORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


@dataclass(frozen=True, slots=True)
class Form:
    """`name` is "" for whole objects."""

    name: str = ""

    @property
    def content_type(self) -> str:
        return f"{JSON_TYPE};as={self.name};v=v1;g=meta.k8s.io" if self.name else JSON_TYPE

    def of(self, kind: Kind, manifest: Manifest) -> Manifest:
        """One object in this form."""
        if self.name.startswith("PartialObjectMetadata"):
            return partial(manifest)
        return table([manifest]) if self.name else at_version(kind, manifest)


def form_of(accept: str) -> Form:
    """The first form of an `Accept` header that is served; whole objects when none is."""
    for offer in accept.split(","):
        parameters = dict(part.strip().partition("=")[::2] for part in offer.split(";")[1:])
        name = parameters.get("as", "")
        is_meta = (parameters.get("g"), parameters.get("v")) == ("meta.k8s.io", "v1")
        if name in _FORMS and is_meta:
            return Form(name)
        if not name and offer.strip().startswith((JSON_TYPE, "*/*")):
            return Form()
    return Form()


def at_version(kind: Kind, manifest: Manifest) -> Manifest:
    """The object as this version of its kind writes it."""
    if manifest.get("apiVersion") == kind.api_version:
        return manifest
    return manifest | {"apiVersion": kind.api_version}


def partial(manifest: Manifest) -> Manifest:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": manifest["metadata"],
    }


def table(manifests: list[Manifest]) -> Manifest:
    """Two columns, for people: the name and when it was created."""
    about = {"description": "", "priority": 0}
    columns = [
        {"name": "Name", "type": "string", "format": "name"} | about,
        {"name": "Created At", "type": "date", "format": ""} | about,
    ]
    rows = [{"cells": _cells(manifest), "object": partial(manifest)} for manifest in manifests]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}}
    return head | {"columnDefinitions": columns, "rows": rows}


def _cells(manifest: Manifest) -> list[str]:
    metadata = manifest["metadata"]
    return [metadata["name"], metadata.get("creationTimestamp", "")]
