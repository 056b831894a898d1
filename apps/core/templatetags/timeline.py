"""The timeline of a component: which version ran where and when, as one drawing without a script."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from django import template
from django.utils import timezone

from .ui import MONTHS, age_words, visible

register = template.Library()

# The drawing is 1342 units wide; the time axis lies between LEFT and RIGHT, what runs now stands right of it.
WIDTH, LEFT, RIGHT = 1342, 0, 1216
# The name of a lane stands above its bars, as text over the drawing that stays while it is scrolled; app.css
# knows TOP and PITCH too (.lanes).
TOP, PITCH, NAME_HEIGHT = 28, 52, 18
BESIDE_NAME = 160  # where a word over a bar does not meet the name of the lane
LETTER = 7.3  # width of one letter of a version, in units
GAP, NARROWEST = 2, 5
TICKS = 5


class Deployment(Protocol):
    """A version in an environment; it runs still where `to_at` is None."""

    version: str
    from_at: datetime
    to_at: datetime | None


class Lane(Protocol):
    """One environment and what ran in it, in any order."""

    environment: str
    deployments: Sequence[Deployment]


@dataclass(frozen=True, slots=True)
class Bar:
    """One stay of a version; `shade` 3 is the newest version of the drawing, 0 an old one."""

    x: str
    y: int
    width: str
    label: str
    label_x: str
    label_y: int
    title: str
    shade: int
    bad_label: str
    bad_x: str
    bad_y: int


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """One line of the drawing."""

    name: str
    bars: list[Bar]
    current: str
    current_since: str
    current_y: int


@dataclass(frozen=True, slots=True)
class Axis:
    """The span of time that is drawn."""

    from_at: datetime
    to_at: datetime

    def x(self, moment: datetime) -> float:
        """Where a moment lies; what lies outside the span sticks to its end."""
        share = (moment - self.from_at) / (self.to_at - self.from_at)
        return LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT)


@register.inclusion_tag("releases/_timeline.html")
def timeline(
    name: str, lanes: Sequence[Lane], from_at: datetime, to_at: datetime, bad: Container[str] = ()
) -> dict[str, object]:
    """The drawing of component `name`; `lanes` first environment first, `bad` versions in red."""
    axis = Axis(from_at, max(to_at, from_at + timedelta(hours=1)))
    shades = _shades(lanes)
    bottom = TOP + PITCH * len(lanes)
    return {
        "name": name,
        "width": WIDTH,
        "height": bottom,
        "grid_end": bottom - 8,
        "now_x": RIGHT,
        "label_x": RIGHT + 14,
        "ticks": list(_ticks(axis)),
        "lanes": [_lane(lane, row, axis, shades, bad) for row, lane in enumerate(lanes)],
        "from_at": from_at,
        "to_at": to_at,
    }


def _shades(lanes: Sequence[Lane]) -> dict[str, int]:
    """The last four versions by their first appearance are 3 to 0, all before them 0."""
    first: dict[str, datetime] = {}
    for deployment in (one for lane in lanes for one in lane.deployments):
        seen = first.get(deployment.version, deployment.from_at)
        first[deployment.version] = min(seen, deployment.from_at)
    newest_first = sorted(first, key=lambda version: first[version], reverse=True)
    return {version: max(0, 3 - rank) for rank, version in enumerate(newest_first)}


def _ticks(axis: Axis) -> Iterator[dict[str, object]]:
    """About five midnights, evenly apart; none so close to the end that it would touch "now"."""
    step = timedelta(days=max(1, ceil((axis.to_at - axis.from_at).days / TICKS)))
    start = timezone.localtime(axis.from_at)
    moment = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while moment < axis.to_at:
        x = axis.x(moment)
        if x < RIGHT - 48:
            yield {"x": f"{x:.0f}", "label": f"{moment.day} {MONTHS[moment.month]}"}
        moment += step


def _lane(lane: Lane, row: int, axis: Axis, shades: dict[str, int], bad: Container[str]) -> DrawnLane:
    y = TOP + PITCH * row + NAME_HEIGHT
    shown = [one for one in lane.deployments if (one.to_at or axis.to_at) > axis.from_at]
    running = next((one for one in lane.deployments if one.to_at is None), None)
    return DrawnLane(
        name=lane.environment,
        bars=[_bar(one, lane.environment, y, axis, shades, is_bad=one.version in bad) for one in shown],
        current=_cut(running.version, 15) if running else "nothing",
        current_since=f"since {age_words(axis.to_at - running.from_at)}" if running else "",
        current_y=y + 12,
    )


def _bar(
    one: Deployment, environment: str, y: int, axis: Axis, shades: dict[str, int], *, is_bad: bool
) -> Bar:
    until = one.to_at or axis.to_at
    x = axis.x(one.from_at)
    width = max(NARROWEST, axis.x(until) - x - GAP)
    version = visible(one.version) or "unknown"
    fits = width > len(version) * LETTER + 12
    return Bar(
        x=f"{x:.1f}",
        y=y,
        width=f"{width:.1f}",
        label=version if fits else "",
        label_x=f"{x + 8:.1f}",
        label_y=y + 18,
        title=f"{version} in {visible(environment)}, {age_words(until - one.from_at)}{', bad' * is_bad}",
        shade=shades.get(one.version, 0),
        bad_label=f"{version} bad" if is_bad else "",
        bad_x=f"{min(max(x + width / 2, LEFT + BESIDE_NAME), RIGHT - 40):.1f}",
        bad_y=y - 5,
    )


def _cut(text: str, length: int) -> str:
    shown = visible(text)
    return shown if len(shown) <= length else shown[: length - 1] + "…"
