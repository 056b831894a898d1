"""Who contributes for the first time: people are told apart by address and name, as everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from gitopsui.domain.commit import Commit
from gitopsui.domain.contributors import Person, is_bot

_MAX_KNOWN = 4_096
# What is known of those who were there before: each address and name, and the pairs that commits give.
Known = set[str | tuple[str, str]]


@lru_cache(_MAX_KNOWN)
def keys_of(name: str, email: str) -> tuple[str, str]:
    """What an author is known by; an address and a name can never be the same."""
    return f"@{email.strip().lower()}", name.strip().casefold()


def find_first_commits(commits: Sequence[Commit], known: Known) -> list[Commit]:
    """
    The first commit of each person who is not `known`, oldest first; programs are nobody.

    `commits` come newest first. `known` gets the authors of `commits` too. Who merges is known from then on,
    and is not new by that.
    """
    pairs = {(author, email) for _, _, author, email, _, _, _ in commits} - known
    if not pairs:
        return []
    _join([keys_of(*pair) for pair in pairs], known)
    return list(_follow(commits, known))


def _join(people: Sequence[tuple[str, str]], known: Known) -> None:
    """Whoever is known by one address or name is known by the others."""
    waiting = people
    while True:
        left = [keys for keys in waiting if known.isdisjoint(keys)]
        if len(left) == len(waiting):
            return
        known.update(key for keys in waiting if not known.isdisjoint(keys) for key in keys)
        waiting = left


def _follow(commits: Sequence[Commit], known: Known) -> Iterator[Commit]:
    for commit in reversed(commits):
        pair = (commit.author_name, commit.author_email)
        if pair in known:
            continue
        keys = keys_of(*pair)
        is_new = known.isdisjoint(keys) and len(commit.parents) < 2
        known.update(keys)
        known.add(pair)
        if is_new and keys[1] and not is_bot(Person(*pair)):
            yield commit
