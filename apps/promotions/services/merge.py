"""The merge of a promotion by its forge: what others did to its pull request, and what the forge answers."""

from __future__ import annotations

from django.utils import timezone

from apps.promotions.models import Promotion
from apps.promotions.services.arrival import time_to_arrive
from apps.promotions.services.forge_wait import wait_for_forge
from apps.promotions.services.review import ask_gates, read_review
from apps.promotions.services.source_checks import read_source_checks
from apps.promotions.services.turn import Turn, check_base, end_as_stale, find_conflicts, name_files
from gitopsui.adapters.forge.base import MergeAnswer, MergeOutcome, PullRequest, PullState
from gitopsui.domain.gates import all_open
from gitopsui.domain.promotion import Phase


def follow_pull(turn: Turn, pull: PullRequest) -> bool:
    """Whether others ended it, or made it another one than was approved."""
    promotion = turn.promotion
    who = f" by {pull.acted_by}" if pull.acted_by else ""
    if pull.state is PullState.MERGED:
        _merged(turn, pull, f"It was merged{who}.")
        return True
    if pull.state is PullState.CLOSED:
        turn.claim.write(f"It was closed{who}.", phase=Phase.CLOSED, attention="")
        return True
    if pull.head_sha != promotion.head_sha:
        turn.claim.write(
            attention=f"Somebody pushed {pull.head_sha[:8]} to its branch, so it is not what was planned and "
            "is not merged. Close it and promote again.",
            forge_waits_since=None,
            last_pusher=pull.acted_by,
        )
    elif pull.base_branch != promotion.base_branch:
        turn.claim.write(
            attention=f"Its pull request goes into {pull.base_branch} now and not into "
            f"{promotion.base_branch}, so it is not merged. Set that back, or close it and promote again.",
            forge_waits_since=None,
        )
    return False


def is_as_planned(promotion: Promotion, pull: PullRequest) -> bool:
    """Whether merging it brings our commit, and into the branch whose rules were asked."""
    return pull.head_sha == promotion.head_sha and pull.base_branch == promotion.base_branch


def _merged(turn: Turn, pull: PullRequest, text: str) -> None:
    now, base = timezone.now(), turn.promotion.base_branch
    if pull.base_branch != base:
        # Somebody gave it another base; no forge lets a merge be pinned to one.
        text = f"It was merged into {pull.base_branch} and not into {base}, so nothing arrives by it."
        turn.claim.write(text, phase=Phase.FAILED, error=text, attention="", forge_waits_since=None)
        return
    turn.claim.write(
        text,
        phase=Phase.MERGED,
        merged_at=pull.at or now,
        merge_sha=pull.merge_sha,
        arrive_by=now + time_to_arrive(turn.promotion),
        forge_waits_since=None,
        error="",
        attention="",
    )


def merge_promotion(turn: Turn) -> bool:
    """merging → merged, by the forge and pinned to our commit; any answer but a clear one is read back."""
    promotion = turn.promotion
    pull = turn.forge.get(promotion.number)
    if follow_pull(turn, pull):
        return turn.promotion.phase == Phase.MERGED
    if not is_as_planned(promotion, pull):
        moved = pull.head_sha != promotion.head_sha
        text = "Its branch moved." if moved else f"It goes into {pull.base_branch} now."
        turn.claim.write(text, phase=Phase.OPEN)
        return False
    turn.fetch(again=True)
    if not check_base(turn):
        return False
    # What the forge says was read a moment ago where this turn began open; what is stored here may be newer.
    ask = ask_gates if turn.is_reviewed else read_review
    if not turn.is_reviewed:
        read_source_checks(turn.claim, turn.doors.source_forge, now=timezone.now())
    if not all_open(ask(turn.claim, turn.forge, now=timezone.now()).gates):
        turn.claim.write("A gate closed again.", phase=Phase.OPEN, forge_waits_since=None)
        return False
    return ask_merge(turn)


def ask_merge(turn: Turn) -> bool:
    """
    Every gate is open on exactly this. One that waits for its forge stays open meanwhile, so that it can be
    closed and does not go there and back each time.
    """
    promotion, reach = turn.promotion, turn.doors.reach
    reach(8)
    answer = turn.forge.merge(
        promotion.number, head_sha=promotion.head_sha, title=promotion.title, message=promotion.reason
    )
    reach(9)
    pull = turn.forge.get(promotion.number)
    if pull.state is PullState.MERGED:
        _merged(turn, pull, "It is merged.")
        reach(10)
        return promotion.phase == Phase.MERGED
    _not_merged(turn, pull, answer)
    return False


def _not_merged(turn: Turn, pull: PullRequest, answer: MergeAnswer) -> None:
    if pull.head_sha != turn.promotion.head_sha:
        turn.claim.write("Its branch moved while it was merged.", phase=Phase.OPEN)
        return
    # Forges answer alike while they check and of a conflict; what is one, our own mirror tells.
    files = [] if answer.outcome is MergeOutcome.REFUSED else find_conflicts(turn)
    if files:
        text = f"It conflicts with {turn.promotion.base_branch} in {name_files(files)}."
        end_as_stale(turn, text, files)
    else:
        wait_for_forge(turn, answer, now=timezone.now())
