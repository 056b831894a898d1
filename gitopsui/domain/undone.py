"""Reverts within one range, resolved by parity: what was taken back and brought again counts as there."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from gitopsui.domain.commit import Commit, ParsedMessage
from gitopsui.domain.merges import Merges
from gitopsui.domain.references import without_pull_request
from gitopsui.domain.reverts import find_target_header

_SHORT = 7  # digits; the shortest id a message may name


class Undone(NamedTuple):
    """
    `reverted_by` names for each commit that is taken back the revert that did it. `settled` are the
    reverts whose targets are all in the range: with them they vanish from the notes.
    """

    reverted_by: Mapping[str, str]
    settled: frozenset[str]


def find_undone(
    commits: Sequence[Commit],
    messages: Mapping[str, ParsedMessage],
    merges: Merges,
    *,
    hidden: Container[str],
) -> Undone:
    """
    What is undone in the end; commits come children before parents. `hidden` are merges that only repeat
    what their commits say, and so take nothing back a second time.

    Going from the newest to the oldest, a revert that is not taken back itself takes its targets back.
    """
    reverts = [each for each in commits if _takes_back(messages[each.sha]) and each.sha not in hidden]
    if not reverts:
        return Undone({}, frozenset())
    index = _Index(commits, messages, reverts)
    reverted_by: dict[str, str] = {}
    settled = set()
    for revert in reverts:
        if revert.sha in reverted_by:
            continue
        targets = index.find_targets(revert.sha, reverted_by)
        found = [sha for sha in targets if sha is not None]
        for sha in found:
            for each in (sha, *merges.all_brought(sha)):
                reverted_by.setdefault(each, revert.sha)
        if found and len(found) == len(targets):
            settled.add(revert.sha)
    return Undone(reverted_by, frozenset(settled))


def _takes_back(message: ParsedMessage) -> bool:
    return message.revert_depth > 0 or message.type == "revert"


class _Index:
    """Finds the commit a revert names: by id, by pull request, by header."""

    def __init__(
        self, commits: Sequence[Commit], messages: Mapping[str, ParsedMessage], reverts: Iterable[Commit]
    ) -> None:
        self.messages = messages
        self.position = {commit.sha: place for place, commit in enumerate(commits)}
        named = [messages[revert.sha] for revert in reverts]
        targets = [find_target_header(message.header) for message in named]
        # Only what some revert names is looked for: most of a history never is.
        self.by_short: dict[str, list[str]] = {sha[:_SHORT]: [] for m in named for sha in m.reverts}
        self.by_header: dict[str, list[str]] = {without_pull_request(t): [] for t in targets if t}
        self.by_number: dict[int, list[str]] = {m.reverted_pull_request or 0: [] for m in named}
        for commit in commits:
            self._add(commit.sha, messages[commit.sha])

    def _add(self, sha: str, message: ParsedMessage) -> None:
        # Where the original was picked into the range, its copy is what a revert of it takes back.
        if self.by_short:
            for known in (sha, *message.cherry_picks):
                if known[:_SHORT] in self.by_short:
                    self.by_short[known[:_SHORT]].append(sha)
        if self.by_header:
            header = without_pull_request(message.header)
            if header in self.by_header:
                self.by_header[header].append(sha)
        if message.pull_request in self.by_number:
            self.by_number[message.pull_request].append(sha)

    def find_targets(self, revert: str, taken: Mapping[str, str]) -> list[str | None]:
        """The commits a revert takes back; None for one that is not in the range."""
        message = self.messages[revert]
        if message.reverts:
            return [self._find_by_id(revert, sha) for sha in message.reverts]
        target = find_target_header(message.header)
        named = self.by_number.get(message.reverted_pull_request or 0, [])
        if target is not None:
            named = named + self.by_header.get(without_pull_request(target), [])
        older = [sha for sha in named if sha not in taken and self.position[sha] > self.position[revert]]
        return [min(older, key=self.position.__getitem__, default=None)]

    def _find_by_id(self, revert: str, named: str) -> str | None:
        for sha in self.by_short.get(named[:_SHORT], ()):
            known = (sha, *self.messages[sha].cherry_picks)
            is_named = any(one.startswith(named) for one in known)
            if is_named and self.position[sha] > self.position[revert]:
                return sha
        return None
