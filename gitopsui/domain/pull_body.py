"""
The body of a pull request: what the page of its promotion says, as Markdown for who reviews it on the forge.

The same facts give the same text. It is never longer than asked for, and says what was left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gitopsui.domain.gate_facts import Gate, Override
from gitopsui.domain.notes import Entry, Notes
from gitopsui.domain.pull_text import cell, clip, code_block, code_span, item, prose

MOST_CHARS = 50_000  # GitHub refuses a body of more than 65,536
MOST_ENTRIES = 25  # of one section of the notes
MOST_LISTED = 10  # commits that are there already, or would be lost
MOST_LABEL = 50  # characters, of GitHub
MOST_EDIT_LINES = 40  # of one file
_ANSWERS = {"pass": "passes", "wait": "waits", "block": "**blocks**", "open": "opened by hand"}


@dataclass(frozen=True, slots=True)
class Moved:
    """One application; `image` is the repository of its image, "" where that is not known."""

    application: str
    from_version: str
    to_version: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class Shipped:
    """
    What one component brings: `notes` of what arrives, `already` what is there under another commit, `lost`
    what the environment would not have any more. `problem` says why none of that is known.
    """

    component: str
    from_version: str
    to_version: str
    notes: Notes
    already: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    problem: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """One file: lines of a unified diff, masked; `note` is why there are none."""

    path: str
    change: str
    lines: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A gate: `state` is pass, wait, block or open (an administrator opened it)."""

    title: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class PullFacts:
    """All that the body says. `url` is our page of the promotion, `mark` what `mark_of` makes."""

    url: str
    mark: str
    heading: str
    proposer: str
    reason: str = ""
    moves: tuple[Moved, ...] = ()
    shipped: tuple[Shipped, ...] = ()
    edits: tuple[Edited, ...] = ()
    gates: tuple[Answered, ...] = ()
    opened: tuple[Override, ...] = ()


def labels_of(environment: str, *, is_rollback: bool) -> tuple[str, ...]:
    """What it is found by on its forge: `gitopsui`, `into production`, `rollback`."""
    # A comma divides labels where several are one text.
    into = clip(f"into {environment}".replace(",", " "), MOST_LABEL)
    return ("gitopsui", into, "rollback") if is_rollback else ("gitopsui", into)


def mark_of(number: int, gates: Iterable[Gate]) -> str:
    """
    A comment that no reader sees: which promotion it is, and which answers of gates the text was written
    with. Reasons do not count, since some change with the clock.
    """
    answers = sorted(f"{gate.name}\0{gate.state}\0{gate.overridden_by}" for gate in gates)
    digest = hashlib.sha256("\n".join(answers).encode()).hexdigest()[:16]
    return f"<!-- gitopsui promotion={number} gates={digest} -->"


def write_body(facts: PullFacts, *, limit: int = MOST_CHARS) -> str:
    """The body, of at most `limit` characters; `limit` is at least 2,000."""
    end = _end(facts)
    page = _Page(limit - _size(end) - _ROOM_FOR_COUNTS)
    page.add(*_head(facts))
    page.table(("Application", "From", "To", "Image"), map(_moved, facts.moves), "applications")
    if facts.gates:
        page.add("", "### Gates", "")
        page.table(("Gate", "Answer", "Why"), map(_answered, facts.gates), "gates")
    for one in facts.opened:
        page.add("", f"> {prose(f'Gate “{one.gate}” was opened by {one.by}: {one.reason}', limit=1_000)}")
    # What they share is what is left; the edit is the shorter of both and comes last.
    edit = _Page(page.room // 3)
    _write_edits(edit, facts.edits)
    page.room -= _size(edit.lines)
    _write_shipped(page, facts.shipped)
    return "\n".join([*page.lines, *edit.lines, *_left_out(page.left_out | edit.left_out), *end]) + "\n"


_ROOM_FOR_COUNTS = 300
_MORE_THERE = "what it renders to, who answered, and the gates as they are now"


@dataclass(slots=True)
class _Page:
    """Lines as long as there is room for them, and how many of what had none."""

    room: int
    lines: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, *lines: str, of: str = "") -> bool:
        """All of these or none of them; `of` is the noun that is counted where there is no room."""
        size = _size(lines)
        if size > self.room:
            if of:
                self.left_out[of] = self.left_out.get(of, 0) + 1
            return False
        self.room -= size
        self.lines += lines
        return True

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]], of: str) -> None:
        self.add(_line(titles), _line(["---"] * len(titles)))
        for row in rows:
            self.add(_line(row), of=of)


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(facts: PullFacts) -> Iterator[str]:
    yield f"**{prose(facts.heading)}**, proposed by {prose(facts.proposer)}."
    if facts.reason:
        yield ""
        yield f"> {prose(facts.reason, limit=2_000)}"
    yield ""


def _moved(move: Moved) -> list[str]:
    versions = [cell(move.from_version or "unknown"), cell(move.to_version)]
    image = f"{move.image}{'@' if ':' in move.to_version else ':'}{move.to_version}" if move.image else ""
    return [cell(move.application), *versions, code_span(image)]


def _answered(gate: Answered) -> list[str]:
    return [cell(gate.title), _ANSWERS.get(gate.state, cell(gate.state)), cell(gate.reason)]


def _write_shipped(page: _Page, shipped: Iterable[Shipped]) -> None:
    heading = ["", "### What ships"]
    for one in shipped:
        lines = [*heading, "", f"#### {prose(_name(one))}", "", prose(one.problem) or _counts(one)]
        if page.add(*lines, of="components"):
            heading = []
            _write_notes(page, one)


def _name(one: Shipped) -> str:
    return f"{one.component} {one.from_version or 'unknown'} → {one.to_version}"


def _counts(one: Shipped) -> str:
    arrives = one.notes.commit_count - one.notes.merge_count
    said = [f"{_commits(arrives)} {'arrives' if arrives == 1 else 'arrive'}"] if arrives else []
    if one.already:
        said.append(f"{len(one.already):,} there already under another commit")
    if one.lost:
        said.append(f"{len(one.lost):,} would be lost")
    text = f"{', '.join(said)}." if said else "No commit arrives, and none is lost."
    return f"{text} [Compare]({one.url})" if one.url else text


def _commits(count: int) -> str:
    return f"{count:,} commit{'s' * (count != 1)}"


def _write_notes(page: _Page, one: Shipped) -> None:
    for section in one.notes.sections:
        shown = map(_entry, section.entries[:MOST_ENTRIES])
        _write_list(page, section.title, shown, len(section.entries))
    for title, texts in (("Already there", one.already), ("Would be lost", one.lost)):
        _write_list(page, title, map(item, texts[:MOST_LISTED]), len(texts))


def _write_list(page: _Page, title: str, shown: Iterable[str], count: int) -> None:
    """The first of `count` items, as far as there is room."""
    heading, rest = ["", f"**{title} ({count:,})**", ""], count
    for row in shown:
        heading = [] if page.add(*heading, row, of="changes") else heading
        rest -= 1
    if rest > 0 and not heading:
        page.add(f"- … and {rest:,} more")


def _entry(entry: Entry) -> str:
    # The numbers of pull requests are those of another repository: here they would name something else.
    text = f"{entry.scope}: {entry.text}" if entry.scope else entry.text
    lines = [item(f"{text} (taken back again)" if entry.is_undone else text)]
    lines += [f"  > {prose(one, limit=1_000)}" for one in entry.breaking if one != entry.text]
    return "\n".join(lines)


def _write_edits(page: _Page, edits: Iterable[Edited]) -> None:
    heading = ["", "### The edit"]
    for one in edits:
        title = f"{code_span(one.path)} is {one.change}."
        lines = [*heading, "", f"{title} {prose(one.note)}".strip()]
        if one.lines:
            lines += ["", *code_block(_shortened(one.lines), "diff")]
        heading = [] if page.add(*lines, of="files") else heading


def _shortened(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - MOST_EDIT_LINES
    return [*lines[:MOST_EDIT_LINES], f" … {rest:,} more lines"] if rest > 0 else list(lines)


def _left_out(counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    said = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
    return ["", f"Left out here for length: {said}."]


def _end(facts: PullFacts) -> list[str]:
    page = f"[The page of this promotion]({facts.url})"
    return ["", "---", f"{page} has all of it: {_MORE_THERE}.", "", facts.mark]
