"""What somebody types to choose a side of a comparison: a release, a commit, an environment at a moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from apps.environments.models import Component
from apps.releases.selectors.points import Choice, Point, is_date, parse_moment
from apps.releases.selectors.versions import bare_version
from apps.repositories.selectors.commits import has_whole_history
from gitopsui.domain.text import visible

SIDES = {"from": "From", "into": "Into"}
LONGEST = 300  # characters
SHORTEST_ID = 7  # digits
MOST_LISTED = 2_000  # tags that are proposed while typing; older ones can be typed too
MOST_COUNTED = 20
_HEX = re.compile(r"[0-9a-f]{1,64}")


class NotFound(Exception):
    """What was typed names nothing; the sentence is for whoever typed it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side with the fields it is chosen by: what they hold, and the error of the one in `field`."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    field: str = ""
    error: str = ""

    @property
    def label(self) -> str:
        return SIDES[self.name]


def list_tags(component: Component) -> list[str]:
    """The tags to choose from, newest first, without those that cannot be seen as they are."""
    tags = component.releases.order_by("position").values_list("tag", flat=True)[:MOST_LISTED]
    return [tag for tag in tags if visible(tag) == tag]


def find_key(component: Component, places: list[Choice], asked: Mapping[str, str], now: datetime) -> str:
    """The key of the point that the filled field names. Raises NotFound."""
    kind = asked_for(asked)
    text = asked.get(kind, "").replace("\0", "").strip()[:LONGEST]
    if kind == "commit":
        return f"commit:{_find_commit(component, text.lower())}"
    if kind == "moment":
        return _find_moment(places, asked.get("environment", ""), text, now)
    return f"tag:{_find_tag(component, text)}"


def asked_for(asked: Mapping[str, str]) -> str:
    """The field that the side is chosen by."""
    return next((name for name in ("commit", "moment") if name in asked), "release")


def side_of(name: str, point: Point | None, asked: Side | None = None) -> Side:
    """A side with its fields holding what it is, where it can be typed, and what was refused over it."""
    kind, _, rest = (point.key if point else "").partition(":")
    values = {"commit": {"commit": rest[:12]}, "tag": {"release": rest}}.get(kind, {})
    if kind == "env":
        place, _, moment = rest.partition("@")
        at = point.at if point else None
        values = {"environment": place}
        if moment and at is not None:
            values["moment"] = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"
    if asked is None or asked.name != name:
        return Side(name, values)
    return replace(asked, values={**values, **asked.values})


def _find_tag(component: Component, text: str) -> str:
    if not text:
        raise NotFound("Type a release or choose one of the list.")
    if component.releases.filter(tag=text).exists():
        return text
    tags = list(component.releases.filter(version=bare_version(text)).values_list("tag", flat=True)[:4])
    if len(tags) == 1:
        return str(tags[0])
    if tags:
        raise NotFound(f"Several tags are called {text}: {', '.join(tags)}. Type one of them.")
    raise NotFound(f"No release of {component.name} is called {text}.")


def _find_commit(component: Component, text: str) -> str:
    source = component.source
    if source is None:
        raise NotFound(f"{component.name} has no source repository, so its commits are not known.")
    if not _HEX.fullmatch(text):
        raise NotFound("A commit id is made of the digits 0 to 9 and the letters a to f.")
    if len(text) < SHORTEST_ID:
        raise NotFound(f"Type at least {SHORTEST_ID} digits of the commit id.")
    # As a range, which the index of the ids answers on every database.
    rows = source.commits.filter(sha__gte=text, sha__lte=text + "g").values_list("sha", flat=True)
    found = list(rows[:MOST_COUNTED])
    if len(found) == 1:
        return str(found[0])
    if found:
        count = f"{MOST_COUNTED} or more" if len(found) == MOST_COUNTED else str(len(found))
        raise NotFound(f"{count} commits of {source.name} begin with {text}: type more of the id.")
    unread = "" if has_whole_history(source) else " Its commits are not all read yet."
    raise NotFound(f"No commit of {source.name} begins with {text}.{unread}")


def _find_moment(places: list[Choice], environment: str, text: str, now: datetime) -> str:
    if environment not in {choice.label for choice in places}:
        raise NotFound("Choose an environment.")
    at = parse_moment(text)
    if at is None:
        raise NotFound("Type a date and a time, such as 2026-11-17T08:30.")
    if at.date() > now.date() or (at > now and not is_date(text)):
        raise NotFound("That moment is still to come.")
    return f"env:{environment}@{text}"
