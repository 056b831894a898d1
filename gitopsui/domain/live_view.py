"""
A live object as far as it is known: what Git asks for, with the fields put in that differ.

Only differences are kept, so whatever nobody asked for is not in it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.schema import METADATA, Field, Listing, Struct
from gitopsui.domain.schema_kinds import fallback_of, type_of

_STEP = re.compile(r"\.?(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<inner>.*?)\](?=[.\[]|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KeptChange:
    """A field change as it is kept: values as text, structures as JSON; None is a field that is not there."""

    path: str
    desired: str | None
    live: str | None


@dataclass(frozen=True, slots=True)
class LiveView:
    """`unplaced` are the paths that could not be found in what Git asks for."""

    manifest: Manifest
    unplaced: tuple[str, ...] = ()


def live_view(desired: Manifest, changes: Iterable[KeptChange], *, group: str, kind: str) -> LiveView:
    """`desired` with the live value of each change in its place. The given object is not changed."""
    manifest = copy.deepcopy(desired)
    unplaced = []
    for change in changes:
        walk = _Walk(group, kind, manifest)
        steps = split_steps(change.path)
        if steps is None or not walk.put(steps, change):
            unplaced.append(change.path)
    return LiveView(manifest, tuple(unplaced))


def split_steps(path: str) -> list[tuple[str, bool]] | None:
    """
    The steps of a path as `gitopsui.domain.diff.path_of` writes it, each with whether it stood in
    brackets; None where it is no path.
    """
    steps, at = [], 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or match.end() == at:
            return None
        inner = match["inner"]
        steps.append((match["name"], False) if inner is None else (inner, True))
        at = match.end()
    return steps or None


class _Walk:
    """One way down an object and its type, to the place of one change."""

    def __init__(self, group: str, kind: str, manifest: Manifest) -> None:
        self.fallback = fallback_of(group)
        self.root, self.top = manifest, Field(type_of(group, kind))

    def put(self, steps: Sequence[tuple[str, bool]], change: KeptChange) -> bool:
        node: Any = self.root
        field = Field(METADATA) if steps[0][0] == "metadata" else self.top
        if steps[0][0] == "metadata" and len(steps) > 1:
            node, steps = node.setdefault("metadata", {}), steps[1:]
        for position, (step, _) in enumerate(steps):
            is_last = position == len(steps) - 1
            if isinstance(node, dict):
                field, is_map = self.child(field, step)
                if is_last:
                    return _set_field(node, step, field, change, is_map=is_map)
                if node.get(step) is None:
                    node[step] = [] if field.listing is Listing.KEYED else {}
                node = node[step]
            elif isinstance(node, list):
                index = _place(node, step, field)
                if is_last:
                    return _set_item(node, index, change)
                if index is None:
                    return False
                node, field = node[index], Field(field.struct)
            else:
                return False
        return False

    def child(self, field: Field, name: str) -> tuple[Field, bool]:
        struct: Struct = field.struct or self.fallback
        return struct.fields.get(name, struct.rest), struct.is_map


def _place(items: list[Any], step: str, field: Field) -> int | None:
    """Where the item stands that a path calls `web` or `80/TCP`, or by its number."""
    if field.listing is not Listing.KEYED:
        return int(step) if step.isdecimal() and int(step) < len(items) else None
    for index, item in enumerate(items):
        if isinstance(item, dict):
            parts = [item.get(key, field.key_defaults.get(key)) for key in field.keys]
            if "/".join(str(part) for part in parts) == step:
                return index
    return None


def _set_field(parent: dict[str, Any], name: str, field: Field, change: KeptChange, *, is_map: bool) -> bool:
    known = parent.get(name)
    if change.live is None:
        parent.pop(name, None)
        return known is not None or change.desired is None
    live = change.live if is_map and not isinstance(known, dict | list) else _typed(change.live, known)
    if isinstance(known, list) and field.listing is Listing.KEYED:
        live = _reordered(known, live, field)
    parent[name] = live
    return True


def _set_item(items: list[Any], index: int | None, change: KeptChange) -> bool:
    if change.live is None:
        if index is not None:
            del items[index]
        return index is not None
    if index is None:
        items.append(_typed(change.live, None))
    else:
        items[index] = _typed(change.live, items[index])
    return True


def _typed(text: str, known: Any) -> Any:
    """The value that was kept as text, of the type that stands in its place in Git."""
    if isinstance(known, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _reordered(known: list[Any], names: Any, field: Field) -> Any:
    """A change of order is kept as names alone; here it is brought back to whole items."""
    if not isinstance(names, list) or any(isinstance(name, dict) for name in names) or not field.keys:
        return names
    by_name = {item.get(field.keys[0]): item for item in known if isinstance(item, dict)}
    rest = [item for item in known if not isinstance(item, dict) or item.get(field.keys[0]) not in names]
    return [by_name[name] for name in names if name in by_name] + rest
