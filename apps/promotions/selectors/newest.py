"""The newest version that an environment may take by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from django.db.models import QuerySet

from apps.core.models import Job
from apps.environments.models import Application, Environment
from apps.promotions.selectors.rollback import spell_like
from apps.releases.models import DeploymentRecord, ImageTag, Release
from apps.releases.selectors.versions import bare_version, shown_version
from apps.releases.services.registry import CHECK
from gitopsui.domain.precedence import BuildOrder, Precedence, build_order_of, coerce_version, precedence_of
from gitopsui.domain.version_range import VersionRange

Order = tuple[Precedence, BuildOrder]


@dataclass(slots=True)
class Known:
    """
    What is known of one component. `releases` are bare versions; `ran` is how each version that ran in the
    environment before is written there, by application; `tags` are those of its registry by bare version,
    None where none is read.
    """

    releases: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    ran: dict[int, dict[str, str]] = field(default_factory=dict)
    tags: dict[str, str] | None = None


def find_newest(
    environment: Environment, source: Environment | None, allowed: VersionRange
) -> Iterator[tuple[Application, str]]:
    """
    The newest release in the range for each application that asks for an older one, as its files write it.

    With an environment before it (`source`) only what runs or ran there, and was not taken back there. A
    component of which no release is known goes by what ran there alone. None that is marked bad, and none
    whose image the registry lacks, where one is read.
    """
    applications = list(_rows(environment))
    known = _read({row.component_id for row in applications}, source)
    for application in applications:
        found = _candidates(application, known[application.component_id], source)
        newer = [
            (order, version)
            for version in found
            if (order := order_of(version))
            and _is_newer(order, application)
            and allowed.allows(bare_version(version))
        ]
        if newer:
            yield application, max(newer)[1]


def order_of(version: str) -> Order | None:
    """By precedence, then build metadata; None for what is no version."""
    found = coerce_version(bare_version(version))
    return (precedence_of(found), build_order_of(found)) if found else None


def _rows(environment: Environment) -> QuerySet[Application]:
    rows = environment.applications.select_related("component__source", "environment", "repository")
    return rows.order_by("component__name", "pk")


def _is_newer(order: Order, application: Application) -> bool:
    """Only of versions that can be ordered; what is not known is not newer."""
    here = order_of(application.desired_version)
    return here is not None and order > here


def _candidates(application: Application, known: Known, source: Environment | None) -> Iterator[str]:
    if source is None:
        written = {one: spell_like(one, application.desired_version) for one in known.releases}
    else:
        written = _ran_everywhere(list(known.ran.values()))
    for bare, version in written.items():
        is_release = bare in known.releases or (source is not None and not known.releases)
        if not is_release or bare in known.bad:
            continue
        if known.tags is None:
            yield version
        elif bare in known.tags:
            yield version if source is not None else _tag_of(version, known.tags)


def _tag_of(version: str, tags: dict[str, str]) -> str:
    """As the registry has it, where that is not as the files write it."""
    return version if version in tags.values() else tags[bare_version(version)]


def _ran_everywhere(places: Sequence[dict[str, str]]) -> dict[str, str]:
    """What ran in each of the applications of the component there."""
    first, *rest = places or [{}]
    return {bare: version for bare, version in first.items() if all(bare in one for one in rest)}


# --- read once for all components -------------------------------------------------------------------------


def _read(components: Iterable[int], source: Environment | None) -> dict[int, Known]:
    known: dict[int, Known] = defaultdict(Known)
    wanted = list(components)
    releases = Release.objects.filter(component__in=wanted)
    for component, version, is_bad in releases.values_list("component", "version", "is_bad"):
        known[component].releases.add(version)
        if is_bad:
            known[component].bad.add(version)
    _read_registries(wanted, known)
    if source is not None:
        _read_ran(source, wanted, known)
    return known


def _read_registries(components: list[int], known: dict[int, Known]) -> None:
    """One that is asked and never answered has nothing yet."""
    for component in Job.objects.filter(kind=CHECK, subject_id__in=components).values_list(
        "subject_id", flat=True
    ):
        known[component].tags = {}
    rows = ImageTag.objects.filter(component__in=components, gone_at=None).order_by("-tag")
    for component, tag, version in rows.values_list("component", "tag", "version"):
        tags = known[component].tags
        if tags is not None:
            tags[version or bare_version(tag)] = tag


def _read_ran(source: Environment, components: list[int], known: dict[int, Known]) -> None:
    """What ran in each application there, oldest first, and what runs now."""
    applications = list(source.applications.filter(component__in=components).order_by("pk"))
    history: dict[int, list[str]] = {row.pk: [] for row in applications}
    records = DeploymentRecord.objects.filter(application__in=applications).order_by("from_at", "pk")
    for application, version in records.values_list("application", "version"):
        history[application].append(version)
    for row in applications:
        ran = history[row.pk]
        if not ran or ran[-1] != shown_version(row):
            ran.append(shown_version(row))
        known[row.component_id].ran[row.pk] = _kept(ran)


def _kept(ran: Sequence[str]) -> dict[str, str]:
    """
    By bare version how each was written, oldest first in `ran`. Without what was followed by anything but a
    newer one: it was taken back there.
    """
    kept: dict[str, str] = {}
    for version, after in zip_longest(ran, ran[1:]):
        here, there = order_of(version), order_of(after or "")
        if after is None or (here and there and there >= here):
            kept[bare_version(version)] = version
        else:
            kept.pop(bare_version(version), None)
    return kept
