"""The HTTP of a stand-in: routes, accounts, and faults on demand."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.forges.ground import Account, Ground, Project, Refused


@dataclass
class Call:
    """One request as a route gets it. `parts` are the groups of its path, unquoted."""

    by: Account
    parts: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def page(self, rows: list[Any], size: str = "per_page", default: int = 30) -> list[Any]:
        per, number = int(self.query.get(size, default)), int(self.query.get("page", 1))
        return rows[(number - 1) * per : number * per]


@dataclass
class Reply:
    data: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Any, Call], Any]
Effect = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Fault:
    """
    Goes wrong `times` times for what matches, after the first `skip`. `is_after`: the call is done, only its
    answer is lost.
    """

    method: str
    path: str
    effect: Effect
    is_after: bool = False
    times: int = 1
    skip: int = 0

    def takes(self, call: Call) -> bool:
        if self.times < 1 or self.method not in ("*", call.method) or not re.search(self.path, call.path):
            return False
        self.skip -= 1
        self.times -= self.skip < 0
        return self.skip < 0


def route(method: str, path: str) -> Callable[[Route], Route]:
    """`{name}` is one segment, `{name*}` the rest."""

    def mark(function: Route) -> Route:
        pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", path)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        function.route = (method, re.compile(pattern))  # type: ignore[attr-defined]
        return function

    return mark


class Forge:
    """
    A stand-in while its `with` lasts. `requests` is what came in; `faults` are used up from the front;
    `latency` is waited before each answer.
    """

    prefix = ""

    def __init__(self, folder: Path, accounts: list[Account], *, latency: timedelta = timedelta(0)) -> None:
        self.ground = Ground(folder, accounts)
        self.requests: list[Call] = []
        self.faults: list[Fault] = []
        self.latency = latency
        self._lock = threading.RLock()
        found = [getattr(type(self), name) for name in dir(type(self))]
        self._routes = [(*one.route, one) for one in found if hasattr(one, "route")]
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.host_port = f"127.0.0.1:{self._server.server_address[1]}"
        self.root = f"http://{self.host_port}"
        self.api_url = self.root + self.prefix

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(
        self, method: str, path: str, effect: Effect, *, is_after: bool = False, times: int = 1, skip: int = 0
    ) -> None:
        self.faults.append(Fault(method, path, effect, is_after, times, skip))

    def count(self, method: str, path: str) -> int:
        return sum(1 for one in self.requests if one.method == method and re.search(path, one.path))

    # What a forge has of its own.

    def token_of(self, headers: Mapping[str, str]) -> str:
        raise NotImplementedError

    def refusal(self, refused: Refused) -> Any:
        return {"message": refused.message}

    def project(self, call: Call, level: str = "read") -> Project:
        project = self.ground.project(self.path_of(call))
        if not call.by.may("read"):
            raise Refused(404, "Not Found")
        if not call.by.may(level):
            raise Refused(403, "Must have write access.")
        return project

    def path_of(self, call: Call) -> str:
        return f"{call.parts['owner']}/{call.parts['name']}"

    def pull(self, call: Call, level: str = "read") -> Any:
        project = self.project(call, level)
        return project, project.pull(int(call.parts["number"]))

    # The way of a request.

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        call = self._read(handler)
        if self.latency:
            time.sleep(self.latency.total_seconds())
        with self._lock:
            self.requests.append(call)
            fault = self._take_fault(call)
            if fault is None or fault.is_after:
                reply = self._serve(call)
        if fault is not None:
            fault.effect(handler)
        else:
            send(handler, reply)

    def _take_fault(self, call: Call) -> Fault | None:
        return next((fault for fault in self.faults if fault.takes(call)), None)

    def _read(self, handler: BaseHTTPRequestHandler) -> Call:
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        content = handler.rfile.read(int(headers.get("content-length", "0") or 0))
        body = json.loads(content) if content and "json" in headers.get("content-type", "") else {}
        if content and "x-www-form-urlencoded" in headers.get("content-type", ""):
            body = {name: values[-1] for name, values in parse_qs(content.decode()).items()}
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        nobody = Account("", "", "none")
        return Call(nobody, {}, query, body, handler.command, parts.path, headers)

    def _serve(self, call: Call) -> Reply:
        try:
            return self._dispatch(call)
        except Refused as refused:
            return Reply(self.refusal(refused), refused.status)

    def _dispatch(self, call: Call) -> Reply:
        path = call.path.removeprefix(self.prefix)
        for method, pattern, function in self._routes:
            match = pattern.fullmatch(path)
            if match and method == call.method:
                call.parts = {name: unquote(value) for name, value in match.groupdict().items()}
                call.by = self._account(call, function)
                found = function(self, call)
                return found if isinstance(found, Reply) else Reply(found)
        raise Refused(404, f"404 Not Found: {call.method} {path}")

    def _account(self, call: Call, function: Route) -> Account:
        found = self.ground.account(self.token_of(call.headers))
        if found is None and not hasattr(function, "is_open"):
            raise Refused(401, "401 Unauthorized")
        return found or call.by


def is_open(function: Route) -> Route:
    """Anybody may ask."""
    function.is_open = True  # type: ignore[attr-defined]
    return function


def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    content = b"" if reply.data is None else json.dumps(reply.data).encode()
    handler.send_response(reply.status)
    handler.send_header("Content-Type", "application/json")
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if reply.status != 204:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if reply.status != 204:
        handler.wfile.write(content)


def drop(handler: BaseHTTPRequestHandler) -> None:
    """The connection ends without a word."""
    handler.close_connection = True


def saying(status: int, content: bytes, **headers: str) -> Effect:
    """This answer, whatever was asked. An underscore in the name of a header is a hyphen."""

    def effect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Connection", "close")
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return effect


def stamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z") if moment else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


def _handler(owner: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            owner.answer(self)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Not in the test output."""

    return Handler
