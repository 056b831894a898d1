"""The two sides of a preview: an environment or a release of one component, and where that goes."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.models import Project
from apps.environments.models import Component, Environment
from apps.releases.selectors.registry import present_tags

MOST_SLUGS = 60
MOST_RELEASES = 20
RELEASE = "tag:"  # as on Compare


@dataclass(frozen=True, slots=True)
class Sides:
    """
    What an address of the preview asks for. `version` is set where a release is the source, which then is no
    environment; neither is set for an address that names none.
    """

    target: Environment | None
    source: Environment | None
    version: str
    slugs: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether there is something to plan: a release is of one component."""
        is_release = bool(self.version) and len(self.slugs) == 1
        return self.target is not None and (self.source is not None or is_release)

    @property
    def key(self) -> str:
        """The source as the address writes it."""
        return f"{RELEASE}{self.version}" if self.version else self.source.name if self.source else ""

    def address(self, project: Project) -> str:
        """The preview of it."""
        into = self.target.name if self.target else ""
        asked = [("from", self.key), ("into", into), *(("component", slug) for slug in self.slugs)]
        found = urlencode([(name, value) for name, value in asked if value])
        return f"{reverse('promotion-new', args=[project.slug])}?{found}"


def read_sides(environments: list[Environment], data: QueryDict) -> Sides:
    """
    The sides of an address. One that names no source means a release where it has a `version`, else the
    environment to the left of its target.
    """
    names = {row.name: row for row in environments}
    into, asked = names.get(data.get("into", "")), data.get("from", "")
    source = names.get(asked)
    version = asked.removeprefix(RELEASE) if asked.startswith(RELEASE) else data.get("version", "")
    version = "" if source else version[:200]
    if source is None and not version and into is not None:
        position = environments.index(into)
        source = environments[position - 1] if position else None
    return Sides(into, source, version, tuple(data.getlist("component")[:MOST_SLUGS]))


def release_choices(project: Project, sides: Sides) -> list[str]:
    """The versions that can be chosen as the source, newest first; none unless one component is chosen."""
    if len(sides.slugs) != 1:
        return []
    component = Component.objects.filter(project=project, slug=sides.slugs[0]).first()
    if component is None:
        return []
    releases = component.releases.filter(is_bad=False).order_by("position")
    found = list(releases.values_list("version", flat=True)[:MOST_RELEASES])
    found = found or list(present_tags(component).values_list("tag", flat=True)[:MOST_RELEASES])
    return found if not sides.version or sides.version in found else [sides.version, *found]


def component_choices(target: Environment) -> list[Component]:
    """Those that an environment has, by name."""
    rows = Component.objects.filter(applications__environment=target).distinct()
    return list(rows.order_by("name")[:MOST_SLUGS])
