"""The edit on the pages of promotions: files and what is rendered of them, one way or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from apps.environments.models import Application
from apps.promotions.selectors.edits import edit_rows
from apps.promotions.selectors.rendered import rendered_rows
from apps.promotions.services.planning import Plan


def edit_context(
    request: HttpRequest, files: Sequence[dict[str, Any]], moves: Sequence[tuple[Application, str]]
) -> dict[str, Any]:
    """What the template of the edit reads; `moves` are applications with the version each would get."""
    view = "side" if request.GET.get("view") == "side" else "unified"
    is_unified = view == "unified"
    return {
        "view": view,
        "keep_query": _kept(request),
        "edits": edit_rows(files, is_unified=is_unified),
        "rendered": rendered_rows(moves, is_unified=is_unified),
    }


def planned_context(request: HttpRequest, plan: Plan) -> dict[str, Any]:
    """The same for an edit that is only planned."""
    files = [one.to_json() for one in plan.files]
    return edit_context(request, files, [(move.application, move.to_version) for move in plan.moves])


def _kept(request: HttpRequest) -> str:
    """The query of the page without the view, to be followed by one."""
    data = request.GET.copy()
    data.pop("view", None)
    return f"{data.urlencode()}&" if data else ""
