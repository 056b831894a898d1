"""Builds the door to external gates: one HTTP policy, with little time and little room for an answer."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from gitopsui.adapters.http import HttpSession
from gitopsui.adapters.http_policy import HttpPolicy, check_url

MOST_BYTES = 16_000


def gate_policy() -> HttpPolicy:
    return HttpPolicy(
        private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS),
        connect_timeout=timedelta(seconds=3),
        read_timeout=timedelta(seconds=5),
        total_timeout=timedelta(seconds=8),
        max_bytes=MOST_BYTES,
    )


def gate_session() -> HttpSession:
    """Used in a `with`."""
    return HttpSession(gate_policy())


def check_gate_url(url: str) -> None:
    """By its text alone. Raises InputError."""
    check_url(url, gate_policy())
