"""A commit as Git tells it, and what its message says by the rules of Conventional Commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """
    One commit. `sha` and `parents` are full ids; the two times are aware and UTC.

    A time is None where Git holds one that is no date. `message` is the whole
    message with the newlines Git had, already decoded, undecodable bytes replaced.
    """

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: datetime | None
    committed_at: datetime | None
    message: str
