"""Which release something came with first, where a range holds several of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from semver import Version

from gitopsui.domain.note_entry import Notes, SectionKind

# What people must know before they skip releases; of the rest nobody asks.
_TOLD = (SectionKind.BREAKING, SectionKind.SECURITY)

Key = TypeVar("Key", bound=Hashable)


def needs_versions(notes: Notes) -> bool:
    """Whether anything is in the notes that is told with its version."""
    return any(section.kind in _TOLD for section in notes.sections)


def stand_in_line(base: Version, inside: Collection[Version], known: Iterable[Version]) -> bool:
    """
    Whether each line of versions between `base` and the highest `inside` a range has a release in it. Where
    one has not, its releases were made beside the range, and may hold anything of it.
    """
    highest = max(inside, default=base)
    lines = {version[:2] for version in known if base < version < highest and not version.prerelease}
    return lines <= {version[:2] for version in (base, *inside)}


def find_first_releases(
    releases: Iterable[tuple[str, Key, bool]],
    *,
    within: Collection[Key],
    before: Container[Key],
    parents: Callable[[Key], Iterable[Key]],
) -> dict[Key, str]:
    """
    The version of the first release that holds a commit, for those `within` a range that are in one.

    `releases` are (version, commit, whether it is a pre-release), the lowest first; they may stand on
    branches of their own beside the range. No history is followed into what was `before`. What a final
    version brought is told with that, whatever pre-releases it had.
    """
    found: dict[Key, str] = {}
    left = len(within)
    for version, tip, _ in sorted(releases, key=lambda release: release[2]):
        waiting = [tip] if left else []
        while waiting:
            at = waiting.pop()
            if at not in found and at not in before:
                found[at] = version
                left -= at in within
                waiting += parents(at)
    return found


def with_versions(notes: Notes, versions: Mapping[str, str]) -> Notes:
    """
    The notes with `since` in what breaks and what is about security.

    `versions` are of all commits of the range, by id, "" for what is in no release: where all came with one,
    it needs no saying.
    """
    if len(set(versions.values())) < 2:
        return notes
    sections = [
        section
        if section.kind not in _TOLD
        else replace(
            section,
            entries=tuple(
                entry._replace(since=versions.get(entry.shas[-1], "")) for entry in section.entries
            ),
        )
        for section in notes.sections
    ]
    return replace(notes, sections=tuple(sections))
