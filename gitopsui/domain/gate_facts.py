"""A gate with its answer, and all that is known when the gates of a promotion are asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gitopsui.domain.approval import Answer, Seen
from gitopsui.domain.phase import Phase


class GateState(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105  it holds nothing up
    WAIT = "wait"  # it passes when somebody acts or time goes by
    BLOCK = "block"  # it stays shut until its cause is mended


@dataclass(frozen=True, slots=True)
class Gate:
    """
    A condition and its answer now. `overridden_by` is the administrator who opened it, with the reason;
    `shut_at` is when somebody shut it, None where that is no one person's doing.
    """

    name: str
    state: GateState
    reason: str
    overridden_by: str = ""
    shut_at: datetime | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        return self.state is GateState.PASS or bool(self.overridden_by)


@dataclass(frozen=True, slots=True)
class Rules:
    """What an environment asks of a promotion into it."""

    approvals: int = 1
    groups: tuple[tuple[str, int], ...] = ()  # how many of the approvals come from each group
    soak: timedelta = timedelta(0)  # how long it ran in the environment before
    needs_healthy_source: bool = True
    needs_healthy_target: bool = False
    needs_synced_target: bool = True
    checks: tuple[str, ...] = ()  # commit statuses that must be success
    source_checks: tuple[str, ...] = ()  # the same of the commits that are released
    needs_signature: bool = False
    counts_strangers: bool = False  # approvals on the forge by logins that belong to nobody here

    def for_rollback(self) -> Rules:
        """
        What still holds on the way back. How long the old version ran elsewhere and how the source is say
        nothing about it, and a target that is ill or drifted is what is to be mended. People, freezes,
        locks, checks and signatures are asked as ever.
        """
        return replace(
            self,
            soak=timedelta(0),
            needs_healthy_source=False,
            needs_healthy_target=False,
            needs_synced_target=False,
        )


@dataclass(frozen=True, slots=True)
class Freeze:
    """A freeze that holds now; with `starts_at` one that is to come."""

    reason: str
    set_by: str
    until: datetime
    starts_at: datetime | None = None
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LockFacts:
    """Somebody holds an environment, a component or an application, since `set_at`."""

    scope: str
    owner: str
    message: str
    expires_at: datetime | None = None
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """One application as it was last seen. `checked_at` None: never, or no cluster is connected."""

    name: str
    health: str
    sync: str
    is_stale: bool = False
    has_cluster: bool = True
    drift: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A commit status: success, pending, failure, or missing."""

    name: str
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckedCommit:
    """
    A released commit and what it has of the required checks; `what` is `cart 2.0.0`. `problem` is why it
    cannot be asked, in a sentence, `is_lasting` whether somebody has to mend that.
    """

    what: str
    repository: str = ""
    sha: str = ""
    checks: tuple[Check, ...] = ()
    is_asked: bool = True
    problem: str = ""
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """A gate that an administrator opened, and why. Without `at` it was opened for good."""

    gate: str
    by: str
    reason: str
    at: datetime | None = None


NOTHING_SEEN = Seen("", "", "")


@dataclass(frozen=True, slots=True)
class PromotionFacts:
    """
    All that is known when the gates are asked. `answers` are approvals and rejections; `source_since` is
    when the newest of the versions began to run in the environment before, None where that is not known;
    `never_ran` are the versions that were not in it yet.
    """

    environment: str
    now: datetime
    rules: Rules = Rules()
    phase: Phase = Phase.PLANNED
    proposer: str = ""
    last_pusher: str = ""
    seen: Seen = NOTHING_SEEN
    answers: tuple[Answer, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    coming_freezes: tuple[Freeze, ...] = ()
    locks: tuple[LockFacts, ...] = ()
    source_environment: str = ""
    source_since: datetime | None = None
    never_ran: tuple[str, ...] = ()
    ran_for: timedelta | None = None  # at a stretch, where something else runs there by now
    sources: tuple[PlaceFacts, ...] = ()
    targets: tuple[PlaceFacts, ...] = ()
    checks: tuple[Check, ...] = ()
    checks_repository: str = ""  # where the pull request lies
    checks_problem: str = ""  # why nothing can report a check of it
    released: tuple[CheckedCommit, ...] = ()
    signature: str = ""  # a `Verdict`; "" where there is nothing to sign
    signature_note: str = ""  # the same as a sentence that names the version
    external: tuple[Gate, ...] = ()
    bad_releases: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = field(default=())
    is_held: str = ""  # why the environment is held, "" where it is not
    held_at: datetime | None = None
