"""
Strategic merge patch: what `kubectl apply` and `kubectl edit` send for built-in kinds.

The directives ($patch, $retainKeys, $setElementOrder, $deleteFromPrimitiveList) are those of
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .answers import bad_request
from .shapes import Form, Shape

_ORDER, _DELETE, _RETAIN = "$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys"


def strategic_patched(value: Any, patch: Mapping[str, Any], shape: Shape) -> Any:
    """`value` with the patch; neither argument is changed. Raises `ApiError` 400 on an unknown directive."""
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    if directive == "replace":
        return _without_directives(patch)
    if directive not in (None, "merge"):
        raise bad_request(f"error decoding patch: Unknown patch type {directive!r}")
    merged = dict(value) if isinstance(value, dict) else {}
    if _RETAIN in patch:
        merged = {name: item for name, item in merged.items() if name in patch[_RETAIN]}
    for name in _named(patch):
        _patch_field(merged, name, patch, shape.field(name))
    return merged


def _named(patch: Mapping[str, Any]) -> list[str]:
    """The fields a patch speaks of, directly or by a directive about their order."""
    names: dict[str, None] = {}
    for name in patch:
        if name not in ("$patch", _RETAIN):
            names[name.removeprefix(_ORDER).removeprefix(_DELETE)] = None
    return list(names)


def _patch_field(merged: dict[str, Any], name: str, patch: Mapping[str, Any], shape: Shape) -> None:
    given = patch.get(name)
    if name in patch and given is None:
        merged.pop(name, None)
    elif isinstance(given, dict):
        merged[name] = strategic_patched(merged.get(name), given, shape)
    elif isinstance(given, list) or f"{_ORDER}{name}" in patch or f"{_DELETE}{name}" in patch:
        merged[name] = _patch_list(merged.get(name) or [], name, patch, shape)
    else:
        merged[name] = given


def _patch_list(live: list[Any], name: str, patch: Mapping[str, Any], shape: Shape) -> list[Any]:
    given: list[Any] = patch.get(name) or []
    order = patch.get(f"{_ORDER}{name}")
    if shape.patch_key:
        return _in_order(_patch_elements(live, given, shape), order, shape.patch_key)
    if shape.form_of(given) is Form.SET:
        removed = patch.get(f"{_DELETE}{name}") or ()
        kept = [item for item in live if item not in removed]
        return _in_order(kept + [item for item in given if item not in kept], order, "")
    return given


def _patch_elements(live: list[Any], given: list[Any], shape: Shape) -> list[Any]:
    key = shape.patch_key
    if any(item == {"$patch": "replace"} for item in given):
        return [item for item in given if "$patch" not in item]
    elements = list(live)
    for item in given:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        place = next((index for index, old in enumerate(elements) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            elements = [old for old in elements if old.get(key) != item[key]]
        elif place is None:
            elements.append(_without_directives(item))
        else:
            elements[place] = strategic_patched(elements[place], item, shape.element())
    return elements


def _in_order(elements: list[Any], order: list[Any] | None, key: str) -> list[Any]:
    """Elements named by `order` in its sequence; the others stay behind the one they stood behind."""
    if not order:
        return elements
    wanted = [item[key] for item in order] if key else list(order)
    rank: dict[int, tuple[int, int]] = {}
    last = -1
    for index, item in enumerate(elements):
        name = item.get(key) if key else item
        last = wanted.index(name) if name in wanted else last
        rank[index] = (last, 0 if name in wanted else 1)
    return [
        elements[index] for index in sorted(range(len(elements)), key=lambda index: (*rank[index], index))
    ]


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_directives(item) for name, item in value.items() if not name.startswith("$")}
    if isinstance(value, list):
        return [_without_directives(item) for item in value if not _is_deletion(item)]
    return value


def _is_deletion(item: Any) -> bool:
    return isinstance(item, dict) and item.get("$patch") == "delete"
