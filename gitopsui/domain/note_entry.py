"""Release notes as values: sections of entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gitopsui.domain.footers import Lint


class SectionKind(StrEnum):
    """The sections in the order they are read; the values are their headings."""

    BREAKING = "Breaking changes"  # whatever the type
    SECURITY = "Security"  # type security, or a published vulnerability in the header
    NEW = "New"  # feat
    FIXED = "Fixed"  # fix
    PERFORMANCE = "Performance"  # perf
    REVERTS = "Reverts"  # earlier releases' changes taken back, and what came and went in between
    DEPENDENCIES = "Dependencies"  # one net line per dependency
    OTHER = "Other"  # everything else


class Entry(NamedTuple):
    """
    One line of the notes. `shas` are its commits, newest first, `text` the description without the pull
    request's number; `breaking` are the texts of what breaks.

    `author` and `co_authors` are people; `author` is "" where a program wrote the commit. `is_undone` says
    that a later commit of the same range took the change back. `at` is the newest commit's time. `part_of` is
    the title of the squash merge whose body lists the change, "" for most. `since` is the first version with
    it, where a range holds several, of what breaks and of what is about security.
    """

    shas: tuple[str, ...]
    text: str
    type: str | None = None
    scope: str | None = None
    breaking: tuple[str, ...] = ()
    pull_requests: tuple[int, ...] = ()
    issues: tuple[str, ...] = ()
    author: str = ""
    co_authors: tuple[str, ...] = ()
    is_undone: bool = False
    at: datetime | None = None
    part_of: str = ""
    since: str = ""

    @property
    def sha(self) -> str:
        """The newest of its commits."""
        return self.shas[0]

    @property
    def pull_request(self) -> int | None:
        return self.pull_requests[0] if self.pull_requests else None

    @property
    def authors(self) -> tuple[str, ...]:
        """Everybody with a part in it, the author first."""
        return (self.author, *self.co_authors) if self.author else self.co_authors


@dataclass(frozen=True, slots=True)
class Section:
    """The entries of one kind, newest first; dependencies by name."""

    kind: SectionKind
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        return self.kind.value


class Newcomer(NamedTuple):
    """Somebody who contributes for the first time, with the commit that did and its pull request."""

    name: str
    sha: str
    pull_request: int | None = None


class Remark(NamedTuple):
    """A commit whose message is not quite as the convention wants it, and what of it is not."""

    sha: str
    lint: tuple[Lint, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """
    What changed between two revisions. `base` and `head` are names to show; `base` is "" where there is
    nothing before. Sections without entries are left out.

    Each commit of the range is in an entry, or in `merges`: those whose commits are in the range themselves.
    `newcomers` are in the order they came; none where nobody knows what was before. `remarks` are for those
    who write the messages; what programs wrote is not among them.
    """

    base: str
    head: str
    sections: tuple[Section, ...]
    commit_count: int
    merges: tuple[str, ...] = ()
    contributors: tuple[str, ...] = ()
    newcomers: tuple[Newcomer, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def breaking(self) -> tuple[Entry, ...]:
        return self.entries_of(SectionKind.BREAKING)

    @property
    def entry_count(self) -> int:
        return sum(len(section.entries) for section in self.sections)

    @property
    def merge_count(self) -> int:
        return len(self.merges)

    @property
    def is_empty(self) -> bool:
        return not self.sections

    def entries_of(self, kind: SectionKind) -> tuple[Entry, ...]:
        """The entries of one section, none where it has none."""
        return next((section.entries for section in self.sections if section.kind is kind), ())
