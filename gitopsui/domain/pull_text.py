"""
Foreign text in a pull request: shown as it is, and without any effect there.

What a forge acts on is broken by a character without width, as bots that open pull requests do: people are
not mentioned, issues neither closed nor referred to, addresses no links.
https://docs.github.com/en/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue
https://docs.gitlab.com/user/project/issues/managing_issues/#default-closing-pattern
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitopsui.domain.notes_text import escape_markdown
from gitopsui.domain.text import CUT, visible

GAP = "\u200b"
MOST_CHARS = 300
MOST_CODE_CHARS = 240  # of a line

# People and groups; issues and merge requests by number, by key, by address. `&#` begins an entity.
_ACTED_ON = re.compile(r"@|(?<!&)#|[!&](?=\d)|\b[A-Za-z][A-Za-z0-9_]*-(?=\d)|:(?=//)|\bwww(?=\.)")
# In code only a forge that closes issues by the raw text finds anything, and only behind such a word.
_CLOSES = re.compile(r"(?i)\b(?:clos|fix|resolv|implement)(?=\w{0,3}:?\s.*(?:#\d|[a-z]-\d|://))")
_BLOCK_START = re.compile(r"(?P<number>\d{1,9})(?=[.)])|[>+-]|={2,}$")
_FENCE = re.compile("`+")
_LINE_END = re.compile(r"[\r\n]+")


def prose(text: str, *, limit: int = MOST_CHARS) -> str:
    """The text on one line, as Markdown without markup of its own; code between backticks stays code."""
    escaped = escape_markdown(_one_line(clip(text, limit)))
    return _ACTED_ON.sub(lambda found: f"{found[0]}{GAP}", escaped.strip())


def cell(text: str, *, limit: int = MOST_CHARS) -> str:
    """The same in a table."""
    return prose(text, limit=limit).replace("|", "\\|") or " "


def item(text: str, *, limit: int = MOST_CHARS) -> str:
    """The same as the item of a list; it begins no list, quote or heading inside."""
    shown = prose(text, limit=limit)
    start = _BLOCK_START.match(shown)
    if start is None:
        return f"- {shown}"
    digits = start["number"] or ""
    return f"- {digits}\\{shown[len(digits) :]}"


def code_span(text: str) -> str:
    """A short text as it is, such as a path; in a table too."""
    shown = visible(_one_line(clip(text, MOST_CHARS))).replace("|", "\\|")
    if "`" in shown or not shown.strip():
        return cell(text)
    return f"`{shown}`"


def code_block(lines: Sequence[str], language: str) -> list[str]:
    """Lines as they are, in a fence that none of them ends."""
    shown = [_code(line) for line in lines]
    longest = max((len(run) for line in shown for run in _FENCE.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *shown, fence]


def clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}{CUT}"


def _one_line(text: str) -> str:
    return _LINE_END.sub(" ", text)


def _code(line: str) -> str:
    shown = visible(_one_line(clip(line, MOST_CODE_CHARS)))
    return _CLOSES.sub(lambda found: f"{found[0]}{GAP}", shown)
