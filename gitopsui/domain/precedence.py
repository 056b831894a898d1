"""
Which of two versions comes first, by https://semver.org/#spec-item-11, for numbers of any length.

python-semver's own comparison is not used for order: it ignores build metadata, so tags that differ in
nothing else would fall together, and it turns identifiers into integers, which Python limits in length.
"""

from __future__ import annotations

import re

from semver import Version

Identifier = tuple[int, int, str]
Precedence = tuple[int, int, int, bool, tuple[Identifier, ...]]
BuildOrder = tuple[Identifier, ...]

VERSION_LIMIT = 512  # characters; no tag that names a version is longer

_LOOSE = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", re.ASCII)


def find_version(text: str) -> Version | None:
    """The version a text is by the letter of SemVer 2.0.0, None where it is none."""
    if len(text) > VERSION_LIMIT:
        return None
    try:
        return Version.parse(text)
    except (ValueError, TypeError):
        return None


def coerce_version(text: str) -> Version | None:
    """
    The version a text means: `v1` and `1.0` are `1.0.0`, as in the tools that deploy by ranges.

    https://github.com/Masterminds/semver (NewVersion). None where it means none.
    """
    if len(text) > VERSION_LIMIT:
        return None
    match = _LOOSE.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, prerelease, build = match.groups(default="")
    return find_version(f"{major}.{minor or 0}.{patch or 0}{prerelease}{build}")


def precedence_of(version: Version) -> Precedence:
    """A sort key by precedence. Build metadata is not part of it: see `build_order_of`."""
    prerelease = version.prerelease
    identifiers = _identifiers(prerelease) if prerelease else ()
    return (version.major, version.minor, version.patch, not prerelease, identifiers)


def build_order_of(version: Version) -> BuildOrder:
    """
    What decides between versions of equal precedence: none before any build, identifiers as in pre-releases.

    SemVer leaves this open; the order is that of node-semver's compareBuild.
    """
    return _identifiers(version.build) if version.build else ()


def _identifiers(text: str) -> tuple[Identifier, ...]:
    return tuple(_identifier(part) for part in text.split("."))


def _identifier(part: str) -> Identifier:
    """Digits compare by value (first by their count) and come before everything with a letter."""
    if part.isdigit():
        digits = part.lstrip("0") or "0"
        return (0, len(digits), digits)
    return (1, 0, part)
