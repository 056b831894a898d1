"""Release notes as Markdown, as HTML and as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gitopsui.domain.footers import Lint
from gitopsui.domain.note_entry import Entry, Newcomer, Notes, Section, SectionKind
from gitopsui.domain.text import visible

MARKDOWN_LIMIT = 125_000  # characters; GitHub refuses longer bodies
_ROOM_FOR_THE_COUNT = 80
_MAX_CONTRIBUTORS = 40
_MAX_NUMBERS = 10
_SHORT = 8

LINT_WORDS = {
    Lint.NO_SPACE: "no space behind the colon of the first line",
    Lint.NO_BLANK_LINE: "no blank line below the first line",
    Lint.BREAKING_WITHOUT_BLANK_LINE: "no blank line before BREAKING CHANGE",
    Lint.BREAKING_NOT_UPPER: "“breaking change” in small letters breaks nothing",
    Lint.HIDDEN_CHARACTERS: "the first line holds characters that hide or reorder text",
}

# Backslashes only where every dialect knows them; `\<` is markup to Python-Markdown.
_SPECIAL = re.compile(r"[\\*_\[\]<~]|&(?=#?\w{1,32};)")
_SIGN = re.compile(r"[\\*_\[\]<~&`]")
_ENTITIES = {"<": "&lt;", "&": "&amp;", "~": "&#126;"}
_BLOCK_START = re.compile(r"(?:[#>+-]|\d{1,9}[.)])")


def to_markdown(notes: Notes, *, limit: int = MARKDOWN_LIMIT) -> str:
    """
    The notes as Markdown of at most `limit` characters; what had to be left out is counted at the end.

    What commits say is escaped: it cannot become markup.
    """
    lines = list(_markdown_head(notes))
    end = list(_markdown_end(notes))
    size = sum(len(line) + 1 for line in (*lines, *end)) + _ROOM_FOR_THE_COUNT
    left_out = 0
    for section in notes.sections:
        heading = f"\n### {_title(section)}\n\n"
        for entry in section.entries:
            added = heading + _markdown_entry(entry)
            size += len(added) + 1
            if size > limit:
                left_out += 1
                continue
            lines.append(added)
            heading = ""
    if left_out:
        lines += ["", f"… and {left_out:,} more, left out for length."]
    return "\n".join([*lines, *end]) + "\n"


def _markdown_head(notes: Notes) -> Iterator[str]:
    yield f"## {escape_markdown(notes.head or 'Changes')}"
    yield ""
    yield escape_markdown(describe_range(notes))


def _markdown_end(notes: Notes) -> Iterator[str]:
    if notes.newcomers:
        yield from ("", "### New contributors", "")
        yield from (f"- {escape_markdown(_newcomer(one))}" for one in notes.newcomers[:_MAX_CONTRIBUTORS])
        rest = len(notes.newcomers) - _MAX_CONTRIBUTORS
        if rest > 0:
            yield f"- and {rest:,} more"
    if notes.contributors:
        yield from ("", f"Contributors: {escape_markdown(_contributors(notes))}")


def _newcomer(one: Newcomer) -> str:
    where = f"#{one.pull_request}" if one.pull_request else one.sha[:_SHORT]
    return f"{visible(one.name)} with {where}"


def describe_range(notes: Notes) -> str:
    """One sentence on what is compared, and how much it is; notes for people outside do not count."""
    if notes.sections and not notes.commit_count:
        return f"Since {visible(notes.base)}." if notes.base else "The first release."
    commits = "1 commit" if notes.commit_count == 1 else f"{notes.commit_count:,} commits"
    merges = notes.merge_count
    counted = f", {merges:,} of them {'a merge' if merges == 1 else 'merges'}" if merges else ""
    if not notes.base:
        return f"Everything so far: {commits}{counted}."
    return f"Since {visible(notes.base)}: {commits}{counted}."


def _title(section: Section) -> str:
    is_countable = section.kind in (SectionKind.OTHER, SectionKind.DEPENDENCIES)
    return f"{section.title} ({len(section.entries):,})" if is_countable else section.title


def _markdown_entry(entry: Entry) -> str:
    scope = f"**{escape_markdown(entry.scope)}:** " if entry.scope else ""
    text = escape_markdown(entry.text)
    if not scope and _BLOCK_START.match(text):
        text = f"\\{text}" if not text[0].isdigit() else re.sub(r"([.)])", r"\\\1", text, count=1)
    details = escape_markdown(", ".join(_details(entry)))
    lines = [f"- {scope}{text} ({details})" if details else f"- {scope}{text}"]
    for breaking in entry.breaking:
        if breaking != entry.text:
            lines += [f"  > {escape_markdown(line.strip())}" for line in breaking.split("\n")]
    return "\n".join(lines) if len(lines) > 1 else lines[0]


def _details(entry: Entry) -> list[str]:
    """Pull requests, commits, issues and people, in this order."""
    details = ["taken back again"] if entry.is_undone else []
    if entry.since:
        details.append(f"since {entry.since}")
    if entry.part_of:
        details.append(f"part of {entry.part_of}")
    details += _first_of([f"#{number}" for number in entry.pull_requests])
    details += _first_of([sha[:_SHORT] for sha in entry.shas])
    if entry.issues:
        details.append("see " + " ".join(_first_of(entry.issues)))
    authors = entry.authors
    if authors:
        details.append("by " + " and ".join(_first_of(authors)))
    return details


def _first_of(values: Sequence[str]) -> Sequence[str]:
    """As many as anybody reads, and how many more there are."""
    rest = len(values) - _MAX_NUMBERS
    return values if rest <= 0 else (*values[:_MAX_NUMBERS], f"{rest} more")


def _contributors(notes: Notes) -> str:
    named = ", ".join(visible(name) for name in notes.contributors[:_MAX_CONTRIBUTORS])
    rest = len(notes.contributors) - _MAX_CONTRIBUTORS
    return f"{named} and {rest:,} more" if rest > 0 else named


def escape_markdown(text: str) -> str:
    """
    The text with hidden characters shown and nothing left that Markdown or HTML would act on.

    Code between single backticks stays code, which is how people write it.
    """
    shown = visible(text)
    if not _SIGN.search(shown):
        return shown.replace("\n", " ")
    shown = shown.replace("\n", " ")
    parts = shown.split("`")
    is_code_clear = len(parts) % 2 == 1 and "``" not in shown
    if len(parts) > 1 and not is_code_clear:
        return _SPECIAL.sub(_escape_sign, shown).replace("`", "\\`")
    return "`".join(
        part if index % 2 else _SPECIAL.sub(_escape_sign, part) for index, part in enumerate(parts)
    )


def _escape_sign(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0]) or f"\\{match[0]}"


def to_html(notes: Notes) -> str:
    """The notes as HTML without any attribute; everything from outside is escaped."""
    lines = [f"<h2>{_html(notes.head or 'Changes')}</h2>", f"<p>{_html(describe_range(notes))}</p>"]
    for section in notes.sections:
        lines += [f"<h3>{_html(_title(section))}</h3>", "<ul>"]
        lines += [_html_entry(entry) for entry in section.entries]
        lines.append("</ul>")
    if notes.newcomers:
        named = [_html(_newcomer(one)) for one in notes.newcomers[:_MAX_CONTRIBUTORS]]
        rest = len(notes.newcomers) - len(named)
        named += [f"and {rest:,} more"] if rest else []
        lines += ["<h3>New contributors</h3>", "<ul>", *(f"<li>{one}</li>" for one in named), "</ul>"]
    if notes.contributors:
        lines.append(f"<p>Contributors: {_html(_contributors(notes))}</p>")
    return "\n".join(lines) + "\n"


def _html_entry(entry: Entry) -> str:
    scope = f"<strong>{_html(entry.scope)}:</strong> " if entry.scope else ""
    breaking = "".join(
        f"<blockquote>{_html(text)}</blockquote>" for text in entry.breaking if text != entry.text
    )
    details = _html(", ".join(_details(entry)))
    return f"<li>{scope}{_html(entry.text)}{f' ({details})' if details else ''}{breaking}</li>"


def _html(text: str) -> str:
    from html import escape  # with all its entities; Markdown does without

    return escape(visible(text))


def to_dict(notes: Notes) -> dict[str, Any]:
    """The notes as a JSON object: strings, numbers, lists and objects; times in ISO 8601."""
    return {
        "base": notes.base,
        "head": notes.head,
        "commit_count": notes.commit_count,
        "merge_count": notes.merge_count,
        "merges": list(notes.merges),
        "contributors": list(notes.contributors),
        "remarks": [
            {"sha": one.sha, "lint": list(one.lint), "text": ", ".join(LINT_WORDS[each] for each in one.lint)}
            for one in notes.remarks
        ],
        "new_contributors": [one._asdict() for one in notes.newcomers],
        "sections": [
            {
                "kind": section.kind.name.lower(),
                "title": section.title,
                "count": len(section.entries),
                "entries": [_entry_to_dict(entry) for entry in section.entries],
            }
            for section in notes.sections
        ],
    }


def _entry_to_dict(entry: Entry) -> dict[str, Any]:
    return {
        "sha": entry.sha,
        "shas": list(entry.shas),
        "text": entry.text,
        "type": entry.type,
        "scope": entry.scope,
        "breaking": list(entry.breaking),
        "pull_request": entry.pull_request,
        "pull_requests": list(entry.pull_requests),
        "issues": list(entry.issues),
        "author": entry.author,
        "co_authors": list(entry.co_authors),
        "is_undone": entry.is_undone,
        "at": entry.at.isoformat() if entry.at else None,
        "part_of": entry.part_of,
        "since": entry.since,
    }
