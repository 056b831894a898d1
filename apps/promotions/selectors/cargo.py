"""
What a promotion carries into its environment: what arrives, what is there already and what would be lost;
worked out now, or as it was kept when it was merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from apps.environments.models import Component
from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.selectors.pages import compare_url_of, compare_versions, problem_of
from apps.releases.selectors.comparison import CommitLine, Comparison, told_lines
from apps.releases.selectors.links import host_links
from apps.releases.selectors.overrides import shown_notes
from apps.releases.selectors.standing import with_addresses
from gitopsui.domain.note_overrides import Audience
from gitopsui.domain.notes import to_dict
from gitopsui.domain.promotion import IN_GIT

MOST_SHIPPED = 8  # lines of one list on the page
MOST_KEPT = 20  # of one list, in the row of a merged promotion
MOST_SHAS = 20  # of one entry there
KEPT_CHARS = 300
SHIPS = "ships"  # where it lies in the preview of a promotion
# Sections that are listed, in the order they are read, and the word before each line.
_LISTED = {
    "breaking": "breaking",
    "security": "security",
    "new": "new",
    "fixed": "fixed",
    "performance": "faster",
    "reverts": "reverted",
}


@dataclass(frozen=True, slots=True)
class Shipped:
    """
    One line of what ships, or of what would be lost: `kind` is breaking, security, new, fixed, faster,
    reverted or lost. Addresses are "" where the host of the source is not known.
    """

    kind: str
    component: str
    text: str
    sha: str = ""
    url: str = ""
    number: str = ""  # `#12`, "" without a pull request
    pull_request_url: str = ""


@dataclass(frozen=True, slots=True)
class Folded:
    """A list that is folded to one line: how many there are, and the texts of the first ones."""

    count: int
    texts: list[str]

    @property
    def more_count(self) -> int:
        return self.count - len(self.texts)


@dataclass(frozen=True, slots=True)
class Cargo:
    """
    What a promotion carries into its environment, of one component; `compare_url` shows all of it. The lists
    hold their first lines, each with the number of all. `is_kept` says that it is as it was when merged.
    """

    component: str
    from_version: str
    to_version: str
    arrives_count: int
    lost_count: int
    compare_url: str
    problem: str
    lines: list[Shipped]
    lost: list[Shipped]
    line_count: int = 0
    dependencies: Folded | None = None
    others: Folded | None = None
    already_count: int = 0
    already: list[CommitLine] = field(default_factory=list)
    is_kept: bool = False

    @property
    def more_count(self) -> int:
        """How many lines of what ships are not listed."""
        return self.line_count - len(self.lines)

    @property
    def more_lost_count(self) -> int:
        return self.lost_count - len(self.lost)

    @property
    def more_already_count(self) -> int:
        return self.already_count - len(self.already)


def cargo_of(component: Component, from_version: str, to_version: str) -> Cargo:
    """Of one component, between what the environment asks for and what it would get."""
    found = compare_versions(component, from_version, to_version)
    notes = to_dict(found.notes)
    return Cargo(
        component=component.name,
        from_version=from_version,
        to_version=to_version,
        arrives_count=found.arrives_count,
        lost_count=len(found.lost),
        compare_url=compare_url_of(component, found),
        problem=problem_of(component, found),
        lost=_lost(component, found.lost[:MOST_SHIPPED]),
        already_count=len(found.already),
        already=with_addresses(component, found.already[:MOST_SHIPPED]),
        **_told(component, notes),
    )


def cargo_of_promotion(promotion: Promotion, items: Iterable[PromotionItem]) -> list[Cargo]:
    """
    Each way of each component once, however many of its applications go it: as it was kept where it is in
    Git, else as it is now.
    """
    kept = _kept_ways(promotion) if promotion.phase in IN_GIT else {}
    ways = {(one.component_id, one.from_version, one.to_version): one.component for one in items}
    return [
        _from_kept(component, kept[way]) if way in kept else cargo_of(component, *way[1:])
        for way, component in ways.items()
    ]


def keep_cargo(promotion: Promotion) -> list[dict[str, Any]]:
    """
    What the row of a merged promotion is to keep, as small JSON: what is kept already, and what is known now
    of the rest. Texts are kept as commits have them; what people say about them is asked when they are shown.
    """
    kept = _kept_ways(promotion)
    for item in promotion.items.select_related("component__source", "component__project"):
        way = (item.component_id, item.from_version, item.to_version)
        if way in kept or not item.component.source_id:
            continue
        found = compare_versions(item.component, item.from_version, item.to_version)
        if found.is_known:
            kept[way] = _to_json(way, found)
    return list(kept.values())


_Way = tuple[int, str, str]


def _kept_ways(promotion: Promotion) -> dict[_Way, dict[str, Any]]:
    rows = promotion.preview.get(SHIPS, [])
    return {(row["component"], row["from_version"], row["to_version"]): row for row in rows}


def _told(component: Component, notes: Mapping[str, Any]) -> dict[str, Any]:
    """The lists of what arrives as the people of the project read them; one query."""
    shown = shown_notes(component, notes, audience=Audience.INTERNAL)
    counts = _counts(notes, shown)
    entries = {one["kind"]: one["entries"] for one in shown["sections"]}
    texts = {kind: [_text(entry) for entry in some] for kind, some in entries.items()}
    lines = [
        _shipped(component, word, entry) for kind, word in _LISTED.items() for entry in entries.get(kind, [])
    ]
    return {
        "lines": lines[:MOST_SHIPPED],
        "line_count": sum(counts.get(kind, 0) for kind in _LISTED),
        "dependencies": _fold(texts.get("dependencies", []), counts.get("dependencies", 0)),
        "others": _fold(texts.get("other", []), counts.get("other", 0)),
    }


def _shipped(component: Component, word: str, entry: Mapping[str, Any]) -> Shipped:
    sha, number = next(iter(entry["shas"]), ""), next(iter(entry["pull_requests"]), None)
    return Shipped(word, component.name, _text(entry), *_addresses(component, sha, number))


def _lost(component: Component, lines: Iterable[CommitLine]) -> list[Shipped]:
    """Without the number of the pull request in the text: it stands beside it."""
    return [
        Shipped("lost", component.name, line.text, *_addresses(component, line.sha, line.pull_request))
        for line in with_addresses(component, lines)
    ]


def _addresses(component: Component, sha: str, number: int | None) -> tuple[str, str, str, str]:
    links = host_links(component)
    return sha, links.commit(sha), f"#{number}" if number else "", links.pull_request(number)


def _counts(notes: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, int]:
    """How many entries of each section are left, by its kind: those not listed count as well."""
    left = {one["kind"]: len(one["entries"]) for one in shown["sections"]}
    return {
        one["kind"]: one["count"] - len(one["entries"]) + left.get(one["kind"], 0)
        for one in notes["sections"]
    }


def _fold(texts: Sequence[str], count: int) -> Folded | None:
    return Folded(count, list(texts[:MOST_SHIPPED])) if count else None


def _text(entry: Mapping[str, Any]) -> str:
    advisories = ", ".join(entry["advisories"])
    text = f"{entry['text']} ({advisories})" if advisories else str(entry["text"])
    return f"{text} (taken back again)" if entry.get("is_undone") else text


# --- what is kept -----------------------------------------------------------------------------------------


def _to_json(way: _Way, found: Comparison) -> dict[str, Any]:
    return {
        "component": way[0],
        "from_version": way[1],
        "to_version": way[2],
        "from_sha": found.target.sha,
        "to_sha": found.source.sha,
        "arrives_count": found.arrives_count,
        "sections": [_section(one) for one in to_dict(found.notes)["sections"]],
        "already_count": len(found.already),
        "already": [_line(one) for one in found.already[:MOST_KEPT]],
        "lost_count": len(found.lost),
        "lost": [_line(one) for one in found.lost[:MOST_KEPT]],
    }


def _section(section: Mapping[str, Any]) -> dict[str, Any]:
    entries = [_entry(one) for one in section["entries"][:MOST_KEPT]]
    return {"kind": section["kind"], "count": section["count"], "entries": entries}


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """With that by which people speak of it: its commits and pull requests."""
    return {
        "shas": entry["shas"][:MOST_SHAS],
        "pull_requests": entry["pull_requests"][:MOST_SHAS],
        "text": entry["text"][:KEPT_CHARS],
        "breaking": [text[:KEPT_CHARS] for text in entry["breaking"][:1]],
        "part_of": (entry.get("part_of") or "")[:KEPT_CHARS],
        "is_undone": bool(entry.get("is_undone")),
    }


_LINE = ("sha", "scope", "reason", "twin", "pull_request")


def _line(line: CommitLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _LINE} | {"text": line.text[:KEPT_CHARS]}


def _from_kept(component: Component, kept: Mapping[str, Any]) -> Cargo:
    """As it was when it was merged, told as people tell it now."""
    already, lost = told_lines(component, *(map(_as_line, kept[name]) for name in ("already", "lost")))
    sides = urlencode({"from": f"commit:{kept['to_sha']}", "into": f"commit:{kept['from_sha']}"})
    return Cargo(
        component=component.name,
        from_version=kept["from_version"],
        to_version=kept["to_version"],
        arrives_count=kept["arrives_count"],
        lost_count=kept["lost_count"],
        compare_url=f"{reverse('compare', args=[component.project.slug, component.slug])}?{sides}",
        problem="",
        lost=_lost(component, lost[:MOST_SHIPPED]),
        already_count=kept["already_count"],
        already=with_addresses(component, already[:MOST_SHIPPED]),
        is_kept=True,
        **_told(component, kept),
    )


def _as_line(kept: Mapping[str, Any]) -> CommitLine:
    return CommitLine(text=kept["text"], author="", at=None, **{name: kept[name] for name in _LINE})
