"""
Which commits of one line are on another line too, under another id: picked, backported, rebased.

No single reason is enough, so all are asked, the strongest first, and the one that spoke is named. A weak one
is believed only where it can mean one commit: numbers and subjects that stand on either side twice (the same
update of a dependency, again and again) pair nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from gitopsui.domain.commit import Commit, ParsedMessage, parse_message
from gitopsui.domain.references import without_pull_request

LOOKED_AT = 2_000  # characters of a message in which a pick is looked for
KEPT_MESSAGES = 8_192
SHORTEST_ID = 7  # digits; a shorter "cherry picked from" could mean any commit
SHORTEST_SUBJECT = 10  # characters; "fix", "wip" and "update" say nothing
# What a forge writes over the fix of a vulnerability that was made in private: any two would look alike.
SAYS_NOTHING = frozenset(("merge commit from fork",))
# A subject longer than this is compared by its beginning, as forges cut titles.
LONGEST_SUBJECT = 300

_PICK = r"(?:cherry[- ]?pick(?:ed)?|backport(?:ed)?)"
_LINE = r"(?:release|v)?[-/ ]?v?\d+(?:\.(?:\d+|x))+"  # release-3.4, v1.10.x, 3.4
# A run of numbers, "#12", "#12 and #34", "PR #12, #34", and one without its sign where its use shows it.
_NUMBERS = r"((?:(?:,| and| &)? ?(?:PR )?#\d{1,9}\b){1,8})"
_HINT = re.compile("cherry|backport", re.IGNORECASE)
_PICKED_NUMBERS = (
    # "… (cherry-pick #12 for 3.4)", "3.4 backports of #12 and #34", "manual backport of 12 to release-1.10"
    re.compile(rf"\b{_PICK}s?(?: of| from)?{_NUMBERS}", re.IGNORECASE),
    re.compile(rf"\b{_PICK}(?: of)? (\d{{2,9}})(?= (?:to|for|into|onto|in)\b)", re.IGNORECASE),
    # Kubernetes: "Automated cherry pick of #12: …", the branch automated-cherry-pick-of-#12-upstream-…
    re.compile(r"\bautomated[- ]cherry[- ]pick[- ]of[- ]#?(\d{1,9})\b", re.IGNORECASE),
    # The branch in the words of a merge: cherry-pick-12-to-release-3.4, backport/12/to/release-3.4
    re.compile(r"\b(?:cherry[-_]?pick|backport)[-/_](\d{1,9})[-/_]to\b", re.IGNORECASE),
)
# All numbers at the end of a subject: a backport is often "… (#12) (#34)", its origin before itself.
_TAIL = re.compile(r"(?:\s*\((?:#|!)\d{1,9}\)){1,4}\Z")
_DIGITS = re.compile(r"\d{1,9}")
# What a backport adds to a subject: "[release-3.4] ", "chore(backport release-1.10): ", "cherry-pick: ".
_ADDED_BEFORE = re.compile(
    rf"\A\s*(?:\[(?:{_PICK}[^\]]{{0,60}}|{_LINE})\]\s*"
    rf"|automated cherry pick of #\d+:\s*|(?:\w{{1,20}}\({_PICK}[^()]{{0,60}}\)|{_PICK}(?: #\d+)?):\s*)",
    re.IGNORECASE,
)
# "(cherry-pick #12 for 3.4)", "(release-3.4)", "(#12)"
_ADDED_BEHIND = re.compile(
    rf"\s*[(\[](?:{_PICK}[^()\[\]]{{0,80}}|{_LINE}|[#!]\d{{1,9}})[)\]]\Z", re.IGNORECASE
)
_SPACES = re.compile(r"\s+")


class Reason(StrEnum):
    """Why two commits are taken for one, the strongest first."""

    SAME_ID = "same-id"  # the very commit
    PICKED_FROM = "picked-from"  # its message says "(cherry picked from commit …)"
    SAME_PATCH = "same-patch"  # it changes the same lines in the same way (git patch-id)
    PULL_REQUEST = "pull-request"  # both name one pull request
    SUBJECT = "subject"  # the same title, by the same author or of the same type and scope

    @property
    def words(self) -> str:
        """For the reader of a page, behind "already there: "."""
        return _WORDS[self]


_WORDS = {
    Reason.SAME_ID: "the same commit",
    Reason.PICKED_FROM: "its message names the commit it was picked from",
    Reason.SAME_PATCH: "it makes the same change (patch-id)",
    Reason.PULL_REQUEST: "it names the same pull request",
    Reason.SUBJECT: "it has the same title, and the same author or the same type and scope",
}


class Pair(NamedTuple):
    """An incoming commit, the one that is there for it already, and the strongest reason to say so."""

    commit: Commit
    counterpart: Commit
    reason: Reason


@dataclass(frozen=True, slots=True)
class Equivalence:
    """
    What arrives, what is there already, what goes; each in the order it was given, merges left out.

    `new` and `already` together are all that came in; `lost` are those of the present that nothing
    that comes in stands for.
    """

    new: tuple[Commit, ...] = ()
    already: tuple[Pair, ...] = ()
    lost: tuple[Commit, ...] = ()


class _Facts(NamedTuple):
    """What is compared of a message."""

    type: str | None
    scope: str | None
    cherry_picks: tuple[str, ...]
    numbers: frozenset[int]
    subject: str


@dataclass(frozen=True, slots=True)
class _Side:
    """A commit with what is compared of it."""

    commit: Commit
    patch_id: str
    facts: _Facts


def match(
    incoming: Sequence[Commit], present: Sequence[Commit], *, patch_ids: Mapping[str, str]
) -> Equivalence:
    """
    Pair the commits only one line has with those only the other line has. `patch_ids` by commit id; one that
    is missing or "" is not known and pairs nothing.

    Merges carry nothing of their own and are left out on both sides. A commit that is there once can stand
    for one that comes in, unless ids or patches say that it stands for more.
    """
    coming = [_look_at(commit, patch_ids) for commit in incoming if len(commit.parents) < 2]
    there = [_look_at(commit, patch_ids) for commit in present if len(commit.parents) < 2]
    pairs: dict[str, Pair] = {}
    used: set[str] = set()
    for reason, find in _FINDERS:
        open_ones = [side for side in coming if side.commit.sha not in pairs]
        is_strong = reason in (Reason.SAME_ID, Reason.PICKED_FROM, Reason.SAME_PATCH)
        free = there if is_strong else [side for side in there if side.commit.sha not in used]
        for one, other in find(open_ones, free):
            pairs.setdefault(one.commit.sha, Pair(one.commit, other.commit, reason))
            used.add(other.commit.sha)
    return Equivalence(
        new=tuple(side.commit for side in coming if side.commit.sha not in pairs),
        already=tuple(pairs[side.commit.sha] for side in coming if side.commit.sha in pairs),
        lost=tuple(side.commit for side in there if side.commit.sha not in used),
    )


def pull_requests_of(message: str, parsed: ParsedMessage | None = None) -> frozenset[int]:
    """The pull request a commit came with, and those its message says it was picked from."""
    parsed = parsed or parse_message(message)
    own = {parsed.pull_request} if parsed.pull_request else set()
    if parsed.revert_depth:
        # It quotes what it takes back, and does not bring it.
        return frozenset(own)
    text = message[:LOOKED_AT]
    texts = (
        [each for pattern in _PICKED_NUMBERS for each in pattern.findall(text)] if _HINT.search(text) else []
    )
    tail = _TAIL.search(parsed.header)
    texts += [tail[0]] if tail else []
    return frozenset(own | {int(number) for each in texts for number in _DIGITS.findall(each)})


def normalise_subject(subject: str) -> str:
    """A subject without what a backport adds to it, in small letters and with single spaces."""
    text = subject[:LONGEST_SUBJECT].strip()
    before = None
    while text != before:
        before = text
        text = _ADDED_BEHIND.sub("", _ADDED_BEFORE.sub("", without_pull_request(text)))
    return _SPACES.sub(" ", text).strip().rstrip(".").casefold()


def _look_at(commit: Commit, patch_ids: Mapping[str, str]) -> _Side:
    is_short = len(commit.message) <= LOOKED_AT
    facts = _read_short(commit.message) if is_short else _read(commit.message)
    return _Side(commit, patch_ids.get(commit.sha, ""), facts)


def _read(message: str) -> _Facts:
    parsed = parse_message(message)
    numbers = pull_requests_of(message, parsed)
    return _Facts(parsed.type, parsed.scope, parsed.cherry_picks, numbers, normalise_subject(parsed.header))


# The same commits are compared each time somebody looks; long messages are not worth their memory.
_read_short = lru_cache(KEPT_MESSAGES)(_read)


_Found = Iterable[tuple[_Side, _Side]]


def _same_id(coming: Sequence[_Side], there: Sequence[_Side]) -> _Found:
    known = {side.commit.sha: side for side in there}
    return [(side, known[side.commit.sha]) for side in coming if side.commit.sha in known]


def _picked(coming: Sequence[_Side], there: Sequence[_Side]) -> _Found:
    """One was picked from the other, or both from a third. Ids in messages may be shortened."""
    lengths = {len(name) for side in (*coming, *there) for name in side.facts.cherry_picks}
    lengths = {length for length in lengths if length >= SHORTEST_ID}
    by_id = {name: side for side in reversed(there) for name in _spellings(side, lengths)}
    by_origin = {name.lower(): side for side in reversed(there) for name in side.facts.cherry_picks}
    found = []
    for side in coming:
        origins = [name.lower() for name in side.facts.cherry_picks]
        others = [by_id.get(name) or by_origin.get(name) for name in origins]
        others += [by_origin.get(name) for name in _spellings(side, lengths)]
        found += [(side, other) for other in others if other is not None][:1]
    return found


def _spellings(side: _Side, lengths: Iterable[int]) -> list[str]:
    return [side.commit.sha[:length] for length in lengths]


def _same_patch(coming: Sequence[_Side], there: Sequence[_Side]) -> _Found:
    known = {side.patch_id: side for side in reversed(there) if side.patch_id}
    return [(side, known[side.patch_id]) for side in coming if side.patch_id in known]


def _same_pull_request(coming: Sequence[_Side], there: Sequence[_Side]) -> _Found:
    return _pair_unique(coming, there, lambda side: side.facts.numbers)


def _same_subject(coming: Sequence[_Side], there: Sequence[_Side]) -> _Found:
    pairs = _pair_unique(coming, there, _subject_keys)
    return [(one, other) for one, other in pairs if _is_same_hand(one, other)]


def _subject_keys(side: _Side) -> Iterable[str]:
    says_something = len(side.facts.subject) >= SHORTEST_SUBJECT and side.facts.subject not in SAYS_NOTHING
    return (side.facts.subject,) if says_something else ()


def _is_same_hand(one: _Side, other: _Side) -> bool:
    """The same author, or the same type and scope where there is a type."""
    author = one.commit.author_email.lower()
    is_same_author = bool(author) and author == other.commit.author_email.lower()
    is_same_kind = one.facts.type is not None and one.facts[:2] == other.facts[:2]
    return is_same_author or is_same_kind


def _pair_unique(
    coming: Sequence[_Side], there: Sequence[_Side], keys_of: Callable[[_Side], Iterable[Hashable]]
) -> _Found:
    """Those that share a key which only one commit of each side has."""
    left, right = _by_key(coming, keys_of), _by_key(there, keys_of)
    return [
        (sides[0], right[key][0])
        for key, sides in left.items()
        if len(sides) == 1 and len(right.get(key, ())) == 1
    ]


def _by_key(
    sides: Sequence[_Side], keys_of: Callable[[_Side], Iterable[Hashable]]
) -> dict[Hashable, list[_Side]]:
    found: dict[Hashable, list[_Side]] = {}
    for side in sides:
        for key in keys_of(side):
            found.setdefault(key, []).append(side)
    return found


_FINDERS: tuple[tuple[Reason, Callable[[Sequence[_Side], Sequence[_Side]], _Found]], ...] = (
    (Reason.SAME_ID, _same_id),
    (Reason.PICKED_FROM, _picked),
    (Reason.SAME_PATCH, _same_patch),
    (Reason.PULL_REQUEST, _same_pull_request),
    (Reason.SUBJECT, _same_subject),
)
