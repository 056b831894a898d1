"""The edit on the pages of promotions: files and what is rendered of them, one way or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.selectors.edits import edit_rows
from apps.promotions.selectors.rendered import foretold, rendered_of
from apps.promotions.services.planning import Plan


def promotion_context(
    request: HttpRequest, promotion: Promotion, items: Sequence[PromotionItem]
) -> dict[str, Any]:
    """What the template of the edit reads, of a promotion with all its items."""
    files = promotion.preview.get("files", [])
    return {
        **rendered_context(request, promotion, items),
        "keep_query": _kept(request),
        "edits": edit_rows(files, is_unified=_view(request) == "unified"),
    }


def rendered_context(
    request: HttpRequest, promotion: Promotion, items: Sequence[PromotionItem]
) -> dict[str, Any]:
    """The part of it that is asked for again until everything is rendered."""
    view = _view(request)
    part = rendered_of(promotion, items, is_unified=view == "unified")
    return {"promotion": promotion, "view": view, "rendered": part}


def planned_context(request: HttpRequest, plan: Plan) -> dict[str, Any]:
    """The same for an edit that is only planned."""
    view = _view(request)
    moves = [(move.application, move.to_version) for move in plan.moves]
    return {
        "view": view,
        "keep_query": _kept(request),
        "edits": edit_rows([one.to_json() for one in plan.files], is_unified=view == "unified"),
        "rendered": foretold(moves, is_unified=view == "unified"),
    }


def _view(request: HttpRequest) -> str:
    return "side" if request.GET.get("view") == "side" else "unified"


def _kept(request: HttpRequest) -> str:
    """The query of the page without the view, to be followed by one."""
    data = request.GET.copy()
    data.pop("view", None)
    return f"{data.urlencode()}&" if data else ""
