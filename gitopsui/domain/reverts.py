"""What a message says it takes back: `Revert "…"`, `Reapply "…"`, `revert: …`, in any nesting."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gitopsui.domain.footers import Footer
from gitopsui.domain.references import without_pull_request

_DEEPEST = 32  # each level costs a copy of the header
_QUOTING = (('Revert "', 1), ('Reapply "', 2))
_TYPED = "revert:"
_BY_ID = re.compile(r"This reverts commits? ([0-9a-f]{7,64})\b")
_BY_NUMBER = re.compile(r"^Reverts (?:[\w.-]+(?:/[\w.-]+)*)?[#!](\d{1,9})$", re.MULTILINE)
_ID = re.compile(r"\b[0-9a-f]{7,64}\b")


def unwrap_revert(header: str) -> tuple[str, int]:
    """
    The header inside all reverts and how often it was reverted; a depth of 0 means that it is none.

    `Reapply "x"` is how Git (2.43 and later) spells the revert of a revert and counts twice.
    """
    if not header.startswith(("Re", "re", "RE")):
        return header, 0
    inner, depth = header, 0
    for _ in range(_DEEPEST):
        step = _unwrap_once(without_pull_request(inner))
        if step is None:
            break
        inner, added = step
        depth += added
    return inner, depth


def _unwrap_once(header: str) -> tuple[str, int] | None:
    for opening, added in _QUOTING:
        if header.startswith(opening) and header.endswith('"') and len(header) > len(opening):
            return header[len(opening) : -1], added
    if header[: len(_TYPED)].lower() == _TYPED and header[len(_TYPED) :].strip():
        return header[len(_TYPED) :].strip().strip('"'), 1
    return None


def find_target_header(header: str) -> str | None:
    """The header of the very commit that is taken back; None where the header is no revert's."""
    text = without_pull_request(header)
    step = _unwrap_once(text)
    if step is None:
        return None
    # A reapplied change takes back the revert, which quotes it.
    return f'Revert "{step[0]}"' if text.startswith(_QUOTING[1][0]) else step[0]


def find_reverted_commits(text: str, footers: Iterable[Footer], *, is_revert: bool) -> tuple[str, ...]:
    """The ids (7 to 64 digits) a message names as reverted, also in `Refs:` below a header of type revert."""
    found = dict.fromkeys(_BY_ID.findall(text)) if "This reverts commit" in text else {}
    if is_revert:
        for token, value in footers:
            if token.lower() in ("ref", "refs"):
                found.update(dict.fromkeys(_ID.findall(value)))
    return tuple(found)


def find_reverted_pull_request(body: str) -> int | None:
    """The number in the body GitHub writes: `Reverts owner/name#12`."""
    if "Reverts " not in body:
        return None
    match = _BY_NUMBER.search(body)
    return int(match[1]) if match else None
