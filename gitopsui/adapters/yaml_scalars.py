"""
What a YAML scalar means to Kubernetes: the rules of `sigs.k8s.io/yaml`, as kubectl 1.34 applies them.

They are neither YAML 1.1 nor 1.2: `y` is true and `0644` is 420 as in 1.1, but `0o644` is 420 and
`22:22` a text as in 1.2. Source: go.yaml.in/yaml/v2, resolve.go; held to the real kubectl in the tests.
"""

from __future__ import annotations

import datetime
import math
import re
import struct
from decimal import Decimal

CORE = "tag:yaml.org,2002:"
SCALAR_TAGS = frozenset(CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp"))

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z")
_BASES = (16, 2, 8, 10)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_CLOCK = r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?"
_TIMESTAMP = re.compile(
    rf"([0-9]{{4}})-([0-9]{{1,2}})-([0-9]{{1,2}})(?:[Tt]{_CLOCK}(?:Z|[-+][0-9]{{2}}:[0-9]{{2}})| {_CLOCK})?\Z"
)
_INT64 = range(-(2**63), 2**63)
_MAX_DIGITS = 400  # a longer run of digits is beyond every float; Python would refuse to read it anyway


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. A whole number within 64 bits is an int, however it was written."""
    return as_json_number(_typed(text))


def resolve_tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with an explicit core tag. Raises ValueError when the text does not fit it."""
    kind = tag.removeprefix(CORE)
    if kind == "str":
        return text
    if kind == "timestamp":
        _check_timestamp(text)
        return text
    value = _typed(text)
    if not _fits(value, kind):
        raise ValueError(f"the text is no {kind}")
    return as_json_number(value)


def as_json_number(value: Scalar) -> Scalar:
    """
    The number as an API server would read it from JSON: whole floats become ints, and what is beyond
    64 bits becomes a float. Infinity and not-a-number come back as they are; JSON has no word for them.
    """
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        # by its shortest digits, which is what Go writes into the JSON
        whole = int(Decimal(repr(value)))
        return whole if whole in _INT64 else value
    if isinstance(value, int) and value not in _INT64:
        return float(value)
    return value


def key_text(text: str) -> str:
    """The name a plain key gives to its field: `y` is "true", `0x1f` is "31". Raises ValueError for null."""
    value = _typed(text)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float):
        return _float_key(value)
    raise ValueError("a key may be text, a number or a truth value")


def _typed(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    plain = text.replace("_", "")
    for number in (_integer(plain), _float(plain)):
        if number is not None:
            return number
    return text


def _integer(plain: str) -> int | None:
    match = _INTEGER.match(plain)
    if match is None or len(plain) > _MAX_DIGITS:
        return None
    sign, *digits = match.groups()
    for base, run in zip(_BASES, digits, strict=True):
        if run is not None:
            value = int(run, base)
            # Go reads up to 64 bits; a longer decimal is then tried as a float, other bases stay text
            number = -value if sign == "-" else value
            return number if -(2**63) <= number < 2**64 else None
    return None


def _float(plain: str) -> float | None:
    """None for what is no float, and for one too large: kubectl leaves `1e400` a text."""
    if not _FLOAT.match(plain):
        return None
    value = float(plain)
    return None if math.isinf(value) else value


def _fits(value: Scalar, kind: str) -> bool:
    if kind == "null":
        return value is None
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (kind == "float" and isinstance(value, float))


def _check_timestamp(text: str) -> None:
    match = _TIMESTAMP.match(text)
    if match is None:
        raise ValueError("the text is no timestamp")
    # impossible dates and hours are refused by the constructor
    datetime.datetime(*(int(part) for part in match.groups() if part))  # type: ignore[arg-type]  # noqa: DTZ001


def _float_key(value: float) -> str:
    """As Go's FormatFloat(value, 'g', -1, 32): the fewest digits that give the same 32-bit float."""
    try:
        narrow = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        narrow = math.copysign(math.inf, value)
    if not math.isfinite(narrow):
        return ".nan" if math.isnan(narrow) else ".inf" if narrow > 0 else "-.inf"
    same = struct.pack("f", narrow)
    digits = next(n for n in range(1, 10) if struct.pack("f", float(f"{narrow:.{n}g}")) == same)
    exponent = int(f"{narrow:.{digits - 1}e}".partition("e")[2])
    if -5 < exponent < 6:
        return f"{narrow:.{max(digits - 1 - exponent, 0)}f}"
    return f"{narrow:.{digits - 1}e}"
