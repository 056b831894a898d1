"""
Quantities as an API server writes them back: `0.5` → `500m`, `1024Mi` → `1Gi`.

The form follows the suffix that was given (decimal, binary or exponent), see
https://pkg.go.dev/k8s.io/apimachinery/pkg/api/resource#Quantity.
"""

from __future__ import annotations

import re
from fractions import Fraction

_NUMBER = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+|)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def canonical_quantity(given: object) -> str:
    """The canonical text of a quantity. Raises ValueError on what is none."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError(f"{given!r} is not a quantity")
    found = _NUMBER.fullmatch(str(given).strip())
    if not found:
        raise ValueError(f"{given!r} is not a quantity")
    number, suffix = Fraction(found["number"]), found["suffix"]
    if suffix in _BINARY[1:]:
        return _binary(number * 1024 ** _BINARY.index(suffix))
    if suffix[:1] in ("e", "E") and suffix != "E":
        return _decimal(number * Fraction(10) ** int(suffix[1:]), is_exponent=True)
    return _decimal(number * Fraction(10) ** _DECIMAL[suffix], is_exponent=False)


def _binary(value: Fraction) -> str:
    if abs(value) < 1024 or value.denominator != 1:
        return _decimal(value, is_exponent=False)
    whole, power = int(value), 0
    while whole % 1024 == 0 and power < len(_BINARY) - 1:
        whole, power = whole // 1024, power + 1
    return f"{whole}{_BINARY[power]}"


def _decimal(value: Fraction, *, is_exponent: bool) -> str:
    if value == 0:
        return "0"
    nano = value * 10**9
    whole = -(
        -abs(nano).numerator // abs(nano).denominator
    )  # what is finer than nano is rounded away from zero
    power = -9
    while whole % 1000 == 0 and power < 18:
        whole, power = whole // 1000, power + 3
    sign = "-" if value < 0 else ""
    suffix = (f"e{power}" if power else "") if is_exponent else _DECIMAL_SUFFIX[power]
    return f"{sign}{whole}{suffix}"
