"""
Ranges of versions in the grammar that Argo CD, Flux, Helm and Kargo share.

https://github.com/Masterminds/semver#checking-version-constraints: `^1.2`, `~1.2`, `1.x`, `>=1.1, <2`,
`1.1 - 2`, `||`. A pre-release is only allowed by a group that names one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from semver import Version

from gitopsui.domain.errors import InputError
from gitopsui.domain.precedence import coerce_version, precedence_of

RANGE_LIMIT = 512  # characters

_VERSION = (
    r"v?([0-9xX*]+)(?:\.([0-9xX*]+))?(?:\.([0-9xX*]+))?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_PLAIN = re.sub(r"\((?!\?)", "(?:", _VERSION)
_COMPARATOR = re.compile(rf"(=>|=<|>=|<=|~>|!=|[=><~^])?\s*{_VERSION}")
_HYPHEN = re.compile(rf"({_PLAIN})\s+-\s+({_PLAIN})")
_SEPARATOR = re.compile(r"\s*,\s*|\s+")
_WILDCARDS = ("x", "X", "*", None)


@dataclass(frozen=True, slots=True)
class Comparator:
    """
    One condition. `version` has zeros where the text left a part out or open.

    `is_any`, `is_minor_open`, `is_patch_open`: the text had no major, minor, patch, or a wildcard there.
    """

    operator: str
    version: Version
    is_any: bool = False
    is_minor_open: bool = False
    is_patch_open: bool = False

    @property
    def is_open(self) -> bool:
        return self.is_any or self.is_minor_open or self.is_patch_open

    def allows(self, version: Version, *, include_prerelease: bool) -> bool:
        """Whether the condition holds; a pre-release needs one in the condition or the permission."""
        is_barred = version.prerelease and not self.version.prerelease and not include_prerelease
        if is_barred and not (self.operator == "!=" and not self.is_open):
            return False
        return _CHECKS[self.operator](version, self)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Groups of conditions: all conditions of any one group must hold."""

    text: str
    groups: tuple[tuple[Comparator, ...], ...]
    include_prerelease: bool = False

    @classmethod
    def parse(cls, text: str, *, include_prerelease: bool = False) -> VersionRange:
        """Raises InputError (VERSION_RANGE) where the text is no range. An empty one allows every release."""
        if len(text) > RANGE_LIMIT:
            raise _refused("A range of versions is shorter than that.")
        groups = tuple(_parse_group(part) for part in text.split("||")) if text.strip() else ((_ANY,),)
        return cls(text, groups, include_prerelease)

    def allows(self, version: Version | str) -> bool:
        """Whether a version is in the range; a text is coerced (`v1.2` is 1.2.0), nonsense is in no range."""
        given = coerce_version(version) if isinstance(version, str) else version
        return given is not None and any(self._group_allows(group, given) for group in self.groups)

    def _group_allows(self, group: tuple[Comparator, ...], version: Version) -> bool:
        include = self.include_prerelease or any(item.version.prerelease for item in group)
        return all(item.allows(version, include_prerelease=include) for item in group)

    def __str__(self) -> str:
        return self.text


_ANY = Comparator("", Version(0), is_any=True)


def _refused(message: str) -> InputError:
    return InputError(message, code="VERSION_RANGE")


def _parse_group(text: str) -> tuple[Comparator, ...]:
    """Conditions separated by commas or blanks; read from left to right, never going back."""
    rest = _HYPHEN.sub(r">=\1, <=\2", text).strip()
    comparators = []
    position = 0
    while True:
        match = _COMPARATOR.match(rest, position)
        if match is None:
            raise _refused(f"“{text.strip()}” is not a range of versions, such as ^1.2 or >=1.0, <2.")
        comparators.append(_comparator(match))
        position = match.end()
        if position == len(rest):
            return tuple(comparators)
        separator = _SEPARATOR.match(rest, position)
        if separator is None:
            raise _refused(f"“{text.strip()}” is not a range of versions, such as ^1.2 or >=1.0, <2.")
        position = separator.end()


def _comparator(match: re.Match[str]) -> Comparator:
    operator, major, minor, patch, prerelease = match.groups()
    is_any = major in _WILDCARDS
    is_minor_open = not is_any and minor in _WILDCARDS
    is_patch_open = not is_any and not is_minor_open and patch in _WILDCARDS
    core = ("0", "0", "0") if is_any else (major, "0" if is_minor_open else minor, patch)
    if is_minor_open or is_patch_open:
        core = (core[0], core[1], "0")
    version = coerce_version(".".join(core) + (prerelease or ""))
    if version is None:
        raise _refused(f"“{match[0]}” is not a version.")
    return Comparator(operator or "", version, is_any, is_minor_open, is_patch_open)


def _is_equal(version: Version, to: Comparator) -> bool:
    return _is_near(version, to) if to.is_open else precedence_of(version) == precedence_of(to.version)


def _is_different(version: Version, to: Comparator) -> bool:
    wanted = to.version
    if not to.is_open:
        return precedence_of(version) != precedence_of(wanted)
    if version.major != wanted.major:
        return True
    if to.is_minor_open:
        return False
    if version.minor != wanted.minor:
        return True
    if not to.is_patch_open:
        return precedence_of(version) != precedence_of(wanted)
    return (version.prerelease or "") != (wanted.prerelease or "")


def _is_greater(version: Version, than: Comparator) -> bool:
    """`>11` means 12 or higher, `>11.1` means 11.2 or higher."""
    if than.is_minor_open:
        return version.major > than.version.major
    if than.is_patch_open:
        return (version.major, version.minor) > (than.version.major, than.version.minor)
    return precedence_of(version) > precedence_of(than.version)


def _is_less(version: Version, than: Comparator) -> bool:
    return precedence_of(version) < precedence_of(than.version)


def _is_at_least(version: Version, than: Comparator) -> bool:
    return precedence_of(version) >= precedence_of(than.version)


def _is_at_most(version: Version, than: Comparator) -> bool:
    """`<=11` allows all of 11."""
    if than.is_minor_open or than.is_any:
        return version.major <= than.version.major
    if than.is_patch_open:
        return (version.major, version.minor) <= (than.version.major, than.version.minor)
    return precedence_of(version) <= precedence_of(than.version)


def _is_near(version: Version, to: Comparator) -> bool:
    """`~1.2.3` is >=1.2.3 <1.3, `~1` is >=1 <2; `~0.0.0` allows everything."""
    wanted = to.version
    if precedence_of(version) < precedence_of(wanted):
        return False
    is_zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0)
    if is_zero and not to.is_minor_open and not to.is_patch_open:
        return True
    return version.major == wanted.major and (to.is_minor_open or version.minor == wanted.minor)


def _is_compatible(version: Version, to: Comparator) -> bool:
    """`^1.2.3` is >=1.2.3 <2; below 1 the first number that is not zero must stay."""
    wanted = to.version
    if precedence_of(version) < precedence_of(wanted):
        return False
    if to.is_any:
        return True
    if version.major != wanted.major:
        return False
    if wanted.major > 0 or to.is_minor_open:
        return True
    if version.minor != wanted.minor:
        return False
    return wanted.minor > 0 or to.is_patch_open or version.patch == wanted.patch


_CHECKS: dict[str, Callable[[Version, Comparator], bool]] = {
    "": _is_equal,
    "=": _is_equal,
    "!=": _is_different,
    ">": _is_greater,
    "<": _is_less,
    ">=": _is_at_least,
    "=>": _is_at_least,
    "<=": _is_at_most,
    "=<": _is_at_most,
    "~": _is_near,
    "~>": _is_near,
    "^": _is_compatible,
}
