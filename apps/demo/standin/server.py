"""
A stand-in for a Kubernetes API server on loopback: HTTPS/1.1 in threads, everything in memory.

For the demo and for tests. It stores, defaults, validates, merges and watches as a real one does, as far as
this program and kubectl can tell; nothing ever runs in it.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from . import faults as fault_switches
from .access import TokenRole, authenticate
from .address import Target
from .answers import ApiError, forbidden
from .catalogue import Catalogue
from .certificate import load_certificate
from .exchange import Reply, Request, decode_object, encode, reply
from .faults import Effect, Fault, Faults
from .kinds import NAMESPACE
from .registry import Clock, Intent, Registry
from .service import Service, refusal_reply
from .store import Store

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
HEALTH = ("/livez", "/readyz", "/healthz")
_TURN_SECONDS = 0.05
_LARGEST_BODY = 8 << 20


class StandIn:
    """
    Serves `store` at `url` from `start()` to `stop()`, or in a `with` block, to the bearers of `tokens`.

    What `state_file` holds is taken over; `stop()` and `save()` write it, and the certificate is kept beside
    it, so that a kubeconfig stays good. `clock` says when things happen. Raises OSError for a taken port.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tokens: Mapping[str, TokenRole],
        state_file: Path | None = None,
        certificate_file: Path | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.tokens = dict(tokens)
        self.store = Store()
        self.faults = Faults()
        self.registry = Registry(self.store, Catalogue(self.store), clock)
        self.is_open = True
        self.service = Service(self.registry, self.faults, lambda: self.is_open)
        self._state_file = state_file
        beside = state_file.with_name(f"{state_file.name}.pem") if state_file else None
        self._context, self.ca_pem = load_certificate(certificate_file or beside)
        self._begin()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.standin = self
        self._server.context = self._context
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host_port(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Without a final slash: `https://127.0.0.1:6443`."""
        return f"https://{self.host_port}"

    def kubeconfig(self, token: str) -> str:
        """A kubeconfig for the bearer of `token`, as YAML (which JSON is)."""
        authority = base64.b64encode(self.ca_pem.encode()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stand-in", "cluster": cluster}],
            "users": [{"name": "stand-in", "user": {"token": token}}],
            "contexts": [{"name": "stand-in", "context": {"cluster": "stand-in", "user": "stand-in"}}],
            "current-context": "stand-in",
        }
        return encode(document).decode() + "\n"

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End watches and hanging requests, refuse new ones, and save."""
        self.is_open = False
        self.store.wake()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.close_connections()
        self._server.server_close()
        self.save()

    def save(self) -> None:
        """Write the state file, when there is one. Raises OSError."""
        if self._state_file is not None:
            self.store.save(self._state_file)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        if self._state_file is not None and self._state_file.exists():
            self.store.load(self._state_file)
            return
        for name in NAMESPACES:
            body = {"metadata": {"name": name}}
            self.registry.create(Target(NAMESPACE), body, Intent("kube-apiserver"))

    def answer(self, request: Request, authorization: str) -> Reply:
        """What goes out for a request that carries this `Authorization` header."""
        if request.path in HEALTH:
            return Reply(200, b"ok", "text/plain; charset=utf-8")
        if request.path == fault_switches.PATH:
            return self._switch(request, authorization)
        fault = self.faults.find(request.path)
        if fault is not None and (struck := self._strike(fault)):
            return struck
        try:
            role = authenticate(self.tokens, authorization)
        except ApiError as error:
            return refusal_reply(error)
        known = Request(
            request.method,
            request.path,
            request.query,
            role,
            request.accept,
            request.content_type,
            request.agent,
            request.body,
        )
        return self.service.answer(known)

    def _strike(self, fault: Fault) -> Reply | None:
        """The answer of a fault, None when the request goes on after it."""
        if error := fault.error():
            return refusal_reply(error)
        if fault.effect is Effect.GARBAGE:
            return Reply(200, b'{"kind":"List","items":[{"metadata":')
        deadline = time.monotonic() + fault.seconds
        while self.is_open and self.faults.is_on(fault):
            if fault.effect is Effect.SLOW and time.monotonic() >= deadline:
                break
            time.sleep(_TURN_SECONDS)
        return None

    def _switch(self, request: Request, authorization: str) -> Reply:
        try:
            if authenticate(self.tokens, authorization) is not TokenRole.ADMIN:
                raise forbidden("the switches for faults need the token of an admin")
            self.faults.set_from(decode_object(request.body or b"{}"))
        except ApiError as error:
            return refusal_reply(error)
        return reply({"status": "Success"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    standin: StandIn
    context: ssl.SSLContext

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is made in the thread of the connection, so that a silent client stops nobody."""
        request.settimeout(60)
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as wrapped:
            wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                self._connections.add(wrapped)
            try:
                super().finish_request(wrapped, client_address)
            finally:
                with self._guard:
                    self._connections.discard(wrapped)

    def close_connections(self) -> None:
        with self._guard:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = True
            self._send(Reply(413, b"request entity too large\n", "text/plain"))
            return
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            TokenRole.NOBODY,
            self.headers.get("Accept", ""),
            self.headers.get("Content-Type", "").partition(";")[0].strip(),
            self.headers.get("User-Agent", ""),
            body,
        )
        self._send(self.server.standin.answer(request, self.headers.get("Authorization", "")))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _send(self, answer: Reply) -> None:
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.stream is not None:
            self._send_stream(answer)
            return
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _send_stream(self, answer: Reply) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.stream or ():
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is written to the terminal."""
