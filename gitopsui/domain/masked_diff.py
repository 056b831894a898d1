"""Diffs of masked texts: a secret that changed shows that it did, and neither its value nor its hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gitopsui.domain.mask_text import BULLETS, mask_spans
from gitopsui.domain.text_diff import Line, Piece, Row, Run, TextDiff, diff_texts

OTHER_VALUE = " (another value)"


def diff_masked(old: str, new: str) -> TextDiff:
    """
    As `diff_texts`, of texts whose secrets carry a hash, `••••••(3f2a91bc)`. The hashes are compared and then
    taken out; beside a changed secret the new side says that it is another value.
    """
    diff = diff_texts(old, new)
    if BULLETS not in old and BULLETS not in new:
        return diff
    return replace(diff, pieces=tuple(_piece(piece) for piece in diff.pieces))


def _piece(piece: Piece) -> Piece:
    return replace(piece, rows=tuple(_row(row) for row in piece.rows))


def _row(row: Row) -> Row:
    both = row.old is not None and row.new is not None
    old = row.old and replace(row.old, runs=_without_hashes(row.old, ""))
    new = row.new and replace(row.new, runs=_without_hashes(row.new, OTHER_VALUE if both else ""))
    return replace(row, old=old, new=new)


def _without_hashes(line: Line, said: str) -> tuple[Run, ...]:
    """The runs of a line without the characters of hashes; `said` stands for one that differs."""
    spans = mask_spans("".join(run.text for run in line.runs))
    runs: list[Run] = []
    start = 0
    for run in line.runs:
        runs += _cut(run, start, spans, said)
        start += len(run.text)
    return tuple(run for run in runs if run.text)


def _cut(run: Run, start: int, spans: Sequence[tuple[int, int]], said: str) -> list[Run]:
    """One run without what of it lies in a hash. Where that was changed, `said` is in its place."""
    kept, at, end = [], start, start + len(run.text)
    for first, last in spans:
        if last <= at or first >= end:
            continue
        kept.append(replace(run, text=run.text[at - start : max(first, at) - start]))
        if run.is_changed:
            kept.append(replace(run, text=said))
        at = min(last, end)
    return [*kept, replace(run, text=run.text[at - start :])]
