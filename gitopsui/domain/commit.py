"""
A commit as Git tells it, and what its message says by the rules of Conventional Commits.

https://www.conventionalcommits.org/en/v1.0.0/; where implementations disagree, a message is read
leniently and what was forgiven stands in `lint`. A message is never dropped: one that follows no
convention has no type and its first line as description.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from gitopsui.domain.commit_types import KNOWN_TYPES
from gitopsui.domain.footers import BREAKING_TOKENS, GRADUATION_TOKEN, Footer, Lint, Rest, read_rest
from gitopsui.domain.references import (
    MAX_ISSUES,
    REFERENCE_TOKENS,
    find_issues,
    find_merge_request,
    find_pull_request,
    find_tracker_keys,
    without_pull_request,
)
from gitopsui.domain.reverts import find_reverted_commits, find_reverted_pull_request, unwrap_revert
from gitopsui.domain.squash import find_items
from gitopsui.domain.text import TEXT_LIMIT

DESCRIPTION_LIMIT = 200  # characters; what a page shows of a subject
HEADER_LIMIT = 1_000  # characters; the rest of a longer first line is not looked at
# What stands below a header is often the same: a sign-off, or a change that was picked into other branches.
_MAX_KNOWN = 4_096
_MAX_KNOWN_LENGTH = 600  # characters; longer ones seldom come again

_HEADER = re.compile(r"([^\s():!]+)(?:\(([^()]*)\))?(!{0,2}):(.+)")
_UPDATE = re.compile(
    r"\A[^:]*\bdeps\b|\b(?:bump|update|upgrade)[sd]? .{0,200}\b(?:to|from|group)\b", re.IGNORECASE
)
_BULLETS = ("* ", "- ")
_BLANK_LINES = re.compile(r"\n{3,}")
_OVERRIDE = ("BEGIN_COMMIT_OVERRIDE", "END_COMMIT_OVERRIDE")

# Taken out of a header: what reorders text (https://trojansource.codes) or hides in a word. Joiners of
# emoji and of scripts that need them (U+200C, U+200D) stay.
_HIDDEN = dict.fromkeys(
    (
        0x00,
        0x00AD,
        0x061C,
        0x200B,
        0x200E,
        0x200F,
        0x2060,
        0xFEFF,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
)


class Commit(NamedTuple):
    """
    One commit. `sha` and `parents` are full ids; the two times are aware and UTC.

    A time is None where Git holds one that is no date, the author's also where it was not read. `message`
    is the whole message with the newlines Git had, already decoded, undecodable bytes replaced.
    """

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: datetime | None
    committed_at: datetime | None
    message: str


class ParsedMessage(NamedTuple):
    """
    What a message says. `type` is in small letters and None where the header follows no convention.

    `description` is the header behind its colon, else all of it, at most 200 characters. `breaking` holds
    the texts of what breaks, nothing where nothing does. `issues` are at most 50, without the pull request's
    own number. `reverts` are the commits it names as reverted; `revert_depth` is odd where the commit takes
    `reverted_header` back and even where it brings it back. `cherry_picks` are its origins, nearest last.
    `parts` are the commits that a squash merge lists in its body, where they may say more than its header.
    """

    header: str
    type: str | None
    scope: str | None
    description: str
    breaking: tuple[str, ...] = ()
    body: str = ""
    footers: tuple[Footer, ...] = ()
    issues: tuple[str, ...] = ()
    pull_request: int | None = None
    reverts: tuple[str, ...] = ()
    reverted_header: str | None = None
    reverted_pull_request: int | None = None
    revert_depth: int = 0
    cherry_picks: tuple[str, ...] = ()
    is_graduation: bool = False
    lint: tuple[Lint, ...] = ()
    parts: tuple[ParsedMessage, ...] = ()

    @property
    def is_breaking(self) -> bool:
        return bool(self.breaking)

    @property
    def is_revert(self) -> bool:
        """Whether the commit takes something back, rather than only mentioning a revert."""
        return self.type == "revert"

    @property
    def cherry_pick_of(self) -> str | None:
        """The commit this one was directly picked from."""
        return self.cherry_picks[-1] if self.cherry_picks else None

    @property
    def release_as(self) -> str | None:
        """The version a `Release-As` footer asks for, as written."""
        asked = self.footer_values("release-as")
        return asked[-1] if asked else None

    def footer_values(self, token: str) -> list[str]:
        """The values of all footers of that name, in any case of letters."""
        return [value for name, value in self.footers if name.lower() == token]


class _Header(NamedTuple):
    """A first line, taken apart."""

    type: str | None
    scope: str | None
    description: str
    is_breaking: bool = False
    is_graduation: bool = False
    has_no_space: bool = False
    inner: str | None = None
    depth: int = 0


def parse_message(
    message: str, *, breaking_tokens: Sequence[str] = BREAKING_TOKENS, comment_char: str = ""
) -> ParsedMessage:
    """
    What a commit message says; never raises, whatever the message holds.

    `breaking_tokens` are the footers that count as breaking. With a `comment_char`, lines that begin with
    it are left out and a scissors line ends the message, as in `git commit --cleanup=scissors`.
    """
    first, rest_text = _split(message, comment_char)
    parsed = _parse(first, rest_text, breaking_tokens)
    if "\n* " in rest_text or "\n- " in rest_text or rest_text.startswith(_BULLETS):
        return _with_parts(parsed, rest_text, breaking_tokens)
    return parsed


def _parse(first: str, rest_text: str, breaking_tokens: Sequence[str]) -> ParsedMessage:
    is_plain = first.isascii()
    text = first[:HEADER_LIMIT] if is_plain else _tidy(first)
    header = _read_header(text)
    kind, scope, description, is_breaking, is_graduation, has_no_space, inner, depth = header
    read = _read_below_again if len(rest_text) <= _MAX_KNOWN_LENGTH else _read_below
    below = read(rest_text, tuple(breaking_tokens))
    body, footers, breaking, cherry_picks, _ = rest = below.rest
    pull_request = find_pull_request(first) or below.merge_request
    return ParsedMessage(
        text,
        kind,
        scope,
        description,
        _breaking_texts(header, rest) if breaking or is_breaking else (),
        body,
        footers,
        _issues("" if depth else text, below.issues, pull_request),
        pull_request,
        below.reverts if kind != "revert" else find_reverted_commits(rest_text, footers, is_revert=True),
        inner,
        find_reverted_pull_request(body) if depth else None,
        depth,
        cherry_picks,
        is_graduation or below.is_graduation,
        below.lint if is_plain and not has_no_space else _lint(header, below, first),
    )


class _Below(NamedTuple):
    """All that can be told from what stands below a header, whatever the header says."""

    rest: Rest
    issues: tuple[str, ...]
    merge_request: int | None
    reverts: tuple[str, ...]
    is_graduation: bool
    lint: tuple[Lint, ...]


def _read_below(text: str, breaking_tokens: tuple[str, ...]) -> _Below:
    rest = read_rest(text, breaking_tokens=breaking_tokens)
    issues = find_issues(text)
    for token, value in rest.footers:
        if token.lower() in REFERENCE_TOKENS:
            issues += find_tracker_keys(value)
    begins_at_once = not text.startswith("\n") and text.partition("\n")[0].strip()
    return _Below(
        rest,
        tuple(dict.fromkeys(issues)) if issues else (),
        find_merge_request(rest.body),
        find_reverted_commits(text, rest.footers, is_revert=False),
        GRADUATION_TOKEN in text and any(token == GRADUATION_TOKEN for token, _ in rest.footers),
        (*rest.lint, Lint.NO_BLANK_LINE) if begins_at_once else rest.lint,
    )


_read_below_again = lru_cache(_MAX_KNOWN)(_read_below)


def _read_part(message: str, breaking_tokens: Sequence[str]) -> ParsedMessage:
    """One of the commits that a squash merge lists; what stands in a list of its own stays text."""
    first, _, below = message.partition("\n")
    text = _tidy(first)
    header = _read_header(text)
    rest = read_rest(below, breaking_tokens=breaking_tokens)
    pull_request = find_pull_request(text)
    return ParsedMessage(
        text,
        header.type,
        header.scope,
        header.description,
        _breaking_texts(header, rest),
        rest.body,
        rest.footers,
        _issues(text, tuple(find_issues(below)), pull_request),
        pull_request,
        lint=rest.lint,
    )


def _with_parts(message: ParsedMessage, below: str, breaking_tokens: Sequence[str]) -> ParsedMessage:
    """What breaks in a part breaks in the whole. The list below an update is of somebody else's commits."""
    is_update = message.scope is not None and message.scope.startswith("deps")
    items = () if is_update else find_items(below, message.type)
    if not items or _UPDATE.search(message.header):
        return message
    parts = tuple([_read_part(item, breaking_tokens) for item in items])
    marked = [part.description for part in parts if part.breaking == (part.description,)]
    return message._replace(breaking=tuple(dict.fromkeys((*message.breaking, *marked))), parts=parts)


def _tidy(header: str) -> str:
    """The header without what hides or reorders text, at a length that can be looked at."""
    return header.translate(_HIDDEN).strip()[:HEADER_LIMIT]


def _split(message: str, comment_char: str) -> tuple[str, str]:
    """First line and the rest, with newlines made one kind, blank runs folded and the override applied."""
    text = message.replace("\r\n", "\n").replace("\r", "\n") if "\r" in message else message
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    text = text[:TEXT_LIMIT].replace("\x00", "")
    if comment_char:
        text = _without_comments(text, comment_char)
    if _OVERRIDE[0] in text:
        text = _apply_override(text)
    text = text.lstrip("\ufeff \t\n")
    while text.startswith("gpg: "):  # `git log --show-signature` writes its verdict above the message
        text = text.partition("\n")[2]
    first, _, rest = text.partition("\n")
    return first.strip(), rest


def _without_comments(text: str, comment_char: str) -> str:
    """https://git-scm.com/docs/git-commit#Documentation/git-commit.txt-scissors"""
    kept = []
    for line in text.split("\n"):
        if line.startswith(f"{comment_char} ------------------------ >8 ------------------------"):
            break
        if not line.startswith(comment_char):
            kept.append(line)
    return "\n".join(kept)


def _apply_override(text: str) -> str:
    """The message a squash merge should have had, where its pull request says so (release-please)."""
    begin, end = _OVERRIDE
    instead = text.partition(begin)[2].partition(end)[0].strip()
    if not instead:
        return text
    number = find_pull_request(text.partition("\n")[0].strip())
    first, _, rest = instead.partition("\n")
    if number is None or find_pull_request(first.strip()) is not None:
        return instead
    return f"{first.rstrip()} (#{number})\n{rest}"


def _read_header(header: str) -> _Header:
    """Even chains of reverts bring the first commit back, so they are of its type; odd ones are reverts."""
    inner, depth = unwrap_revert(header)
    if depth == 0:
        return _read_plain_header(header)
    if depth % 2 == 0:
        return _read_plain_header(inner)._replace(inner=inner, depth=depth)
    plain = _read_plain_header(header)
    return _Header("revert", plain.scope, plain.description, inner=inner, depth=depth)


def _read_plain_header(header: str) -> _Header:
    match = _HEADER.match(header)
    if match is None:
        return _Header(None, None, _cut(header))
    word, scope, mark, after = match.groups()
    kind = word.lower()
    description = after.strip()
    has_no_space = not after[0].isspace()
    # Without a space it is only believed of these: `http://…` is no type.
    is_doubtful = has_no_space and kind not in KNOWN_TYPES and scope is None and not mark
    scope = scope.strip() if scope is not None else None
    if not description or is_doubtful or scope == "":
        return _Header(None, None, _cut(header))
    shown = description if len(description) <= DESCRIPTION_LIMIT else _cut(description)
    return _Header(kind, scope, shown, bool(mark), mark == "!!", has_no_space)


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION_LIMIT else text[: DESCRIPTION_LIMIT - 1].rstrip() + "…"


def _breaking_texts(header: _Header, rest: Rest) -> tuple[str, ...]:
    """The footers' texts; the description where only the header's mark says that something breaks."""
    if rest.breaking:
        return tuple(text or header.description for text in rest.breaking)
    return (header.description,) if header.is_breaking else ()


def _issues(header: str, below: tuple[str, ...], pull_request: int | None) -> tuple[str, ...]:
    own = f"#{pull_request}"
    before = header[: -len(own) - 2] if header.endswith(f"({own})") else without_pull_request(header)
    named = find_issues(before)
    if not named and not below:
        return ()
    return tuple(issue for issue in dict.fromkeys((*named, *below)) if issue != own)[:MAX_ISSUES]


def _lint(header: _Header, below: _Below, first: str) -> tuple[Lint, ...]:
    lint = below.lint
    if header.has_no_space:
        lint = (Lint.NO_SPACE, *lint)
    if first.translate(_HIDDEN) != first:
        lint = (*lint, Lint.HIDDEN_CHARACTERS)
    return lint
