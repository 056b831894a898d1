"""Updates of dependencies, read from the messages of the programs that make them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from gitopsui.domain.commit import ParsedMessage
from gitopsui.domain.references import without_pull_request

_MAX_KNOWN = 4_096  # a history uses few types and scopes, each many times

_SCOPE = re.compile(r"(?:\A|[-_/,. ])deps?(?:\Z|[-_/,. ])|dependenc", re.IGNORECASE)
_VERSION = r"[`v=]{0,3}[0-9a-f][\w.+-]*`?"
_VERB = r"(?:bump|upgrade|update)s?"
_FROM_TO = re.compile(
    rf"{_VERB} (?P<name>\S+)(?: [a-z]+){{0,3}} from (?P<old>{_VERSION}) to (?P<new>{_VERSION})", re.IGNORECASE
)
_ARROW = re.compile(
    rf"{_VERB} (?:[a-z]+ ){{0,3}}?(?P<name>\S+) \( ?(?P<old>{_VERSION}) (?:->|→|➔) (?P<new>{_VERSION})",
    re.IGNORECASE,
)
_TO = re.compile(
    rf"{_VERB} "
    r"(?:(?:dependency|module|plugin|image|chart|action|crate|helm release|container image|rust crate) )?"
    r"(?P<name>\S+)"
    r"(?: (?:action|docker tag|docker digest|digest|monorepo|packages|image|helm release|chart|version))?"
    rf" to (?P<new>{_VERSION})",
    re.IGNORECASE,
)
_GROUP = re.compile(r"bump the \S+ group", re.IGNORECASE)
_IN_BODY = re.compile(
    r"^(?:Updates|Bumps) (?:`([^`\n]{1,200})`|\[([^\]\n]{1,200})\]\([^)\n]*\)|(\S{1,200}))"
    rf" from ({_VERSION}) to ({_VERSION})",
    re.MULTILINE,
)
_CVE = re.compile(r"\bCVE-\d{4}-\d{3,}|\bGHSA(?:-\w{4}){3}\b", re.IGNORECASE)
_WORDS_FOR_OURSELVES = frozenset(("version", "release", "chart", "changelog", "the"))


class Bump(NamedTuple):
    """One dependency moved to `new`; `old` is "" where the message does not say from where."""

    name: str
    old: str
    new: str


def is_about_dependencies(parsed: ParsedMessage) -> bool:
    """Whether type or scope say so: `deps: …`, `chore(deps-dev): …`."""
    kind, scope = parsed.type, parsed.scope
    return bool(kind and _is_dependency_word(kind)) or bool(scope and _is_dependency_word(scope))


@lru_cache(_MAX_KNOWN)
def _is_dependency_word(text: str) -> bool:
    return bool(_SCOPE.search(text))


def names_vulnerability(parsed: ParsedMessage) -> bool:
    """Whether the header names a published vulnerability, or an update says it closes one."""
    header = parsed.header
    lowered = header.lower()
    # In other alphabets there are letters that count as an s and do not become one.
    may_name = "cve-" in lowered or "ghsa-" in lowered or not header.isascii()
    return (may_name and bool(_CVE.search(header))) or "security]" in lowered


def find_bumps(parsed: ParsedMessage, *, is_bot: bool) -> tuple[Bump, ...]:
    """
    The updates a commit makes, none where it makes none; a grouped update lists its parts in the body.

    "update x to 2" is only believed of a program or below a scope that is about dependencies.
    """
    lowered = parsed.description[:80].lower()
    if not ("bump" in lowered or "update" in lowered or "upgrade" in lowered):
        return ()
    text = without_pull_request(parsed.description)
    lowered = text.lower()
    if " group" in lowered and _GROUP.search(text):
        return _bumps_in_body(parsed.body)
    match = _FROM_TO.search(text) if " from " in lowered else None
    if match is None and " (" in lowered:
        match = _ARROW.search(text)
    if match is None and " to " in lowered and (is_bot or is_about_dependencies(parsed)):
        match = _TO.search(text)
    if match is None or match["name"].lower() in _WORDS_FOR_OURSELVES:
        return ()
    found = match.groupdict(default="")
    return (_bump(found["name"], found.get("old", ""), found["new"]),)


def _bumps_in_body(body: str) -> tuple[Bump, ...]:
    found = {}
    for match in _IN_BODY.finditer(body):
        bump = _bump(match[1] or match[2] or match[3], match[4], match[5])
        found[bump.name.lower()] = bump
    return tuple(found.values())


def _bump(name: str, old: str, new: str) -> Bump:
    return Bump(name.strip("`\"'"), old.strip("`="), new.strip("`=").rstrip("."))


def fold_bumps(bumps: Iterable[Bump]) -> Bump:
    """The net of several updates of one dependency, oldest first: from the first known to the last."""
    first, *later = bumps
    last = later[-1] if later else first
    if not first.old or first.old.startswith("v") == last.new.startswith("v"):
        return Bump(last.name, first.old, last.new)
    return Bump(last.name, first.old.removeprefix("v"), last.new.removeprefix("v"))


def describe_bump(bump: Bump) -> str:
    """`name old → new`, in words where nothing changed in the end."""
    if not bump.old:
        return f"{bump.name} → {bump.new}"
    if bump.old == bump.new:
        return f"{bump.name} {bump.new} (moved and moved back)"
    return f"{bump.name} {bump.old} → {bump.new}"
