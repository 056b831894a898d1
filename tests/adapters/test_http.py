from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters.http import HttpPolicy, HttpSession, parse_json, parse_retry_after, session
from gitopsui.domain.errors import HttpError
from tests.adapters.certificates import make_authority, make_leaf, server_context
from tests.adapters.fault_server import Answer, FaultServer, Request, always
from tests.ports import closed_port

NOW = datetime(2026, 10, 21, 7, 0, tzinfo=UTC)


def policy_for(server: FaultServer, **changes: Any) -> HttpPolicy:
    return HttpPolicy(private_hosts=frozenset({server.host_port}), **changes)


def failure(answer: Answer, **changes: Any) -> HttpError:
    """The error of one call to a server that answers so."""
    with FaultServer({"/": answer}) as server, session(policy_for(server, **changes)) as http:
        with pytest.raises(HttpError) as caught:
            http.get(f"{server.url}/").check()
        return caught.value


@pytest.fixture
def echo() -> Iterator[tuple[FaultServer, HttpSession]]:
    def answer(request: Request) -> None:
        request.reply({"query": request.query, "headers": request.headers, "body": request.body.decode()})

    with FaultServer({"/": answer}) as server, session(policy_for(server)) as http:
        yield server, http


def test_an_answer_comes_back_whole(echo: tuple[FaultServer, HttpSession]) -> None:
    server, http = echo
    answer = http.get(f"{server.url}/?a=1", params={"b": "2 3"}, headers={"Authorization": "Bearer t"})
    assert answer.status == 200
    assert answer.is_ok
    assert answer.json()["query"] == {"a": "1", "b": "2 3"}
    assert answer.json()["headers"]["authorization"] == "Bearer t"


def test_a_body_is_sent_as_json(echo: tuple[FaultServer, HttpSession]) -> None:
    server, http = echo
    sent = http.post(f"{server.url}/", json={"title": "ü"}).json()
    assert json.loads(sent["body"]) == {"title": "ü"}
    assert sent["headers"]["content-type"] == "application/json"


def test_connections_are_kept_between_calls(echo: tuple[FaultServer, HttpSession]) -> None:
    server, http = echo
    for _ in range(5):
        http.get(f"{server.url}/")
    assert http._manager.connection_from_url(server.url).num_connections == 1


def test_the_environment_sets_no_proxy_and_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, echo: tuple[FaultServer, HttpSession]
) -> None:
    server, http = echo
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert "authorization" not in http.get(f"{server.url}/").json()["headers"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with FaultServer({"/stolen": always({})}) as other:
        error = failure(always(status=status, headers={"Location": f"{other.url}/stolen"}))
        assert (error.code, error.permanent) == ("HTTP_REDIRECT", True)
        assert other.requests == []


def test_not_modified_is_an_answer() -> None:
    with FaultServer({"/": always(status=304)}) as server, session(policy_for(server)) as http:
        assert http.get(f"{server.url}/").status == 304


@pytest.mark.parametrize(
    ("status", "code", "permanent"),
    [
        (401, "HTTP_AUTH", True),
        (403, "HTTP_FORBIDDEN", True),
        (404, "HTTP_NOT_FOUND", True),
        (429, "HTTP_BUSY", False),
        (500, "HTTP_STATUS", False),
        (503, "HTTP_STATUS", False),
    ],
)
def test_a_status_becomes_an_error_only_when_asked(status: int, code: str, permanent: bool) -> None:
    error = failure(always({"message": "CANARY"}, status=status))
    assert (error.code, error.permanent) == (code, permanent)
    assert "CANARY" not in str(error)


def test_a_server_that_asks_for_patience_is_heard() -> None:
    error = failure(always(status=503, headers={"Retry-After": "7"}))
    assert (error.code, error.retry_after) == ("HTTP_BUSY", timedelta(seconds=7))


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(seconds=120)),
        ("999999999", timedelta(hours=1)),
        ("9" * 400, timedelta(hours=1)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", timedelta(minutes=28)),
        ("Wed, 21 Oct 2026 07:28:00 -0000", timedelta(minutes=28)),
        ("Wed, 21 Oct 2020 07:28:00 GMT", timedelta(0)),
        ("Wed, 21 Oct 9999 07:28:00 GMT", timedelta(hours=1)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(value: str, wait: timedelta | None) -> None:
    assert parse_retry_after(value, now=NOW) == wait


def test_a_silent_server_ends_the_call_by_the_clock() -> None:
    assert failure(Request.hang, total_timeout=timedelta(seconds=0.4)).code == "HTTP_TIMEOUT"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000,
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 5000,
        b"H" * 5000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1000,
    ],
    ids=["body", "header", "status-line", "chunks"],
)
def test_a_dripping_server_ends_the_call_by_the_clock(data: bytes) -> None:
    """Else each byte would have been in time, and the end of the bytes would be another error or none."""
    error = failure(lambda request: request.drip(data, pause=0.02), total_timeout=timedelta(seconds=0.5))
    assert error.code == "HTTP_TIMEOUT"


def test_a_long_silence_ends_the_call_before_its_time_is_over() -> None:
    error = failure(Request.hang, read_timeout=timedelta(seconds=0.3), total_timeout=timedelta(hours=1))
    assert error.code == "HTTP_TIMEOUT"


def test_a_tls_handshake_that_never_comes_ends_by_the_clock() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host_port = f"127.0.0.1:{listener.getsockname()[1]}"
        policy = HttpPolicy(private_hosts=frozenset({host_port}), total_timeout=timedelta(seconds=0.4))
        with session(policy) as http, pytest.raises(HttpError) as caught:
            http.get(f"https://{host_port}/")
    assert caught.value.code == "HTTP_TIMEOUT"


def test_a_large_answer_is_refused_by_its_announced_size() -> None:
    begin = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n"
    assert failure(lambda request: request.send_raw(begin)).code == "HTTP_TOO_LARGE"


def test_a_large_answer_without_a_size_is_cut_off() -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * 3_000_000
    assert failure(lambda request: request.send_raw(data), max_bytes=1_000_000).code == "HTTP_TOO_LARGE"


def test_a_packed_answer_is_measured_unpacked() -> None:
    body = gzip.compress(b" " * 20_000_000)
    assert len(body) < 100_000
    error = failure(always(body, headers={"Content-Encoding": "gzip"}), max_bytes=1_000_000)
    assert error.code == "HTTP_TOO_LARGE"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2 CANARY\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf CANARY",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nCANARY\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nCANARY",
    ],
)
def test_a_broken_answer_is_an_error_that_quotes_nothing(data: bytes) -> None:
    error = failure(lambda request: request.send_raw(data))
    assert error.code == "HTTP_BROKEN"
    assert "CANARY" not in f"{error} {error.__cause__!r}"


def test_a_server_that_hangs_up_is_unreachable() -> None:
    assert failure(lambda request: request.send_raw(b"")).code == "HTTP_UNREACHABLE"


def test_a_closed_port_is_unreachable() -> None:
    with (
        closed_port() as host_port,
        session(HttpPolicy(private_hosts=frozenset({host_port}))) as http,
        pytest.raises(HttpError) as caught,
    ):
        http.get(f"http://{host_port}/")
    assert (caught.value.code, caught.value.permanent) == ("HTTP_UNREACHABLE", False)


def test_a_login_page_is_not_json() -> None:
    with FaultServer({"/": always(b"<html>CANARY</html>")}) as server, session(policy_for(server)) as http:
        answer = http.get(f"{server.url}/")
    with pytest.raises(HttpError) as caught:
        answer.json()
    assert caught.value.code == "HTTP_NOT_JSON"
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("text", [b"NaN", b'{"a": Infinity}', b"[" * 100_000, b"\xff", b"1" * 5000, b""])
def test_json_no_database_could_hold_is_refused(text: bytes) -> None:
    with pytest.raises(HttpError):
        parse_json(text)


def test_a_header_cannot_begin_another_header(echo: tuple[FaultServer, HttpSession]) -> None:
    server, http = echo
    with pytest.raises(HttpError) as caught:
        http.get(f"{server.url}/", headers={"Authorization": "Bearer CANARY\r\nHost: evil.example"})
    assert caught.value.code == "HTTP_HEADER"
    assert "CANARY" not in str(caught.value)
    assert server.requests == []


def test_an_unlisted_loopback_address_is_not_called() -> None:
    with FaultServer({"/": always()}) as server, session(HttpPolicy()) as http:
        with pytest.raises(HttpError) as caught:
            http.get(f"https://{server.host_port}/")
        assert (caught.value.code, caught.value.permanent) == ("URL_ADDRESS", True)
        assert server.requests == []


class Resolver:
    """Answers each question with the next address, and counts."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.questions: list[str] = []

    def __call__(self, host: str, port: int, **options: Any) -> list[Any]:
        self.questions.append(host)
        address = self.addresses.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def test_a_name_that_resolves_to_a_private_address_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver("127.0.0.1"))
    with FaultServer({"/": always()}) as server, session(HttpPolicy()) as http:
        with pytest.raises(HttpError) as caught:
            http.get(f"https://rebind.test:{server.port}/")
        assert caught.value.code == "URL_ADDRESS"
        assert server.requests == []


def test_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question would get another answer, so there is only one."""
    resolver = Resolver("127.0.0.1", "127.0.0.3")
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with FaultServer({"/": always({"ok": True})}) as server:
        policy = HttpPolicy(private_hosts=frozenset({f"rebind.test:{server.port}"}))
        with session(policy) as http:
            assert http.get(f"http://rebind.test:{server.port}/").json() == {"ok": True}
    assert resolver.questions == ["rebind.test"]


def test_a_resolver_that_never_answers_ends_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: ended.wait())
    policy = HttpPolicy(connect_timeout=timedelta(seconds=0.2))
    with session(policy) as http, pytest.raises(HttpError) as caught:
        http.get("https://slow.test/")
    ended.set()
    assert caught.value.code == "HTTP_TIMEOUT"


def test_an_unknown_name_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with session(HttpPolicy()) as http, pytest.raises(HttpError) as caught:
        http.get("https://nowhere.test/")
    assert caught.value.code == "HTTP_UNREACHABLE"


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = server_context(make_leaf(make_authority()), tmp_path)
    with FaultServer({"/": always()}, context=context) as server, session(policy_for(server)) as http:
        with pytest.raises(HttpError) as caught:
            http.get(f"{server.url}/")
        assert (caught.value.code, caught.value.permanent) == ("HTTP_TLS", True)
        assert "certificate" in caught.value.message
        assert server.requests == []


def test_plain_http_where_tls_was_expected_is_a_tls_error() -> None:
    with FaultServer({"/": always()}) as server:
        http = session(policy_for(server))
        with http, pytest.raises(HttpError) as caught:
            http.get(f"https://{server.host_port}/")
    assert caught.value.code == "HTTP_TLS"
    assert not isinstance(caught.value.__cause__, ssl.SSLError)


def test_an_answer_does_not_show_its_body_when_printed() -> None:
    with FaultServer({"/": always(b"CANARY")}) as server, session(policy_for(server)) as http:
        assert "CANARY" not in repr(http.get(f"{server.url}/"))
