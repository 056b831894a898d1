"""
A real Git server over smart HTTP on loopback: `git http-backend` behind a small threaded web server.

For the demo and for tests. Every bare repository `<name>.git` below one folder is served as `/<name>.git`;
clones, fetches and pushes of stock Git work, with gzip and chunked bodies, streamed in both directions.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import io
import os
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import unquote

from gitopsui.adapters import process
from gitopsui.adapters.process import Stream

CHUNK_BYTES = 1 << 16
# Longer than any request of Git; a backend that still runs then has lost its client.
BACKEND_END = timedelta(seconds=10)
# http-backend reads its configuration from the environment: pushes are welcome from whoever may come in,
# and the folder may belong to somebody else (a mounted volume).
BACKEND_CONFIG = {"http.receivepack": "true", "safe.directory": "*"}


class GitServer:
    """
    Serves the bare repositories below `root` at `url`, from `start()` to `stop()` or in a `with` block.

    With `users` (name → password) every request needs Basic authentication. `latency` is waited before
    each answer. `port` 0 takes a free one. `requests` lists what was asked, "GET /shop.git/info/refs".
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        users: Mapping[str, str] | None = None,
        latency: timedelta = timedelta(0),
    ) -> None:
        self.root = root
        self.users = users
        self.latency = latency
        self.requests: list[str] = []
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host_port(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Without a final slash: `http://127.0.0.1:8418`."""
        return f"http://{self.host_port}"

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Refuse new requests and wait for those that run."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def allows(self, authorization: str) -> bool:
        """Whether the value of the Authorization header is one of the users."""
        if self.users is None:
            return True
        kind, _, encoded = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return False
        expected = self.users.get(name)
        is_right = hmac.compare_digest((expected or "").encode(), password.encode())
        return kind.lower() == "basic" and expected is not None and is_right


class _Server(ThreadingHTTPServer):
    owner: GitServer
    daemon_threads = False
    # Eight polls may come at once, each with a connection to try the address first.
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no event; nothing is printed."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Git keeps a connection open between its requests; an idle one must not hold `stop()` up for long.
    timeout = 2
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the parent
        """Quiet: `GitServer.requests` is the log."""

    def _answer(self) -> None:
        owner = self.server.owner
        owner.requests.append(f"{self.command} {self.path.partition('?')[0]}")
        time.sleep(owner.latency.total_seconds())
        if not owner.allows(self.headers.get("Authorization", "")):
            self._refuse(401, {"WWW-Authenticate": 'Basic realm="git", charset="UTF-8"'})
        elif ".." in unquote(self.path).split("/"):
            self._refuse(403, {})
        else:
            self._serve()

    def _refuse(self, status: int, headers: Mapping[str, str]) -> None:
        # The body was not read, so nothing sensible can follow on this connection.
        self.close_connection = True
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0", "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _serve(self) -> None:
        pipe = Stream.PIPE
        argv = ["git", "http-backend"]
        environment = self._build_environment()
        with process.start(
            argv, env=environment, stdin=pipe, stdout=pipe, stderr=Stream.NULL, is_tied=False
        ) as backend:
            assert backend.stdin is not None
            assert backend.stdout is not None
            # Beside the answer: a backend that already writes while it reads would wait for us for ever.
            feeder = threading.Thread(target=self._feed, args=(backend.stdin,), daemon=True)
            feeder.start()
            self._relay(backend.stdout)
            feeder.join(self.timeout)
            backend.wait(BACKEND_END)

    def _build_environment(self) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        headers = {
            "CONTENT_TYPE": "Content-Type",
            "CONTENT_LENGTH": "Content-Length",
            "HTTP_CONTENT_ENCODING": "Content-Encoding",
            "GIT_PROTOCOL": "Git-Protocol",
        }
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_PROJECT_ROOT": str(self.server.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": str(len(BACKEND_CONFIG)),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": "git",
        }
        for number, (key, value) in enumerate(BACKEND_CONFIG.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return environment | {name: self.headers[key] for name, key in headers.items() if key in self.headers}

    def _feed(self, backend_input: IO[bytes]) -> None:
        """Hand the body of the request on; ends quietly when either side hangs up."""
        with contextlib.suppress(OSError, ValueError), backend_input:
            for piece in self._body():
                rest = memoryview(piece)
                while rest:
                    rest = rest[backend_input.write(rest) or 0 :]

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline(20).split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline(3)
            while self.rfile.readline(1000).strip():
                pass
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (piece := self.rfile.read(min(left, CHUNK_BYTES))):
            left -= len(piece)
            yield piece

    def _relay(self, backend_output: Any) -> None:
        """Turn the answer of the backend (CGI headers, empty line, body) into HTTP, as it comes."""
        with io.BufferedReader(backend_output, CHUNK_BYTES) as output:
            self._send_head(output)
            while piece := output.read1(CHUNK_BYTES):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, output: io.BufferedReader) -> None:
        # Without a status line the answer is 200; without any header the backend broke down.
        status, headers = 500, {"Transfer-Encoding": "chunked"}
        while line := output.readline(8000).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.title()] = value.strip()
            status = 200 if status == 500 else status
            if name.lower() == "status":
                status = int(value.split()[0])
        self.send_response(status)
        for name, value in headers.items():
            if name not in ("Status", "Content-Length"):
                self.send_header(name, value)
        self.end_headers()
