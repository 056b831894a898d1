"""Pages of the board, drawn once for all who look at them until something on them changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.template.loader import render_to_string

from apps.accounts.models import Project
from apps.dashboard.filters import Filters
from apps.dashboard.overview import Answer, Overview, build_stamp
from apps.dashboard.selectors import Board, build_answer, read_board

# A stamp holds for a minute, since ages on the board are words in minutes.
KEPT_SECONDS = 90


@dataclass(frozen=True, slots=True)
class DrawnBoard:
    """A page of the board: what its heading and its filters say, and its rows as HTML ("" without any)."""

    stamp: str
    answer: Answer
    rows: str
    page_number: int
    total: int
    attention_count: int
    differs_count: int
    labels: list[str]


def draw_board(
    project: Project,
    overview: Overview,
    filters: Filters,
    page: str,
    *,
    now: datetime,
    rights: Collection[str] = (),
) -> DrawnBoard:
    """
    The page as it was drawn when nothing was different, else drawn anew: three queries and most of the work.

    Nothing in it depends on the person but where they may promote into: who has the same `rights` sees the
    same board.
    """
    stamp = build_stamp(overview, filters, page, now=now, rights=rights)
    key = f"board:{project.pk}:{stamp}"
    drawn: DrawnBoard | None = cache.get(key)
    if drawn is None:
        board = read_board(project, overview, filters, page, now=now, rights=rights)
        drawn = _draw(project, overview, filters, board, stamp)
        cache.set(key, drawn, KEPT_SECONDS)
    return drawn


def _draw(project: Project, overview: Overview, filters: Filters, board: Board, stamp: str) -> DrawnBoard:
    context = {"project": project, "board": board, "filters": filters}
    return DrawnBoard(
        stamp=stamp,
        answer=build_answer(overview, board, []),
        rows=render_to_string("dashboard/_board_rows.html", context) if board.rows else "",
        page_number=board.page.number,
        total=board.total,
        attention_count=board.attention_count,
        differs_count=board.differs_count,
        labels=board.labels,
    )
