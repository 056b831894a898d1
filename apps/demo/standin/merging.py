"""The merge of server-side apply: a configuration laid over a live object, and paths taken out of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .fieldsets import Path, element_step, value_step
from .shapes import Form, Shape


def merge(live: Any, applied: Any, shape: Shape) -> Any:
    """`applied` wins where both speak; neither argument is changed."""
    form = shape.form_of(applied)
    if form is Form.GRANULAR and isinstance(applied, dict):
        merged = dict(live) if isinstance(live, dict) else {}
        for name, value in applied.items():
            merged[name] = merge(merged[name], value, shape.field(name)) if name in merged else value
        return merged
    if form is Form.KEYED and isinstance(live, list):
        return _merge_elements(live, applied, shape)
    if form is Form.SET and isinstance(live, list):
        return [*live, *(item for item in applied if item not in live)]
    return applied


def _merge_elements(live: list[Any], applied: list[Any], shape: Shape) -> list[Any]:
    """In the order of `applied`; an element only `live` has stays before the one it stood before."""
    old = {element_step(item, shape): item for item in live}
    new = {element_step(item, shape): item for item in applied}
    order = list(old)
    merged: list[Any] = []
    done = 0
    for step, item in new.items():
        if step not in old:
            merged.append(item)
            continue
        place = order.index(step)
        merged += [old[first] for first in order[done:place] if first not in new]
        merged.append(merge(old[step], item, shape.element()))
        done = max(done, place + 1)
    return [*merged, *(old[step] for step in order[done:] if step not in new)]


def without_paths(value: Any, paths: Iterable[Path], shape: Shape) -> Any:
    """A copy of `value` without the given paths and all that is below them."""
    below: dict[str, list[Path]] = {}
    for path in paths:
        if path:
            below.setdefault(path[0], []).append(path[1:])
    if not below:
        return value
    if isinstance(value, dict):
        return _without_fields(value, below, shape)
    if isinstance(value, list):
        return _without_elements(value, below, shape)
    return value


def _without_fields(
    value: Mapping[str, Any], below: Mapping[str, list[Path]], shape: Shape
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, item in value.items():
        rest = below.get(f"f:{name}", [])
        if () not in rest:
            kept[name] = without_paths(item, rest, shape.field(name))
    return kept


def _without_elements(value: list[Any], below: Mapping[str, list[Path]], shape: Shape) -> list[Any]:
    kept: list[Any] = []
    for item in value:
        step = element_step(item, shape) if shape.keys else value_step(item)
        rest = below.get(step, [])
        if () not in rest:
            kept.append(without_paths(item, rest, shape.element()))
    return kept
