"""A small HTTP server whose answers a test writes by hand, faults included."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class Request:
    """What came in, and the means to answer it well or badly."""

    def __init__(self, handler: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.path = parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        length = int(self.headers.get("content-length", "0"))
        self.body = handler.rfile.read(length)
        self._handler = handler
        self._stopped = stopped

    def reply(self, body: Any = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._handler.send_response(status)
        self._handler.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        if self.method != "HEAD":
            self._handler.wfile.write(content)

    def send_raw(self, data: bytes) -> None:
        """These bytes and nothing else; the connection ends after them."""
        self._handler.wfile.write(data)
        self._handler.close_connection = True

    def drip(self, data: bytes, *, pause: float) -> None:
        """The bytes one by one, until the other side or the test has had enough."""
        for byte in data:
            if self._stopped.wait(pause):
                break
            self._handler.wfile.write(bytes([byte]))
            self._handler.wfile.flush()
        self._handler.close_connection = True

    def hang(self) -> None:
        # Longer than a test may take: whoever is to be ended by a clock of ours is ended by nothing else.
        self._stopped.wait(3600)
        self._handler.close_connection = True


Answer = Callable[[Request], None]


class FaultServer:
    """
    Serves on 127.0.0.1 while its `with` lasts. `routes` maps a path to what answers it; `requests` lists
    what came in, in order.
    """

    def __init__(
        self,
        routes: Mapping[str, Answer],
        *,
        context: ssl.SSLContext | None = None,
        default: Answer | None = None,
    ) -> None:
        self.routes = dict(routes)
        self.requests: list[Request] = []
        self.default = default or answer_not_found
        self.stopped = threading.Event()
        self._server = QuietServer(("127.0.0.1", 0), self._handler_class())
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.host_port = f"127.0.0.1:{self.port}"
        self.url = f"{'http' if context is None else 'https'}://{self.host_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                request = Request(self, owner.stopped)
                owner.requests.append(request)
                owner.routes.get(request.path, owner.default)(request)

            do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Not in the test output."""

        return Handler


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


def answer_not_found(request: Request) -> None:
    request.reply({"kind": "Status", "code": 404}, status=404)


def always(body: Any = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return lambda request: request.reply(body, status=status, headers=headers)
