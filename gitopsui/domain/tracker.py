"""The ids of a team's own issue tracker in commit messages, by a pattern of theirs, and where they lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gitopsui.domain.errors import InputError
from gitopsui.domain.pattern import is_quick

PATTERN_LIMIT = 200  # characters
MAX_FOUND = 20  # ids of one message
_MAX_WORDS = 2_000
_MAX_WORD = 80  # characters; a longer one is no id
_MAX_REPEATS = 4
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_SPECIAL_GROUP = re.compile(r"\(\?(?!:)")
_ENDS = "()[]{}<>,.;:!?\"'`*"


@dataclass(frozen=True, slots=True)
class Tracker:
    """`pattern` fits the whole of an id; `url` holds `{id}`."""

    pattern: re.Pattern[str]
    url: str

    def find(self, text: str) -> list[str]:
        """The ids in a text, first mention first, each once. Words are looked at one by one."""
        words = text.split(maxsplit=_MAX_WORDS)[:_MAX_WORDS]
        found: dict[str, None] = {}
        for word in words:
            bare = word.strip(_ENDS)
            if bare and len(bare) <= _MAX_WORD and self.pattern.fullmatch(bare):
                found[bare] = None
        return list(found)[:MAX_FOUND]

    def address(self, issue: str) -> str:
        return self.url.replace("{id}", quote(issue, safe=""))


def parse_tracker(pattern: str, url: str) -> Tracker | None:
    """
    What somebody typed; None where both are empty. Raises InputError (TRACKER) with the field.

    So that no pattern takes long: no repeated group, no look-around, no reference back, a few repetitions.
    """
    if not pattern and not url:
        return None
    if not pattern:
        raise _refused("Say what an issue id looks like, such as SHOP-[0-9]+.", "tracker_pattern")
    return Tracker(_compile(pattern), _check_url(url))


def _compile(pattern: str) -> re.Pattern[str]:
    if len(pattern) > PATTERN_LIMIT:
        raise _refused(f"The pattern has at most {PATTERN_LIMIT} characters.", "tracker_pattern")
    repeats = len(re.findall(r"(?<!\\)[*+{]", pattern))
    has_reference = re.search(r"\\[1-9]", pattern) is not None
    is_slow = _REPEATED_GROUP.search(pattern) or _SPECIAL_GROUP.search(pattern) or has_reference
    if is_slow or repeats > _MAX_REPEATS:
        message = "The pattern repeats a group or looks back, which can take for ever; spell the id out."
        raise _refused(message, "tracker_pattern")
    try:
        compiled = re.compile(pattern)
        if is_quick(pattern, most_loose=_MAX_REPEATS):
            return compiled
    except (re.error, RecursionError, OverflowError) as error:
        raise _refused("The pattern is not a regular expression.", "tracker_pattern") from error
    raise _refused("The pattern fits the same text in many ways, which can take for ever.", "tracker_pattern")


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or "{id}" not in url:
        message = "Give an address with {id} in it, such as https://tracker.example.org/browse/{id}."
        raise _refused(message, "tracker_url")
    return url


def _refused(message: str, field: str) -> InputError:
    return InputError(message, code="TRACKER", field=field)
