"""What the two sides of a comparison are made of beside commits: images, and the manifests of Git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from apps.environments.models import Application, Component, DesiredState
from apps.environments.selectors.drift_diff import as_drawn
from apps.releases.selectors.points import Point
from apps.releases.selectors.release_facts import short_digest
from apps.releases.selectors.versions import bare_version
from gitopsui.domain.identity import Manifest
from gitopsui.domain.image import ImageReference, find_image, images_in
from gitopsui.domain.manifest_pairs import ManifestPair, PairChange, pair_manifests
from gitopsui.domain.masked_diff import diff_masked
from gitopsui.domain.text_diff import TextDiff

MOST_IMAGES = 30
MOST_DIFFS = 25

_Sides = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image on both sides, `old` of the target; "" where a side has it not or nobody knows."""

    name: str
    old: str = ""
    new: str = ""
    old_digest: str = ""
    new_digest: str = ""

    @property
    def is_same(self) -> bool:
        return self.old == self.new and self.old_digest == self.new_digest

    @property
    def short_name(self) -> str:
        """`checkout-migrate` of `ghcr.io/shop/checkout-migrate`."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """One resource that differs; without `diff` there are too many to draw all."""

    kind: str
    name: str
    change: str
    diff: TextDiff | None


@dataclass(frozen=True, slots=True)
class Manifests:
    """
    What Git asks for on both sides. `named` differ in names of their environments alone; `problem` says why
    nothing can be compared.
    """

    rows: list[ResourceRow] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    same_count: int = 0
    problem: str = ""


def has_manifests(source: Point, target: Point) -> bool:
    """Whether both are environments as they are now: of the past none are kept."""
    return all(one.environment and one.at is None for one in (source, target)) and source.key != target.key


def read_images(component: Component, source: Point, target: Point) -> list[ImageRow]:
    """
    The images of both sides, the component's own first: of two environments all that Git asks for, else its
    own. At most three queries.
    """
    own = find_image(component.image) if component.image else None
    if has_manifests(source, target):
        sides = [_images(manifests) for manifests in _manifests_of(component, (source, target))]
    else:
        sides = [_own_of(own, point) for point in (source, target)]
    rows = _rows(sides[1], sides[0])
    listed = sorted(rows, key=lambda row: (own is None or row.name != own.name, row.name))[:MOST_IMAGES]
    return _with_digests(component, own, listed)


def _own_of(own: ImageReference | None, point: Point) -> dict[str, ImageReference]:
    if own is None or not point.version:
        return {}
    return {own.name: ImageReference(own.registry, own.repository, point.version, None)}


def _images(manifests: Iterable[Manifest]) -> dict[str, ImageReference]:
    """By name; of one image with several tags the first."""
    found: dict[str, ImageReference] = {}
    for manifest in manifests:
        for container in images_in(manifest):
            if reference := find_image(container.image):
                found.setdefault(reference.name, reference)
    return found


def _rows(old: Mapping[str, ImageReference], new: Mapping[str, ImageReference]) -> list[ImageRow]:
    return [
        ImageRow(
            name,
            old[name].display if name in old else "",
            new[name].display if name in new else "",
            (old[name].digest or "") if name in old else "",
            (new[name].digest or "") if name in new else "",
        )
        for name in old.keys() | new.keys()
    ]


def _with_digests(
    component: Component, own: ImageReference | None, rows: Sequence[ImageRow]
) -> list[ImageRow]:
    """With the digests the registry said of the component's own tags, short."""
    wanted = {tag for row in rows if own and row.name == own.name for tag in (row.old, row.new) if tag}
    known = _digests(component, wanted) if wanted else {}
    return [
        ImageRow(
            row.name,
            row.old,
            row.new,
            short_digest(row.old_digest or (known.get(row.old, "") if own and row.name == own.name else "")),
            short_digest(row.new_digest or (known.get(row.new, "") if own and row.name == own.name else "")),
        )
        for row in rows
    ]


def _digests(component: Component, tags: set[str]) -> dict[str, str]:
    """By tag: that of the very tag, else of its version."""
    versions = {bare_version(tag) for tag in tags}
    rows = component.image_tags.filter(Q(tag__in=tags) | Q(version__in=versions)).exclude(digest="")
    by_tag: dict[str, str] = {}
    by_version: dict[str, str] = {}
    for tag, version, digest in rows.order_by("tag").values_list("tag", "version", "digest"):
        by_tag[tag] = digest
        by_version.setdefault(version, digest)
    return {tag: by_tag.get(tag) or by_version.get(bare_version(tag), "") for tag in tags}


def _manifests_of(component: Component, points: _Sides) -> list[list[Manifest]]:
    """What Git asks for in each environment, as it was rendered last; two queries."""
    applications = _applications(component, points)
    digests = {one.desired_digest for some in applications for one in some} - {""}
    states = dict(DesiredState.objects.filter(digest__in=digests).values_list("digest", "manifests"))
    return [[m for one in some for m in states.get(one.desired_digest, [])] for some in applications]


def _applications(component: Component, points: _Sides) -> list[list[Application]]:
    names = [point.environment for point in points]
    rows = component.applications.filter(environment__name__in=names).select_related("environment")
    listed = list(rows.order_by("path", "pk"))
    return [[one for one in listed if one.environment.name == name] for name in names]


def read_manifests(component: Component, source: Point, target: Point, *, is_unified: bool) -> Manifests:
    """What Git asks for in two environments, resource by resource; values of Secrets are masked."""
    new, old = _applications(component, (source, target))
    for point, some in ((source, new), (target, old)):
        if len(some) > 1:
            return Manifests(problem=f"{component.name} has {len(some)} applications in {point.environment}.")
    manifests = _manifests_of(component, (source, target))
    for point, some_manifests in zip((source, target), manifests, strict=True):
        if not some_manifests:
            return Manifests(problem=f"What Git asks for in {point.environment} was not rendered yet.")
    pairs = pair_manifests(
        manifests[1], manifests[0], old_names=_names(target, old), new_names=_names(source, new)
    )
    return _told(pairs, is_unified=is_unified)


def _names(point: Point, applications: Iterable[Application]) -> list[str]:
    """What an environment is called in names: its own name and its namespaces."""
    return [point.environment, *(one.namespace for one in applications)]


def _told(pairs: Sequence[ManifestPair], *, is_unified: bool) -> Manifests:
    differing = [one for one in pairs if one.change not in (PairChange.SAME, PairChange.NAMES)]
    rows = [
        ResourceRow(
            one.kind,
            one.name,
            one.change,
            as_drawn(diff_masked(one.old, one.new), is_unified=is_unified) if number < MOST_DIFFS else None,
        )
        for number, one in enumerate(differing)
    ]
    named = [f"{one.kind} {one.name}" for one in pairs if one.change is PairChange.NAMES]
    return Manifests(rows, named, sum(one.change is PairChange.SAME for one in pairs))
