"""
Two texts beside each other: which lines differ, which words inside them, and characters nobody sees.

Pure and bounded: what lies behind `MOST_LINES` or `MOST_BYTES` is cut off, and the answer says so.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby, pairwise

from gitopsui.domain.text import hidden_in

MOST_LINES = 2_000
MOST_BYTES = 100_000
CONTEXT = 3  # unchanged lines that stay open on both sides of a change
_LEAST_FOLD = 2  # fewer hidden lines than this are shown: the fold would be no shorter
_MOST_TOKENS = 400  # of a line; longer ones are compared from both ends only
_MOST_PAIRS = 2_500  # comparisons made to find out which removed line became which added one
_ALIKE = 0.5  # share of equal words that makes two lines one changed line
_MOST_MATCHES = 20_000  # pairs of equal lines; beyond, lines that occur often are no anchors
_NO_NEWLINE = "no newline at end"

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_WORD = re.compile(r"\w+|[^\w\s]")
_MARKED = re.compile(
    "(?P<blank> +(?=\r?$))|(?P<tab>\t)|(?P<return>\r)|(?P<odd>[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000])"
)

Span = tuple[int, int]


class Mark(StrEnum):
    """What a run of characters is."""

    TEXT = "text"  # what it looks like
    BLANK = "trailing space"  # shown as a dot each
    TAB = "tab"  # shown as an arrow before it
    RETURN = "carriage return"  # of a line that ends in CR LF
    ODD = "odd space"  # looks like a space and is none: no-break, em, ideographic
    HIDDEN = "hidden character"  # zero width, bidi control, other control
    END = "end of text"  # the last line has no newline


class Change(StrEnum):
    """How a row differs."""

    SAME = "same"  # on both sides
    CHANGED = "changed"  # on both sides, words differ
    REMOVED = "removed"  # in the old text only
    ADDED = "added"  # in the new text only


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one kind, as they are shown. `is_changed`: the other side has other words here."""

    text: str
    mark: Mark = Mark.TEXT
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of either text, or one of each that belong together. One side at least is there."""

    change: Change
    old: Line | None
    new: Line | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that stand together; a folded one holds unchanged rows only."""

    rows: tuple[Row, ...]
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class TextDiff:
    """All rows of two texts in order. Counts are lines; a changed line counts on both sides."""

    pieces: tuple[Piece, ...]
    removed_count: int
    added_count: int
    is_cut: bool = False


def diff_texts(old: str, new: str, *, context: int = CONTEXT) -> TextDiff:
    """The two texts as rows, unchanged stretches beyond `context` lines folded."""
    old_lines, is_old_cut = _lines(old)
    new_lines, is_new_cut = _lines(new)
    rows = tuple(_rows(old_lines, new_lines))
    return TextDiff(
        pieces=tuple(_fold(rows, context)),
        removed_count=sum(row.old is not None and row.change is not Change.SAME for row in rows),
        added_count=sum(row.new is not None and row.change is not Change.SAME for row in rows),
        is_cut=is_old_cut or is_new_cut,
    )


def unified(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows for one column: of each stretch of changes first all old lines, then all new ones."""
    for is_same, stretch in groupby(rows, key=lambda row: row.change is Change.SAME):
        if is_same:
            yield from stretch
            continue
        changed = list(stretch)
        yield from (Row(Change.REMOVED, row.old, None) for row in changed if row.old)
        yield from (Row(Change.ADDED, None, row.new) for row in changed if row.new)


def _lines(text: str) -> tuple[list[str], bool]:
    """The lines with their newlines, and whether some were cut off."""
    kept = text
    if len(text) * 4 > MOST_BYTES:
        kept = text.encode("utf-8", "replace")[:MOST_BYTES].decode("utf-8", "ignore")
    lines = kept.split("\n")
    ended = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    return ended[:MOST_LINES], len(kept) < len(text) or len(ended) > MOST_LINES


def _rows(old: list[str], new: list[str]) -> Iterator[Row]:
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        if tag == "equal":
            for offset in range(i2 - i1):
                runs = visible_runs(old[i1 + offset].removesuffix("\n"))
                yield Row(Change.SAME, Line(i1 + offset + 1, runs), Line(j1 + offset + 1, runs))
        else:
            yield from _changed(old, new, (i1, i2), (j1, j2))


def _opcodes(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """The opcodes of difflib. Equal ends are taken off first: what is left is small as a rule."""
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    ours, theirs = old[start : len(old) - end], new[start : len(new) - end]
    if start:
        yield "equal", 0, start, 0, start
    # Lines that occur often make the search slow in the square.
    often = Counter(theirs)
    is_slow = sum(often[line] for line in ours) > _MOST_MATCHES
    matcher = SequenceMatcher(None, ours, theirs, autojunk=is_slow)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        yield tag, i1 + start, i2 + start, j1 + start, j2 + start
    if end:
        yield "equal", len(old) - end, len(old), len(new) - end, len(new)


def _shared(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many items two lists have in common at their beginning."""
    pairs = zip(ours, theirs, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))


def _changed(old: list[str], new: list[str], ours: Span, theirs: Span) -> Iterator[Row]:
    """Removed and added lines; where one became the other, both in one row."""
    at = theirs[0]
    for i, j in _pairs(old, new, ours, theirs):
        if j is None:
            yield Row(Change.REMOVED, _line(old, i), None)
            continue
        yield from (Row(Change.ADDED, None, _line(new, k)) for k in range(at, j))
        yield _pair_row(old, new, i, j)
        at = j + 1
    yield from (Row(Change.ADDED, None, _line(new, k)) for k in range(at, theirs[1]))


def _pairs(old: list[str], new: list[str], ours: Span, theirs: Span) -> Iterator[tuple[int, int | None]]:
    """For each old line the new one it became, in order; None where there is none."""
    at, left = theirs[0], _MOST_PAIRS
    for i in range(*ours):
        found = None
        for j in range(at, theirs[1]):
            left -= 1
            if left < 0:
                break
            if _are_alike(old[i], new[j]):
                found, at = j, j + 1
                break
        yield i, found


def _are_alike(one: str, other: str) -> bool:
    if _key(one) and _key(one) == _key(other):
        return True
    ours, theirs = set(_WORD.findall(one[:2_000])), set(_WORD.findall(other[:2_000]))
    return len(ours & theirs) >= _ALIKE * max(len(ours), len(theirs), 1)


def _key(line: str) -> str:
    """`  replicas:` of a line of YAML, indentation and all; "" where there is no key."""
    head, colon, _ = line.partition(":")
    return head if colon and re.fullmatch(r"[\s-]*[\w./-]+", head) else ""


def _pair_row(old: list[str], new: list[str], i: int, j: int) -> Row:
    if old[i] == new[j]:
        return Row(Change.SAME, _line(old, i, has_end=False), _line(new, j, has_end=False))
    ours, theirs = changed_words(old[i].removesuffix("\n"), new[j].removesuffix("\n"))
    has_end = old[i].endswith("\n") != new[j].endswith("\n")
    return Row(Change.CHANGED, _line(old, i, ours, has_end=has_end), _line(new, j, theirs, has_end=has_end))


def _line(lines: list[str], index: int, changed: Sequence[Span] = (), *, has_end: bool = True) -> Line:
    text = lines[index]
    runs = visible_runs(text.removesuffix("\n"), changed)
    if has_end and not text.endswith("\n"):
        runs = (*runs, Run(_NO_NEWLINE, Mark.END, is_changed=True))
    return Line(index + 1, runs)


def changed_words(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """Where two lines differ, word by word: spans of characters of the old one and of the new one."""
    ours, theirs = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(ours), len(theirs)) > _MOST_TOKENS:
        start = _shared(ours, theirs)
        end = _shared(ours[start:][::-1], theirs[start:][::-1])
        blocks = [(start, len(ours) - end, start, len(theirs) - end)]
    else:
        matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
        blocks = [code[1:] for code in matcher.get_opcodes() if code[0] != "equal"]
    return (
        _spans(ours, [(i1, i2) for i1, i2, _, _ in blocks]),
        _spans(theirs, [(j1, j2) for _, _, j1, j2 in blocks]),
    )


def _spans(tokens: Sequence[str], blocks: Sequence[Span]) -> list[Span]:
    """Ranges of tokens as ranges of characters; empty ones left out."""
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    return [(starts[first], starts[last]) for first, last in blocks if first < last]


def visible_runs(line: str, changed: Sequence[Span] = ()) -> tuple[Run, ...]:
    """A line without its newline, cut where words differ and where a character would not be seen."""
    marks = {at: (at + 1, shown, Mark.HIDDEN) for at, shown in hidden_in(line)}
    for match in _MARKED.finditer(line):
        marks[match.start()] = (match.end(), *_shown(match))
    edges = sorted(
        {0, len(line), *(at for span in changed for at in span), *marks, *(m[0] for m in marks.values())}
    )
    bounds = [at for span in changed for at in span]
    runs = []
    for first, last in pairwise(edges):
        if first not in marks:
            runs.append(Run(line[first:last], Mark.TEXT, bisect_right(bounds, first) % 2 == 1))
            continue
        _, shown, mark = marks[first]
        text = shown * (last - first) if mark is Mark.BLANK else shown
        runs.append(Run(text, mark, bisect_right(bounds, first) % 2 == 1))
    return tuple(runs)


def _shown(match: re.Match[str]) -> tuple[str, Mark]:
    if match["blank"]:
        return "·", Mark.BLANK
    if match["tab"]:
        return "→\t", Mark.TAB
    if match["return"]:
        return "\\r", Mark.RETURN
    return ("⍽" if match[0] == "\xa0" else f"\\u{{{ord(match[0]):04X}}}"), Mark.ODD


def _fold(rows: Sequence[Row], context: int) -> Iterator[Piece]:
    """Rows in pieces: what lies more than `context` lines from any change is folded."""
    near = [False] * len(rows)
    for index, row in enumerate(rows):
        if row.change is not Change.SAME:
            first, last = max(0, index - context), min(len(rows), index + context + 1)
            near[first:last] = [True] * (last - first)
    for is_near, stretch in groupby(zip(_settled(near), rows, strict=True), key=lambda pair: pair[0]):
        yield Piece(tuple(row for _, row in stretch), is_folded=not is_near)


def _settled(near: Sequence[bool]) -> Iterator[bool]:
    """The same, with folds that would hide next to nothing left open."""
    for is_near, stretch in groupby(near):
        size = sum(1 for _ in stretch)
        yield from [is_near or size < _LEAST_FOLD] * size
