"""
The commits that a squash merge lists in its body, as the forges write them.

GitHub makes each commit of the pull request an item, `* feat: …`, and what stood below its header a
paragraph behind it; GitLab and Bitbucket Cloud do the same, Azure DevOps writes `- feat: …`.
"""

from __future__ import annotations

import re

from gitopsui.domain.commit_types import KNOWN_TYPES, SPEAK_FOR_ALL, WEIGHTS
from gitopsui.domain.footers import fenced_lines

MAX_ITEMS = 200

# Only what begins with a known type is a commit's header: "* Note: …" is a list that somebody wrote.
_TYPES = KNOWN_TYPES | WEIGHTS.keys()
_ITEM = re.compile(r"\n([*-] )([A-Za-z0-9]{2,8})(?:\([^()\n]+\))?!?: ")
_RULE = "-----"  # GitHub draws one between the items and those who wrote them
_INDENT = "  "


def find_items(text: str, kind: str | None) -> tuple[str, ...]:
    """
    The messages of the items that are commits of a known type, in the order of the body, each once.

    `text` is what stands below a header of the type `kind`; below one that has a type, only those that weigh
    more or say that they break something are found. An item that another one takes back is left out.
    """
    if not _may_say_more(text, kind):
        return ()
    matches = [match for match in _ITEM.finditer(f"\n{text}") if _says_more(match, kind)]
    if not matches:
        return ()
    found: dict[str, str] = {}
    for item in _split(text, mark=matches[0][1]):
        header = item.partition("\n")[0]
        match = _ITEM.match(f"\n* {header}")
        if match and _says_more(match, kind) and f'Revert "{header}"' not in text:
            found.setdefault(header.casefold(), item)
    return tuple(found.values())[:MAX_ITEMS]


def _says_more(match: re.Match[str], kind: str | None) -> bool:
    word = match[2].lower()
    if kind is None:
        return word in _TYPES
    if word == "revert":
        return False  # of what came and went on the way
    is_marked = match[0].endswith("!: ") and word in _TYPES
    return is_marked or (kind not in SPEAK_FOR_ALL and WEIGHTS.get(word, 0) > WEIGHTS.get(kind, 0))


def _may_say_more(text: str, kind: str | None) -> bool:
    """Asked of every commit that has a list: the cheap questions come first."""
    if kind is None:
        return True
    if "!: " in text:
        return True
    if kind in SPEAK_FOR_ALL:
        return False
    return kind not in WEIGHTS or "feat" in text or "Feat" in text or "FEAT" in text


def _split(text: str, *, mark: str) -> list[str]:
    """The items behind this mark, each with the lines below it."""
    lines = text.split("\n")
    fenced = fenced_lines(lines) if "```" in text or "~~~" in text else ()
    items: list[list[str]] = []
    is_open = False
    for index, line in enumerate(lines):
        if line.startswith(mark) and index not in fenced:
            items.append([line[len(mark) :].strip()])
            is_open = True
        elif line.startswith(_RULE):
            is_open = False
        elif is_open:
            items[-1].append(line.removeprefix(_INDENT))
    return ["\n".join(item).rstrip() for item in items]
