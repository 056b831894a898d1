"""
The wire below every HTTP call of ours: a pool whose connections obey the policy, one exchange read to its
end under a size cap, and the errors of the libraries turned into ours.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, SSLError

from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.http_socket import Deadline, connect, running_until
from gitopsui.domain.errors import HttpError

CHUNK_BYTES = 1 << 16
USER_AGENT = "gitopsui"


def guard(manager: urllib3.PoolManager, policy: HttpPolicy, context: ssl.SSLContext) -> None:
    """Make every connection `manager` opens from now on obey `policy`, and use `context` for TLS."""
    builders: dict[str, Any] = {
        "http": partial(GuardedPool, policy=policy),
        "https": partial(GuardedTlsPool, policy=policy),
    }
    manager.pool_classes_by_scheme = builders
    manager.connection_pool_kw["ssl_context"] = context


class GuardedConnection(HTTPConnection):
    policy: HttpPolicy

    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port, self.policy)


class GuardedTlsConnection(HTTPSConnection):
    policy: HttpPolicy

    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port, self.policy)


class GuardedPool(HTTPConnectionPool):
    ConnectionCls = GuardedConnection

    def __init__(self, *args: Any, policy: HttpPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policy = policy

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.policy = self.policy
        return connection


class GuardedTlsPool(HTTPSConnectionPool):
    ConnectionCls = GuardedTlsConnection

    def __init__(self, *args: Any, policy: HttpPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policy = policy

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.policy = self.policy
        return connection

    def _validate_conn(self, conn: Any) -> None:
        # The parent warns about an unverified peer on every call; ours is a stored decision the pages show.
        if conn.is_closed:
            conn.connect()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<Exchange {self.status}, {len(self.body)} bytes>"


def exchange(
    manager: urllib3.PoolManager,
    method: str,
    url: str,
    *,
    deadline: Deadline,
    max_bytes: int,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Exchange:
    """
    Send one request and read its whole answer. Redirects are answers like any other, nothing is repeated.

    Raises HttpError HTTP_TIMEOUT, HTTP_TLS, HTTP_UNREACHABLE, HTTP_TOO_LARGE, HTTP_BROKEN or URL_ADDRESS.
    """
    call = partial(manager.request, method, url, body=body, headers={"User-Agent": USER_AGENT, **headers})
    with running_until(deadline), translated(url):
        wait = urllib3.Timeout(connect=deadline.next_wait(), read=deadline.next_wait())
        response = call(timeout=wait, retries=False, redirect=False, preload_content=False)
        try:
            content = read_body(response, max_bytes)
            response.release_conn()
        finally:
            # Closes the connection unless it went back to the pool: half an answer must not stay in it.
            response.close()
    lowered = {name.lower(): value for name, value in response.headers.items()}
    return Exchange(response.status, lowered, content)


def read_body(response: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes:
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise too_large(max_bytes)
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > max_bytes:
            raise too_large(max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def too_large(max_bytes: int) -> HttpError:
    return HttpError(f"The answer is larger than {max_bytes:,} bytes.", code="HTTP_TOO_LARGE")


@contextmanager
def translated(url: str) -> Iterator[None]:
    """
    Library errors become ours. Their texts are left behind: they quote addresses, headers and answers.
    """
    host = urllib3.util.parse_url(url).host or "the host"
    try:
        yield
    except HttpError:
        raise
    except (HTTPError, OSError, ValueError) as error:
        # The cause is not kept: its text quotes the first line of whatever the other side sent.
        raise describe(host, error) from None


def describe(host: str, error: Exception) -> HttpError:
    reasons = list(causes(error))
    for kinds, build in DESCRIPTIONS:
        if any(isinstance(reason, kinds) for reason in reasons):
            return build(host)
    return HttpError(f"The answer of {host} broke off or was not HTTP.", code="HTTP_BROKEN")


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it wraps and what it came from; urllib3 keeps a cause in `args` or `reason`."""
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = [getattr(found, "reason", None), found.__cause__, found.__context__, *found.args]
        pending.extend(item for item in inner if isinstance(item, BaseException))


def describe_timeout(host: str) -> HttpError:
    return HttpError(f"{host} did not answer in time.", code="HTTP_TIMEOUT")


def describe_certificate(host: str) -> HttpError:
    message = f"The TLS certificate of {host} was not accepted: it does not match what we trust."
    return HttpError(message, code="HTTP_TLS", permanent=True)


def describe_tls(host: str) -> HttpError:
    message = f"{host} and we could not agree on a TLS connection."
    return HttpError(message, code="HTTP_TLS", permanent=True)


def describe_reset(host: str) -> HttpError:
    return HttpError(f"{host} closed the connection.", code="HTTP_UNREACHABLE")


# The first kind found among the causes wins, so the narrow ones stand first.
DESCRIPTIONS: tuple[tuple[tuple[type[BaseException], ...], Callable[[str], HttpError]], ...] = (
    ((ssl.SSLCertVerificationError,), describe_certificate),
    ((TimeoutError, urllib3.exceptions.TimeoutError), describe_timeout),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError), describe_reset),
    ((ssl.SSLError, SSLError), describe_tls),
)
