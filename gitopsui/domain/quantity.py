"""
Kubernetes quantities by value: `1024Mi` and `1Gi` are the same amount.

The grammar and its two surprises (rounding up to a billionth, a ceiling of 2^63-1 off the short path) are
those of https://github.com/kubernetes/apimachinery/blob/master/pkg/api/resource/quantity.go
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_GRAMMAR = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?",
    re.ASCII,
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NANO = 10**9
_CEILING = 2**63 - 1
# A decimal number of up to 18 digits never leaves the 64-bit path, where nothing is cut off at the top.
_SHORT_DIGITS = 18
_MAX_DIGITS = 256


def parse_quantity(text: str | int | float) -> Fraction:
    """The exact amount. Raises ValueError on what Kubernetes rejects."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError("a quantity is a number or a string")
    return _parse(_spell(text))


def _spell(value: str | int | float) -> str:
    if isinstance(value, int) and value.bit_length() > _MAX_DIGITS * 3:
        raise ValueError("the number is too long for a quantity")
    return value if isinstance(value, str) else str(value)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Fraction:
    match = _GRAMMAR.fullmatch(text) if len(text) <= _MAX_DIGITS else None
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError("not a quantity such as 500m, 1.5 or 2Gi")
    digits, places = match["whole"] + (match["part"] or ""), len(match["part"] or "")
    amount = Fraction(int(digits), 10**places) * _scale(match["suffix"] or "")
    if not _is_short(match, digits):
        amount = min(amount, Fraction(_CEILING))
    rounded = Fraction(-(-amount * _NANO // 1), _NANO)
    return -rounded if match["sign"] == "-" else rounded


def _scale(suffix: str) -> Fraction:
    if suffix in _BINARY:
        return Fraction(1 << _BINARY[suffix])
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else _exponent(suffix[1:])
    return Fraction(10) ** exponent


def _exponent(digits: str) -> int:
    exponent = int(digits)
    if not -(2**31) <= exponent < 2**31:
        raise ValueError("the exponent does not fit 32 bits")
    # Beyond these every amount is the ceiling or a billionth already; 10**(2**31) would never end.
    return max(-2 * _MAX_DIGITS, min(exponent, 2 * _MAX_DIGITS))


def _is_short(match: re.Match[str], digits: str) -> bool:
    return match["suffix"] not in _BINARY and len(digits) <= _SHORT_DIGITS
