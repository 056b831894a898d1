"""What a commit message points at: issues, its own pull request, commits it was picked from."""

from __future__ import annotations

import re
from itertools import islice

# More than a reader can use; a message made of nothing but numbers must not become a page of links.
MAX_ISSUES = 50
_MAX_LOOKED_AT = 1_000

# A number that was cut off, as in "(#12…", would be another one's.
_NUMBER = re.compile(r"(?:#|\b[Gg][Hh]-)(\d{1,10})(?![\w…-]|\.\.)")
# What it finds where nothing is spelled GH-12: a pattern that begins with a fixed sign is looked up at once.
_HASH_NUMBER = re.compile(r"#(\d{1,10})(?![\w…-]|\.\.)")
_TRACKER_KEY = re.compile(r"\b[A-Z][A-Z0-9_]{1,15}-\d{1,9}\b")
_PROJECT = re.compile(r"[\w.-]+(?:/[\w.-]+){0,4}\Z")
_OPENERS = frozenset("(,;:")
_WORDS_FOR_NUMBERS = frozenset(("pr", "mr", "pull", "issue", "bug"))
_LONGEST_PROJECT = 140

_LONGEST_OWN = len(" (#123456789)")
_OWN_NUMBER = re.compile(r"\((?:#|!|[Gg][Hh]-)(\d{1,9})\)\Z")
_MERGE_HEADERS = (
    re.compile(r"Merge pull request #(\d{1,9})\b"),  # GitHub, Bitbucket Server
    re.compile(r"Merge pull request '.*' \(#(\d{1,9})\)"),  # Gitea, Forgejo
    re.compile(r"Merged PR (\d{1,9})\b"),  # Azure DevOps
    re.compile(r"Merged in .*\(pull request #(\d{1,9})\)"),  # Bitbucket Cloud
)
_MERGE_REQUEST = re.compile(r"^See merge request (?:[\w.-]+/)*[\w.-]*!(\d{1,9})$", re.MULTILINE)

# Footers that name an issue; only there a key such as `SHOP-12` is one, elsewhere it may be `UTF-8`.
REFERENCE_TOKENS = frozenset((
    "addresses", "bug", "close", "closed", "closes", "fix", "fixed", "fixes", "implements", "issue", "issues",
    "jira", "part-of", "ref", "references", "refs", "related", "relates-to", "resolve", "resolved",
    "resolves", "see", "see-also", "ticket", "tickets",
))  # fmt: skip


def find_issues(text: str) -> list[str]:
    """
    The issues named in a text, first mention first, each once: `#12` (also for `GH-12`), `owner/name#12`.

    A number inside an address, inside markup or glued to a word is none.
    """
    if "#" not in text and "gh-" not in text and "GH-" not in text:
        return []
    pattern = _NUMBER if "h-" in text or "H-" in text else _HASH_NUMBER
    found: dict[str, None] = {}
    for match in islice(pattern.finditer(text), _MAX_LOOKED_AT):
        project = _project_before(text, match.start())
        if project is not None:
            found[f"{project}#{match[1]}"] = None
            if len(found) == MAX_ISSUES:
                break
    return list(found)


def find_tracker_keys(text: str) -> list[str]:
    """The issue keys of a tracker (`SHOP-12`) in the value of a footer that names issues."""
    return list(dict.fromkeys(_TRACKER_KEY.findall(text)))[:MAX_ISSUES]


def _project_before(text: str, end: int) -> str | None:
    """The `owner/name` glued to a number, "" where nothing is, None where the number is no issue."""
    if end == 0 or text[end - 1].isspace() or text[end - 1] in _OPENERS:
        return ""
    start = max(text.rfind(mark, max(end - _LONGEST_PROJECT, 0), end) for mark in " \n\t(,") + 1
    word = text[start:end]
    if word.lower() in _WORDS_FOR_NUMBERS:
        return ""
    return word if _PROJECT.match(word) else None


def find_pull_request(header: str) -> int | None:
    """The number of the pull request a header belongs to: `… (#12)`, `… (!12)` or a merge's own words."""
    own = _find_own_number(header)
    if own:
        return int(own[1])
    if header.startswith("Merge"):
        for pattern in _MERGE_HEADERS:
            merged = pattern.match(header)
            if merged:
                return int(merged[1])
    return None


def find_merge_request(body: str) -> int | None:
    """The number in the last line GitLab writes under a merge: `See merge request group/project!12`."""
    if "See merge request" not in body:
        return None
    match = _MERGE_REQUEST.search(body)
    return int(match[1]) if match else None


def without_pull_request(header: str) -> str:
    """The header without the ` (#12)` at its end."""
    if not header.endswith(")"):
        return header
    start = header.rfind(" (#")
    if start >= 0 and header[start + 3 : -1].isdecimal() and len(header) - start <= _LONGEST_OWN:
        return header[:start].rstrip()
    own = _find_own_number(header)
    return header[: own.start()].rstrip() if own else header


def _find_own_number(header: str) -> re.Match[str] | None:
    return _OWN_NUMBER.match(header, header.rfind("(")) if header.endswith(")") else None
