"""
Reads a CHANGELOG file: Keep a Changelog (https://keepachangelog.com/en/1.1.0/) and its common variants.

Line by line, each line looked at once and cut before it is matched: no file can make this slow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from semver import Version

from gitopsui.domain.precedence import (
    BuildOrder,
    Precedence,
    build_order_of,
    coerce_version,
    precedence_of,
)
from gitopsui.domain.text import visible

Order = tuple[Precedence, BuildOrder, str]

MOST_ENTRIES = 500
MOST_NAMED = 20  # versions in one sentence
_HEADING_CHARS = 300

_ATX = re.compile(r" {0,3}(#{1,3})[ \t]+(\S.*)")
_SETEXT = re.compile(r" {0,3}(?:(=+)|(-+))[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DEFINITION = re.compile(r" {0,3}\[([^\]\[]{1,100})\]:[ \t]*\S{1,1000}")
_VERSION = re.compile(
    r"(?:(?:version|release)[ \t]+|[\w./@-]{1,60}[@/ ][ \t]*)??[vV]?"
    r"([0-9]{1,9}\.[0-9]{1,9}(?:\.[0-9]{1,9}){0,2}(?:-[0-9A-Za-z.-]{1,60})?(?:\+[0-9A-Za-z.-]{1,60})?)"
    r"(?![\w.])",
    re.IGNORECASE | re.ASCII,
)
_ISO = re.compile(r"(?<![0-9.])([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9.])")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMED = re.compile(
    r"\b(?:([0-9]{1,2})(?:st|nd|rd|th)?[ ]+)?([A-Za-z]{3,9})\.?[ ]+"
    r"(?:([0-9]{1,2})(?:st|nd|rd|th)?,?[ ]+)?([0-9]{4})\b"
)
_UNRELEASED = re.compile(
    r"\W{0,3}(?:unreleased|upcoming|next|head|master|main)\W{0,3}(?:changes)?\W{0,3}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ChangelogEntry:
    """
    What stands under one heading. `version` is without `v`, "" for what is unreleased; `body` Markdown, with
    the link definitions it uses. `line` counts from 1.
    """

    version: str
    title: str
    body: str
    line: int
    date: date | None = None
    is_yanked: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedChangelog:
    """The entries, unreleased first, then by version, newest first; `problems` are of the whole file."""

    entries: tuple[ChangelogEntry, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Heading:
    entry: ChangelogEntry
    body_at: int  # index of the first line below it


def is_text(data: bytes) -> bool:
    """Whether a file is text: no NUL, and hardly any other control characters."""
    sample = data[:65_536]
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)
    return b"\0" not in data and controls * 50 <= len(sample)


def parse_changelog(text: str) -> ParsedChangelog:
    """The entries of a changelog; none and a problem where no heading names a version."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headings = list(_headings(lines))
    if not headings:
        return ParsedChangelog((), (_NO_VERSION,))
    ends = [heading.entry.line - 1 for heading in headings[1:]] + [len(lines)]
    definitions = _definitions(lines)
    found = [
        replace(heading.entry, body=_body(lines[heading.body_at : end], definitions))
        for heading, end in zip(headings, ends, strict=True)
    ]
    if not any(entry.version for entry in found):
        return ParsedChangelog(tuple(found[:MOST_ENTRIES]), (_NO_VERSION,))
    ordered = sorted(found, key=_order, reverse=True)
    problems = [] if [e for e in found if e.version] == [e for e in ordered if e.version] else [_UNORDERED]
    if len(ordered) > MOST_ENTRIES:
        problems.append(f"It has {len(ordered):,} entries; the newest {MOST_ENTRIES} are shown.")
    return ParsedChangelog(tuple(_with_duplicates(ordered[:MOST_ENTRIES])), tuple(problems))


_NO_VERSION = "No heading in it names a version."
_UNORDERED = "Its versions do not stand in the order of their numbers; here they do."


def _headings(lines: Sequence[str]) -> Iterator[_Heading]:
    fence = ""
    for number, line in enumerate(lines):
        if match := _FENCE.match(line[:_HEADING_CHARS]):
            marks = match[1]
            if not fence:
                fence = marks
            elif marks[0] == fence[0] and len(marks) >= len(fence) and not line.strip().strip(marks[0]):
                fence = ""
            continue
        if fence:
            continue
        level, title = _heading_at(lines, number)
        entry = _read_heading(title, level, number + 1) if title else None
        if entry is not None:
            is_atx = line.lstrip().startswith("#")
            yield _Heading(entry, number + (1 if is_atx else 2))


def _heading_at(lines: Sequence[str], number: int) -> tuple[int, str]:
    """Level and text of the heading that begins in this line; (0, "") where none does."""
    line = lines[number][:_HEADING_CHARS]
    if match := _ATX.fullmatch(line):
        return len(match[1]), match[2].rstrip("# \t")
    below = lines[number + 1][:_HEADING_CHARS] if number + 1 < len(lines) else ""
    underline = _SETEXT.fullmatch(below) if line.strip() else None
    if underline is None or line.startswith(("    ", "\t", "-", "*", ">", "|")):
        return 0, ""
    return (1 if underline[1] else 2), line.strip()


def _read_heading(title: str, level: int, line: int) -> ChangelogEntry | None:
    plain = title.strip().lstrip("[*_` ").strip()
    if _UNRELEASED.fullmatch(re.sub(r"\(.{0,200}\)", "", title)):
        return ChangelogEntry("", visible(title), "", line)
    match = _VERSION.match(plain)
    if match is None:
        return None
    rest = plain[match.end() :]
    found, problem = _read_date(rest)
    is_yanked = "yanked" in rest.lower()
    # A third level that names a version and goes on in words is a heading inside an entry.
    if level == 3 and not (found or is_yanked or not rest.strip("])*_` :-")):
        return None
    problems = (problem,) if problem else ()
    return ChangelogEntry(match[1], visible(title), "", line, found, is_yanked, problems)


def _read_date(rest: str) -> tuple[date | None, str]:
    """The date a heading names, and what is wrong with it."""
    if match := _ISO.search(rest):
        year, month, day = (int(part) for part in match.groups())
    elif (match := _NAMED.search(rest)) and match[2][:3].lower() in _MONTHS and (match[1] or match[3]):
        year, day = int(match[4]), int(match[1] or match[3])
        month = _MONTHS.index(match[2][:3].lower()) + 1
    else:
        return None, ""
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, f"{match[0]} is no date."


def _definitions(lines: Sequence[str]) -> dict[str, str]:
    """The link definitions of the whole file by their label in lower case; they mostly stand at its end."""
    found = (_DEFINITION.match(line[:1_200]) for line in lines if line.lstrip(" ").startswith("["))
    return {match[1].lower(): match[0] for match in found if match}


def _body(lines: Sequence[str], definitions: Mapping[str, str]) -> str:
    own = [
        line for line in lines if not (line.lstrip(" ").startswith("[") and _DEFINITION.match(line[:1_200]))
    ]
    text = "\n".join(own).strip("\n")
    labels = dict.fromkeys(label.lower() for label in re.findall(r"\[([^\]\[]{1,100})\]", text))
    used = [definitions[label] for label in labels if label in definitions]
    return "\n".join([text, "", *used]) if used else text


def _order(entry: ChangelogEntry) -> tuple[bool, Order | tuple[()]]:
    return (True, ()) if not entry.version else (False, order_of(entry.version))


def order_of(version: str) -> Order:
    """By SemVer; two numbers stand for three, and of four the last is not looked at."""
    core, sign, tail = _split(version)
    numbers = [*core.split("."), "0", "0"][:3]
    try:
        parsed = Version.parse(".".join(str(int(part)) for part in numbers) + sign + tail)
    except ValueError:
        parsed = Version(*(int(part) for part in numbers))
    return precedence_of(parsed), build_order_of(parsed), version


def _split(version: str) -> tuple[str, str, str]:
    match = re.search(r"[-+]", version)
    return (version[: match.start()], match[0], version[match.end() :]) if match else (version, "", "")


def _with_duplicates(entries: Sequence[ChangelogEntry]) -> Iterator[ChangelogEntry]:
    listed = [entry.version for entry in entries if entry.version]
    twice = (
        {version for version in listed if listed.count(version) > 1} if len(set(listed)) < len(listed) else {}
    )
    for entry in entries:
        if entry.version in twice:
            problem = f"{entry.version} has more than one heading."
            yield replace(entry, problems=(*entry.problems, problem))
        else:
            yield entry


def find_differences(entries: Sequence[ChangelogEntry], tagged: Mapping[str, date | None]) -> list[str]:
    """
    Where a changelog and the tags disagree, as sentences. `tagged` are versions with the dates of their tags.

    Pre-releases and versions older than the oldest entry are not missed: few changelogs tell them.
    """
    told = {canonical(entry.version): entry for entry in entries if entry.version}
    tagged = {canonical(version): at for version, at in tagged.items()}
    if not told:
        return []
    oldest = min(order_of(version) for version in told)
    missing = [
        version
        for version in tagged
        if version not in told and "-" not in version and _is_later(version, oldest)
    ]
    untagged = [version for version in told if version not in tagged]
    return [
        *_sentence(missing, "has a tag and no entry", "have tags and no entries"),
        *_sentence(untagged, "has an entry and no tag", "have entries and no tags"),
        *_dates(told, tagged),
    ]


def canonical(version: str) -> str:
    """`1.4` and `1.4.0` are the same version to the people who write them."""
    return str(coerce_version(version) or version)


def _is_later(version: str, oldest: Order) -> bool:
    """False for a version too unlike SemVer to be placed."""
    try:
        return order_of(version) > oldest
    except ValueError:
        return False


def _sentence(versions: Collection[str], one: str, many: str) -> Iterator[str]:
    if versions:
        listed = list(versions)
        rest = f" and {len(listed) - MOST_NAMED:,} more" if len(listed) > MOST_NAMED else ""
        yield f"{', '.join(listed[:MOST_NAMED])}{rest} {one if len(listed) == 1 else many}."


def _dates(told: Mapping[str, ChangelogEntry], tagged: Mapping[str, date | None]) -> Iterator[str]:
    """Dates more than a day apart: a changelog is often written the evening before, or in another zone."""
    apart = [
        f"{version} is dated {entry.date:%Y-%m-%d} and was tagged on {tagged_on:%Y-%m-%d}."
        for version, entry in told.items()
        if entry.date and (tagged_on := tagged.get(version)) and abs((entry.date - tagged_on).days) > 1
    ]
    yield from apart[:MOST_NAMED]
    if len(apart) > MOST_NAMED:
        yield f"The dates of {len(apart) - MOST_NAMED:,} more differ from those of their tags."
