"""Who made a change: people by name, programs left out of the credit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from gitopsui.domain.commit import Commit, ParsedMessage

NAME_LIMIT = 100  # characters

_CO_AUTHORED = "co-authored-by"
_CO_AUTHORED_LENGTH = len(_CO_AUTHORED)
_MAX_KNOWN = 4_096  # a history names few people, each many times

_PERSON = re.compile(r"([^<>]{0,200})<([^<>]{0,320})>\Z")
_BOT_NAME = re.compile(r"\[bot\]\Z|(?:\A|[-_ ])(?:bot|robot|ci)\Z")
# People who hide their address keep an account in it, `1234+name@users.noreply…`; programs just do not reply.
_BOT_ADDRESS = re.compile(r"\[bot\]@|\A(?:no-?reply|[\d+]*copilot|bot|[\w.+-]*[-_.+]bot)@")
# Programs that write commits under a name that does not say so.
_BOTS = frozenset((
    "allcontributors", "dependabot", "dependabot-preview", "flux", "fluxcdbot", "github actions",
    "github-actions", "gitlab-ci", "greenkeeper", "imgbot", "jenkins", "k8s-ci-robot", "mend-renovate",
    "mergify", "pre-commit-ci", "pyup-bot", "release-please", "renovate", "renovate bot", "semantic-release",
    "snyk", "snyk-bot", "web-flow", "weblate",
))  # fmt: skip


class Person(NamedTuple):
    """A name and an address, as a commit gives them; the address is for telling people apart, not to show."""

    name: str
    email: str


@lru_cache(_MAX_KNOWN)
def _author(name: str, email: str) -> tuple[Person, ...]:
    """The author as a person, nobody where a program or nobody is named."""
    author = Person(name.strip()[:NAME_LIMIT], email)
    return (author,) if author.name and not is_bot(author) else ()


@lru_cache(_MAX_KNOWN)
def is_bot(person: Person) -> bool:
    """Whether a commit's author is a program, by its name or its address."""
    name = person.name.strip().lower()
    return bool(name in _BOTS or _BOT_NAME.search(name) or _BOT_ADDRESS.search(person.email.lower()))


def find_people(commit: Commit, parsed: ParsedMessage) -> tuple[Person, ...]:
    """The author and the co-authors who are people, each once, the author first."""
    credited = _author(commit.author_name, commit.author_email)
    for token, value in parsed.footers:
        if len(token) == _CO_AUTHORED_LENGTH and token.lower() == _CO_AUTHORED:
            person = _find_person(value)
            if person and person.name and not is_bot(person):
                credited += (person,)
    return unique(credited) if len(credited) > 1 else credited


def unique(people: Iterable[Person]) -> tuple[Person, ...]:
    """Each person once: the same address or the same name is the same person."""
    found: dict[str, Person] = {}
    names: set[str] = set()
    for person in people:
        name = person.name.casefold()
        if name not in names:
            names.add(name)
            found.setdefault(person.email.lower() or name, person)
    return tuple(found.values())


@lru_cache(_MAX_KNOWN)
def _find_person(value: str) -> Person | None:
    """`Name <address>`; what is written otherwise is credited to nobody."""
    match = _PERSON.match(value.strip())
    return Person(match[1].strip()[:NAME_LIMIT], match[2].strip()) if match else None
