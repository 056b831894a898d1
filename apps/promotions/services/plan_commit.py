"""The commit of a promotion, made of its plan: the same one each time, by whichever worker."""

from __future__ import annotations

from apps.promotions.models import Promotion
from apps.promotions.services.turn import Turn
from gitopsui.adapters.git import KnownFile, Signer
from gitopsui.domain.edit_file import FileChange, FileEdit
from gitopsui.domain.errors import GitError


def make_commit(turn: Turn) -> str:
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


def keep_commit(turn: Turn) -> None:
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
        again = make_commit(turn)
        if again and again != promotion.head_sha:
            turn.claim.write("Its commit was made again.", head_sha=again)
