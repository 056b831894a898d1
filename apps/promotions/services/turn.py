"""The ground a promotion stands on: its doors, and whether the base branch still is as it was planned on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from apps.promotions.models import Promotion
from apps.promotions.services.claims import Claim
from apps.promotions.services.source_checks import SourceForge, no_forge
from gitopsui.adapters.forge.base import BRANCH_PREFIX, Forge
from gitopsui.adapters.git import KnownFile, Signer
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import ForgeError, GitError
from gitopsui.domain.promotion import Phase

HEADS = "refs/heads/"
MOST_NAMED = 5  # files in one sentence
Reach = Callable[[int], None]


class GitDoor(Protocol):
    """What of a mirror a promotion needs."""

    def fetch(self) -> object: ...

    def resolve(self, revision: str) -> str: ...

    def is_ancestor(self, ancestor: str, descendant: str) -> bool: ...

    def log(
        self, tip: str, *, exclude: str | None = None, paths: Sequence[str] = (), limit: int | None = None
    ) -> list[Commit]: ...

    def commit_tree(
        self,
        parents: Sequence[str],
        edits: Mapping[str, bytes | KnownFile | None],
        *,
        message: str,
        author: Signer,
        committer: Signer | None = None,
    ) -> str: ...

    def push_branch(self, sha: str, ref: str) -> None: ...

    def remove_branch(self, ref: str, sha: str) -> None: ...

    def find_conflicts(self, ours: str, theirs: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Doors:
    """
    The outside of one promotion. `forge` takes the id of the head: a plain remote goes by nothing else;
    `source_forge` is that of a source repository, None where none is connected.
    """

    git: GitDoor
    forge: Callable[[str], Forge]
    reach: Reach = lambda point: None
    source_forge: SourceForge = no_forge


class Turn:
    """One claim of a promotion with its doors."""

    def __init__(self, held: Claim, doors: Doors) -> None:
        self.claim = held
        self.promotion = held.promotion
        self.doors = doors
        self.is_reviewed = False  # what its forge says of it was read and stored
        self._is_fetched = False

    def fetch(self, *, again: bool = False) -> None:
        """Bring the mirror up to date, once in a turn unless it is asked for again."""
        if again or not self._is_fetched:
            self.doors.git.fetch()
            self._is_fetched = True

    @property
    def forge(self) -> Forge:
        return self.doors.forge(self.promotion.head_sha)


def check_base(turn: Turn) -> bool:
    """
    Whether the promotion still fits what the base branch has: its files and the folders of its applications
    are as they were when it was planned. What others changed elsewhere is no reason to plan again.
    """
    promotion, git = turn.promotion, turn.doors.git
    turn.fetch()
    try:
        tip = git.resolve(f"{HEADS}{promotion.base_branch}")
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        text = f"The branch {promotion.base_branch} is gone; the promotion waits for it."
        turn.claim.write(attention=text, forge_waits_since=None)
        return False
    if promotion.head_sha and _holds(git, promotion.head_sha, tip):
        return True
    reason, conflicts = _find_move(turn, tip)
    if reason:
        end_as_stale(turn, reason, conflicts)
    return not reason


def find_conflicts(turn: Turn) -> list[str]:
    """
    The files in which it conflicts with the base as that is now, from our own mirror: no forge names them.
    Empty where both merge cleanly, and where the base is gone or has another history, which is told next.
    """
    promotion, git = turn.promotion, turn.doors.git
    turn.fetch(again=True)
    try:
        tip = git.resolve(f"{HEADS}{promotion.base_branch}")
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return []
    return git.find_conflicts(tip, promotion.head_sha) if _holds(git, promotion.base_sha, tip) else []


def end_as_stale(turn: Turn, reason: str, conflicts: Sequence[str] = ()) -> None:
    """It has to be planned again; `conflicts` are the files that a merge could not join."""
    turn.claim.write(
        f"{reason} It has to be planned again.",
        phase=Phase.STALE,
        conflicts=list(conflicts),
        attention="",
        error="",
    )
    close_quietly(turn, reason)


def drop_branch(turn: Turn) -> str:
    """
    Remove its branch where the forge did not, if it is what we pushed; done twice it is done once. Answers
    why it stays, in a sentence, "" where it is gone: a branch too many is no reason to hold anything up.
    """
    promotion = turn.promotion
    if not promotion.head_sha or not promotion.branch.startswith(BRANCH_PREFIX):
        return ""
    try:
        turn.doors.git.remove_branch(f"{HEADS}{promotion.branch}", promotion.head_sha)
    except GitError as error:
        return f"Its branch stays at the remote. {error.message}"
    return ""


def name_files(files: Sequence[str]) -> str:
    """A few of them by name, the rest by number."""
    names, rest = ", ".join(files[:MOST_NAMED]), len(files) - MOST_NAMED
    return f"{names} and {rest} more" if rest > 0 else names


def _holds(git: GitDoor, sha: str, tip: str) -> bool:
    try:
        return git.is_ancestor(sha, tip)
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return False


def _find_move(turn: Turn, tip: str) -> tuple[str, list[str]]:
    """What moved under the plan, in a sentence, "" for nothing; and the files that conflict by that."""
    promotion, git = turn.promotion, turn.doors.git
    base = promotion.base_sha
    if tip == base:
        return "", []
    if not _holds(git, base, tip):
        return f"The history of {promotion.base_branch} was rewritten: {base[:8]} is not in {tip[:8]}.", []
    edited = git.log(tip, exclude=base, paths=_edited_paths(promotion), limit=1)
    moved = edited or git.log(tip, exclude=base, paths=_folders(promotion), limit=1)
    if not moved:
        return "", []
    commit, what = moved[0], "what it edits" if edited else "files beside what it edits"
    text = f"{commit.author_name} changed {what} with {commit.sha[:8]} on {promotion.base_branch}."
    conflicts = git.find_conflicts(tip, promotion.head_sha) if promotion.head_sha else []
    return f"{text} Both conflict in {name_files(conflicts)}." if conflicts else text, conflicts


def _edited_paths(promotion: Promotion) -> list[str]:
    return sorted({one["path"] for one in promotion.preview.get("files", [])})


def _folders(promotion: Promotion) -> list[str]:
    """Those of its applications: what was approved is how they render."""
    return sorted(set(promotion.items.values_list("application__path", flat=True)))


def close_quietly(turn: Turn, reason: str) -> None:
    """Nobody must merge this pull request any more; where the forge is silent, its gates still say so."""
    if not turn.promotion.number:
        return
    with suppress(ForgeError, GitError):
        turn.forge.comment(turn.promotion.number, f"Closed by gitopsui: {reason}")
        turn.forge.close(turn.promotion.number)
