"""
A JSON value as YAML for people to read line by line, in the order of its keys.

Not for machines: what YAML would have to escape stays as it is, so that a view can mark it. Texts of
several lines are always block literals, whose `|`, `|-` and `|+` tell how they end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_/.*][\w./@+*,-]*(?::[\w./@+-]+)*(?: [\w./@+(),-]+)*")
_AMOUNT = re.compile(r"\d+(?:\.\d+)?(?:ms|[smhd]|[KMGTP]i|[kMGT])")
_LOOKS_OTHER = re.compile(r"(?:true|false|null|yes|no|on|off|y|n|\.inf|\.nan|\*.*|-.*|\.\d.*)", re.IGNORECASE)
_INDENT = "  "


def to_yaml(value: Any) -> str:
    """`value` as YAML with a newline at its end."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _entry(f"{_text(str(name))}:", item)
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _item(item)
            yield f"- {first}"
            yield from (_indented(line) for line in rest)
    else:
        yield _scalar(value)


def _entry(head: str, item: Any) -> Iterator[str]:
    if isinstance(item, dict) and item:
        yield head
        yield from (_indented(line) for line in _lines(item))
    elif isinstance(item, list) and item:
        yield head
        yield from _lines(item)
    elif isinstance(item, str) and _is_block(item):
        first, *rest = _block(item)
        yield f"{head} {first}"
        yield from rest
    else:
        yield f"{head} {_scalar(item)}"


def _item(item: Any) -> list[str]:
    if isinstance(item, str) and _is_block(item):
        first, *rest = _block(item)
        return [first, *(line.removeprefix(_INDENT) for line in rest)]  # the list indents them itself
    return list(_lines(item))


def _indented(line: str) -> str:
    return f"{_INDENT}{line}" if line else ""


def _is_block(text: str) -> bool:
    return "\n" in text.rstrip("\n") or (text.endswith("\n") and text.strip("\n") != "")


def _block(text: str) -> Iterator[str]:
    """A block literal: https://yaml.org/spec/1.2.2/#8111-block-indentation-indicator for the 2."""
    body = text.removesuffix("\n")
    chomp = "-" if body == text else "+" if body.endswith("\n") else ""
    indicator = "2" if text.startswith((" ", "\n")) else ""
    yield f"|{indicator}{chomp}"
    yield from (_indented(line) for line in body.split("\n"))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(text: str) -> str:
    if _AMOUNT.fullmatch(text) or (_PLAIN.fullmatch(text) and not _LOOKS_OTHER.fullmatch(text)):
        return text
    # Quoted without escapes but for what would break the line: a view shows the rest.
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{quoted}"'
