"""
The life of a promotion: its phases, the way between them, what it must pass, and who may say yes.

`docs/promotion-phases.md` is generated from `ALLOWED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gitopsui.domain.approval import Answer, Seen, can_approve, check_can_approve
from gitopsui.domain.errors import InvalidTransition
from gitopsui.domain.gate_facts import Gate, GateState, PromotionFacts, Rules
from gitopsui.domain.gates import prognosis
from gitopsui.domain.phase import Phase

__all__ = [
    "ALLOWED",
    "CAME_TO_NOTHING",
    "CLOSABLE",
    "ENDS",
    "IN_GIT",
    "OPEN_PHASES",
    "UNDER_WAY",
    "Answer",
    "Gate",
    "GateState",
    "MergeBy",
    "Phase",
    "PromotionFacts",
    "PromotionKind",
    "Rules",
    "Seen",
    "can_approve",
    "check_can_approve",
    "check_transition",
    "draw_phases",
    "prognosis",
]


class PromotionKind(StrEnum):
    """What a promotion is."""

    PROMOTION = "promotion"  # forward, started by a person
    ROLLBACK = "rollback"  # back to what ran before, with a reason
    AUTO = "auto"  # forward, started because the environment lets such a version in by itself


class MergeBy(StrEnum):
    """Who merges what may go into an environment."""

    HERE = "here"  # a worker, once somebody has pressed Merge here
    FORGE = "forge"  # somebody, on the forge
    AUTO = "auto"  # a worker, as soon as every gate is open


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
# Those of them in which it changed nothing.
CAME_TO_NOTHING = ENDS - {Phase.DEPLOYED}
# In these it holds its applications, so that no second one is opened for them, and its gates are asked.
OPEN_PHASES = frozenset({Phase.PLANNED, Phase.PUSHING, Phase.OPENING, Phase.OPEN, Phase.MERGING})
# In these it may be closed: not any more while its forge is asked to merge it.
CLOSABLE = OPEN_PHASES - {Phase.MERGING}
# In these Git asks for its versions.
IN_GIT = frozenset({Phase.MERGED, Phase.DEPLOYED})
# In these it is on its way: open, or merged and not there yet.
UNDER_WAY = OPEN_PHASES | {Phase.MERGED}


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
