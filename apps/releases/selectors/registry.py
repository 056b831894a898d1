"""
What the registries have: the tags of a component's image, which of them are newer than what runs, and the
commit an image was built from.

A tag is allowed when it is a version in the range of the component's policy; without a range every stable
version is. A release that somebody marked bad is never offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Exists, OuterRef, QuerySet
from semver import Version

from apps.environments.models import Component
from apps.releases.models import ImageTag, RegistryState, Release, ReleasePolicy
from apps.releases.selectors.versions import Place, bare_version, places_of
from gitopsui.domain.errors import InputError
from gitopsui.domain.precedence import BuildOrder, Precedence, build_order_of, find_version, precedence_of
from gitopsui.domain.version import VersionRange, parse_tag

STALE_AFTER = timedelta(minutes=30)  # three looks that gave no answer
MOST_READ = 2_000  # tags of one image that a page looks through, the latest seen first
VERSION_ROWS = 6
OTHER_ROWS = 3
KEPT_VERSIONS = 1 << 15  # orders and verdicts that a process remembers

Order = tuple[Precedence, BuildOrder]


@dataclass(frozen=True, slots=True)
class Newer:
    """The newest allowed tag, and how many allowed versions are newer than the one that was asked about."""

    tag: str
    count: int


@dataclass(frozen=True, slots=True)
class Hint:
    """A newer version the registry has. Stale: nobody knows whether it still has it."""

    tag: str
    version: str
    is_stale: bool

    @property
    def text(self) -> str:
        return f"{self.version} {'was' if self.is_stale else 'is'} in the registry"


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag as the page of its component shows it; `moved_from` is the digest it had before."""

    tag: str
    digest: str
    moved_from: str
    revision: str
    built_at: datetime | None
    seen_at: datetime
    gone_at: datetime | None
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """
    The registry of one component. `state` is a word of `{% state %}`; `than` the environment that `newer`
    counts from. `range_text` "" means stable versions.
    """

    image: str
    state: str
    checked_at: datetime | None
    failed_at: datetime | None
    error: str
    error_hint: str
    range_text: str
    newer: Newer | None
    than: str
    rows: tuple[TagRow, ...]
    tag_count: int


def version_in(tag: str, pattern: str = "") -> str:
    """
    The version an image tag is, "" where it is none: `1.2` and `latest` move, so they are none.

    `pattern` is that of the component's Git tags and wins where it fits; by custom `_` in an image tag
    stands for the `+` of build metadata.
    """
    bare = bare_version(tag)
    return _by_pattern(tag, pattern) or _by_pattern(bare, pattern) or (bare if find_version(bare) else "")


def _by_pattern(tag: str, pattern: str) -> str:
    if not pattern:
        return ""
    try:
        found = parse_tag(tag, pattern=pattern)
    except InputError:
        return ""
    return str(found.version) if found and found.version else ""


@lru_cache(maxsize=KEPT_VERSIONS)
def order_of(version: str) -> Order | None:
    """By precedence, then build metadata; None for what is no version."""
    found = find_version(version)
    return (precedence_of(found), build_order_of(found)) if found else None


@lru_cache(maxsize=512)
def _range(text: str) -> VersionRange:
    return VersionRange.parse(text)


@lru_cache(maxsize=KEPT_VERSIONS)
def _is_allowed(version: str, range_text: str) -> bool:
    return _range(range_text).allows(Version.parse(version))


def range_of(component: Component) -> VersionRange:
    """What the policy of `component` offers. Raises InputError (VERSION_RANGE) where that is no range."""
    row = ReleasePolicy.objects.filter(component=component).values_list("version_range", flat=True).first()
    return _range(row or "")


def present_tags(component: Component) -> QuerySet[ImageTag]:
    """The tags the registry has, the latest seen first; of what was seen at once the newest version first."""
    return component.image_tags.filter(gone_at=None).order_by("-seen_at", "-pk")


def find_allowed(component: Component, allowed: VersionRange) -> list[tuple[Order, str]]:
    """The tags that may be offered with their order, newest first."""
    bad = Release.objects.filter(component=OuterRef("component"), is_bad=True, version=OuterRef("version"))
    rows = component.image_tags.filter(gone_at=None).exclude(version="").exclude(Exists(bad))
    found = [
        (order, tag)
        for tag, version in rows.values_list("tag", "version")
        if (order := order_of(version)) and _is_allowed(version, allowed.text)
    ]
    # Of two tags of one version the plain one: `1.2.0` and `v1.2.0`.
    return sorted(sorted(found, key=lambda pair: pair[1]), key=lambda pair: pair[0], reverse=True)


def newer_than(component: Component, version: str) -> Newer | None:
    """What the registry has that is newer than `version`; None for nothing, or for what is no version."""
    current = order_of(version_in(version, component.tag_pattern))
    if current is None:
        return None
    try:
        found = find_allowed(component, range_of(component))
    except InputError:
        return None
    return _newer(found, current)


def _newer(found: Iterable[tuple[Order, str]], current: Order) -> Newer | None:
    newer = [(order, tag) for order, tag in found if order > current]
    return Newer(newer[0][1], len({order for order, _ in newer})) if newer else None


def hint_of(
    newest_allowed: str, checked_at: datetime | None, pattern: str, *, shown: str, now: datetime
) -> Hint | None:
    """What a `RegistryState` with a component's tag pattern says to whoever runs the version `shown`."""
    version = version_in(newest_allowed, pattern)
    newest, current = order_of(version), order_of(version_in(shown, pattern))
    if newest is None or current is None or newest <= current:
        return None
    return Hint(newest_allowed, version, is_stale(checked_at, now))


def is_stale(checked_at: datetime | None, now: datetime) -> bool:
    return checked_at is None or checked_at < now - STALE_AFTER


def commits_of_digests(component: Component, digests: Iterable[str]) -> dict[str, str]:
    """
    The commits that the images with these digests say they were built from, by digest, in one query; those
    that are not known are left out.
    """
    wanted = {digest for digest in digests if digest}
    if not wanted:
        return {}
    rows = component.image_tags.filter(digest__in=wanted).exclude(revision="").order_by("-pk")
    return dict(rows.values_list("digest", "revision"))


def revisions_of_tags(component: Component, tags: Collection[str]) -> dict[str, str]:
    """The commits that the images with these tags say they were built from, by tag."""
    rows = component.image_tags.filter(tag__in=tags).exclude(revision="")
    return dict(rows.values_list("tag", "revision"))


def read_panel(component: Component, *, now: datetime) -> Panel | None:
    """What the page of `component` shows of its registry; None where nobody ever asked for it."""
    state = RegistryState.objects.filter(component=component).first()
    if state is None:
        return None
    places = places_of(component)
    range_text = ReleasePolicy.objects.filter(component=component).values_list("version_range", flat=True)
    newer = newer_than(component, _oldest(places[-1], component.tag_pattern)) if places else None
    return Panel(
        image=state.image,
        state=_state_word(state, now),
        checked_at=state.checked_at,
        failed_at=state.failed_at,
        error=state.error,
        error_hint=state.error_hint,
        range_text=range_text.first() or "",
        newer=newer,
        than=places[-1].environment.name if places else "",
        rows=tuple(_read_rows(component, places)),
        tag_count=component.image_tags.filter(gone_at=None).count(),
    )


def _oldest(place: Place, pattern: str) -> str:
    """Of several versions in one environment the one that lags most."""
    known = [(order, v) for v in place.versions if (order := order_of(version_in(v, pattern)))]
    return min(known)[1] if known else ""


def _state_word(state: RegistryState, now: datetime) -> str:
    if state.checked_at is None:
        return "failed" if state.failed_at else "never"
    if is_stale(state.checked_at, now):
        return "stale"
    return "failed" if state.failed_at else "ok"


def _read_rows(component: Component, places: Collection[Place]) -> Iterable[TagRow]:
    """The newest versions, a few tags that are none, and whatever runs, even when it is gone there."""
    running: dict[str, list[str]] = {}
    for place in places:
        for version in filter(None, place.versions):
            running.setdefault(bare_version(version), []).append(place.environment.name)
    # Of all tags only the names: the few rows that are shown are read whole.
    gone = component.image_tags.exclude(gone_at=None).order_by("-gone_at", "pk")
    listed = list(present_tags(component).values_list("pk", "tag", "version")[:MOST_READ])
    listed += [
        row for row in gone.values_list("pk", "tag", "version")[:MOST_READ] if _where(row[1], row[2], running)
    ]
    shown = _choose(listed, running)
    rows = component.image_tags.in_bulk(shown)
    for row in (rows[pk] for pk in shown if pk in rows):
        yield _tag_row(row, _where(row.tag, row.version, running))


def _choose(listed: Sequence[tuple[int, str, str]], running: Mapping[str, list[str]]) -> list[int]:
    """The keys of the rows to show, in their order."""
    known = [(order, row) for row in listed if (order := order_of(row[2]))]
    versions = [row for _, row in sorted(known, reverse=True)]
    others = [row for row in listed if not order_of(row[2])]
    return [
        pk
        for rows, most in ((versions, VERSION_ROWS), (others, OTHER_ROWS))
        for number, (pk, tag, version) in enumerate(rows)
        if number < most or _where(tag, version, running)
    ]


def _where(tag: str, version: str, running: Mapping[str, list[str]]) -> list[str]:
    return running.get(bare_version(tag)) or (running.get(version, []) if version else [])


def _tag_row(row: ImageTag, environments: Iterable[str]) -> TagRow:
    return TagRow(
        tag=row.tag,
        digest=row.digest,
        moved_from=row.previous_digest,
        revision=row.revision,
        built_at=row.built_at,
        seen_at=row.seen_at,
        gone_at=row.gone_at,
        environments=tuple(environments),
    )
