"""
One turn of a promotion: from where it stands as far as it goes now. Safe to repeat and to be killed anywhere.

Each step asks the outside to do one thing and believes only what it reads back. The numbers given to `reach`
are the points at which a process may die: https://en.wikipedia.org/wiki/Crash-only_software
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.utils import timezone

from apps.promotions.models import Promotion
from apps.promotions.services.arrival import time_to_arrive, watch_arrival
from apps.promotions.services.claims import LostClaimError, claim
from apps.promotions.services.forge_wait import stop_waiting, wait_for_forge
from apps.promotions.services.review import ask_gates, read_review
from apps.promotions.services.turn import (
    HEADS,
    Doors,
    Turn,
    check_base,
    drop_branch,
    end_as_stale,
    find_conflicts,
    name_files,
)
from gitopsui.adapters.forge.base import MergeAnswer, MergeOutcome, PullRequest, PullState
from gitopsui.adapters.git import KnownFile, Signer
from gitopsui.domain.edit_file import FileChange, FileEdit
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
    promotion.head_sha = _make_commit(turn)
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


def _make_commit(turn: Turn) -> str:
    """The id of its commit, the same each time; "" where nothing changes or the base is not here any more."""
    promotion = turn.promotion
    files = map(FileEdit.from_json, promotion.preview.get("files", []))
    edits = {one.path: _content(one) for one in files if one.changes_anything}
    if not edits:
        return ""
    author, committer = author_of(promotion), _gitopsui(promotion)
    try:
        return turn.doors.git.commit_tree(
            [promotion.base_sha], edits, message=promotion.message, author=author, committer=committer
        )
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return ""


def _content(edit: FileEdit) -> bytes | KnownFile | None:
    """What its commit gets in this place; None where the file is removed."""
    if edit.change is FileChange.REMOVED:
        return None
    return KnownFile(edit.new_blob, edit.is_executable) if edit.new_blob else edit.new.encode()


def author_of(promotion: Promotion) -> Signer:
    """Who proposed it, at the time it was planned: the same plan makes the same commit."""
    email = promotion.proposer.email if promotion.proposer else ""
    name = _plain(promotion.proposer_name)
    return Signer(name, _plain(email or f"{name}@gitopsui.invalid"), promotion.planned_at)


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign not in "<>\n\r\0").strip() or "gitopsui"


def _gitopsui(promotion: Promotion) -> Signer:
    return Signer("gitopsui", "gitopsui@gitopsui.invalid", promotion.planned_at)


def _push(turn: Turn) -> bool:
    """pushing → opening: the branch is made at the remote, where it must not be yet."""
    promotion, reach = turn.promotion, turn.doors.reach
    if promotion.wants_close:
        return _close(turn)
    _keep_commit(turn)
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


def _keep_commit(turn: Turn) -> None:
    """
    Make its commit again where the mirror was tidied or built anew since. Then the remote has no branch with
    it either, so that another id, as when the proposer has a new address, is no second commit.
    """
    promotion = turn.promotion
    turn.fetch()
    try:
        turn.doors.git.resolve(promotion.head_sha)
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        again = _make_commit(turn)
        if again and again != promotion.head_sha:
            turn.claim.write("Its commit was made again.", head_sha=again)


def _fail(turn: Turn, error: GitError | ForgeError) -> None:
    text = clean_text(error.message, limit=1_000)
    turn.claim.write(
        text, phase=Phase.FAILED, error=text, error_code=error.code, error_hint=error.hint, attention=""
    )


def _open(turn: Turn) -> bool:
    """opening → open: look for it, else ask for it and look again; the answer to that proves nothing."""
    promotion, reach = turn.promotion, turn.doors.reach
    pull = _find_pull(turn)
    if pull is None:
        failure: ForgeError | None = None
        try:
            turn.forge.create(
                head=promotion.branch, base=promotion.base_branch, title=promotion.title, body=promotion.body
            )
        except ForgeError as error:
            failure = error
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
    return True


def _find_pull(turn: Turn) -> PullRequest | None:
    """The pull request of this branch that has our commit, an open one before an old one."""
    found = [
        pull for pull in turn.forge.find(turn.promotion.branch) if pull.head_sha == turn.promotion.head_sha
    ]
    return next((pull for pull in found if pull.state is PullState.OPEN), found[0] if found else None)


def _watch(turn: Turn) -> bool:
    """open → merging, when every gate passes on exactly this and the policy or somebody says so."""
    pull = turn.forge.get(turn.promotion.number)
    if _follow(turn, pull):
        return turn.promotion.phase == Phase.MERGED
    if turn.promotion.wants_close:
        return _close(turn)
    if not _is_as_planned(turn.promotion, pull) or not check_base(turn):
        return False
    if turn.promotion.attention and turn.promotion.forge_waits_since is None:
        # What was wrong with its branch or its base is over.
        turn.claim.write(attention="")
    review = read_review(turn.claim, turn.forge, now=timezone.now())
    turn.is_reviewed = True
    if not (all_open(review.gates) and review.may_merge):
        stop_waiting(turn)
        return False
    if turn.promotion.forge_waits_since is not None:
        return _ask_merge(turn)
    turn.claim.write("Every gate is open.", phase=Phase.MERGING, error="", attention="")
    return True


def _follow(turn: Turn, pull: PullRequest) -> bool:
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


def _is_as_planned(promotion: Promotion, pull: PullRequest) -> bool:
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


def _merge(turn: Turn) -> bool:
    """merging → merged, by the forge and pinned to our commit; any answer but a clear one is read back."""
    promotion = turn.promotion
    pull = turn.forge.get(promotion.number)
    if _follow(turn, pull):
        return turn.promotion.phase == Phase.MERGED
    if not _is_as_planned(promotion, pull):
        moved = pull.head_sha != promotion.head_sha
        text = "Its branch moved." if moved else f"It goes into {pull.base_branch} now."
        turn.claim.write(text, phase=Phase.OPEN)
        return False
    turn.fetch(again=True)
    if not check_base(turn):
        return False
    # What the forge says was read a moment ago where this turn began open; what is stored here may be newer.
    ask = ask_gates if turn.is_reviewed else read_review
    if not all_open(ask(turn.claim, turn.forge, now=timezone.now()).gates):
        turn.claim.write("A gate closed again.", phase=Phase.OPEN, forge_waits_since=None)
        return False
    return _ask_merge(turn)


def _ask_merge(turn: Turn) -> bool:
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

    watch_arrival(turn.claim, git=turn.doors.git, now=timezone.now(), tidy=tidy)
    return False


_STEPS: dict[Phase, Callable[[Turn], bool]] = {
    Phase.PLANNED: _commit,
    Phase.PUSHING: _push,
    Phase.OPENING: _open,
    Phase.OPEN: _watch,
    Phase.MERGING: _merge,
    Phase.MERGED: _arrive,
}
