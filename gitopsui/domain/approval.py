"""Who may say yes to a promotion, and to what exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gitopsui.domain.errors import OwnApprovalDenied, PromotionDenied
from gitopsui.domain.phase import Phase


@dataclass(frozen=True, slots=True)
class Seen:
    """What an approval is bound to: base, head, and hash of the difference. If one moves it is void."""

    base_sha: str
    head_sha: str
    diff_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One person's answer. `groups` are those they were in then; `reason` is of a rejection. `stranger_on` is
    the forge it was given on by a login that belongs to nobody here: `by` is that login then.
    """

    by: str
    at: datetime
    seen: Seen
    groups: frozenset[str] = frozenset()
    is_rejection: bool = False
    reason: str = ""
    stranger_on: str = ""


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody who would approve: their name, their groups, and whether their role allows it at all."""

    name: str
    groups: frozenset[str] = frozenset()
    has_role: bool = False
    emails: frozenset[str] = frozenset()


class Approvable(Protocol):
    """What is asked about a promotion before somebody approves it."""

    @property
    def phase(self) -> Phase: ...

    @property
    def environment(self) -> str: ...

    @property
    def proposer(self) -> str: ...

    @property
    def last_pusher(self) -> str: ...

    @property
    def seen(self) -> Seen: ...

    @property
    def answers(self) -> tuple[Answer, ...]: ...


def valid_answers(answers: Iterable[Answer], seen: Seen) -> list[Answer]:
    """The last answer of each person that is bound to what stands there now, wherever they gave it."""
    latest = {(one.by, one.stranger_on): one for one in sorted(answers, key=lambda one: one.at)}
    return [answer for answer in latest.values() if answer.seen == seen]


def why_void(answer: Answer, facts: Approvable, *, counts_strangers: bool = False) -> str:
    """
    Why an approval of what stands there does not count: a part of a sentence, "" where it counts. A stranger
    may be anybody here by another name; only the name they have tells who it surely is.
    """
    own = {facts.proposer: "proposed it", facts.last_pusher: "pushed the last commit of it"}
    if not answer.stranger_on:
        return f"{answer.by} {own[answer.by]}" if answer.by in own else ""
    if not counts_strangers:
        return (
            f"approved on {answer.stranger_on} by {answer.by}, who is nobody here: an administrator can say "
            "who that is under People"
        )
    folded = {name.casefold(): said for name, said in own.items()}
    said = folded.get(answer.by.casefold())
    return f"{answer.by} {said}" if said else ""


def check_can_approve(facts: Approvable, *, by: Approver, seen: Seen | None = None) -> None:
    """
    Raises PromotionDenied with a sentence where `by` may not approve what they saw.

    `seen` is what the page showed; without it only the right to approve is asked.
    """
    if facts.phase != Phase.OPEN:
        raise PromotionDenied(f"This promotion is {facts.phase}; only an open one can be approved.")
    if not by.has_role:
        raise PromotionDenied(f"Only approvers of {facts.environment} may approve; ask an administrator.")
    if by.name == facts.proposer:
        raise OwnApprovalDenied("You proposed this promotion, so somebody else has to approve it.")
    if facts.last_pusher and (by.name == facts.last_pusher or facts.last_pusher in by.emails):
        raise OwnApprovalDenied("You pushed the last commit of it, so somebody else has to approve it.")
    if seen is not None and seen != facts.seen:
        raise PromotionDenied("It changed since you looked at it. Look at it again, then approve.")
    for answer in valid_answers(facts.answers, facts.seen):
        if answer.by == by.name and not answer.stranger_on and not answer.is_rejection:
            since = answer.at.astimezone(UTC)
            raise PromotionDenied(
                f"You approved it already. That counts since {since:%Y-%m-%d %H:%M:%S} UTC."
            )


def can_approve(facts: Approvable, *, by: Approver) -> bool:
    """Whether the button shows."""
    try:
        check_can_approve(facts, by=by)
    except PromotionDenied:
        return False
    return True
