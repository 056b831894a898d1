"""
One policy for every HTTP call of ours: allow-listed hosts, checked addresses, an end by the wall clock, a
size cap, no redirects, nothing taken from the environment (no proxy, no `.netrc`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import urllib3

from gitopsui.adapters.http_policy import HttpPolicy, check_peer, check_target, check_url
from gitopsui.adapters.http_socket import Deadline, build_tls_context
from gitopsui.adapters.http_transport import Exchange, exchange, guard
from gitopsui.domain.errors import HttpError, InputError

__all__ = [
    "HttpPolicy",
    "HttpResponse",
    "HttpSession",
    "check_peer",
    "check_url",
    "parse_json",
    "parse_retry_after",
    "session",
]

LONGEST_WAIT = timedelta(hours=1)
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole answer. Header names are lower case; `retry_after` is None when nothing was asked for."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    retry_after: timedelta | None

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status}, {len(self.content)} bytes>"

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Raises HttpError HTTP_NOT_JSON. The text is not quoted: it is somebody else's page."""
        return parse_json(self.content)

    def check(self) -> Self:
        """Raises HttpError for every status outside 200–299; answers itself otherwise."""
        if self.is_ok:
            return self
        raise status_error(self.status, self.retry_after)


class HttpSession:
    """Calls under one policy, connections kept between them. Use it in a `with`."""

    def __init__(self, policy: HttpPolicy, *, schemes: tuple[str, ...] = ("https",)) -> None:
        self.policy = policy
        self.schemes = schemes
        self._manager = urllib3.PoolManager(num_pools=4, maxsize=4)
        guard(self._manager, policy, build_tls_context())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._manager.clear()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        return self.request("GET", add_params(url, params or {}), headers=headers or {})

    def post(self, url: str, *, json: Any, headers: Mapping[str, str] | None = None) -> HttpResponse:
        return self.request("POST", url, headers=headers or {}, json=json)

    def request(self, method: str, url: str, *, headers: Mapping[str, str], json: Any = None) -> HttpResponse:
        """
        One call. Any status but a redirect comes back as an answer.

        Raises HttpError: HTTP_TIMEOUT, HTTP_UNREACHABLE, HTTP_TOO_LARGE, HTTP_BROKEN; permanent HTTP_TLS,
        HTTP_REDIRECT, HTTP_HEADER and the codes of `check_url`.
        """
        self._check(url)
        body = None if json is None else dump_json(json)
        sent = {"Accept": "application/json", **checked_headers(headers)}
        if body is not None:
            sent["Content-Type"] = "application/json"
        deadline = Deadline.after(self.policy.total_timeout, silence=self.policy.read_timeout)
        answer = exchange(
            self._manager,
            method,
            url,
            deadline=deadline,
            max_bytes=self.policy.max_bytes,
            headers=sent,
            body=body,
        )
        return to_response(answer, now=datetime.now(UTC))

    def _check(self, url: str) -> None:
        try:
            check_target(url, self.policy, schemes=self.schemes)
        except InputError as error:
            raise HttpError(error.message, code=error.code, permanent=True) from None


def session(policy: HttpPolicy, *, schemes: tuple[str, ...] = ("https",)) -> HttpSession:
    return HttpSession(policy, schemes=schemes)


def to_response(answer: Exchange, *, now: datetime) -> HttpResponse:
    if 300 <= answer.status < 400 and answer.status != NOT_MODIFIED:
        message = "The server answered with a redirect, which is not followed. Enter the final address."
        raise HttpError(message, code="HTTP_REDIRECT", permanent=True)
    retry_after = parse_retry_after(answer.headers.get("retry-after", ""), now=now)
    return HttpResponse(answer.status, answer.headers, answer.body, retry_after)


def parse_retry_after(value: str, *, now: datetime) -> timedelta | None:
    """
    Seconds or a date, at most one hour; a date that has passed means now. None when it is neither.
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = value.strip()
    if text.isascii() and text.isdecimal():
        # Ten digits are 300 years already, and a timedelta has an end.
        return min(timedelta(seconds=int(text[:10])), LONGEST_WAIT)
    try:
        asked = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
    return min(max(aware - now, timedelta(0)), LONGEST_WAIT)


def status_error(status: int, retry_after: timedelta | None) -> HttpError:
    if status == 429 or (status == 503 and retry_after is not None):
        return HttpError("The server asks us to wait.", code="HTTP_BUSY", retry_after=retry_after)
    code, message = STATUS_MESSAGES.get(status, ("HTTP_STATUS", f"The server answered with status {status}."))
    return HttpError(message, code=code, permanent=status in STATUS_MESSAGES, retry_after=retry_after)


STATUS_MESSAGES = {
    401: ("HTTP_AUTH", "The server does not accept our credentials."),
    403: ("HTTP_FORBIDDEN", "The server does not allow us this."),
    404: ("HTTP_NOT_FOUND", "Not found, or the credentials lack access to it."),
}


def parse_json(content: bytes) -> Any:
    """Strict JSON. Raises HttpError HTTP_NOT_JSON, which quotes nothing of it."""
    try:
        return json.loads(content, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise HttpError("The answer is not JSON.", code="HTTP_NOT_JSON") from None


def refuse_constant(name: str) -> None:
    """`NaN` and `Infinity` are no JSON, and no database stores them."""
    raise ValueError(name)


def dump_json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def add_params(url: str, params: Mapping[str, str]) -> str:
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """A line break in a header would begin another header."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            message = f"The value for the header {name} holds characters that cannot be sent."
            raise HttpError(message, code="HTTP_HEADER", permanent=True)
    return dict(headers)
