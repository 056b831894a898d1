"""
Which version comes next, by what the commits since the last one say.

`feat` makes a minor version, `fix`, `perf` and `revert` a patch, what breaks a major one, also as parts of a
squash. What that means below 1.0.0 and for pre-releases is where release tools differ, and so a policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from semver import Version

from gitopsui.domain.commit import Commit, ParsedMessage, parse_message
from gitopsui.domain.parts import told_by
from gitopsui.domain.precedence import find_version

_LAST_NUMBER = re.compile(r"\d+(?=\D*\Z)", re.ASCII)
_FIRST_NUMBERED = 1
_FIRST_VERSION = Version(0, 1, 0)


class Level(IntEnum):
    """How much changed, least first."""

    NONE = 0  # nothing that a version is made for
    PATCH = 1  # fix, perf, revert
    MINOR = 2  # feat
    MAJOR = 3  # something breaks


class PrereleaseMode(StrEnum):
    """How a pre-release goes on."""

    LEVELS = "levels"  # the counter, while its core covers the level; else a new core (semantic-release)
    COUNT = "count"  # only ever the counter (git-cliff)
    FINAL = "final"  # it is finished: the version without the pre-release


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """
    What a team wants of its version numbers. The defaults are what is safest to be shown.

    `prerelease` is what a new pre-release begins with (`rc.1`), "" where a final version is followed by
    a final one. `always` is the level of every release, whatever its commits say.
    """

    breaking_bumps_minor_below_one: bool = True  # 0.y.z never becomes 1.0.0 by itself
    feature_bumps_patch_below_one: bool = False
    breaking_bumps_patch_below_zero_one: bool = False  # 0.0.z: every change is a patch, as Cargo sees it
    allows_zero: bool = True  # False: whatever is released below 1.0.0 becomes 1.0.0
    allows_graduation: bool = True  # `feat!!: …` makes 1.0.0
    least: Level = Level.NONE  # PATCH: every release has a new version, as release-please does it
    always: Level | None = None
    first: Version | None = _FIRST_VERSION  # the version of the first release; None: count from 0.0.0
    prerelease_mode: PrereleaseMode = PrereleaseMode.LEVELS
    prerelease: str = ""
    switches_label: bool = False  # a running pre-release takes on the label of `prerelease`


DEFAULT_POLICY = VersionPolicy()

_LEVELS = {
    "feat": Level.MINOR,
    "feature": Level.MINOR,
    "fix": Level.PATCH,
    "perf": Level.PATCH,
    "revert": Level.PATCH,
}


def next_version(
    current: Version | None,
    commits: Iterable[Commit | ParsedMessage | str],
    *,
    policy: VersionPolicy = DEFAULT_POLICY,
) -> Version | None:
    """
    The version of the next release after `current`, None where nothing calls for one.

    `commits` are those since `current`, newest first, as Git lists them: the first `Release-As` footer
    that holds a version decides alone. `current` is None before the first release.
    """
    messages = [_parse(commit) for commit in commits]
    forced = _forced(messages)
    if forced is not None:
        return forced
    if current is None:
        return _first(messages, policy)
    current = current.replace(build=None)
    graduates = policy.allows_graduation and any(message.is_graduation for message in messages)
    if current.major == 0 and (graduates or not policy.allows_zero):
        level = max(_level(current, messages, policy), Level.MAJOR if graduates else Level.NONE)
        return _begin(Version(1), policy) if level else None
    level = _level(current, messages, policy)
    if current.prerelease:
        return _continue(current, level, policy)
    return _begin(_bump(current, level), policy) if level else None


def _parse(commit: Commit | ParsedMessage | str) -> ParsedMessage:
    if isinstance(commit, ParsedMessage):
        return commit
    return parse_message(commit.message if isinstance(commit, Commit) else commit)


def _forced(messages: Iterable[ParsedMessage]) -> Version | None:
    """https://github.com/googleapis/release-please#how-do-i-change-the-version-number"""
    for message in messages:
        asked = message.release_as
        version = find_version(asked.strip().removeprefix("v")) if asked else None
        if version is not None:
            return version
    return None


def _first(messages: list[ParsedMessage], policy: VersionPolicy) -> Version | None:
    if not policy.allows_zero:
        return _begin(Version(1), policy)
    if policy.first is not None:
        return policy.first
    zero = Version(0)
    level = _level(zero, messages, policy)
    return _begin(_bump(zero, level), policy) if level else None


def _level(current: Version, messages: Iterable[ParsedMessage], policy: VersionPolicy) -> Level:
    """The highest level any commit asks for, already translated for versions below 1.0.0."""
    if policy.always is not None:
        return policy.always
    asked = (level for message in messages for told in told_by(message) for level in _asked(told))
    return max((_translate(level, current, policy) for level in asked), default=policy.least)


def _asked(message: ParsedMessage) -> tuple[Level, ...]:
    by_type = _LEVELS.get(message.type or "", Level.NONE)
    return (Level.MAJOR, by_type) if message.is_breaking else (by_type,)


def _translate(level: Level, current: Version, policy: VersionPolicy) -> Level:
    level = max(level, policy.least)
    if current.major > 0:
        return level
    if level is Level.MAJOR and policy.breaking_bumps_minor_below_one:
        is_below_zero_one = current.minor == 0 and policy.breaking_bumps_patch_below_zero_one
        return Level.PATCH if is_below_zero_one else Level.MINOR
    if level is Level.MINOR and policy.feature_bumps_patch_below_one:
        return Level.PATCH
    return level


def _bump(current: Version, level: Level) -> Version:
    if level is Level.MAJOR:
        return Version(current.major + 1)
    if level is Level.MINOR:
        return Version(current.major, current.minor + 1)
    return Version(current.major, current.minor, current.patch + 1)


def _begin(final: Version, policy: VersionPolicy) -> Version:
    """The version itself, or its first pre-release where the policy makes such."""
    if not policy.prerelease or policy.prerelease_mode is PrereleaseMode.FINAL:
        return final
    return final.replace(prerelease=policy.prerelease)


def _continue(current: Version, level: Level, policy: VersionPolicy) -> Version | None:
    """What follows a pre-release."""
    final = current.finalize_version()
    is_covered = level <= _covered(current)
    if policy.prerelease_mode is PrereleaseMode.FINAL:
        return final if is_covered else _bump(final, level)
    if policy.prerelease_mode is PrereleaseMode.COUNT:
        return _count_up(current, policy)
    if level is Level.NONE:
        return None
    if is_covered:
        return _count_up(current, policy)
    return _bump(final, level).replace(prerelease=_first_of_label(current, policy))


def _covered(current: Version) -> Level:
    """The level a pre-release was begun for: 2.0.0-rc.1 may break, 1.1.0-rc.1 may bring features."""
    if current.patch:
        return Level.PATCH
    return Level.MINOR if current.minor else Level.MAJOR


def _count_up(current: Version, policy: VersionPolicy) -> Version:
    """rc.1 → rc.2, beta09 → beta10, alpha → alpha.1; the width of a number is kept."""
    label = current.prerelease or ""
    if policy.switches_label and not _is_same_label(label, policy.prerelease):
        return current.replace(prerelease=policy.prerelease)
    match = _LAST_NUMBER.search(label)
    if match is None:
        return current.replace(prerelease=f"{label}.{_FIRST_NUMBERED}")
    counted = str(int(match[0]) + 1).zfill(len(match[0]))
    return current.replace(prerelease=label[: match.start()] + counted + label[match.end() :])


def _first_of_label(current: Version, policy: VersionPolicy) -> str:
    """The pre-release to begin a new core with: the running label, counted from the start."""
    if policy.switches_label and policy.prerelease:
        return policy.prerelease
    label = current.prerelease or ""
    match = _LAST_NUMBER.search(label)
    if match is None:
        return label
    return label[: match.start()] + str(_FIRST_NUMBERED).zfill(len(match[0])) + label[match.end() :]


def _is_same_label(label: str, other: str) -> bool:
    return not other or _LAST_NUMBER.sub("", label).strip(".") == _LAST_NUMBER.sub("", other).strip(".")
