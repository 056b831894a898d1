"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any


class PatchFailed(Exception):
    """The patch does not fit the object; the text says why."""


def merge_patch(value: Any, patch: Any) -> Any:
    """`patch` laid over `value`, null takes away; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, item in patch.items():
        if item is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), item)
    return merged


def json_patch(value: Any, operations: Any) -> Any:
    """A copy of `value` after all operations. Raises PatchFailed."""
    if not isinstance(operations, list):
        raise PatchFailed("the patch is no list of operations")
    patched = copy.deepcopy(value)
    for operation in operations:
        try:
            patched = _operate(patched, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchFailed(f"the operation {operation!r} does not fit: {error}") from error
    return patched


def _operate(root: Any, operation: Mapping[str, Any]) -> Any:
    path = _steps(operation["path"])
    match operation["op"]:
        case "add":
            return _add(root, path, copy.deepcopy(operation["value"]))
        case "remove":
            return _remove(root, path)
        case "replace":
            _at(root, path)
            value = copy.deepcopy(operation["value"])
            return value if not path else _add(_remove(root, path), path, value)
        case "move":
            source = _steps(operation["from"])
            moved = _at(root, source)
            return _add(_remove(root, source), path, moved)
        case "copy":
            return _add(root, path, copy.deepcopy(_at(root, _steps(operation["from"]))))
        case "test":
            if _at(root, path) != operation["value"]:
                raise PatchFailed(f"testing value {operation['path']} failed")
            return root
    raise PatchFailed(f"unknown operation {operation['op']!r}")


def _steps(pointer: str) -> list[str]:
    if pointer == "":
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _add(root: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    parent = _at(root, path[:-1])
    if not isinstance(parent, list):
        parent[path[-1]] = value
    elif path[-1] == "-":
        parent.append(value)
    else:
        if not 0 <= int(path[-1]) <= len(parent):
            raise IndexError(path[-1])
        parent.insert(int(path[-1]), value)
    return root


def _remove(root: Any, path: Sequence[str]) -> Any:
    parent = _at(root, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return root
