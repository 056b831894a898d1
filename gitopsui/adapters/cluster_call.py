"""
One request to an API server: bounded by the wall clock and by size, polite when the server is busy, and every
failure a ClusterError that quotes nothing of the answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import urllib3

from gitopsui.adapters.cluster_access import ClusterAccess
from gitopsui.adapters.http import checked_headers, parse_json, parse_retry_after
from gitopsui.adapters.http_socket import Deadline
from gitopsui.adapters.http_transport import Exchange, exchange
from gitopsui.domain.errors import ClusterError, HttpError

JSON = "application/json"
MAX_ANSWER_BYTES = 16 << 20

# What a server that is busy and does not say for how long is given.
DEFAULT_PAUSE = timedelta(seconds=1)

CODES = {
    "HTTP_TIMEOUT": "CLUSTER_TIMEOUT",
    "HTTP_TLS": "CLUSTER_TLS",
    "HTTP_UNREACHABLE": "CLUSTER_UNREACHABLE",
    "HTTP_TOO_LARGE": "CLUSTER_TOO_LARGE",
    "HTTP_HEADER": "CLUSTER_AUTH",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it is sent, but for the credentials."""

    url: str
    accept: str = JSON
    max_bytes: int = MAX_ANSWER_BYTES
    method: str = "GET"
    body: bytes | None = None
    content_type: str = ""


class ClusterCall:
    """The calls of one reader. Threads may share it; `manager` keeps their connections."""

    def __init__(self, manager: urllib3.PoolManager, access: ClusterAccess) -> None:
        self._manager = manager
        self._server = access.server.rstrip("/")
        self._token = access.token
        self._busy_until = 0.0
        self._refusal: ClusterError | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the server has turned our credentials down; nothing more is sent with them."""
        return self._refusal is not None

    def get(
        self,
        path: str,
        deadline: Deadline,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = JSON,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Exchange:
        """
        The answer when its status is 200, 400, 403, 404 or 410; the caller knows what those mean.

        Raises ClusterError: permanent CLUSTER_AUTH and CLUSTER_TLS; CLUSTER_TIMEOUT, CLUSTER_UNREACHABLE,
        CLUSTER_BUSY, CLUSTER_TOO_LARGE, CLUSTER_ERROR; the permanent codes of the address policy.
        """
        answer = self._send(Ask(self._url(path, query), accept, max_bytes), deadline)
        if answer.status in (200, 400, 403, 404, 410):
            return answer
        raise unexpected_status(answer.status)

    def patch(
        self, path: str, deadline: Deadline, *, query: Mapping[str, str], content_type: str, body: bytes
    ) -> Exchange:
        """
        The answer when its status is 200, 201 or one of a client's errors; the caller knows what those mean
        and may only ask for what is as well done twice. Raises ClusterError, as `get`.
        """
        ask = Ask(self._url(path, query), method="PATCH", body=body, content_type=content_type)
        answer = self._send(ask, deadline)
        if answer.status in (200, 201) or 400 <= answer.status < 500:
            return answer
        raise unexpected_status(answer.status)

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        return f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")

    def _send(self, ask: Ask, deadline: Deadline) -> Exchange:
        if self._refusal is not None:
            raise self._refusal
        answer = self._patiently(ask, deadline)
        if answer.status == 401:
            # Kept, so that the other kinds of the same reading do not knock with it again.
            self._refusal = credentials_refused()
            raise self._refusal
        return answer

    def get_json(self, path: str, deadline: Deadline, *, accept: str = JSON) -> dict[str, Any]:
        """The object at a path everybody signed in may read. Raises ClusterError, as `get`."""
        answer = self.get(path, deadline, accept=accept)
        if answer.status == 403:
            raise not_allowed(path)
        if answer.status != 200:
            raise unexpected_status(answer.status)
        return read_object(answer)

    def _patiently(self, ask: Ask, deadline: Deadline) -> Exchange:
        """One call; when the server is busy, one more after the pause it asks for, inside the deadline."""
        for is_last in (False, True):
            if time.monotonic() < self._busy_until:
                raise busy(timedelta(seconds=self._busy_until - time.monotonic()))
            answer = self._once(ask, deadline)
            if answer.status not in (429, 503):
                return answer
            retry_after = parse_retry_after(answer.headers.get("retry-after", ""), now=datetime.now(UTC))
            pause = retry_after if retry_after is not None or answer.status == 503 else DEFAULT_PAUSE
            if is_last or pause is None or pause.total_seconds() >= deadline.remaining():
                break
            time.sleep(pause.total_seconds())
        if answer.status == 429:
            self._busy_until = time.monotonic() + (pause or DEFAULT_PAUSE).total_seconds()
        raise busy(retry_after)

    def _once(self, ask: Ask, deadline: Deadline) -> Exchange:
        headers = {"Accept": ask.accept}
        if ask.content_type:
            headers["Content-Type"] = ask.content_type
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            sent = checked_headers(headers)
            return exchange(
                self._manager,
                ask.method,
                ask.url,
                deadline=deadline,
                max_bytes=ask.max_bytes,
                headers=sent,
                body=ask.body,
            )
        except HttpError as error:
            raise translate(error) from None


def read_object(answer: Exchange) -> dict[str, Any]:
    """Raises ClusterError CLUSTER_ERROR when the answer is not a JSON object."""
    try:
        value = parse_json(answer.body)
    except HttpError:
        value = None
    if not isinstance(value, dict):
        raise ClusterError("The API server answered with something else than JSON.", code="CLUSTER_ERROR")
    return value


def translate(error: HttpError) -> ClusterError:
    code = error.code if error.code.startswith("URL_") else CODES.get(error.code, "CLUSTER_ERROR")
    hint = "Check the certificate authority of this cluster." if code == "CLUSTER_TLS" else ""
    return ClusterError(error.message, code=code, permanent=error.permanent, hint=hint)


def credentials_refused() -> ClusterError:
    return ClusterError(
        "The cluster does not accept our credentials: they are wrong, expired or revoked.",
        code="CLUSTER_AUTH",
        permanent=True,
        hint="Give the cluster a new token.",
    )


def not_allowed(path: str) -> ClusterError:
    return ClusterError(
        f"The cluster does not let our account read {path}.",
        code="CLUSTER_AUTH",
        permanent=True,
        hint="Bind the ClusterRole system:discovery to our service account.",
    )


def busy(retry_after: timedelta | None) -> ClusterError:
    return ClusterError(
        "The API server is busy or a part of it is down.", code="CLUSTER_BUSY", retry_after=retry_after
    )


def unexpected_status(status: int) -> ClusterError:
    if status == 504:
        return ClusterError("The API server did not answer in time.", code="CLUSTER_TIMEOUT")
    if 300 <= status < 400:
        message = "The API server answered with a redirect, which is not followed."
        return ClusterError(message, code="CLUSTER_ERROR", permanent=True, hint="Enter its final address.")
    return ClusterError(f"The API server answered with status {status}.", code="CLUSTER_ERROR")
