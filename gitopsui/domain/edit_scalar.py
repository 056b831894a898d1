"""Values written as YAML that reads back as the same: plain where that is safe, else in quotes."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

Value = str | int | float | bool | list[Any] | dict[str, Any] | None

# Read as a string by every YAML, old or new, wherever it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@+-]*(?:[:=][A-Za-z0-9_./@+-]+)*(?: [A-Za-z0-9_./()@+-]+)*")
# What some reader takes for something else: numbers of all bases, signs and underscores, times, booleans.
_NOT_TEXT = re.compile(
    r"[-+]?(?:0[xob])?[\d_]*\.?[\d_]*(?:[eE][-+]?[\d_]*)?|0x[\da-fA-F_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?"
    r"|\d{4}-\d\d?-\d\d?(?:[Tt ].*)?|[-+]?\.(?:inf|nan)|true|false|yes|no|on|off|y|n|null|~|<<|=",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_INT_TAG = "tag:yaml.org,2002:int"


def write_scalar(value: Value, *, like: yaml.Node | None = None) -> str:
    """
    One scalar, in the quotes of the one it replaces.

    A text that would be read as a number where it stands plain gets quotes (`1.10` is not 1.1), unless a
    whole number replaces a whole number.
    """
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    style = like.style if isinstance(like, yaml.ScalarNode) else None
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style == '"':
        return _double(value)
    was_number = isinstance(like, yaml.ScalarNode) and style is None and like.tag == _INT_TAG
    if was_number and _INTEGER.fullmatch(value):
        return value
    if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        return value
    return _double(value)


def _double(value: str) -> str:
    """In double quotes; JSON's escapes are YAML's, but for what JSON leaves as it is."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(_escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def in_flow(value: Value) -> str:
    """A value on one line, as JSON is: valid in flow and block."""
    if isinstance(value, str):
        return write_scalar(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(in_flow, value)) + "]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{write_scalar(str(key))}: {in_flow(one)}" for key, one in value.items()) + "}"
        )
    return write_scalar(value)


def in_block(value: Value, column: int, newline: str, step: int) -> str:
    """A list or mapping as lines, the first indented by `column`, without a line end behind the last."""
    return newline.join(" " * column + line for line in _lines(value, " " * step))


def _lines(value: Value, indent: str) -> list[str]:
    if isinstance(value, dict) and value:
        heads = {f"{write_scalar(str(key))}:": one for key, one in value.items()}
        return [line for head, one in heads.items() for line in _entry(head, one, indent)]
    if isinstance(value, list) and value:
        return [line for one in value for line in _item(one, indent)]
    return [in_flow(value)]


def _entry(head: str, value: Value, indent: str) -> list[str]:
    if isinstance(value, (dict, list)) and value:
        return [head, *(indent + line for line in _lines(value, indent))]
    return [f"{head} {in_flow(value)}"]


def _item(value: Value, indent: str) -> list[str]:
    first, *rest = _lines(value, indent)
    return [f"- {first}", *(f"  {line}" for line in rest)]
