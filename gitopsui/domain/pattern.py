"""
Whether a regular expression that somebody typed is quick on every text, told from its form alone.

`re` tries every way in which a pattern can fit: a group that repeats and repeats inside takes years for a row
of digits, and the whole process stands still meanwhile.
https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from math import prod
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_LOOSE = 2  # repetitions that can take from each other: time grows with the square of the length
MOST_CHOICES = 64  # ways through alternatives and optional parts
_FEW = 8  # a repetition of no more rounds is a choice
_ALL = frozenset(range(129))  # what lies above ASCII counts as 128
_OTHER = frozenset({128})
_CATEGORIES = {
    code.CATEGORY_DIGIT: r"\d", code.CATEGORY_NOT_DIGIT: r"\D", code.CATEGORY_SPACE: r"\s",
    code.CATEGORY_NOT_SPACE: r"\S", code.CATEGORY_WORD: r"\w", code.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT)
_SIGNS = (code.LITERAL, code.NOT_LITERAL, code.ANY, code.IN)
_KNOWN = {*_REPEATS, *_SIGNS, code.SUBPATTERN, code.BRANCH, code.AT}

Item = tuple[Any, Any]
Chars = frozenset[int]


def is_quick(pattern: str, *, most_loose: int = MOST_LOOSE) -> bool:
    """
    False for a repeated group whose rounds cannot be told apart, for many repetitions that overlap, and for
    what is not understood here: look-around, references back. The pattern is known to compile.
    """
    items = list(parser.parse(pattern))
    if any(item[0] not in _KNOWN for item in _walk(items)):
        return False
    rounds = (_flat(value[2]) for kind, value in _walk(items) if kind in _REPEATS and value[1] > 1)
    if any(not _is_told_apart(one) for one in rounds):
        return False
    return _loose(items) <= most_loose and _choices(items) <= MOST_CHOICES


def _inner(item: Item) -> list[Iterable[Item]]:
    kind, value = item
    if kind is code.BRANCH:
        return list(value[1])
    if kind is code.SUBPATTERN:
        return [value[3]]
    return [value[2]] if kind in _REPEATS else []


def _walk(items: Iterable[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        for part in _inner(item):
            yield from _walk(part)


def _flat(items: Iterable[Item]) -> list[Item]:
    """Groups that neither repeat nor choose only hold together."""
    found: list[Item] = []
    for item in items:
        found += _flat(item[1][3]) if item[0] is code.SUBPATTERN else [item]
    return found


def _is_told_apart(items: list[Item]) -> bool:
    """Whether a text can be split into rounds in one way: `\\.[0-9]+`, `[0-9]+\\.`, or all of one length."""
    varies = any(kind is code.BRANCH or (kind in _REPEATS and value[0] != value[1]) for kind, value in items)
    if not varies:
        return all(_is_told_apart(_flat(part)) for item in items for part in _inner(item))
    ends = ((items[0], items[1:]), (items[-1], items[:-1]))
    is_marked = any(end[0] in _SIGNS and _chars([end]).isdisjoint(_chars(rest)) for end, rest in ends)
    return is_marked and _loose(items, few=0) <= 1 and _choices(items) == 1


def _loose(items: Iterable[Item], *, few: int = _FEW) -> int:
    """How many repetitions in a row, of more than `few` rounds, could each take what the next one takes."""
    flat, depths = _flat(items), list[int]()
    for place, item in enumerate(flat):
        depth = own = _own_depth(item, few)
        for before in range(place if depth else 0):
            if depths[before] and _reaches(flat[before : place + 1]):
                depth = max(depth, depths[before] + own)
        depths.append(depth)
    return max(depths, default=0)


def _own_depth(item: Item, few: int) -> int:
    kind, value = item
    repeats = kind in _REPEATS and value[0] != value[1] and value[1] > few
    return max([int(repeats), *(_loose(part, few=few) for part in _inner(item))])


def _reaches(items: list[Item]) -> bool:
    """Whether the first can go on through what lies between into the last."""
    own = _chars(items[:1])
    between = [item for item in items[1:-1] if not _may_be_empty(item)]
    return all(own & _first([item]) for item in [*between, items[-1]])


def _choices(items: Iterable[Item], after: Chars = frozenset()) -> int:
    """In how many ways alternatives and optional parts that do not exclude each other can be gone through."""
    ways = 1
    for item in reversed(_flat(items)):
        kind, value = item
        parts = _inner(item)
        if kind is code.BRANCH and _overlap(parts, after):
            ways *= len(parts)
        if kind in _REPEATS and all(map(_may_be_empty, _flat(value[2]))):
            ways *= 2
        if kind in _REPEATS and value[1] <= _FEW and _first(value[2]) & after:
            ways *= value[1] - value[0] + 1
        ways *= prod(_choices(part, after) for part in parts)
        after |= _chars([item])
    return ways


def _overlap(parts: list[Iterable[Item]], after: Chars) -> bool:
    """Whether two alternatives can fit the same text, or one of them what may follow an empty one."""
    empty = [all(map(_may_be_empty, _flat(part))) for part in parts]
    firsts = list(map(_first, parts))
    either = any(one & other for one, other in combinations(firsts, 2))
    return either or sum(empty) > 1 or (any(empty) and any(one & after for one in firsts))


def _may_be_empty(item: Item) -> bool:
    kind, value = item
    parts = [all(map(_may_be_empty, _flat(part))) for part in _inner(item)]
    return kind is code.AT or any(parts) or (kind in _REPEATS and value[0] == 0)


def _first(items: Iterable[Item]) -> Chars:
    """What it can begin with."""
    found: Chars = frozenset()
    for item in _flat(items):
        parts = _inner(item)
        found |= frozenset[int]().union(*map(_first, parts)) if parts else _chars([item])
        if not _may_be_empty(item):
            break
    return found


def _chars(items: Iterable[Item]) -> Chars:
    """All that can stand in it, rather too much than too little."""
    return frozenset().union(*(_signs(*item) for item in _walk(items)))


def _signs(kind: Any, value: Any) -> Chars:
    if kind is code.LITERAL:
        text = chr(value)
        return frozenset(min(ord(one), 128) for way in (text, text.lower(), text.upper()) for one in way)
    if kind is code.RANGE:
        return frozenset().union(
            *(_signs(code.LITERAL, one) for one in range(value[0], min(value[1], 128) + 1))
        )
    if kind is code.CATEGORY:
        shape = re.compile(_CATEGORIES.get(value, "."), re.DOTALL)
        return frozenset(one for one in range(128) if shape.match(chr(one))) | _OTHER
    if kind is code.IN and value[0][0] is code.NEGATE:
        return _ALL - (_in(value[1:]) - _OTHER)
    if kind is code.IN:
        return _in(value)
    return _ALL if kind in (code.ANY, code.NOT_LITERAL) else frozenset()


def _in(parts: Iterable[Item]) -> Chars:
    return frozenset().union(*(_signs(*part) for part in parts))
