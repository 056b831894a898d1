"""
The OpenAPI documents, reduced to what clients ask them: which paths take `fieldValidation` and `dryRun`.

No schema is given, so `kubectl explain` has nothing to tell and kubectl checks no field by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from .catalogue import Catalogue
from .discovery import GIT_VERSION
from .kinds import Kind

Manifest = dict[str, Any]

_TITLE = "Stand-in for Kubernetes, part of the gitopsui demo"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def index(catalogue: Catalogue) -> Manifest:
    """`/openapi/v3`: one document for each version of each group."""
    paths = {}
    for group, versions in catalogue.versions().items():
        for version, kinds in versions.items():
            root = _root(group, version)
            mark = zlib.crc32(repr(sorted((kind.plural, kind.kind) for kind in kinds)).encode())
            paths[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash={mark:08X}"}
    return {"paths": paths}


def document(catalogue: Catalogue, root: str) -> Manifest | None:
    """One of them, as `api/v1` or `apis/apps/v1`; None when nothing is served there."""
    for group, versions in catalogue.versions().items():
        for version, kinds in versions.items():
            if _root(group, version) == root:
                return _document(kinds, "openapi", "3.0.0") | {"components": {"schemas": {}}}
    return None


def whole(catalogue: Catalogue) -> Manifest:
    """`/openapi/v2`: everything in the older form."""
    return _document(catalogue.kinds(), "swagger", "2.0") | {"definitions": {}}


def _document(kinds: Iterable[Kind], name: str, number: str) -> Manifest:
    paths: Manifest = {}
    for kind in kinds:
        place = f"/namespaces/{{namespace}}/{kind.plural}" if kind.is_namespaced else f"/{kind.plural}"
        base = f"/{_root(kind.group, kind.version)}{place}"
        paths[base] = {"post": _operation(kind, "post")}
        if kind.is_stored:
            paths[f"{base}/{{name}}"] = {verb: _operation(kind, verb) for verb in ("patch", "put")}
    return {name: number, "info": {"title": _TITLE, "version": GIT_VERSION}, "paths": paths}


def _operation(kind: Kind, verb: str) -> Manifest:
    return {
        "operationId": f"{verb}{kind.version}{kind.kind}",
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in _PARAMETERS
        ],
        "responses": {"200": {"description": "OK"}},
    }


def _root(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"
