"""The cells of the board. Most of them look the same from one poll to the next, so they are drawn once."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django import template
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.templatetags.ui import age_words
from apps.dashboard.cells import Cell

register = template.Library()

# The cells of a board of 1,000 components in five environments, in about 10 MB of each process.
CELLS = 5000


@register.simple_tag
def tile(cell: Cell) -> SafeString:
    """One cell, as old as its reader is told: drawn anew when a word of it changes, or the day."""
    age = age_words(timezone.now() - cell.since) if cell.since else ""
    return _draw(cell, age, timezone.localdate())


@lru_cache(maxsize=CELLS)
def _draw(cell: Cell, age: str, day: date) -> SafeString:
    drawn: SafeString = get_template("dashboard/_tile.html").render({"cell": cell})  # type: ignore[assignment]
    return drawn
