"""
As much of `/openapi/v3` as kubectl asks for before it applies: that the server checks fields itself.

The schemas are left out, and `/openapi/v2` is an empty document: kubectl then knows built-in kinds by heart.
"""

from __future__ import annotations

from typing import Any

from .answers import NoSuchPath
from .catalogue import Catalogue
from .kinds import Kind

Document = dict[str, Any]
# In the encoding of Protocol Buffers a document without any field is no byte at all.
EMPTY_V2 = b""
V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def describe(path: str, catalogue: Catalogue) -> Document:
    """The index, or the document of one group and version. Raises `NoSuchPath`."""
    if not f"{path}/".startswith("/openapi/v3/"):
        raise NoSuchPath
    roots = {
        f"apis/{group}/{version}" if group else f"api/{version}": kinds
        for group, versions in catalogue.versions().items()
        for version, kinds in versions.items()
    }
    place = path.removeprefix("/openapi/v3").strip("/")
    if not place:
        return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=1"} for root in roots}}
    if place not in roots:
        raise NoSuchPath
    paths = {_path(place, kind): {"patch": _patch_of(kind)} for kind in roots[place]}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.0"}, "paths": paths}


def _path(root: str, kind: Kind) -> str:
    within = "namespaces/{namespace}/" if kind.is_namespaced else ""
    return f"/{root}/{within}{kind.plural}/{{name}}"


def _patch_of(kind: Kind) -> Document:
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS]
    return {
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
    }
