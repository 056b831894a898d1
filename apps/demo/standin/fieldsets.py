"""
Sets of field paths, as `managedFields` holds them.

A path is a tuple of steps written as in `fieldsV1`: `f:spec`, `k:{"name":"web"}`, `v:"a"`
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management). Which paths a
value has follows sigs.k8s.io/structured-merge-diff: leaves, elements of keyed lists, and mappings that
are empty or sit under a key nobody declared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .shapes import Form, Shape

Path = tuple[str, ...]
Paths = frozenset[Path]


def to_fields_v1(paths: Iterable[Path]) -> dict[str, Any]:
    """The nested form of a set; a member that has members below is marked with "."."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _without_marks(tree)


def _without_marks(node: Mapping[str, Any]) -> dict[str, Any]:
    if set(node) == {"."}:
        return {}
    return {step: {} if step == "." else _without_marks(below) for step, below in sorted(node.items())}


def from_fields_v1(tree: Mapping[str, Any]) -> Paths:
    return frozenset(_paths(tree, ()))


def _paths(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for step, below in tree.items():
        if step == ".":
            yield path
        elif below:
            yield from _paths(below, (*path, step))
        else:
            yield (*path, step)


def element_step(element: Any, shape: Shape) -> str:
    """The step to an element of a keyed list."""
    keys: dict[str, Any] = {}
    for key in shape.keys:
        value = element.get(key) if isinstance(element, dict) else None
        value = shape.key_default(key) if value is None else value
        if value is not None:
            keys[key] = value
    return f"k:{json.dumps(keys, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"


def value_step(value: Any) -> str:
    """The step to an element of a set."""
    return f"v:{json.dumps(value, ensure_ascii=False)}"


def keyed(elements: Any, shape: Shape) -> dict[str, Any]:
    """The elements of a keyed list by their step; the first of two equal ones counts."""
    found: dict[str, Any] = {}
    for element in elements or ():
        found.setdefault(element_step(element, shape), element)
    return found


def field_set(value: Any, shape: Shape) -> Paths:
    """The paths somebody owns who applied `value`."""
    return frozenset(_applied(value, shape, ()))


def _applied(value: Any, shape: Shape, path: Path) -> Iterator[Path]:
    form = shape.form_of(value)
    if form is Form.KEYED:
        for step, element in keyed(value, shape).items():
            yield (*path, step)
            if shape.element().form_of(element) is Form.GRANULAR:
                yield from _applied_fields(element, shape.element(), (*path, step))
    elif form is Form.SET:
        yield from ((*path, value_step(element)) for element in value)
    elif form is Form.GRANULAR and isinstance(value, dict):
        yield from _applied_fields(value, shape, path)
    else:
        yield path


def _applied_fields(value: Mapping[str, Any], shape: Shape, path: Path) -> Iterator[Path]:
    for name, below in value.items():
        inner = (*path, f"f:{name}")
        yield from _applied(below, shape.field(name), inner)
        if below is None or below == {} or not shape.declares(name):
            yield inner


@dataclass(slots=True)
class Comparison:
    """The paths by which a new value differs from the old one."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)

    @property
    def written(self) -> Paths:
        return frozenset(self.added | self.modified)


_ABSENT: Any = object()


def compare(old: Any, new: Any, shape: Shape) -> Comparison:
    """Both objects whole; the root itself is no path."""
    found = Comparison()
    _compare_fields(old, new, shape, (), found)
    return found


def _compare(old: Any, new: Any, shape: Shape, path: Path, found: Comparison) -> None:
    if old is new:
        return
    if old is _ABSENT:
        found.added.add(path)
    elif new is _ABSENT:
        found.removed.add(path)
    present = new if new is not _ABSENT and new is not None else old
    form = shape.form_of(present)
    if form is Form.ATOMIC or not _is_same_type(old, new) or not (_filled(old) or _filled(new)):
        if old is not _ABSENT and new is not _ABSENT and old != new:
            found.modified.add(path)
    elif form is Form.GRANULAR:
        _compare_fields(_mapping(old), _mapping(new), shape, path, found)
    else:
        _compare_elements(_list(old), _list(new), shape, path, found, is_keyed=form is Form.KEYED)


def _compare_fields(
    old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape, path: Path, found: Comparison
) -> None:
    for name in old.keys() | new.keys():
        inner = (*path, f"f:{name}")
        _compare(old.get(name, _ABSENT), new.get(name, _ABSENT), shape.field(name), inner, found)


def _compare_elements(
    old: list[Any], new: list[Any], shape: Shape, path: Path, found: Comparison, *, is_keyed: bool
) -> None:
    if is_keyed:
        before, after = keyed(old, shape), keyed(new, shape)
    else:
        before, after = ({value_step(item): item for item in items} for items in (old, new))
    for step in before.keys() | after.keys():
        inner = (*path, step)
        left, right = before.get(step, _ABSENT), after.get(step, _ABSENT)
        _compare(left, right, shape.element(), inner, found)


def _filled(value: Any) -> bool:
    return value is not _ABSENT and bool(value)


def _is_same_type(old: Any, new: Any) -> bool:
    given = [type(value) for value in (old, new) if value is not _ABSENT and value is not None]
    return len(set(given)) <= 1


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
