"""What an address names."""

from __future__ import annotations

MOST_DIGITS = 18


def row_number(raw: str | None) -> int:
    """A row number as an address names it; 0, which no row has, for anything else."""
    return int(raw) if raw and raw.isascii() and raw.isdecimal() and len(raw) <= MOST_DIGITS else 0
