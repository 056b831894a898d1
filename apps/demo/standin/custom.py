"""
Custom resources against the schema of their definition: unknown fields are pruned, defaults added, types
checked (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .answers import Cause

Schema = Mapping[str, Any]
_ALWAYS_KEPT = ("apiVersion", "kind", "metadata")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def completed(manifest: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """A deep copy, pruned and defaulted."""
    kept: dict[str, Any] = _pruned(copy.deepcopy(manifest), schema, is_root=True)
    _add_defaults(kept, schema)
    return kept


def _pruned(value: Any, schema: Schema, *, is_root: bool = False) -> Any:
    if isinstance(value, list):
        return [_pruned(item, schema.get("items") or {}) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties") or {}
    more = schema.get("additionalProperties")
    keeps_unknown = schema.get("x-kubernetes-preserve-unknown-fields") or (is_root and not schema)
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if is_root and name in _ALWAYS_KEPT:
            kept[name] = item
        elif name in properties:
            kept[name] = _pruned(item, properties[name])
        elif more or keeps_unknown:
            kept[name] = _pruned(item, more) if isinstance(more, dict) else item
    return kept


def _add_defaults(value: Any, schema: Schema) -> None:
    if isinstance(value, list):
        for item in value:
            _add_defaults(item, schema.get("items") or {})
    if not isinstance(value, dict):
        return
    for name, below in (schema.get("properties") or {}).items():
        if "default" in below and value.get(name) is None and not (below.get("nullable") and name in value):
            value[name] = copy.deepcopy(below["default"])
        if name in value:
            _add_defaults(value[name], below)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        for name in value.keys() - (schema.get("properties") or {}).keys():
            _add_defaults(value[name], more)


def find_causes(manifest: Mapping[str, Any], schema: Schema) -> list[Cause]:
    """Everything the schema refuses: required fields, types and enumerated values."""
    return list(_causes(manifest, schema, ""))


def _causes(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if value is None or schema.get("x-kubernetes-int-or-string"):
        return
    if not _is_of_type(value, schema.get("type", "")):
        given = _type_name(value)
        yield Cause(
            path,
            f'Invalid value: "{given}": {path} in body must be of type {schema["type"]}: "{given}"',
            "FieldValueTypeInvalid",
        )
        return
    if "enum" in schema and value not in schema["enum"]:
        known = ", ".join(json.dumps(item) for item in schema["enum"])
        yield Cause(
            path,
            f"Unsupported value: {json.dumps(value)}: supported values: {known}",
            "FieldValueNotSupported",
        )
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _causes(item, schema.get("items") or {}, f"{path}[{index}]")
    if isinstance(value, dict):
        yield from _field_causes(value, schema, path)


def _field_causes(value: Mapping[str, Any], schema: Schema, path: str) -> Iterator[Cause]:
    for name in schema.get("required") or ():
        if name not in value:
            yield Cause(_join(path, name), "Required value", "FieldValueRequired")
    for name, below in (schema.get("properties") or {}).items():
        if name in value and not (not path and name in _ALWAYS_KEPT):
            yield from _causes(value[name], below, _join(path, name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_of_type(value: Any, wanted: str) -> bool:
    if wanted not in _TYPES:
        return True
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _TYPES[wanted])


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next((name for name, kind in _TYPES.items() if isinstance(value, kind)), "null")
