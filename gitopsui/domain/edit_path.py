"""Paths into a YAML text: `spec.template.spec.containers.0.image`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitopsui.domain.errors import GitopsuiError

APPEND = -1
_INDEX = re.compile(r"\[(-?\d{1,6})\]|(-?\d{1,6})")
_PARTS = re.compile(r"(?:\\.|[^.\\])*")


class EditError(GitopsuiError):
    """A text could not be edited; the reason is a sentence for the user."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a key, and the position it means in a list; -1 is behind the last."""

    key: str
    index: int | None = None

    def __str__(self) -> str:
        return self.key


def split_path(path: str) -> tuple[Step, ...]:
    """
    The steps of a path. A dot inside a key is written `\\.`; `[2]` and `2` are positions in a list; `:2` is
    the key "2" whatever it is met in.

    Raises EditError for a path with an empty step.
    """
    raw = _split(path)
    if not path or not all(raw):
        raise EditError(f"There is an empty key part in key {path!r}.")
    return tuple(_step(part) for part in raw)


def _split(path: str) -> list[str]:
    parts, position = [], 0
    while True:
        match = _PARTS.match(path, position)
        end = match.end() if match else position
        parts.append(path[position:end])
        if end >= len(path):
            return parts
        # What is not matched is a dot, or a backslash with nothing behind it.
        if path[end] != ".":
            raise EditError(f"The path {path!r} ends in a backslash.")
        position = end + 1


def _step(part: str) -> Step:
    if part.startswith(":") and len(part) > 1:
        return Step(_unescape(part[1:]))
    match = _INDEX.fullmatch(part)
    key = _unescape(part)
    return Step(key, int(match[1] or match[2])) if match else Step(key)


def _unescape(part: str) -> str:
    return re.sub(r"\\(.)", r"\1", part)
