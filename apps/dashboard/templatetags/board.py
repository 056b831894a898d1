"""The cells of the board. Most of them look the same from one poll to the next, so they are drawn once."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.dashboard.cells import Cell

register = template.Library()

# The cells of a board of 1,000 components in five environments, in about 10 MB of each process.
CELLS = 5000


@register.simple_tag
def tile(cell: Cell) -> SafeString:
    """One cell. Ages in it are as of the minute, as the whole board is for its reader."""
    return _draw(cell, int(timezone.now().timestamp() // 60))


@lru_cache(maxsize=CELLS)
def _draw(cell: Cell, minute: int) -> SafeString:
    drawn: SafeString = get_template("dashboard/_tile.html").render({"cell": cell})  # type: ignore[assignment]
    return drawn
