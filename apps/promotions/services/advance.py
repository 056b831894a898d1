"""
One turn of a promotion: from where it stands as far as it goes now. Safe to repeat and to be killed anywhere.

Each step asks the outside to do one thing and believes only what it reads back. The numbers given to `reach`
are the points at which a process may die: https://en.wikipedia.org/wiki/Crash-only_software
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.utils import timezone

from apps.promotions.services.arrival import watch_arrival
from apps.promotions.services.claims import LostClaimError, claim
from apps.promotions.services.forge_wait import stop_waiting
from apps.promotions.services.merge import ask_merge, follow_pull, is_as_planned, merge_promotion
from apps.promotions.services.plan_commit import keep_commit, make_commit
from apps.promotions.services.pull_request import (
    add_labels,
    labels_for,
    tell_answers,
    tell_last,
    write_first,
)
from apps.promotions.services.review import read_review
from apps.promotions.services.shipped import keep_shipped
from apps.promotions.services.source_checks import read_source_checks
from apps.promotions.services.turn import HEADS, Doors, Turn, check_base, drop_branch
from gitopsui.adapters.forge.base import PullRequest, PullState
from gitopsui.domain.errors import ForgeError, GitError
from gitopsui.domain.gates import all_open
from gitopsui.domain.promotion import Phase
from gitopsui.domain.text import clean_text

MOST_STEPS = 10


def advance_promotion(promotion_id: int, doors: Doors) -> None:
    """
    Take a promotion as far as it goes. Raises GitError and ForgeError for the job to try again; what is
    lasting ends the promotion with its reason instead.
    """
    held = claim(promotion_id)
    if held is None:
        return
    turn = Turn(held, doors)
    with suppress(LostClaimError):
        try:
            _walk(turn)
        except (GitError, ForgeError) as error:
            _note(turn, error)
            raise
        finally:
            held.release()


def _walk(turn: Turn) -> None:
    for _ in range(MOST_STEPS):
        step = _STEPS.get(Phase(turn.promotion.phase))
        if step is None or not step(turn):
            return


def _note(turn: Turn, error: GitError | ForgeError) -> None:
    """The error on the page; the next turn that gets on takes it away."""
    turn.claim.write(
        error=clean_text(error.message, limit=1_000), error_code=error.code, error_hint=error.hint
    )


# --- the steps --------------------------------------------------------------------------------------------


def _commit(turn: Turn) -> bool:
    """planned → pushing: the commit is made, and its id stored before anybody else can see it."""
    promotion, reach = turn.promotion, turn.doors.reach
    reach(1)
    if promotion.wants_close:
        return _close(turn)
    turn.fetch()
    # Made first: a database that was restored has forgotten it, and the base may have it already.
    promotion.head_sha = make_commit(turn)
    if not check_base(turn):
        return False
    if not promotion.head_sha:
        turn.claim.write("There is nothing to promote.", phase=Phase.EMPTY)
        return False
    reach(2)
    turn.claim.write(
        "Its commit is made.", phase=Phase.PUSHING, head_sha=promotion.head_sha, error="", attention=""
    )
    reach(3)
    return True


def _push(turn: Turn) -> bool:
    """pushing → opening: the branch is made at the remote, where it must not be yet."""
    promotion, reach = turn.promotion, turn.doors.reach
    if promotion.wants_close:
        return _close(turn)
    keep_commit(turn)
    if not check_base(turn):
        return False
    try:
        turn.doors.git.push_branch(promotion.head_sha, f"{HEADS}{promotion.branch}")
    except GitError as error:
        if error.code not in ("GIT_REF_TAKEN", "GIT_REJECTED"):
            raise
        _fail(turn, error)
        return False
    reach(4)
    turn.claim.write("Its branch is at the remote.", phase=Phase.OPENING, error="")
    reach(5)
    return True


def _fail(turn: Turn, error: GitError | ForgeError) -> None:
    text = clean_text(error.message, limit=1_000)
    turn.claim.write(
        text, phase=Phase.FAILED, error=text, error_code=error.code, error_hint=error.hint, attention=""
    )


def _open(turn: Turn) -> bool:
    """opening → open: look for it, else ask for it and look again; the answer to that proves nothing."""
    reach = turn.doors.reach
    pull = _find_pull(turn)
    if pull is None:
        failure = _create(turn)
        reach(6)
        pull = _find_pull(turn)
        if pull is None:
            if failure is not None:
                raise failure
            return False
    turn.claim.write(
        "Its pull request is open.",
        phase=Phase.OPEN,
        number=pull.number,
        url=pull.url,
        error="",
        attention="",
    )
    reach(7)
    add_labels(turn.claim, turn.forge)
    return True


def _create(turn: Turn) -> ForgeError | None:
    promotion = turn.promotion
    write_first(turn.claim, turn.forge, now=timezone.now())
    try:
        turn.forge.create(
            head=promotion.branch,
            base=promotion.base_branch,
            title=promotion.title,
            body=promotion.body,
            labels=labels_for(promotion),
        )
    except ForgeError as error:
        return error
    return None


def _find_pull(turn: Turn) -> PullRequest | None:
    """The pull request of this branch that has our commit, an open one before an old one."""
    found = [
        pull for pull in turn.forge.find(turn.promotion.branch) if pull.head_sha == turn.promotion.head_sha
    ]
    return next((pull for pull in found if pull.state is PullState.OPEN), found[0] if found else None)


def _watch(turn: Turn) -> bool:
    """open → merging, when every gate passes on exactly this and the policy or somebody says so."""
    pull = turn.forge.get(turn.promotion.number)
    if follow_pull(turn, pull):
        return turn.promotion.phase == Phase.MERGED
    if turn.promotion.wants_close:
        return _close(turn)
    if not is_as_planned(turn.promotion, pull) or not check_base(turn):
        return False
    if turn.promotion.attention and turn.promotion.forge_waits_since is None:
        # What was wrong with its branch or its base is over.
        turn.claim.write(attention="")
    read_source_checks(turn.claim, turn.doors.source_forge, now=timezone.now())
    review = read_review(turn.claim, turn.forge, now=timezone.now())
    turn.is_reviewed = True
    if not (all_open(review.gates) and review.may_merge):
        stop_waiting(turn)
        # Not where it is merged now: nobody waits for that.
        tell_answers(turn.claim, turn.forge, review.gates)
        return False
    if turn.promotion.forge_waits_since is not None:
        return ask_merge(turn)
    turn.claim.write("Every gate is open.", phase=Phase.MERGING, error="", attention="")
    return True


def _close(turn: Turn) -> bool:
    """Somebody here wants it closed."""
    note = ""
    if turn.promotion.number:
        turn.forge.close(turn.promotion.number)
    else:
        # Nobody has seen its branch yet, if there is one.
        note = drop_branch(turn)
    turn.claim.write(f"It was closed here. {note}".strip(), phase=Phase.CLOSED, attention="")
    return False


def _arrive(turn: Turn) -> bool:
    """merged → deployed; its branch is kept until then, and taken away before the last step is written."""

    def tidy() -> str:
        note = drop_branch(turn)
        turn.doors.reach(11)
        return note

    keep_shipped(turn.claim)
    watch_arrival(turn.claim, git=turn.doors.git, now=timezone.now(), tidy=tidy)
    tell_last(turn.claim, turn.forge)
    return False


_STEPS: dict[Phase, Callable[[Turn], bool]] = {
    Phase.PLANNED: _commit,
    Phase.PUSHING: _push,
    Phase.OPENING: _open,
    Phase.OPEN: _watch,
    Phase.MERGING: merge_promotion,
    Phase.MERGED: _arrive,
}
