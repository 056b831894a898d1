"""Which forge a repository lies on: told from the address, or by asking without a token."""

from __future__ import annotations

import pytest

from gitopsui.adapters.forge.detect import FoundForge, find_known, place_of, probe
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.domain.errors import ForgeError
from tests.adapters.fault_server import Answer, FaultServer, always


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/team/config.git", ("github", "https://api.github.com", "team/config")),
        ("git@github.com:team/config.git", ("github", "https://api.github.com", "team/config")),
        ("ssh://git@ssh.github.com:443/team/config", ("github", "https://api.github.com", "team/config")),
        ("https://gitlab.com/group/sub/config/", ("gitlab", "https://gitlab.com/api/v4", "group/sub/config")),
        ("https://CODEBERG.org/team/config", ("gitea", "https://codeberg.org/api/v1", "team/config")),
        ("https://github.com.evil.example/team/config", None),
        ("https://evil.example/github.com/config", None),
        ("https://git.example.org/team/config", None),
        ("https://github.com/alone", None),
    ],
)
def test_a_known_host_needs_no_asking(url: str, found: tuple[str, str, str] | None) -> None:
    assert find_known(url) == (FoundForge(*found) if found else None)


def test_a_remote_that_is_reached_by_ssh_has_its_pages_on_the_usual_port() -> None:
    place = place_of("ssh://git@git.example.org:2222/team/config.git")
    assert place is not None
    assert (place.origin, place.path) == ("https://git.example.org", "team/config")


SIGN_IN = always(b"", status=302, headers={"Location": "https://evil.example/sign-in"})
PAGE = always(b"<html>Welcome</html>")
CASES: list[tuple[dict[str, Answer], str]] = [
    ({"/api/v1/version": always({"version": "1.21.11"})}, "gitea"),
    ({"/api/v1/version": always({"version": "11.0.3+gitea-1.22.0"})}, "gitea"),
    ({"/api/v4/version": always({"message": "401 Unauthorized"}, status=401)}, "gitlab"),
    ({"/api/v4/version": always({"version": "17.5.0", "revision": "abc"})}, "gitlab"),
    ({"/api/v3/meta": always({"verifiable_password_authentication": True})}, "github"),
    ({"/api/v1/version": PAGE, "/api/v4/version": PAGE, "/api/v3/meta": PAGE}, ""),
    ({"/api/v1/version": SIGN_IN, "/api/v4/version": SIGN_IN, "/api/v3/meta": SIGN_IN}, ""),
    ({"/api/v1/version": always([1]), "/api/v4/version": always({"version": 4})}, ""),
    ({}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("routes", "kind"), CASES)
def test_a_host_is_asked_what_it_is_without_any_token(routes: dict[str, Answer], kind: str) -> None:
    with FaultServer(routes) as server:
        policy = HttpPolicy(private_hosts=frozenset({server.host_port}))
        found = probe(f"{server.url}/team/config.git", policy)
        assert (found.kind if found else "") == kind
        if found:
            assert found.path == "team/config"
            assert found.api_url.startswith(f"{server.url}/api/v")
        assert all("authorization" not in request.headers for request in server.requests)


def test_a_gitea_in_a_folder_of_its_host_is_found() -> None:
    with FaultServer({"/git/api/v1/version": always({"version": "1.21.0"})}) as server:
        policy = HttpPolicy(private_hosts=frozenset({server.host_port}))
        found = probe(f"{server.url}/git/team/config", policy)
    assert found == FoundForge("gitea", f"{server.url}/git/api/v1", "team/config")


def test_a_host_the_operator_does_not_allow_is_not_asked() -> None:
    with FaultServer({}) as server:
        with pytest.raises(ForgeError) as caught:
            probe(f"{server.url}/team/config", HttpPolicy())
        assert caught.value.permanent
        assert server.requests == []
