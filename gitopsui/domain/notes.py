"""
What changed between two revisions, for the people who run the second one next.

Nothing is left out without a word: every commit is in an entry or counted as a merge of such.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gitopsui.domain.commit import Commit, ParsedMessage, parse_message
from gitopsui.domain.contributors import Person, find_people, unique
from gitopsui.domain.dependency_bumps import (
    Bump,
    describe_bump,
    find_bumps,
    fold_bumps,
    is_about_dependencies,
    names_vulnerability,
)
from gitopsui.domain.merges import Merges, attribute_merges
from gitopsui.domain.note_entry import Entry, Newcomer, Notes, Remark, Section, SectionKind
from gitopsui.domain.notes_text import to_dict, to_html, to_markdown
from gitopsui.domain.parts import told_by
from gitopsui.domain.references import without_pull_request
from gitopsui.domain.undone import Undone, find_undone

__all__ = [
    "Entry",
    "Notes",
    "Section",
    "SectionKind",
    "build_notes",
    "to_dict",
    "to_html",
    "to_markdown",
]

_SECTIONS = {
    "security": SectionKind.SECURITY,
    "sec": SectionKind.SECURITY,
    "feat": SectionKind.NEW,
    "feature": SectionKind.NEW,
    "fix": SectionKind.FIXED,
    "bugfix": SectionKind.FIXED,
    "hotfix": SectionKind.FIXED,
    "perf": SectionKind.PERFORMANCE,
    "revert": SectionKind.REVERTS,
}


class _Change(NamedTuple):
    """A commit with what it says and who is behind it."""

    commit: Commit
    message: ParsedMessage
    author: str
    people: tuple[Person, ...]
    pull_requests: tuple[int, ...]
    bumps: tuple[Bump, ...]
    part_of: str = ""


def build_notes(
    commits: Iterable[Commit],
    *,
    base: str = "",
    head: str = "",
    parsed: Mapping[str, ParsedMessage] | None = None,
    firsts: Container[str] = (),
) -> Notes:
    """
    The notes of the commits that `head` has and `base` has not; the two are names to show.

    `commits` come children before parents, as Git lists them, merges among them: from these the commits
    of a pull request get its number. `parsed` are the messages that have been parsed already, by id; `firsts`
    the ids of the commits that somebody contributed first, as `newcomers.find_first_commits` finds them.
    """
    listed = list(commits)
    known = parsed or {}
    messages = {each.sha: known.get(each.sha) or parse_message(each.message) for each in listed}
    merges = attribute_merges(listed)
    hidden = _find_hidden_merges(listed, messages, merges)
    undone = find_undone(listed, messages, merges, hidden=hidden)
    changes = [_read_change(commit, messages, merges) for commit in listed if commit.sha not in hidden]
    return Notes(
        base=base,
        head=head,
        sections=_build_sections(changes, undone),
        commit_count=len(listed),
        merges=tuple(hidden),
        contributors=_contributors(changes),
        newcomers=tuple(_newcomers(changes, firsts)) if firsts else (),
        remarks=_remarks(changes),
    )


def _is_merge(commit: Commit) -> bool:
    return len(commit.parents) > 1


def _find_hidden_merges(
    commits: Iterable[Commit], messages: Mapping[str, ParsedMessage], merges: Merges
) -> dict[str, None]:
    """
    The merges that say nothing their commits do not say: those commits are in the range, or nothing is new.

    One whose number no commit carries stays, and so does one that alone says that something breaks.
    """
    hidden: dict[str, None] = {}
    for commit in filter(_is_merge, commits):
        message = messages[commit.sha]
        if commit.sha in merges.brought:
            breaks = _titled(commit, message).is_breaking
            says_more = breaks and not any(
                messages[sha].is_breaking for sha in merges.all_brought(commit.sha)
            )
        else:
            says_more = message.pull_request is not None or message.type is not None
        if not says_more:
            hidden[commit.sha] = None
    return hidden


def _titled(commit: Commit, message: ParsedMessage) -> ParsedMessage:
    """What a merge says below its header, where forges put the title of the pull request."""
    if message.type is not None or not (_is_merge(commit) and message.header.startswith("Merge")):
        return message
    # Not its parsed body: a title such as "feat: x" reads as a footer there.
    title = parse_message(commit.message.partition("\n")[2])
    is_trailer = title.header.startswith("See merge request") or (title.type or "").endswith("-by")
    return message if is_trailer or not title.header else title


def _read_change(commit: Commit, messages: Mapping[str, ParsedMessage], merges: Merges) -> _Change:
    sha = commit.sha
    message = messages[sha]
    people = find_people(commit, message)
    author = people[0].name if people and people[0].email == commit.author_email else ""
    own = message.pull_request
    numbers: tuple[int, ...] = () if own is None else (own,)
    if merges.merge_of[sha] is not None:
        around = _number_of_merge(sha, messages, merges)
        if around is not None and around != own:
            numbers += (around,)
    said = _titled(commit, message)
    return _Change(commit, said, author, people, numbers, find_bumps(said, is_bot=not author))


def _number_of_merge(sha: str, messages: Mapping[str, ParsedMessage], merges: Merges) -> int | None:
    numbers = (messages[merge].pull_request for merge in merges.around(sha))
    return next((number for number in numbers if number is not None), None)


def _contributors(changes: Iterable[_Change]) -> tuple[str, ...]:
    people = unique(dict.fromkeys(person for change in changes for person in change.people))
    return tuple(sorted((person.name for person in people), key=str.casefold))


def _remarks(changes: Iterable[_Change]) -> tuple[Remark, ...]:
    """Of people's messages: nobody can teach a program."""
    linted = [change for change in changes if change.message.lint and change.author]
    return tuple([Remark(change.commit.sha, change.message.lint) for change in linted])


def _newcomers(changes: Sequence[_Change], firsts: Container[str]) -> Iterator[Newcomer]:
    """In the order they came."""
    for change in reversed(changes):
        if change.commit.sha in firsts and change.author:
            number = change.pull_requests[0] if change.pull_requests else None
            yield Newcomer(change.author, change.commit.sha, number)


def _build_sections(changes: Sequence[_Change], undone: Undone) -> tuple[Section, ...]:
    entries: dict[SectionKind, list[Entry]] = {kind: [] for kind in SectionKind}
    bumps: dict[str, list[tuple[Bump, _Change]]] = defaultdict(list)
    by_sha = {change.commit.sha: change for change in changes}
    # A revert vanishes into the line of what it took back, so there must be such a line.
    told = {undone.reverted_by[sha] for sha in by_sha if sha in undone.reverted_by} & undone.settled
    elsewhere = _elsewhere(changes)
    for change in changes:
        sha = change.commit.sha
        if sha in undone.reverted_by:
            entries[SectionKind.REVERTS].append(_undone_entry(change, by_sha, undone))
        elif sha not in told:
            for each in _told_by(change, elsewhere) if change.message.parts else (change,):
                kind = _kind_of(each)
                if kind is SectionKind.DEPENDENCIES and each.bumps:
                    for bump in each.bumps:
                        bumps[bump.name.lower()].append((bump, each))
                else:
                    entries[kind].append(_entry(each))
    entries[SectionKind.REVERTS].sort(key=lambda entry: entry.is_undone)
    entries[SectionKind.DEPENDENCIES][:0] = _fold(bumps)
    return tuple(Section(kind, tuple(found)) for kind, found in entries.items() if found)


def _told_by(change: _Change, elsewhere: Mapping[int | str, str]) -> Iterator[_Change]:
    """The change, or what its squash is made of: but for a merge, whose commits are told themselves."""
    message, sha = change.message, change.commit.sha
    if _is_merge(change.commit):
        yield change
        return
    parts = [
        part
        for part in told_by(message)
        if part.header == message.header
        or all(elsewhere.get(key, sha) == sha for key in _keys(part) if key is not None)
    ]
    named = {issue for part in message.parts for issue in part.issues}
    rest = tuple(issue for issue in message.issues if issue not in named)
    for part in parts or (message,):
        yield _part(change, part, rest if message.type is None else ())


def _keys(message: ParsedMessage) -> tuple[int | None, str]:
    """By what a change is known again: its pull request's number, its words."""
    return message.pull_request, without_pull_request(message.description).casefold()


def _elsewhere(changes: Sequence[_Change]) -> dict[int | str, str]:
    """
    The commit that tells a change, by what it is known by; nothing where no commit lists others.

    A branch that was brought up to date lists what came to the main line by itself.
    """
    if not any(change.message.parts for change in changes):
        return {}
    keys = [(key, change.commit.sha) for change in changes for key in _keys(change.message)]
    return {key: sha for key, sha in keys if key is not None}


def _part(change: _Change, part: ParsedMessage, issues: tuple[str, ...]) -> _Change:
    if part.header == change.message.header:
        return change._replace(message=part)
    numbers = (*change.pull_requests, part.pull_request) if part.pull_request else change.pull_requests
    return change._replace(
        message=part._replace(issues=(*part.issues, *issues)),
        pull_requests=tuple(dict.fromkeys(numbers)),
        bumps=find_bumps(part, is_bot=False),
        part_of=without_pull_request(change.message.description),
    )


def _kind_of(change: _Change) -> SectionKind:
    message = change.message
    if message.is_breaking:
        return SectionKind.BREAKING
    if names_vulnerability(message):
        return SectionKind.SECURITY
    if message.type != "revert" and (change.bumps or is_about_dependencies(message)):
        return SectionKind.DEPENDENCIES
    return _SECTIONS.get(message.type or "", SectionKind.OTHER)


def _entry(change: _Change) -> Entry:
    message = change.message
    text = without_pull_request(message.description)
    said = message.breaking
    others = change.people[1:] if change.author else change.people
    return Entry(
        (change.commit.sha,),
        text,
        message.type,
        message.scope,
        tuple(text if each == message.description else each for each in said) if said else (),
        change.pull_requests,
        message.issues,
        change.author,
        tuple([person.name for person in others]) if others else (),
        False,
        change.commit.committed_at,
        change.part_of,
    )


def _undone_entry(change: _Change, by_sha: Mapping[str, _Change], undone: Undone) -> Entry:
    """A change and the revert that took it back, in one line."""
    entry = _entry(change)
    revert = by_sha.get(undone.reverted_by[entry.sha])
    if revert is None or revert.commit.sha not in undone.settled:
        shas, numbers = entry.shas, entry.pull_requests
    else:
        shas = (revert.commit.sha, *entry.shas)
        numbers = tuple(dict.fromkeys((*entry.pull_requests, *revert.pull_requests)))
    return Entry(
        shas=shas,
        text=entry.text,
        type=entry.type,
        scope=entry.scope,
        pull_requests=numbers,
        author=entry.author,
        co_authors=entry.co_authors,
        is_undone=True,
        at=entry.at,
    )


def _fold(bumps: Mapping[str, Sequence[tuple[Bump, _Change]]]) -> Iterator[Entry]:
    """One line per dependency, by name."""
    for name in sorted(bumps):
        found = bumps[name]
        changes = [change for _, change in found]
        net = fold_bumps(bump for bump, _ in reversed(found))
        numbers = dict.fromkeys(number for change in changes for number in change.pull_requests)
        people = unique(person for change in changes for person in change.people)
        yield Entry(
            shas=tuple(dict.fromkeys(change.commit.sha for change in changes)),
            text=describe_bump(net),
            type=changes[0].message.type,
            pull_requests=tuple(numbers),
            co_authors=tuple(person.name for person in people),
            at=changes[0].commit.committed_at,
        )
