"""What the pages of promotions show, shaped as their templates show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.models import Project
from apps.environments.models import Component
from apps.promotions.models import Promotion
from apps.releases.selectors.comparison import Comparison, compare_points
from apps.releases.selectors.points import Point, find_commits_of
from gitopsui.domain.gate_facts import Gate, GateState
from gitopsui.domain.promotion import CAME_TO_NOTHING, IN_GIT, UNDER_WAY, Phase

PAGE_ROWS = 30
GATE_TITLES = {
    "approvals": "Approvals",
    "release": "Release",
    "freeze": "Freeze",
    "lock": "Lock",
    "soak": "Soak time",
    "source health": "Source is well",
    "target state": "Target in sync",
    "checks": "Required checks",
    "source checks": "Checks of the release",
    "signature": "Signed tag",
}
_PHASE_WORDS: dict[str, str] = {
    Phase.PLANNED: "is planned",
    Phase.PUSHING: "is being pushed",
    Phase.OPENING: "is being opened",
    Phase.OPEN: "is open",
    Phase.MERGING: "is being merged",
    Phase.MERGED: "is merged and on its way",
    Phase.DEPLOYED: "is deployed",
    Phase.STALE: "is stale",
    Phase.FAILED: "failed",
    Phase.CLOSED: "was closed",
    Phase.EMPTY: "had nothing to promote",
}
_NO_SOURCE = "{} has no source repository: an administrator may name one on its page."
_UNFOLLOWED = "is merged; no cluster says whether it runs"
_TONES: dict[str, str] = {
    Phase.MERGING: "run",
    Phase.MERGED: "run",
    Phase.DEPLOYED: "ok",
    Phase.STALE: "warn",
    Phase.FAILED: "bad",
    Phase.CLOSED: "idle",
    Phase.EMPTY: "idle",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One stop of the rail on top of the page; `state` is done, now or ahead."""

    title: str
    note: str
    at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class GateRow:
    """`state` is pass, wait, block or open (an administrator opened it)."""

    name: str
    title: str
    state: str
    reason: str


def phase_words(promotion: Promotion) -> str:
    return _UNFOLLOWED if promotion.unfollowed_at else _PHASE_WORDS[promotion.phase]


def tone_of(promotion: Promotion) -> str:
    if promotion.arrival_missed_at or promotion.attention:
        return "warn"
    return "idle" if promotion.unfollowed_at else _TONES.get(promotion.phase, "go")


def steps_of(promotion: Promotion, approvers: Sequence[str]) -> list[Step]:
    """Planned, Open, Approved, Merged, Deployed, and where it stands; what ended otherwise ends there."""
    passed = {event.phase: event for event in promotion.events.filter(is_transition=True)}
    order = [
        ("Planned", Phase.PLANNED, f"by {promotion.proposer_name}"),
        ("Open", Phase.OPEN, "pull request" if promotion.url else "branch at the remote"),
        ("Approved", Phase.MERGING, _approval_note(promotion, approvers)),
        ("Merged", Phase.MERGED, promotion.merge_sha[:8]),
        ("Deployed", Phase.DEPLOYED, _arrival_note(promotion)),
    ]
    steps = []
    for title, phase, note in order:
        event = passed.get(phase)
        is_behind = event is not None or _is_past(promotion, phase)
        steps.append(Step(title, note, event.at if event else None, "done" if is_behind else "ahead"))
    return _with_now(promotion, steps)


_RANK: dict[str, int] = {
    Phase.PLANNED: 0,
    Phase.PUSHING: 0,
    Phase.OPENING: 0,
    Phase.OPEN: 1,
    Phase.MERGING: 2,
    Phase.MERGED: 3,
    Phase.DEPLOYED: 4,
}


def _is_past(promotion: Promotion, phase: Phase) -> bool:
    return _RANK.get(promotion.phase, -1) >= _RANK[phase]


def _with_now(promotion: Promotion, steps: list[Step]) -> list[Step]:
    """The first step ahead is the one it works on, unless it ended."""
    if promotion.phase in CAME_TO_NOTHING or promotion.unfollowed_at:
        return steps
    for number, step in enumerate(steps):
        if step.state == "ahead":
            steps[number] = Step(step.title, step.note, step.at, "now")
            break
    return steps


def _approval_note(promotion: Promotion, approvers: Sequence[str]) -> str:
    if approvers:
        return ", ".join(approvers)
    return "every gate open" if _is_past(promotion, Phase.MERGING) else ""


def _arrival_note(promotion: Promotion) -> str:
    if promotion.unfollowed_at:
        return "no cluster says so"
    if promotion.phase != Phase.MERGED:
        return "Synced, Healthy" if promotion.phase == Phase.DEPLOYED else ""
    items = list(promotion.items.all())
    arrived = sum(item.arrived_at is not None for item in items)
    return f"{arrived} of {len(items)} arrived"


def gate_rows(gates: Iterable[Gate]) -> list[GateRow]:
    return [
        GateRow(
            name=gate.name,
            title=GATE_TITLES.get(gate.name, gate.name),
            state="open" if gate.overridden_by else gate.state.value,
            reason=gate.reason,
        )
        for gate in gates
    ]


def kept_gate_rows(promotion: Promotion) -> list[GateRow]:
    """What it was merged by: the answers as they were stored last. Of one that was not, none."""
    if promotion.phase not in IN_GIT:
        return []
    return [
        GateRow(
            name=one["name"],
            title=GATE_TITLES.get(one["name"], one["name"]),
            state="open" if one["overridden_by"] else one["state"],
            reason=one["reason"],
        )
        for one in promotion.gates
    ]


def heading_of(promotion: Promotion, gates: Sequence[Gate]) -> str:
    """`checkout 2.15.0 may not go into production yet: 1 gate blocks, 1 waits`."""
    name, environment = _name(promotion), promotion.environment.name
    if promotion.phase != Phase.OPEN:
        if promotion.arrival_missed_at:
            return f"{name} did not arrive in {environment}"
        return f"{name} {phase_words(promotion)}"
    counted = _counted(gates)
    if not counted:
        return f"{name} may go into {environment}"
    return f"{name} may not go into {environment} yet: {counted}"


def _name(promotion: Promotion) -> str:
    items = list(promotion.items.all())
    if len(items) == 1:
        return f"{items[0].component.name} {items[0].to_version}"
    return f"{len(items)} components"


def _counted(gates: Sequence[Gate]) -> str:
    shut = [gate.state for gate in gates if not gate.is_open]
    blocks, waits = shut.count(GateState.BLOCK), shut.count(GateState.WAIT)
    parts = []
    if blocks:
        parts.append(f"{blocks} gate{' blocks' if blocks == 1 else 's block'}")
    if waits:
        noun = "" if parts else (" gate" if waits == 1 else " gates")
        parts.append(f"{waits}{noun} wait{'s' if waits == 1 else ''}")
    return ", ".join(parts)


def compare_versions(component: Component, from_version: str, to_version: str) -> Comparison:
    """What changes where `to_version` takes the place of `from_version`, which is asked for now."""
    found = find_commits_of(component, [from_version, to_version])
    points = [
        Point(
            key=f"tag:{version}",
            label=version,
            version=version,
            sha=found[version].sha if version in found else "",
            problem="" if version in found else f"No commit is known of {version or 'what runs there'}.",
        )
        for version in (to_version, from_version)
    ]
    return compare_points(component, points[0], points[1])


def compare_url_of(component: Component, comparison: Comparison) -> str:
    """Its page, "" where nothing is known."""
    if not comparison.is_known:
        return ""
    address = urlencode({"from": comparison.source.key, "into": comparison.target.key})
    return f"{reverse('compare', args=[component.project.slug, component.slug])}?{address}"


def problem_of(component: Component, comparison: Comparison) -> str:
    """Why nothing is known of it, "" where something is."""
    return " ".join(comparison.problems) if component.source_id else _NO_SOURCE.format(component.name)


def promotions_of(project: Project, *, is_open: bool) -> QuerySet[Promotion]:
    """Those under way, or those that ended, newest first; each with its items."""
    rows = Promotion.objects.filter(project=project).select_related("environment", "source_environment")
    is_under_way = Q(phase__in=UNDER_WAY, unfollowed_at=None)
    rows = rows.filter(is_under_way) if is_open else rows.exclude(is_under_way)
    return rows.prefetch_related("items__component", "approvals")


def promotion_row(promotion: Promotion) -> dict[str, Any]:
    waits = [
        gate for gate in promotion.gates if gate["state"] != GateState.PASS and not gate["overridden_by"]
    ]
    return {
        "pk": promotion.pk,
        "title": promotion.title,
        "url": reverse("promotion-detail", args=[promotion.pk]),
        "environment": promotion.environment.name,
        "phase": promotion.phase,
        "words": phase_words(promotion),
        "tone": tone_of(promotion),
        "proposer": promotion.proposer_name,
        "planned_at": promotion.planned_at,
        "phase_at": promotion.phase_at,
        "attention": promotion.attention or promotion.error,
        "waits": waits[0]["reason"] if waits and promotion.phase == Phase.OPEN else "",
    }
