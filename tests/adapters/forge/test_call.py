"""One policy towards every forge: what is refused, what is waited for, and where the token goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitopsui.adapters.forge.call import ForgeAccess
from gitopsui.adapters.forge.gitea import Gitea
from gitopsui.adapters.forge.github import GitHub
from gitopsui.adapters.forge.gitlab import GitLab
from gitopsui.adapters.forge.pause import end_pauses
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.domain.errors import ForgeError
from tests.adapters.fault_server import Answer, FaultServer, Request, always

KINDS = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}
TOKEN = "canary-3f9a1c"


@pytest.fixture(autouse=True)
def _no_pause() -> Iterator[None]:
    end_pauses()
    yield
    end_pauses()


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def client(kind: str, server: FaultServer, **changes: Any) -> Any:
    policy = HttpPolicy(private_hosts=frozenset({server.host_port}))
    return KINDS[kind](ForgeAccess(server.url, "team/config", TOKEN), replace(policy, **changes))


def failure(call: Callable[[], object]) -> ForgeError:
    with pytest.raises(ForgeError) as caught:
        call()
    assert TOKEN not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


def served(answer: Answer) -> FaultServer:
    return FaultServer({}, default=answer)


@pytest.mark.parametrize("status", [403, 429])
def test_f62_all_calls_wait_as_long_as_the_forge_says(kind: str, status: int) -> None:
    with served(always({"message": "slow down"}, status=status, headers={"Retry-After": "90"})) as server:
        error = failure(lambda: client(kind, server).get("7"))
        assert (error.code, error.permanent) == ("FORGE_BUSY", False)
        assert error.retry_after is not None
        assert timedelta(seconds=85) < error.retry_after <= timedelta(seconds=90)
        assert "until" in error.message
        asked = len(server.requests)
        assert failure(lambda: client(kind, server).find("x")).code == "FORGE_BUSY"
        assert len(server.requests) == asked, "a call was made though the forge asked us to wait"


@pytest.mark.parametrize("names", ["x-ratelimit", "ratelimit"])
def test_f62_a_used_up_limit_is_waited_for_until_it_is_reset(kind: str, names: str) -> None:
    reset = int(datetime.now(UTC).timestamp()) + 300
    headers = {f"{names}-remaining": "0", f"{names}-reset": str(reset)}
    with served(always({"message": "API rate limit exceeded"}, status=403, headers=headers)) as server:
        error = failure(lambda: client(kind, server).get("7"))
        assert error.code == "FORGE_BUSY"
        assert error.retry_after is not None
        assert timedelta(seconds=100) < error.retry_after <= timedelta(seconds=300)


def test_f62_a_secondary_limit_without_a_time_is_waited_for_a_minute(kind: str) -> None:
    said = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    with served(always(said, status=403)) as server:
        error = failure(lambda: client(kind, server).get("7"))
        assert error.code == "FORGE_BUSY"
        assert error.retry_after is not None
        assert timedelta(seconds=1) < error.retry_after <= timedelta(minutes=1)


def test_f62_another_forge_does_not_wait(kind: str) -> None:
    with served(always(b"Retry later", status=429)) as busy, served(always({}, status=404)) as other:
        assert failure(lambda: client(kind, busy).get("7")).code == "FORGE_BUSY"
        assert failure(lambda: client(kind, other).get("7")).code == "FORGE_NOT_FOUND"


class Told:
    """Pauses that somebody else remembers."""

    def __init__(self) -> None:
        self.until: dict[str, datetime] = {}

    def find(self, endpoint: str) -> datetime | None:
        return self.until.get(endpoint)

    def hold(self, endpoint: str, until: datetime) -> None:
        self.until[endpoint] = until


def test_f62_what_is_remembered_elsewhere_is_asked_and_told(kind: str) -> None:
    pauses = Told()
    with served(always({}, status=429, headers={"Retry-After": "90"})) as server:
        policy = HttpPolicy(private_hosts=frozenset({server.host_port}))
        access = ForgeAccess(server.url, "team/config", TOKEN)
        first, second = (KINDS[kind](access, policy, pauses=pauses) for _ in range(2))
        assert failure(lambda: first.get("7")).code == "FORGE_BUSY"
        assert list(pauses.until) == [server.host_port]
        asked = len(server.requests)
        assert failure(lambda: second.get("7")).code == "FORGE_BUSY"
        assert len(server.requests) == asked
        pauses.until.clear()
        assert failure(lambda: second.get("7")).code == "FORGE_BUSY"
        assert len(server.requests) == asked + 1


HTML = b"<html><script>alert(1)</script><h1>502 Bad Gateway</h1></html>"


@pytest.mark.parametrize(
    "answer",
    [
        always(HTML, status=502),
        always(HTML, status=503),
        always(HTML, status=200),
        always(b'{"number": 7, "head": {"sh', status=200),
        always(b"[1, 2", status=200),
        always([1, "x", None], status=200),
        always({"number": "seven", "iid": [], "head": [], "sha": 1}, status=200),
        always(None, status=200),
        always(b"", status=200),
        lambda request: request.send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
        lambda request: request.send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n{"),
        lambda request: request.send_raw(b"\x00\xff\x00 what"),
        lambda request: request.send_raw(b""),
    ],
    ids=[
        "502", "503", "page", "cut", "cut-list", "list", "types", "null", "empty", "short",
        "2GB", "noise", "drop",
    ],
)  # fmt: skip
def test_f63_what_cannot_be_understood_is_temporary_and_not_shown(kind: str, answer: Answer) -> None:
    with served(answer) as server:
        error = failure(lambda: client(kind, server).get("7"))
        assert (error.code, error.permanent) == ("FORGE_ERROR", False)
        assert "<" not in error.message


def test_f63_a_byte_at_a_time_ends_by_the_wall_clock(kind: str) -> None:
    def drip(request: Request) -> None:
        # All of it takes longer than a test may.
        request.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + b" " * 30_000, pause=0.05)

    with served(drip) as server:
        error = failure(lambda: client(kind, server, total_timeout=timedelta(seconds=1)).get("7"))
        assert error.code == "FORGE_ERROR"


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "FORGE_AUTH"), (403, "FORGE_FORBIDDEN"), (404, "FORGE_NOT_FOUND"), (410, "FORGE_NOT_FOUND")],
)
def test_f64_a_refusal_says_who_has_to_do_what_and_is_not_asked_again(
    kind: str, status: int, code: str
) -> None:
    said = {"message": "no: <b>insufficient_scope</b>", "error": "insufficient_scope"}
    with served(always(said, status=status)) as server:
        error = failure(lambda: client(kind, server).get("7"))
        assert (error.code, error.permanent) == (code, True)
        assert "insufficient_scope" in error.message
        assert len(error.hint) > 20


def test_f64_single_sign_on_is_named(kind: str) -> None:
    headers = {"X-GitHub-SSO": "required; url=https://github.com/orgs/team/sso?authorization_request=x"}
    with served(
        always({"message": "Resource protected by organization SAML"}, status=403, headers=headers)
    ) as server:
        error = failure(lambda: client(kind, server).get("7"))
        assert "single sign-on" in error.hint
        assert error.permanent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f65_a_redirect_is_not_followed_and_the_token_stays_here(kind: str, status: int) -> None:
    with served(always({})) as other:
        away = always(b"", status=status, headers={"Location": f"{other.url}/repos/team/config"})
        with served(away) as server:
            for call in (lambda: client(kind, server).get("7"), lambda: client(kind, server).close("7")):
                error = failure(call)
                assert (error.code, error.permanent) == ("FORGE_REDIRECT", True)
        assert other.requests == []


def test_f65_a_link_to_another_host_is_not_followed(kind: str) -> None:
    with served(always([])) as other:
        headers = {"Link": f'<{other.url}/repos?page=2>; rel="next"', "X-Next-Page": "2"}
        with served(always([], headers=headers)) as server:
            assert client(kind, server).find("x") == []
            assert len(server.requests) < 5
        assert other.requests == []


def test_a_page_of_another_host_is_no_link(kind: str) -> None:
    pull = {
        "number": 7, "iid": 7, "state": "open", "sha": "a" * 40, "head": {"sha": "a" * 40},
        "html_url": "https://evil.example/7", "web_url": "javascript:alert(1)",
    }  # fmt: skip
    with served(always(pull)) as server:
        assert client(kind, server).get("7").url == ""


def test_a_path_stays_one_path(kind: str) -> None:
    with served(always({}, status=404)) as server:
        failure(lambda: client(kind, server).get("7/../../../users?x=#"))
        (request,) = server.requests
        assert request.path.endswith("7%2F..%2F..%2F..%2Fusers%3Fx%3D%23")


def test_a_host_that_the_operator_does_not_allow_is_not_called(kind: str) -> None:
    with served(always({})) as server:
        access = ForgeAccess(server.url, "team/config", TOKEN)
        error = failure(lambda: KINDS[kind](access, HttpPolicy()).get("7"))
        assert (error.code, error.permanent) == ("FORGE_ADDRESS", True)
        assert server.requests == []


def test_a_token_that_would_begin_a_header_of_its_own_is_not_sent(kind: str) -> None:
    with served(always({})) as server:
        access = ForgeAccess(server.url, "team/config", "abc\r\nX-Other: 1")
        policy = HttpPolicy(private_hosts=frozenset({server.host_port}))
        assert failure(lambda: KINDS[kind](access, policy).get("7")).code == "FORGE_AUTH"
        assert server.requests == []


def test_a_token_is_not_in_what_is_printed() -> None:
    assert TOKEN not in repr(ForgeAccess("https://git.example.org", "team/config", TOKEN))
