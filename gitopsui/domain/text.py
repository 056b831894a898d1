"""
Text from outside, made fit to store (`clean_text`, `clean_json`) and safe to look at (`visible`).

What databases refuse was measured: NUL and lone surrogates in text, NaN and Infinity in JSON,
dates, bytes and sets in JSON. What readers are fooled by is in https://trojansource.codes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

TEXT_LIMIT = 65_536  # characters; the most that is kept of a commit message
JSON_TEXT_LIMIT = 1_048_576  # characters; no object in a cluster is larger than 1 MiB
JSON_DEPTH_LIMIT = 128  # twice the depth that files are read to
CUT = "…"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_INT64 = range(-(2**63), 2**63)
_DECIMAL_BITS = 4096  # Python refuses to write much longer numbers in decimal


def clean_text(value: str | bytes, *, limit: int = TEXT_LIMIT) -> str:
    """
    `value` as both databases store it: no NUL, no lone surrogate, at most `limit` characters.

    Bytes are read as UTF-8, undecodable ones become U+FFFD. A text that was cut ends in "…".
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = text.replace("\x00", "")
    if _LONE_SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + CUT


def clean_json(value: Any, *, limit: int = JSON_TEXT_LIMIT, depth: int = JSON_DEPTH_LIMIT) -> Any:
    """
    `value` as a JSON column takes it; never raises.

    NaN and infinities become null, integers beyond 64 bits their digits, dates their ISO text, bytes
    text, sets sorted lists, other objects the name of their type; what lies deeper than `depth` "…".
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | bytes):
        return clean_text(value, limit=limit)
    if isinstance(value, int | float):
        return _clean_number(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_container(value, limit, depth - 1) if depth > 0 else CUT
    return f"({type(value).__name__})"


def _clean_number(value: int | float) -> int | float | str | None:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value in _INT64:
        return int(value)
    return str(value) if value.bit_length() < _DECIMAL_BITS else f"{value:#x}"


def _clean_container(value: Any, limit: int, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_clean_key(k): clean_json(v, limit=limit, depth=depth) for k, v in value.items()}
    cleaned = [clean_json(item, limit=limit, depth=depth) for item in value]
    return sorted(cleaned, key=repr) if isinstance(value, set | frozenset) else cleaned


def _clean_key(key: Any) -> str:
    if isinstance(key, str | bytes):
        return clean_text(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(clean_json(key))


# The characters that may carry a joiner or a variation selector without hiding anything.
_EMOJI = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_PICTURE = f"{_EMOJI}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]?"
_EMOJI_SEQUENCE = (
    "\U0001f3f4\U000e0067\U000e0062[\U000e0061-\U000e007a]{3}\U000e007f"  # flags of England, Scotland, Wales
    "|[0-9#*]\ufe0f\u20e3"  # keycaps
    f"|{_PICTURE}(?:\u200d{_PICTURE})*"
)
_HIDDEN = (
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls but tab and the ends of lines
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers, an Arabic mark
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, bidi marks, embeddings, overrides, isolates
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"  # blanks, variation selectors, byte order mark
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # format controls, tags
    "\ud800-\udfff]"
)
_SHOWN = re.compile(f"(?P<emoji>{_EMOJI_SEQUENCE})|{_HIDDEN}")


def visible(text: str) -> str:
    r"""
    `text` with nothing hidden: controls as `\x1b`, bidi and zero-width characters as `\u{202E}`.

    Tabs, line ends and whole emoji sequences stay as they are. The result is not HTML: escape it.
    """
    return text if text.isascii() and text.isprintable() else _SHOWN.sub(_show, text)


def hidden_in(text: str) -> Iterator[tuple[int, str]]:
    """Where `visible` changes a text: the place of each single character and what it shows instead."""
    for match in _SHOWN.finditer(text):
        if not match["emoji"]:
            yield match.start(), _show(match)


def _show(match: re.Match[str]) -> str:
    found = match[0]
    if match["emoji"]:
        return found
    code = ord(found)
    return f"\\x{code:02x}" if code < 0xA0 else f"\\u{{{code:04X}}}"
