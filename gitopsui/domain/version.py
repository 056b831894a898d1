"""
Versions and the tag a release is compared with: with `tag`, `next_version` and `version_range` all there is
to say about them, under one name.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gitopsui.domain.next_version import VersionPolicy, next_version
from gitopsui.domain.precedence import coerce_version, find_version, precedence_of
from gitopsui.domain.tag import PATTERN_LIMIT, Tag, VersionOrder, check_tag_pattern, parse_tag
from gitopsui.domain.version_range import VersionRange

__all__ = [
    "PATTERN_LIMIT",
    "Tag",
    "VersionPolicy",
    "VersionRange",
    "base_of",
    "check_tag_pattern",
    "coerce_version",
    "find_version",
    "next_version",
    "parse_tag",
    "precedence_of",
]


def base_of(tag: Tag, tags: Iterable[Tag]) -> Tag | None:
    """
    The tag whose release a release is compared with, by the line rule; None where everything is new.

    For X.Y.Z the highest lower patch of its line, for the first of a line the first stable tag of the
    highest lower line that existed by then; for a pre-release the one before it with the same core, else
    the base of its core. Only tags of the same family count; a tag without a date is taken to be old.
    """
    if tag.version is None:
        return None
    family = [other for other in tags if other.version and other.family == tag.family and other != tag]
    if tag.is_prerelease:
        core = _core(tag)
        earlier = [other for other in family if other.is_prerelease and _core(other) == core]
        lower = [other for other in earlier if _order(other) < _order(tag)]
        if lower:
            return max(lower)
    stable = [other for other in family if other.is_stable and _order(other) < _order(tag)]
    same_line = [other for other in stable if other.line == tag.line]
    return max(same_line) if same_line else _first_of_lower_line(tag, stable)


def _first_of_lower_line(tag: Tag, stable: list[Tag]) -> Tag | None:
    existing = [other for other in stable if _existed(other, tag.date)]
    if not existing:
        return None
    highest = max(other.line for other in existing)
    return min(other for other in existing if other.line == highest)


def _existed(tag: Tag, at: datetime | None) -> bool:
    return tag.date is None or at is None or tag.date <= at


def _core(tag: Tag) -> tuple[int, int, int]:
    assert tag.version is not None
    return (tag.version.major, tag.version.minor, tag.version.patch)


def _order(tag: Tag) -> VersionOrder:
    assert tag.order is not None
    return tag.order
