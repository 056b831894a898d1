"""Reading foreign JSON of any shape: each function answers with its type or with nothing, never raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NO_ITEMS: tuple[Any, ...] = ()
_NO_FIELDS: dict[str, Any] = {}


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _NO_FIELDS


def sequence(value: Any) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else _NO_ITEMS


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; anything else in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: Any, default: int = 0) -> int:
    """The value if it is a whole number (a digit string and `3.0` count), else the default."""
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return default


def reach(value: Any, *path: str) -> Any:
    """What lies at a path of object keys, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
