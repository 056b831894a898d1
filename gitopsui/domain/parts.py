"""Which of the commits that a squash merge lists are told, beside its title or instead of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitopsui.domain.commit import ParsedMessage
from gitopsui.domain.commit_types import SPEAK_FOR_ALL, WEIGHTS

_WORD = re.compile(r"\w+")


def told_by(message: ParsedMessage) -> tuple[ParsedMessage, ...]:
    """
    The messages that a commit tells: its own, unless it is the squash of others.

    A title that follows no convention gives way to its parts. One that does speaks for them, but for those
    that weigh more: a feature below a fix, a fix below a chore. What breaks is told once: by the title where
    it has a type, else by the parts.
    """
    if not message.parts:
        return (message,)
    if message.type is None:
        return tuple(_instead(message))
    if message.type in SPEAK_FOR_ALL:
        return (message,)
    said, weight = _words(message.description), _weight(message)
    heavier = [part for part in message.parts if _weight(part) > weight and _words(part.description) != said]
    return (message, *(part._replace(breaking=()) for part in heavier))


def _instead(message: ParsedMessage) -> Iterator[ParsedMessage]:
    """The parts; the title before them where it says that something breaks which none of them says."""
    told = {_words(text) for part in message.parts for text in part.breaking}
    untold = tuple(text for text in message.breaking if _words(text) not in told)
    if untold:
        yield message._replace(breaking=untold)
    yield from message.parts


def _weight(message: ParsedMessage) -> int:
    return WEIGHTS.get(message.type or "", 0)


def _words(text: str) -> tuple[str, ...]:
    """What a text says, whatever its signs and the pull request's number are."""
    return tuple(word for word in _WORD.findall(text.casefold()) if not word.isdecimal())
