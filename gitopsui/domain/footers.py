"""The part of a commit message below its first line: body, footers and what breaks, line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

BREAKING_TOKENS = ("BREAKING CHANGE", "BREAKING-CHANGE")
GRADUATION_TOKEN = "INITIAL STABLE RELEASE"  # noqa: S105 -- a footer's name; of the draft after 1.0.0

# These count wherever they stand: a squash merge leaves them in the middle of the message.
_ANYWHERE = frozenset(("co-authored-by", "signed-off-by", "release-as"))

# The same people sign off again and again, so their lines are looked at once.
_MAX_KNOWN = 4_096
_MAX_KNOWN_LENGTH = 160  # characters

_FENCES = ("```", "~~~")
_BULLET = re.compile(r"[*+-][ \t]+")
_FOOTER = re.compile(r"([^\W_][\w-]*)(?:: | #)(?=\S)")
_ANY_CASE_BREAKING = re.compile(r"breaking[ -]change(?:: | #|:\Z)", re.IGNORECASE)
_BULLET_HEADER = re.compile(r"[*+-][ \t]+[^\s():!]+(?:\([^()]+\))?!?: ")
_CHERRY_PICK = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,64})\)\Z")


class Footer(NamedTuple):
    """A token and its value, as written; a pair, so that `dict(footers)` works."""

    token: str
    value: str


class Lint(StrEnum):
    """What a message does against the letter of the specification and is read all the same."""

    NO_SPACE = "no-space"  # no space behind the colon of the header
    NO_BLANK_LINE = "no-blank-line"  # the body begins on the second line
    BREAKING_WITHOUT_BLANK_LINE = "breaking-without-blank-line"  # a BREAKING footer inside a paragraph
    BREAKING_NOT_UPPER = "breaking-not-upper"  # "breaking change:" in small letters is only a remark
    HIDDEN_CHARACTERS = "hidden-characters"  # the header held controls that reorder or hide text


class Rest(NamedTuple):
    """What stands below the header; `cherry_picks` are the commits it was picked from, nearest last."""

    body: str = ""
    footers: tuple[Footer, ...] = ()
    breaking: tuple[str, ...] = ()
    cherry_picks: tuple[str, ...] = ()
    lint: tuple[Lint, ...] = ()


NOTHING = Rest()


class _Kind(StrEnum):
    """What a line that is more than text is."""

    FOOTER = "footer"  # token and separator; counts in the last paragraphs only
    ANYWHERE = "anywhere"  # a footer wherever it stands
    BREAKING = "breaking"  # a BREAKING footer
    CHERRY_PICK = "cherry-pick"  # what `git cherry-pick -x` appends


class _Mark(NamedTuple):
    """The first line of a footer, or the line of a cherry-pick."""

    kind: _Kind
    token: str
    value: str
    is_bullet: bool = False


def read_rest(text: str, *, breaking_tokens: Sequence[str] = BREAKING_TOKENS) -> Rest:
    """
    Body, footers and breaking texts below a header; newlines are `\\n` already.

    Footers are the last paragraphs that begin with a token and a separator. A BREAKING footer counts
    wherever it begins a line outside a fenced block, and reaches to the next footer.
    """
    stripped = text.rstrip().lstrip("\n")  # the indentation of the first line tells that it is no footer
    if not stripped:
        return NOTHING
    lines = stripped.split("\n")
    tokens = tuple(breaking_tokens)
    marks = _find_footers(lines) if _holds_only_footers(stripped, tokens) else _find_marks(lines, tokens)
    if marks and (_FENCES[0] in stripped or _FENCES[1] in stripped):
        fenced = fenced_lines(lines)
        marks = {index: mark for index, mark in marks.items() if index not in fenced}
    if not marks:
        return Rest(stripped.strip())
    return _read_plain(lines, marks) or _Reader(lines, marks).read()


def _holds_only_footers(text: str, breaking_tokens: tuple[str, ...]) -> bool:
    """Whether no line is a rarer mark; other alphabets have letters that count as those of `breaking`."""
    for token in breaking_tokens:
        if token in text:
            return False
    is_rare = "(cherry" in text or GRADUATION_TOKEN in text or "breaking" in text.lower()
    return text.isascii() and not is_rare


def _find_footers(lines: list[str]) -> dict[int, _Mark]:
    """The marks by line of a text that holds no others; a token begins with a letter or a digit."""
    marks: dict[int, _Mark] = {}
    for index, line in enumerate(lines):
        if (": " in line or " #" in line) and line[0].isalnum():
            find = _find_footer_again if len(line) <= _MAX_KNOWN_LENGTH else _find_footer
            mark = find(line)
            if mark:
                marks[index] = mark
    return marks


def _find_marks(lines: list[str], breaking_tokens: tuple[str, ...]) -> dict[int, _Mark]:
    """The marks by line, in order."""
    marks: dict[int, _Mark] = {}
    for index, line in enumerate(lines):
        if ":" in line or " #" in line or "(cherry" in line:
            find = _find_mark_again if len(line) <= _MAX_KNOWN_LENGTH else _find_mark
            mark = find(line, breaking_tokens)
            if mark:
                marks[index] = mark
    return marks


def fenced_lines(lines: list[str]) -> set[int]:
    """The lines of all closed fenced blocks; a fence that is never closed hides nothing."""
    fenced: set[int] = set()
    opened: int | None = None
    for index, line in enumerate(lines):
        if not line.lstrip().startswith(_FENCES):
            continue
        if opened is None:
            opened = index
        else:
            fenced.update(range(opened, index + 1))
            opened = None
    return fenced


def _find_footer(line: str) -> _Mark | None:
    match = _FOOTER.match(line)
    if match is None:
        return None
    token = match[1]
    kind = _Kind.ANYWHERE if token.lower() in _ANYWHERE else _Kind.FOOTER
    # "Closes #12": the mark belongs to the value, `#12` is what is closed.
    return _Mark(kind, token, line[match.end(1) + 1 :].strip())


_find_footer_again = lru_cache(_MAX_KNOWN)(_find_footer)


def _find_mark(line: str, breaking_tokens: tuple[str, ...]) -> _Mark | None:
    footer = _find_footer(line)
    if footer and footer.token not in breaking_tokens and not _ANY_CASE_BREAKING.match(line):
        return footer
    stripped = line.strip()
    if stripped.startswith("(cherry"):
        picked = _CHERRY_PICK.match(stripped)
        return _Mark(_Kind.CHERRY_PICK, "", picked[1]) if picked else None
    return _find_breaking(stripped, breaking_tokens)


_find_mark_again = lru_cache(_MAX_KNOWN)(_find_mark)


def _find_breaking(line: str, breaking_tokens: Sequence[str]) -> _Mark | None:
    """A BREAKING line, also behind a bullet: a squash merge makes a list of the messages."""
    bullet = _BULLET.match(line)
    inner = line[bullet.end() :] if bullet else line
    for token in breaking_tokens:
        if inner.startswith(token):
            after = inner[len(token) :]
            if after.startswith((":", " #")):
                return _Mark(_Kind.BREAKING, token, after[1:].strip(), is_bullet=bullet is not None)
    if inner.startswith(f"{GRADUATION_TOKEN}:"):
        return _Mark(_Kind.ANYWHERE, GRADUATION_TOKEN, inner[len(GRADUATION_TOKEN) + 1 :].strip())
    remark = None if bullet else _ANY_CASE_BREAKING.match(inner)
    if remark:
        token = inner[: len("breaking change")]
        return _Mark(_Kind.ANYWHERE, token, inner[len(token) + 1 :].strip())
    return None


def _read_plain(lines: list[str], marks: dict[int, _Mark]) -> Rest | None:
    """The common case, footers of one line each and nothing that breaks, in less time; else None."""
    tail = _find_tail(lines, marks)
    for index in range(tail, len(lines)):
        if lines[index] and index not in marks:
            return None
    footers: list[Footer] = []
    picks: list[str] = []
    body = lines[:tail]
    for index, (kind, token, value, _) in reversed(marks.items()):
        if kind is _Kind.BREAKING or token[:1] in ("b", "B"):
            return None
        if index < tail:
            if kind is _Kind.FOOTER:
                continue  # text: it stands above the last paragraphs
            del body[index]
        if token:
            footers.append(Footer(token, value))
        else:
            picks.append(value)
    text = "\n".join(body).strip() if body else ""
    return Rest(text, tuple(footers[::-1]), cherry_picks=tuple(picks[::-1]))


@dataclass(slots=True)
class _OpenFooter:
    """A footer that is still being read."""

    mark: _Mark
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip() if len(self.lines) > 1 else self.mark.value

    @property
    def is_breaking(self) -> bool:
        return self.mark.kind is _Kind.BREAKING


class _Reader:
    """Walks the lines once and hands each to the body or to the footer that is open."""

    def __init__(self, lines: list[str], marks: dict[int, _Mark]) -> None:
        self.lines = lines
        self.marks = marks
        self.tail = _find_tail(lines, marks)
        first = next(iter(marks))
        self.body = lines[:first]
        self.rest = range(first, len(lines))
        self.footers: list[_OpenFooter] = []
        self.picks: list[str] = []
        self.lint: dict[Lint, None] = {}
        self.current: _OpenFooter | None = None

    def read(self) -> Rest:
        at = self.rest.start
        for index, mark in self.marks.items():
            self._take_text(at, index)
            is_footer = self._counts(index, mark)
            if is_footer:
                self._open(index, mark)
            at = index + is_footer
        self._take_text(at, self.rest.stop)
        return Rest(
            body="\n".join(self.body).strip(),
            footers=tuple([Footer(footer.mark.token, footer.text) for footer in self.footers]),
            breaking=tuple(dict.fromkeys(footer.text for footer in self.footers if footer.is_breaking)),
            cherry_picks=tuple(self.picks),
            lint=tuple(self.lint),
        )

    def _take_text(self, start: int, end: int) -> None:
        """Lines that open nothing belong to the open footer as long as it goes on, then to the body."""
        while start < end and self.current is not None:
            if self._continues(start):
                self.current.lines.append(self.lines[start])
                start += 1
            else:
                self.current = None
        self.body += self.lines[start:end]

    def _counts(self, index: int, mark: _Mark) -> bool:
        return mark.kind is not _Kind.FOOTER or index >= self.tail or self._is_breaking_open()

    def _open(self, index: int, mark: _Mark) -> None:
        if mark.kind is _Kind.CHERRY_PICK:
            self.picks.append(mark.value)
            self.current = None
            return
        if mark.kind is _Kind.BREAKING and not mark.is_bullet and self._is_inside_paragraph(index):
            self.lint[Lint.BREAKING_WITHOUT_BLANK_LINE] = None
        if mark.kind is _Kind.ANYWHERE and mark.token.lower().startswith("breaking"):
            self.lint[Lint.BREAKING_NOT_UPPER] = None
        footer = _OpenFooter(mark, [mark.value])
        self.footers.append(footer)
        is_single_line = mark.kind is _Kind.ANYWHERE and index < self.tail
        self.current = None if is_single_line else footer

    def _is_inside_paragraph(self, index: int) -> bool:
        """Whether the line above is text: neither blank nor the first line of a footer."""
        return index > 0 and index - 1 not in self.marks and bool(self.lines[index - 1].strip())

    def _is_breaking_open(self) -> bool:
        return self.current is not None and self.current.is_breaking

    def _continues(self, index: int) -> bool:
        line = self.lines[index]
        if self.current is not None and self.current.is_breaking:
            is_next_item = self.current.mark.is_bullet and _BULLET.match(line)
            return not is_next_item and not _BULLET_HEADER.match(line)
        return index >= self.tail or bool(line.strip())


def _find_tail(lines: list[str], marks: dict[int, _Mark]) -> int:
    """Where the last paragraphs that all begin with a footer start; the number of lines if there are none."""
    tail = index = len(lines)
    while index > 0:
        index -= 1
        begins_paragraph = lines[index] and (index == 0 or not lines[index - 1].strip())
        if begins_paragraph:
            if index not in marks:
                break
            tail = index
    return tail
