"""
A tag that names a version, and the order of tags.

A version is keyed by its tag, never by `semver.Version`, for which `1.0.1+3` and `1.0.1+4` are equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import total_ordering
from itertools import islice

from semver import Version

from gitopsui.domain.errors import InputError
from gitopsui.domain.precedence import BuildOrder, Precedence, build_order_of, find_version, precedence_of

TAG_LIMIT = 512  # characters
PATTERN_LIMIT = 256  # characters

_START = re.compile(r"(?<![0-9.+])[0-9]+\.[0-9]+\.[0-9]", re.ASCII)
_MAX_STARTS = 16
# A lone `v` and a sign, `v-1.0.0`, read as a negative number and not as a name with a sign behind it.
_LONE_V = re.compile(r"(?<![A-Za-z0-9])[vV][^A-Za-z0-9/]{1,8}\Z")

VersionOrder = tuple[Precedence, BuildOrder]
Line = tuple[int, int]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Tag:
    """
    A tag of a repository. `raw` is its short name and its identity; `prefix` is what stands before the
    version (`v`, `cart/v`); `version` is None where the tag names none; `date` is aware.

    Tags sort by precedence, then build metadata, then date, then name; those without a version come first.
    """

    raw: str
    prefix: str = ""
    version: Version | None = None
    date: datetime | None = None
    order: VersionOrder | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = (precedence_of(self.version), build_order_of(self.version)) if self.version else None
        object.__setattr__(self, "order", order)

    @property
    def is_prerelease(self) -> bool:
        return self.version is not None and bool(self.version.prerelease)

    @property
    def is_stable(self) -> bool:
        return self.version is not None and not self.version.prerelease

    @property
    def family(self) -> str:
        """What the tags of one component have in common: `v1.0.0` and `1.0.0` are of one family."""
        return self.prefix.removesuffix("v").removesuffix("V")

    @property
    def line(self) -> Line:
        """The (major, minor) whose patches belong together; only a tag with a version has one."""
        assert self.version is not None
        return (self.version.major, self.version.minor)

    @property
    def sort_key(self) -> tuple[bool, VersionOrder | tuple[()], float, str]:
        dated = self.date.timestamp() if self.date else 0.0
        return (self.order is not None, self.order or (), dated, self.raw)

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, Tag) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.raw)

    def __lt__(self, other: Tag) -> bool:
        return self.sort_key < other.sort_key

    def __str__(self) -> str:
        return self.raw


def parse_tag(
    raw: str, *, pattern: str | re.Pattern[str] | None = None, date: datetime | None = None
) -> Tag | None:
    """
    The tag of that short name; its `version` is None where the name holds no version by SemVer 2.0.0.

    `pattern` is a regular expression with a group `version`, or with `major`, `minor`, `patch` and
    optionally `pre` and `meta`; a tag it does not match is none of the component's, so the answer is None.
    Without a pattern, a version may stand behind `v` or behind a name and a sign, as in `cart/v1.2.3`.
    Raises InputError (TAG_PATTERN) where the pattern is none.
    """
    if pattern is not None:
        return _parse_by_pattern(raw, check_tag_pattern(pattern), date)
    if not raw or len(raw) > TAG_LIMIT:
        return Tag(raw, date=date) if raw else None
    for start in _starts(raw):
        version = find_version(raw[start:])
        if version is not None:
            return Tag(raw, raw[:start], version, date)
    return Tag(raw, date=date)


def check_tag_pattern(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """The compiled pattern; raises InputError (TAG_PATTERN) with a sentence where it cannot be used."""
    if isinstance(pattern, str):
        if len(pattern) > PATTERN_LIMIT:
            raise _refused(f"A tag pattern has at most {PATTERN_LIMIT} characters.")
        try:
            pattern = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise _refused("The tag pattern is not a regular expression.") from error
    groups = pattern.groupindex
    if "version" not in groups and not {"major", "minor", "patch"} <= groups.keys():
        raise _refused("The tag pattern needs a group called version, such as ^v(?P<version>.+)$.")
    return pattern


def _refused(message: str) -> InputError:
    return InputError(message, code="TAG_PATTERN", field="tag_pattern")


def _parse_by_pattern(raw: str, pattern: re.Pattern[str], date: datetime | None) -> Tag | None:
    # Beyond this length a name is no version, and a careless pattern would take its time.
    match = pattern.search(raw) if len(raw) <= TAG_LIMIT else None
    if match is None:
        return None
    if "version" in pattern.groupindex:
        start, text = match.start("version"), match["version"] or ""
    else:
        start, text = match.start("major"), _assemble(match.groupdict())
    return Tag(raw, raw[: max(start, 0)], find_version(text), date)


def _assemble(groups: dict[str, str | None]) -> str:
    """The version of the parts a pattern named, as in GitLab's changelog setting."""
    core = ".".join(groups[part] or "" for part in ("major", "minor", "patch"))
    prerelease, build = groups.get("pre"), groups.get("meta")
    return core + (f"-{prerelease}" if prerelease else "") + (f"+{build}" if build else "")


def _starts(raw: str) -> Iterator[int]:
    """Where in a tag a version may begin, leftmost first."""
    for match in islice(_START.finditer(raw), _MAX_STARTS):
        if _is_prefix(raw[: match.start()]):
            yield match.start()


def _is_prefix(text: str) -> bool:
    """Nothing or `v`, each also behind a name that ends with a sign: `cart/v`, `release-`."""
    name = text[:-1] if text.endswith(("v", "V")) else text
    if not name:
        return True
    ends_with_sign = not name[-1].isalnum() and name[-1] not in ".+"
    return ends_with_sign and any(map(str.isalnum, name)) and not _LONE_V.search(text)
