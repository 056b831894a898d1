"""
Sockets that know when the call in progress must be over, and that are opened to checked addresses only.

Timeouts of the usual kind start anew with each byte. Here the socket itself asks the deadline before each
read, so it also holds inside the TLS handshake and between two headers.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from gitopsui.adapters.http_policy import HttpPolicy, check_peer
from gitopsui.domain.errors import HttpError, InputError


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a call must be over (`ends_at`, monotonic clock) and how many seconds one silence may last."""

    ends_at: float
    silence: float

    @classmethod
    def after(cls, total: timedelta, *, silence: timedelta) -> Self:
        return cls(time.monotonic() + total.total_seconds(), silence.total_seconds())

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends_at - time.monotonic())

    def next_wait(self, at_most: float | None = None) -> float:
        """Seconds the next blocking step may take. Raises TimeoutError when nothing is left."""
        left = self.remaining()
        if left <= 0:
            raise TimeoutError("the time for this call is over")
        return min(left, self.silence if at_most is None else at_most)


# The call in progress in this thread; sockets are kept between calls, deadlines are not.
_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def running_until(deadline: Deadline) -> Iterator[None]:
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


class TimedSocket(socket.socket):
    """A socket that never reads past the deadline of the call in progress."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        set_wait(self)
        return super().recv_into(*args, **kwargs)


class TimedTlsSocket(ssl.SSLSocket):
    """The same inside TLS; the handshake takes what is left as one wait."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        set_wait(self)
        return super().recv_into(*args, **kwargs)

    def do_handshake(self, block: bool = False) -> None:
        set_wait(self)
        super().do_handshake(block)


def set_wait(sock: socket.socket) -> None:
    deadline = _current.get()
    if deadline is not None:
        sock.settimeout(deadline.next_wait())


def build_tls_context(*, ca_data: str = "", is_insecure: bool = False) -> ssl.SSLContext:
    """
    A context that trusts `ca_data` (PEM) alone, or the system's authorities when it is empty.

    Raises ssl.SSLError when `ca_data` is no certificate.
    """
    context = ssl.create_default_context(cadata=ca_data or None)
    # Python 3.13 asks for extensions that the authorities of many clusters do not carry.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.sslsocket_class = TimedTlsSocket
    if is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def connect(host: str, port: int, policy: HttpPolicy) -> socket.socket:
    """
    A connection to the first address of `host` that answers; each is checked before it is tried, and the
    one that was checked is the one that is used.

    Raises HttpError URL_ADDRESS, HTTP_UNREACHABLE or HTTP_TIMEOUT.
    """
    deadline = _current.get() or Deadline.after(policy.total_timeout, silence=policy.read_timeout)
    patience = policy.connect_timeout.total_seconds()
    failure: OSError | None = None
    for family, kind, protocol, address in resolve(host, port, deadline.next_wait(patience)):
        check_address(str(address[0]), policy, host=host, port=port)
        try:
            return open_socket(family, kind, protocol, address, deadline.next_wait(patience))
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise HttpError(f"{host} did not accept a connection in time.", code="HTTP_TIMEOUT") from failure
    raise HttpError(f"{host} refuses connections on port {port}.", code="HTTP_UNREACHABLE") from failure


def open_socket(family: int, kind: int, protocol: int, address: Any, wait: float) -> socket.socket:
    sock = TimedSocket(family, kind, protocol)
    try:
        sock.settimeout(wait)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def check_address(address: str, policy: HttpPolicy, *, host: str, port: int) -> None:
    try:
        check_peer(address, policy, host=host, port=port)
    except InputError as error:
        raise HttpError(error.message, code=error.code, permanent=True) from None


def resolve(host: str, port: int, wait: float) -> list[tuple[int, int, int, Any]]:
    """
    The addresses of `host`, as the arguments of a socket. The resolver of the C library has no timeout of
    its own, so it runs beside us and is left alone when it takes too long.

    Raises HttpError HTTP_UNREACHABLE or HTTP_TIMEOUT.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=look_up, args=(host, port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=wait)
    except queue.Empty:
        raise HttpError(f"The name {host} was not resolved in time.", code="HTTP_TIMEOUT") from None
    if isinstance(answer, Exception):
        raise HttpError(f"The name {host} is not known.", code="HTTP_UNREACHABLE") from answer
    return [(family, kind, protocol, address) for family, kind, protocol, _, address in answer]


def look_up(host: str, port: int, answers: queue.SimpleQueue[Any]) -> None:
    try:
        answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        answers.put(error)
