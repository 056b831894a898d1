"""One page of rows, shaped as its template shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet

PAGE_ROWS = 50
Row = TypeVar("Row", bound=Model)


def page_of(rows: QuerySet[Row], number: str | None, shape: Callable[[Row], Any]) -> Page[Any]:
    """The page of that number, the first or the last one where there is no such page."""
    page: Page[Any] = Paginator(rows, PAGE_ROWS).get_page(number)
    page.object_list = [shape(row) for row in page.object_list]
    return page
