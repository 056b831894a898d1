"""What an API server made of an applied object, cut down to what the applier had asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.managed_fields import entries_of
from gitopsui.domain.removal import parse_mark
from gitopsui.domain.tree import mapping

_IDENTITY = ("apiVersion", "kind")
_NAMES = ("name", "namespace")


def owned_part(applied: Manifest, *, manager: str) -> Manifest:
    """
    The fields of `applied` that `manager` owns by server-side apply, with the keys of their lists: what
    defaults, webhooks and controllers added is nobody's wish and no difference.
    """
    fields: Mapping[str, Any] = {}
    for entry in entries_of(applied):
        if entry.manager == manager and entry.operation == "Apply" and not entry.subresource:
            fields = entry.fields
    part = _part(applied, fields)
    metadata = mapping(applied.get("metadata"))
    names = {name: metadata[name] for name in _NAMES if name in metadata}
    identity = {name: applied[name] for name in _IDENTITY if name in applied}
    return {**identity, **part, "metadata": {**mapping(part.get("metadata")), **names}}


def _part(value: Any, fields: Mapping[str, Any]) -> Any:
    """`fields` without a name means that the value is owned as one."""
    marks = [mark for mark in fields if mark != "."]
    if not marks:
        return value
    if isinstance(value, dict):
        named = {mark[2:]: fields[mark] for mark in marks if mark.startswith("f:")}
        return {name: _part(item, mapping(named[name])) for name, item in value.items() if name in named}
    if isinstance(value, list):
        return [part for position, item in enumerate(value) for part in _owned_item(item, position, fields)]
    return value


def _owned_item(item: Any, position: int, fields: Mapping[str, Any]) -> list[Any]:
    """The owned part of one item of a list, alone in a list; empty for an item of somebody else."""
    for mark, below in fields.items():
        if mark == f"i:{position}":
            return [_part(item, mapping(below))]
        if mark.startswith("v:") and parse_mark(mark) == item:
            return [item]
        if mark.startswith("k:") and isinstance(item, dict):
            keys = parse_mark(mark)
            if isinstance(keys, dict) and all(item.get(name) == value for name, value in keys.items()):
                return [{**keys, **_part(item, mapping(below))}]
    return []
