"""
Forges that ask to wait: then every call to them waits, and nobody asks before the time.

Where that is remembered is the caller's choice: `Pauses` that all workers share, or else this process alone.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gitopsui.adapters.http import HttpResponse
from gitopsui.domain.errors import ForgeError

BUSY_PAUSE = timedelta(minutes=1)  # where a forge asks to wait and does not say how long
LONGEST_PAUSE = timedelta(hours=1)


class Pauses(Protocol):
    """Until when which forge wants to be left alone. `endpoint` is the `host:port` of its API."""

    def find(self, endpoint: str) -> datetime | None:
        """None where it may be asked now."""
        ...

    def hold(self, endpoint: str, until: datetime) -> None:
        """From now on; a longer pause that was asked for before stays."""
        ...


class OwnPauses:
    """Those that this process has heard of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, datetime] = {}

    def find(self, endpoint: str) -> datetime | None:
        with self._lock:
            until = self._until.get(endpoint)
        return until if until is not None and until > datetime.now(UTC) else None

    def hold(self, endpoint: str, until: datetime) -> None:
        with self._lock:
            self._until[endpoint] = max(until, self._until.get(endpoint, until))

    def end(self) -> None:
        with self._lock:
            self._until.clear()


OWN = OwnPauses()


def find_pause(response: HttpResponse, said: str, *, now: datetime) -> timedelta | None:
    """
    How long the forge wants to be left alone, None when it does not say so; `said` is its own error.
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
    """
    if response.status not in (403, 429, 503):
        return None
    if response.retry_after is not None:
        return response.retry_after
    for kind in ("x-ratelimit", "ratelimit"):
        if response.headers.get(f"{kind}-remaining", "").strip() == "0":
            return _until(response.headers.get(f"{kind}-reset", ""), now)
    is_limit = "rate limit" in said.lower()
    return BUSY_PAUSE if response.status == 429 or (response.status == 403 and is_limit) else None


def _until(reset: str, now: datetime) -> timedelta:
    """Seconds since 1970, as both write it."""
    text = reset.strip()
    if not (text.isascii() and text.isdecimal()):
        return BUSY_PAUSE
    seconds = int(text[:12]) - now.timestamp()
    return timedelta(seconds=min(max(seconds, 1), LONGEST_PAUSE.total_seconds()))


def hold(pauses: Pauses, endpoint: str, pause: timedelta) -> ForgeError:
    """Have every call to the forge wait, and the error that says until when."""
    until = datetime.now(UTC) + min(max(pause, timedelta(seconds=1)), LONGEST_PAUSE)
    pauses.hold(endpoint, until)
    return _busy(endpoint, until)


def check_pause(pauses: Pauses, endpoint: str) -> None:
    """Raises ForgeError FORGE_BUSY without calling while the forge wants to be left alone."""
    until = pauses.find(endpoint)
    if until is not None:
        raise _busy(endpoint, until)


def _busy(endpoint: str, until: datetime) -> ForgeError:
    host = endpoint.rpartition(":")[0]
    text = f"{host} asks us to wait until {until:%H:%M:%S} UTC."
    return ForgeError(text, code="FORGE_BUSY", retry_after=until - datetime.now(UTC))


def end_pauses() -> None:
    """Forget what forges asked this process for."""
    OWN.end()
