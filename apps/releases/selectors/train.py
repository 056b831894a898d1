"""Everything that one environment has and another has not: the components of a release train."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.models import Project
from apps.environments.models import Component
from apps.releases.selectors.comparison import Comparison, compare_points, describe_arrivals
from apps.releases.selectors.points import find_point

MOST_COMPONENTS = 60


@dataclass(frozen=True, slots=True)
class Wagon:
    """One component of the train; `problem` says why nothing is told of it."""

    name: str
    url: str
    source_version: str
    target_version: str
    arrivals: str
    arrives_count: int
    lost_count: int
    breaking_count: int
    problem: str


@dataclass(frozen=True, slots=True)
class Train:
    """`wagons` differ; `level` are the names of the components that are the same on both sides."""

    wagons: list[Wagon]
    level: list[str]
    left_out: int

    @property
    def arrives_count(self) -> int:
        return sum(wagon.arrives_count for wagon in self.wagons)

    @property
    def lost_count(self) -> int:
        return sum(wagon.lost_count for wagon in self.wagons)


def read_train(project: Project, source: str, target: str) -> Train:
    """The components that are in both environments, those that differ first looked into, by name."""
    both = Component.objects.filter(project=project, applications__environment__name=source).filter(
        applications__environment__name=target
    )
    components = list(both.distinct().select_related("project", "source").order_by("name"))
    wagons: list[Wagon] = []
    level: list[str] = []
    for component in components[:MOST_COMPONENTS]:
        left, right = find_point(component, f"env:{source}"), find_point(component, f"env:{target}")
        assert left is not None
        assert right is not None
        if left.version and left.version == right.version:
            level.append(component.name)
        else:
            wagons.append(_wagon(component, compare_points(component, left, right)))
    return Train(wagons, level, max(0, len(components) - MOST_COMPONENTS))


def _wagon(component: Component, comparison: Comparison) -> Wagon:
    source, target = comparison.source, comparison.target
    address = urlencode({"from": source.key, "into": target.key})
    return Wagon(
        name=component.name,
        url=f"{reverse('compare', args=[component.project.slug, component.slug])}?{address}",
        source_version=source.version,
        target_version=target.version,
        arrivals=describe_arrivals(comparison.notes),
        arrives_count=comparison.arrives_count,
        lost_count=len(comparison.lost),
        breaking_count=len(comparison.notes.breaking),
        problem=" ".join(comparison.problems),
    )
