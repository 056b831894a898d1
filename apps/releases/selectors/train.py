"""Everything that one environment has and another has not: the components of a release train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.models import Project
from apps.environments.models import Component
from apps.releases.selectors.comparison import Comparison, compare_points, count_kinds
from apps.releases.selectors.config_ranges import ConfigRange, read_range
from apps.releases.selectors.overrides import shown_notes
from apps.releases.selectors.points import find_point
from apps.releases.selectors.standing import linked_notes, with_addresses
from gitopsui.domain.note_overrides import Audience
from gitopsui.domain.notes import SectionKind

MOST_COMPONENTS = 60  # that are looked into
MOST_WHOLE = 20  # whose notes a page has; the others lead to their own
MOST_ENTRIES = 600  # of all notes of a page: what is drawn in a quarter of a second
_FIRST = (SectionKind.BREAKING, SectionKind.SECURITY)


@dataclass(frozen=True, slots=True)
class Wagon:
    """
    One component of the train. `notes` are as the audience reads them; `config` the commits of the config
    repository. Without `is_whole` the notes are counted here and shown on the page that `url` names.
    """

    component: Component
    comparison: Comparison
    notes: Mapping[str, Any]
    config: ConfigRange = field(default_factory=ConfigRange)
    is_whole: bool = True

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def slug(self) -> str:
        return self.component.slug

    @property
    def url(self) -> str:
        address = urlencode({"from": self.comparison.source.key, "into": self.comparison.target.key})
        place = reverse("compare", args=[self.component.project.slug, self.component.slug])
        return f"{place}?{address}"

    @property
    def source_version(self) -> str:
        return self.comparison.source.version

    @property
    def target_version(self) -> str:
        return self.comparison.target.version

    @property
    def arrivals(self) -> str:
        return count_kinds(kinds_of(self.notes))

    @property
    def arrives_count(self) -> int:
        return self.comparison.arrives_count

    @property
    def already_count(self) -> int:
        return len(self.comparison.already)

    @property
    def lost_count(self) -> int:
        return len(self.comparison.lost)

    @property
    def breaking(self) -> list[dict[str, Any]]:
        """The entries that break something, as the audience reads them."""
        found = (one["entries"] for one in self.notes["sections"] if one["title"] == SectionKind.BREAKING)
        return next(found, [])

    @property
    def breaking_count(self) -> int:
        return len(self.breaking)

    @property
    def problem(self) -> str:
        """Why nothing is told of it; "" for most."""
        return " ".join(self.comparison.problems)

    @property
    def first(self) -> list[dict[str, Any]]:
        """The sections that nobody may miss: what breaks, and security."""
        return [one for one in self.notes["sections"] if one["title"] in _FIRST]

    @property
    def rest(self) -> list[dict[str, Any]]:
        return [one for one in self.notes["sections"] if one["title"] not in _FIRST]

    @property
    def rest_words(self) -> str:
        """`5 features, 8 fixes`: what is folded."""
        return count_kinds(kinds_of({"sections": self.rest}))


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
    def already_count(self) -> int:
        return sum(wagon.already_count for wagon in self.wagons)

    @property
    def lost_count(self) -> int:
        return sum(wagon.lost_count for wagon in self.wagons)

    @property
    def arrivals(self) -> str:
        """`1 breaking change, 5 features` of all components together."""
        kinds: Counter[SectionKind] = Counter()
        for wagon in self.wagons:
            kinds += kinds_of(wagon.notes)
        return count_kinds(kinds)

    @property
    def breaking(self) -> list[tuple[Wagon, dict[str, Any]]]:
        return [(wagon, entry) for wagon in self.wagons for entry in wagon.breaking]

    @property
    def whole(self) -> list[Wagon]:
        return [wagon for wagon in self.wagons if wagon.is_whole and not wagon.problem]

    @property
    def by_link(self) -> list[Wagon]:
        """Those that are counted here and told on their own pages."""
        return [wagon for wagon in self.wagons if not wagon.is_whole and not wagon.problem]


def read_train(
    project: Project,
    source: str,
    target: str,
    *,
    audience: Audience = Audience.INTERNAL,
    language: str = "",
    is_whole: bool = False,
) -> Train:
    """
    The components that are in both environments, those that differ looked into, by name.

    As many as a page can hold have their notes with links and the commits of the config repository; with
    `is_whole` all that are looked into. A number of queries for each component, whatever came to it.
    """
    both = Component.objects.filter(project=project, applications__environment__name=source).filter(
        applications__environment__name=target
    )
    components = list(both.distinct().select_related("project", "source").order_by("name"))
    wagons: list[Wagon] = []
    level: list[str] = []
    for component, comparison in _compared(components[:MOST_COMPONENTS], source, target):
        if comparison is None:
            level.append(component.name)
        else:
            has_room = is_whole or _has_room(wagons, comparison)
            wagons.append(_wagon(component, comparison, audience, language, is_whole=has_room))
    return Train(wagons, level, max(0, len(components) - MOST_COMPONENTS))


def _compared(
    components: Iterable[Component], source: str, target: str
) -> Iterator[tuple[Component, Comparison | None]]:
    """Each with what differs; None where both sides run the same version."""
    for component in components:
        left, right = find_point(component, f"env:{source}"), find_point(component, f"env:{target}")
        assert left is not None
        assert right is not None
        is_level = bool(left.version) and left.version == right.version
        yield component, None if is_level else compare_points(component, left, right)


def _has_room(wagons: Iterable[Wagon], comparison: Comparison) -> bool:
    """Whether the page can have these notes as well. The first one is always shown."""
    whole = [wagon for wagon in wagons if wagon.is_whole]
    entries = sum(wagon.comparison.notes.entry_count for wagon in whole) + comparison.notes.entry_count
    return not whole or (len(whole) < MOST_WHOLE and entries <= MOST_ENTRIES)


def _wagon(
    component: Component, comparison: Comparison, audience: Audience, language: str, *, is_whole: bool
) -> Wagon:
    notes = shown_notes(
        component, linked_notes(component, comparison.notes), audience=audience, language=language
    )
    is_told = is_whole and comparison.is_known and audience is not Audience.PUBLIC
    config = read_range(component, comparison.source, comparison.target) if is_told else ConfigRange()
    already, lost = (with_addresses(component, lines) for lines in (comparison.already, comparison.lost))
    linked = replace(comparison, already=already, lost=lost)
    return Wagon(component, linked, notes, config, is_whole)


def kinds_of(notes: Mapping[str, Any]) -> Counter[SectionKind]:
    """How many entries of each kind there are."""
    return Counter({SectionKind(one["title"]): len(one["entries"]) for one in notes["sections"]})
