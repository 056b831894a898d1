"""What the pages of releases read: a fixed number of queries, however many releases there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from apps.accounts.models import Project
from apps.environments.models import Component
from apps.releases.models import DeploymentRecord, Release
from apps.releases.selectors.overrides import told_summaries
from apps.releases.selectors.versions import is_version_of

PAGE_ROWS = 30
HEAVY = ("notes", "notes_html", "words")
MOST_STAYS = 200
# What most tags of most teams are; said on the page of a release, not beside each line of a list.
QUIET_FLAGS = ("signed", "unsigned", "unchecked", "unknown", "remade")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for; anything else in the URL is ignored."""

    q: str = ""
    component: str = ""

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Filters:
        clean = {name: data.get(name, "").replace("\0", "")[:100].strip() for name in ("q", "component")}
        return cls(**clean)

    @property
    def query(self) -> str:
        """The query string of these filters, without the page."""
        pairs = {"q": self.q, "component": self.component}
        return urlencode({name: value for name, value in pairs.items() if value})


@dataclass(frozen=True, slots=True)
class RunsIn:
    """An environment where a release runs or ran; `to_at` None where it still does."""

    environment: str
    url: str
    from_at: datetime
    to_at: datetime | None

    @property
    def is_current(self) -> bool:
        return self.to_at is None


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """
    A release as a list shows it; `change_count` None until its notes are written. `base_version` is the one
    that the changes are counted from, "" where they are counted from the beginning.
    """

    url: str
    version: str
    tag: str
    component_name: str
    component_url: str
    released_at: datetime | None
    is_prerelease: bool
    change_count: int | None
    base_version: str
    breaking_count: int
    summary: str
    notes_reason: str
    places: list[RunsIn]
    flags: list[dict[str, str]]
    is_bad: bool = False


def component_url(component: Component) -> str:
    return reverse("component-detail", args=[component.project.slug, component.slug])


def component_place(component: Component) -> dict[str, str]:
    """A component as the head of its pages names and links it."""
    return {"name": component.name, "slug": component.slug, "url": component_url(component)}


def component_names(project: Project) -> list[str]:
    """The components that have releases."""
    found = Component.objects.filter(project=project, releases__isnull=False)
    return list(found.order_by("name").values_list("name", flat=True).distinct())


def read_release_page(project: Project, filters: Filters, number: str) -> Page[Any]:
    """A page of the releases of a project, newest first; what has no date comes last."""
    newest_first = (F("dated_at").desc(nulls_last=True), "component__name", "position")
    releases = _filtered(Release.objects.filter(component__project=project), filters).order_by(*newest_first)
    page: Page[Any] = Paginator(releases.defer(*HEAVY), PAGE_ROWS).get_page(number)
    page.object_list = read_rows(page.object_list)
    return page


def _filtered(releases: QuerySet[Release], filters: Filters) -> QuerySet[Release]:
    releases = releases.select_related("component__project")
    if filters.component:
        releases = releases.filter(component__name=filters.component)
    for word in filters.q.split()[:5]:
        anywhere = Q(tag__icontains=word) | Q(component__name__icontains=word) | Q(words__icontains=word)
        releases = releases.filter(anywhere)
    return releases


def read_rows(releases: Iterable[Release]) -> list[ReleaseRow]:
    """The rows of these releases with where each runs and what people say, in two or three queries more."""
    listed = list(releases)
    running: dict[int, list[DeploymentRecord]] = defaultdict(list)
    components = {release.component_id for release in listed}
    for record in stays().filter(application__component__in=components, to_at=None):
        running[record.application.component_id].append(record)
    summaries = told_summaries(listed)
    return [_row(release, running[release.component_id], summaries[release.pk]) for release in listed]


def stays() -> QuerySet[DeploymentRecord]:
    """Deployment records with their environments, by the order of these."""
    records = DeploymentRecord.objects.select_related("application__environment", "application__cluster")
    return records.order_by("application__environment__position", "application", "-from_at", "-pk")


def _row(release: Release, running: Sequence[DeploymentRecord], summary: str) -> ReleaseRow:
    return ReleaseRow(
        url=reverse("release-detail", args=[release.pk]),
        version=release.version,
        tag=release.tag,
        component_name=release.component.name,
        component_url=component_url(release.component),
        released_at=release.dated_at,
        is_prerelease=release.is_prerelease,
        change_count=release.change_count,
        base_version=_base_version(release),
        breaking_count=release.breaking_count,
        summary=summary,
        notes_reason=notes_reason(release),
        places=_places(release, running),
        flags=[flag for flag in release.flags if flag["code"] not in QUIET_FLAGS],
        is_bad=release.is_bad,
    )


def _base_version(release: Release) -> str:
    """The version of the tag before, without what the tags of this component begin with."""
    if not release.tag.endswith(release.version):
        return release.base_tag
    return release.base_tag.removeprefix(release.tag.removesuffix(release.version))


def _places(release: Release, records: Iterable[DeploymentRecord]) -> list[RunsIn]:
    return [
        RunsIn(
            record.application.environment.name,
            reverse("application-detail", args=[record.application_id]),
            record.from_at,
            record.to_at,
        )
        for record in records
        if is_version_of(record.version, release)
    ]


def read_places(release: Release) -> list[RunsIn]:
    """Where the release runs and ran: what runs first, then the latest."""
    bare = {release.tag, release.version, f"v{release.version}", release.version.replace("+", "_")}
    records = stays().filter(application__component=release.component, version__in=bare)
    return sorted(_places(release, records[:MOST_STAYS]), key=lambda place: not place.is_current)


def read_neighbours(release: Release) -> tuple[Release | None, Release | None]:
    """The next newer and the next older release of the component."""
    light = Release.objects.filter(component=release.component).defer(*HEAVY)
    newer = light.filter(position__lt=release.position).order_by("-position").first()
    return newer, light.filter(position__gt=release.position).order_by("position").first()


def notes_reason(release: Release) -> str:
    """Why there are no notes, or nothing in them; "" where there are some."""
    if release.notes_error:
        return release.notes_error
    if not release.notes_sha:
        return "Its notes are not written yet"
    if not release.change_count:
        return f"Nothing changed since {release.base_tag}" if release.base_tag else "It has no commits"
    return ""
