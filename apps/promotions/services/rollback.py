"""Takes an environment back to an earlier version: a promotion backwards, with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.accounts.models import Person, Role
from apps.accounts.permissions import has_role
from apps.environments.models import Environment
from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.selectors.rollback import bad_versions, is_bad
from apps.promotions.services.planning import Wish
from apps.promotions.services.propose import Request, start_promotion
from gitopsui.domain.edit_file import FileEdit
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.promotion import PromotionKind


def wishes_back(promotion: Promotion) -> list[Wish]:
    """
    What each application of a promotion ran before it; those whose earlier version is not known stay. What
    was copied is taken back file by file.
    """
    items = promotion.items.select_related(
        "application__component__project", "application__environment", "application__repository"
    )
    edits = {one.path: one for one in map(FileEdit.from_json, promotion.preview.get("files", []))}
    return [
        Wish(item.application, item.from_version, is_back=True, undo=_undo(item, edits))
        for item in items
        if item.from_version
    ]


def _undo(item: PromotionItem, edits: Mapping[str, FileEdit]) -> tuple[FileEdit, ...]:
    """Nothing where the version was edited: it is edited again, whatever else became of its files."""
    own = [edits[one["path"]] for one in item.edits if one.get("path") in edits]
    return tuple(one.undone() for one in own if one.old_blob or one.new_blob)


def start_rollback(
    environment: Environment,
    wishes: Sequence[Wish],
    *,
    by: Person,
    reason: str,
    seen: str = "",
    reverts: Promotion | None = None,
) -> Promotion:
    """Raises PromotionDenied: without a reason, without the right, or to a release that is marked bad."""
    if not has_role(by, Role.PROMOTER, environment.project, environment=environment.name):
        raise PromotionDenied(f"Only promoters into {environment} may roll it back.")
    if not reason.strip():
        raise PromotionDenied("A rollback needs a reason.")
    for wish in wishes:
        bad = bad_versions(wish.application.component_id)
        if is_bad(wish.version, bad):
            why = bad.get(wish.version) or "no reason is given"
            raise PromotionDenied(f"{wish.application.component} {wish.version} is marked bad: {why}")
    request = Request(
        environment, None, list(wishes), reason=reason, kind=PromotionKind.ROLLBACK, reverts=reverts
    )
    return start_promotion(request, by=by, seen=seen)
