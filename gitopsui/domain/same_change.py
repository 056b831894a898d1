"""
The commits that are one change under several ids, wherever they stand: a fix and its cherry-picks.

`equivalence` compares two lines that were read whole. Here a repository is asked for the few commits that may
be the same (`keys_of` is what it remembers of each), and only those are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from gitopsui.domain.commit import Commit, ParsedMessage, parse_message
from gitopsui.domain.equivalence import (
    SAYS_NOTHING,
    SHORTEST_ID,
    SHORTEST_SUBJECT,
    Pair,
    match,
    normalise_subject,
    pull_requests_of,
)

# Digits an id in a message may be shortened to, besides all of it: `git cherry-pick -x` writes the whole.
SHORTENED = range(SHORTEST_ID, 17)
DIGEST_DIGITS = 32


class KeyKind(StrEnum):
    """By what a commit is recognised when it is met under another id."""

    PICKED = "picked"  # the id it was picked from, as its message has it
    NUMBER = "number"  # a pull request it came with or was picked from
    SUBJECT = "subject"  # a digest of its title without what a backport adds


class Key(NamedTuple):
    """One of them."""

    kind: KeyKind
    value: str


def keys_of(message: str, parsed: ParsedMessage | None = None) -> frozenset[Key]:
    """What is remembered of a commit, so that what is the same change finds it."""
    parsed = parsed or parse_message(message)
    keys = {Key(KeyKind.PICKED, origin.lower()) for origin in parsed.cherry_picks}
    keys |= {Key(KeyKind.NUMBER, str(number)) for number in pull_requests_of(message, parsed)}
    subject = normalise_subject(parsed.header)
    if len(subject) >= SHORTEST_SUBJECT and subject not in SAYS_NOTHING:
        digest = hashlib.sha256(subject.encode()).hexdigest()[:DIGEST_DIGITS]
        keys.add(Key(KeyKind.SUBJECT, digest))
    return frozenset(keys)


def keys_sought(commit: Commit) -> frozenset[Key]:
    """The keys of which one is remembered of each commit that may be the same change as this one."""
    names = {commit.sha} | {commit.sha[:length] for length in SHORTENED}
    return keys_of(commit.message) | {Key(KeyKind.PICKED, name) for name in names}


def find_twins(
    change: Commit,
    pool: Sequence[Commit],
    *,
    holds: Callable[[str, str], bool],
    patch_ids: Mapping[str, str],
) -> list[Pair]:
    """
    Those of `pool` that are the same change as `change`, each with the strongest reason.

    `holds(one, other)` says whether the history of `one` has `other`. Two of which one descends from the
    other are never the same: what was taken back and done again is there again, and not still there. A weak
    reason counts, as in `match`, only where it can mean one commit of either line. A merge is compared with
    merges on its own line, since the commits it brings carry its number too.
    """

    def are_of_one_line(one: Commit, other: Commit) -> bool:
        return holds(one.sha, other.sha) or holds(other.sha, one.sha)

    own = [one for one in pool if are_of_one_line(one, change) and _is_alike(one, change)]
    others = [one for one in pool if not are_of_one_line(one, change)]
    found = []
    for other in others:
        incoming = [one for one in own if one.sha != change.sha and not are_of_one_line(one, other)]
        line = [one for one in others if one.sha != other.sha and _is_alike(one, other)]
        present = [one for one in line if are_of_one_line(one, other)]
        same = match(_flat([change, *incoming]), _flat([other, *present]), patch_ids=patch_ids)
        pairs = (pair for pair in same.already if pair.commit.sha == change.sha)
        found += [Pair(change, other, pair.reason) for pair in pairs if pair.counterpart.sha == other.sha]
    return found


def _is_alike(one: Commit, other: Commit) -> bool:
    return (len(one.parents) > 1) == (len(other.parents) > 1)


def _flat(commits: Sequence[Commit]) -> list[Commit]:
    """A merge may be picked as a whole (`git cherry-pick -m 1`): here it counts as what it brought."""
    return [one._replace(parents=one.parents[:1]) for one in commits]
