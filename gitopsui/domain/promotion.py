"""
The life of a promotion: its phases, the way between them, what it must pass, and who may say yes.

`docs/promotion-phases.md` is generated from `ALLOWED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gitopsui.domain.approval import Answer, Seen, can_approve, check_can_approve
from gitopsui.domain.errors import InvalidTransition
from gitopsui.domain.gates import Gate, GateState, PromotionFacts, Rules, prognosis

__all__ = [
    "ALLOWED",
    "ENDS",
    "Answer",
    "Gate",
    "GateState",
    "Phase",
    "PromotionFacts",
    "Rules",
    "Seen",
    "can_approve",
    "check_can_approve",
    "check_transition",
    "draw_phases",
    "prognosis",
]


class Phase(StrEnum):
    """Where a promotion stands."""

    PLANNED = "planned"  # asked for; nothing was sent anywhere
    PUSHING = "pushing"  # its commit is made and on its way
    OPENING = "opening"  # its branch is there, the pull request is asked for
    OPEN = "open"  # the pull request is open and waits for its gates
    MERGING = "merging"  # every gate passed, the merge is asked for
    MERGED = "merged"  # the forge says so; the cluster follows
    DEPLOYED = "deployed"  # the cluster runs it, Synced and Healthy
    STALE = "stale"  # what it was planned on moved; it must be planned again
    FAILED = "failed"  # it cannot go on; the reason says why
    CLOSED = "closed"  # somebody closed it without merging
    EMPTY = "empty"  # there was nothing to promote


ALLOWED: Mapping[Phase, frozenset[Phase]] = {
    Phase.PLANNED: frozenset(
        {Phase.PUSHING, Phase.EMPTY, Phase.STALE, Phase.FAILED, Phase.CLOSED, Phase.MERGED}
    ),
    Phase.PUSHING: frozenset({Phase.OPENING, Phase.MERGED, Phase.STALE, Phase.FAILED, Phase.CLOSED}),
    Phase.OPENING: frozenset({Phase.OPEN, Phase.MERGED, Phase.STALE, Phase.FAILED, Phase.CLOSED}),
    Phase.OPEN: frozenset({Phase.MERGING, Phase.MERGED, Phase.STALE, Phase.FAILED, Phase.CLOSED}),
    Phase.MERGING: frozenset({Phase.OPEN, Phase.MERGED, Phase.STALE, Phase.FAILED, Phase.CLOSED}),
    Phase.MERGED: frozenset({Phase.DEPLOYED}),
    Phase.DEPLOYED: frozenset(),
    Phase.STALE: frozenset(),
    Phase.FAILED: frozenset(),
    Phase.CLOSED: frozenset(),
    Phase.EMPTY: frozenset(),
}

# The phases nothing follows. A merged one is still looked at until it has arrived.
ENDS = frozenset(phase for phase, following in ALLOWED.items() if not following)
# Those in which a promotion holds its applications, so that no second one is opened for them.
OPEN_PHASES = frozenset({Phase.PLANNED, Phase.PUSHING, Phase.OPENING, Phase.OPEN, Phase.MERGING})


def check_transition(old: Phase, new: Phase) -> None:
    """Raises InvalidTransition where `new` does not follow `old`. To stay is always allowed."""
    if new is not old and new not in ALLOWED[old]:
        raise InvalidTransition(f"A promotion that is {old} cannot become {new}.")


def draw_phases() -> str:
    """The phases as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.PLANNED}"]
    for phase, following in ALLOWED.items():
        lines += [f"    {phase} --> {one}" for one in Phase if one in following]
        if not following:
            lines.append(f"    {phase} --> [*]")
    return "\n".join(lines)
