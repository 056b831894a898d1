"""What promotions ask of a forge, in values that are the same for every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

BODY_LIMIT = 60_000  # characters; GitHub refuses a body of more than 65,536
BRANCH_PREFIX = "gitopsui/promote/"


class PullState(StrEnum):
    """Where a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"  # without being merged


@dataclass(frozen=True, slots=True)
class PullRequest:
    """
    A pull request as the forge has it now. `is_mergeable` is None while the forge still works it out;
    `acted_by` is who merged or closed it, "" where the forge does not say.
    """

    number: str
    url: str
    state: PullState
    head_sha: str
    base_branch: str
    title: str = ""
    merge_sha: str = ""
    is_mergeable: bool | None = None
    is_draft: bool = False
    acted_by: str = ""
    at: datetime | None = None


class MergeOutcome(StrEnum):
    """What a forge answered to a merge. Whatever it was, the pull request is read again."""

    ASKED = "asked"  # it said yes, or nothing that could be understood
    MOVED = "moved"  # the head is another one than the one that was asked for
    REFUSED = "refused"  # a rule of the forge is not met
    LATER = "later"  # it still works out whether it can be merged, or does not say that from a conflict
    CONFLICT = "conflict"  # it cannot join both, as far as it knows


@dataclass(frozen=True, slots=True)
class MergeAnswer:
    """`reason` is the forge's own words, masked."""

    outcome: MergeOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """One check of a commit: `state` is success, pending or failure."""

    name: str
    state: str
    detail: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody said on the forge about `sha`: approved, rejected, or dismissed."""

    by: str
    state: str
    sha: str
    at: datetime | None = None
    reason: str = ""


class Forge(Protocol):
    """
    About eight calls; each raises ForgeError and none tries again by itself.

    Whoever creates or merges reads back what became of it: an answer that is lost proves nothing.
    """

    def find(self, branch: str) -> list[PullRequest]:
        """The pull requests from this branch of the repository itself, in any state, newest first."""
        ...

    def create(self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()) -> None:
        """`labels` are set where the forge takes them with it; elsewhere `add_labels` sets them."""
        ...

    def add_labels(self, number: str, labels: Sequence[str]) -> None:
        """Beside those it has, where `create` could not; done twice it is done once."""
        ...

    def get(self, number: str) -> PullRequest: ...

    def update(self, number: str, *, title: str, body: str) -> None: ...

    def merge(self, number: str, *, head_sha: str, title: str, message: str) -> MergeAnswer:
        """Merge if the head still is `head_sha`."""
        ...

    def close(self, number: str) -> None: ...

    def comment(self, number: str, text: str) -> None: ...

    def set_status(self, sha: str, status: CommitStatus) -> None: ...

    def list_checks(self, sha: str) -> list[CommitStatus]: ...

    def list_reviews(self, number: str) -> list[Review]: ...
