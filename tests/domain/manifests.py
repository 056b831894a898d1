"""Manifests of a small shop for tests: as they stand in Git and as the API server gives them back."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "data/manifests"


def load_manifest(name: str) -> Any:
    """A fresh copy: `cart.desired`, `cart.client` (applied by Argo CD), `cart.server` (applied by Flux)."""
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def changed(manifest: Any, path: str, value: Any) -> Any:
    """A copy with another value at a path of names and places: `spec.containers.0.image`."""
    found = copy.deepcopy(manifest)
    parent, last = _parent(found, path)
    parent[last] = value
    return found


def cut(manifest: Any, path: str) -> Any:
    """A copy without what lies at a path."""
    found = copy.deepcopy(manifest)
    parent, last = _parent(found, path)
    del parent[last]
    return found


def _parent(manifest: Any, path: str) -> tuple[Any, Any]:
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in parents:
        manifest = manifest[part]
    return manifest, last
