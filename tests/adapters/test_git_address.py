"""Which remotes and which names of branches and tags are let in."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.adapters.git_address import GitPolicy, check_ref_name, check_url, find_peer
from gitopsui.domain.errors import GitError, InputError
from tests.adapters.git_http import git

INDEX = Path(__file__).parents[2] / "../shared/conformance/badinput/index.json"
POLICY = GitPolicy()


def read_cases(category: str) -> list[dict[str, Any]]:
    if not INDEX.exists():
        return []
    cases = json.loads(INDEX.read_text())["cases"]
    return [case for case in cases if case["category"] == category]


def code_of_url(raw: str, policy: GitPolicy = POLICY) -> str:
    try:
        check_url(raw, policy)
    except InputError as error:
        return error.code
    return "OK"


def code_of_ref(name: str) -> str:
    try:
        assert check_ref_name(name) == name
    except InputError as error:
        return error.code
    return "OK"


class TestUrl:
    @pytest.mark.parametrize(
        ("raw", "url", "same_as"),
        [
            ("https://git.example.org/team/app.git", None, "https://git.example.org/team/app"),
            (" https://GIT.Example.org./team/app/ ", "https://git.example.org/team/app", None),
            ("HTTPS://git.example.org:443/team/app", "https://git.example.org/team/app", None),
            ("https://git.example.org:8443/a", None, None),
            ("https://git.example.org/Team/App", None, "https://git.example.org/Team/App"),
            ("https://git_1.corp/a", None, None),
            ("https://93.184.216.34/a", None, None),
            ("https://[2606:4700::1111]:444/a", None, None),
            ("https://xn--gt-7ka.example.org/a", None, None),
            ("ssh://git@git.example.org:2222/team/app.git", None, "ssh://git.example.org:2222/team/app"),
            ("ssh://git.example.org:22/a", "ssh://git.example.org/a", None),
            ("git@git.example.org:team/app.git", None, "ssh://git.example.org/team/app"),
            ("git@GIT.example.org:/srv/app", "git@git.example.org:/srv/app", "ssh://git.example.org/srv/app"),
            ("https://git.example.org/a/-b", None, None),
            ("https://git.example.org/a%20b", None, None),
        ],
    )
    def test_of_a_remote_is_accepted_in_one_spelling(
        self, raw: str, url: str | None, same_as: str | None
    ) -> None:
        found = check_url(raw, POLICY)
        assert found.url == (url or raw)
        assert found.same_as == (same_as or found.url.removesuffix(".git"))
        assert check_url(found.url, POLICY) == found

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            ("", "URL_SCHEME"),
            ("file:///srv/git/app", "URL_SCHEME"),
            ("/srv/git/app", "URL_SCHEME"),
            ("../app", "URL_SCHEME"),
            ("-u", "URL_SCHEME"),
            ("--upload-pack=touch /tmp/gitopsui-pwned", "URL_SCHEME"),
            ("ext::sh -c id", "URL_SCHEME"),
            ("fd::17", "URL_SCHEME"),
            ("git@host::x", "URL_SCHEME"),
            ("git.example.org:team/app", "URL_SCHEME"),
            ("git+ssh://git.example.org/a", "URL_SCHEME"),
            ("ftp://git.example.org/a", "URL_SCHEME"),
            ("http://git.example.org/a", "URL_SCHEME"),
            ("https:/git.example.org/a", "URL_SCHEME"),
            ("https://", "URL_SYNTAX"),
            ("https:///a", "URL_HOST"),
            ("ssh://-oProxyCommand=x/a", "URL_HOST"),
            ("git@-oProxyCommand=x:a", "URL_HOST"),
            ("https://git..example.org/a", "URL_HOST"),
            ("https://git.example.org\\@evil.example/a", "URL_SYNTAX"),
            ("https://git.example.org/a\nb", "URL_SYNTAX"),
            ("https://git.example.org/a%0ab", "URL_SYNTAX"),
            ("https://git.example.org/a b", "URL_SYNTAX"),
            ("https://git.example.org/../a", "URL_SYNTAX"),
            ("https://git.example.org/%2e%2e/a", "URL_SYNTAX"),
            ("https://git.example.org", "URL_SYNTAX"),
            ("https://git.example.org/", "URL_SYNTAX"),
            ("https://git.example.org:0x50/a", "URL_SYNTAX"),
            ("https://git.example.org:99999/a", "URL_SYNTAX"),
            ("https://git.example.org/a?b", "URL_SYNTAX"),
            ("https://git.example.org/a#", "URL_SYNTAX"),
            ("ssh://git:pw@git.example.org/a", "URL_USERINFO"),
            ("ssh://-l@git.example.org/a", "URL_USERINFO"),
            ("https://git@git.example.org/a", "URL_USERINFO"),
            ("https://@git.example.org/a", "URL_USERINFO"),
            ("https://127.1/a", "URL_ADDRESS"),
            ("https://2130706433/a", "URL_ADDRESS"),
            ("https://0x7f000001/a", "URL_ADDRESS"),
            ("https://[::ffff:127.0.0.1]/a", "URL_ADDRESS"),
            ("https://[fe80::1]/a", "URL_ADDRESS"),
            ("https://10.0.0.1/a", "URL_ADDRESS"),
            ("https://git.localhost/a", "URL_ADDRESS"),
            ("git@localhost:a", "URL_ADDRESS"),
            ("ssh://git@127.0.0.1/a", "URL_ADDRESS"),
        ],
    )
    def test_of_nothing_else_is_accepted(self, raw: str, code: str) -> None:
        assert code_of_url(raw) == code

    def test_is_never_quoted_when_it_is_refused(self) -> None:
        for raw in ("https://CANARY@git.example.org/a", "https://git.example.org/a?CANARY", "CANARY:x"):
            with pytest.raises(InputError) as caught:
                check_url(raw, POLICY)
            assert "CANARY" not in str(caught.value)

    @given(st.text(max_size=60) | st.from_regex(r"[a-z]{2,5}://[^ ]{0,40}", fullmatch=True))
    def test_is_accepted_or_refused_whatever_is_typed(self, raw: str) -> None:
        assert code_of_url(raw) in {
            *("OK", "URL_SCHEME", "URL_SYNTAX", "URL_HOST", "URL_USERINFO", "URL_ADDRESS"),
        }

    def test_outside_the_list_of_hosts_is_refused(self) -> None:
        policy = GitPolicy(allowed_hosts=("git.example.org", "*.corp.example"))
        assert code_of_url("https://GIT.example.org/a", policy) == "OK"
        assert code_of_url("https://x.corp.example/a", policy) == "OK"
        assert code_of_url("https://corp.example/a", policy) == "URL_HOST"
        assert code_of_url("https://git.example.org.evil.example/a", policy) == "URL_HOST"
        assert code_of_url("https://93.184.216.34/a", policy) == "URL_HOST"

    def test_of_a_private_address_needs_the_address_on_the_list(self) -> None:
        policy = GitPolicy(allowed_hosts=("10.0.0.5", "127.0.0.1"))
        assert code_of_url("https://10.0.0.5/a", policy) == "OK"
        assert code_of_url("https://127.0.0.1/a", policy) == "URL_ADDRESS"

    def test_over_plain_http_or_on_loopback_needs_host_and_port_named_by_the_operator(self) -> None:
        policy = GitPolicy(plain_http=frozenset({"127.0.0.1:8418", "Git.corp:80"}))
        assert code_of_url("http://127.0.0.1:8418/a", policy) == "OK"
        assert code_of_url("https://127.0.0.1:8418/a", policy) == "OK"
        assert code_of_url("http://git.corp/a", policy) == "OK"
        assert code_of_url("http://127.0.0.1:8419/a", policy) == "URL_SCHEME"
        assert code_of_url("https://127.0.0.1:8419/a", policy) == "URL_ADDRESS"
        assert code_of_url("http://localhost:8418/a", policy) == "URL_SCHEME"

    @pytest.mark.shared
    @pytest.mark.skipif(not INDEX.exists(), reason="sample cases are not beside this repository")
    @pytest.mark.parametrize("case", read_cases("url"), ids=lambda case: str(case["id"]))
    def test_sample_case(self, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        hosts = ("git.example.org", "rebind.test")
        policy = GitPolicy(allowed_hosts=hosts if "allowlist" in case["id"] else ())
        if "resolver" in case.get("note", ""):
            # Its name is as good as any; what it leads to is not.
            answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
            with pytest.raises(GitError) as caught:
                find_peer(check_url(case["value"], policy), policy)
            assert caught.value.code == "GIT_ADDRESS"
        else:
            assert code_of_url(case["value"], policy) == case["outcome"]


class TestRefName:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("main", "OK"),
            ("release/1.0.x", "OK"),
            ("évé", "OK"),
            ("v1.0.0;id", "OK"),
            ("$(id)", "OK"),
            ("a@b", "OK"),
            ("heads/main", "OK"),
            ("-x", "REF_OPTION"),
            ("--upload-pack=x", "REF_OPTION"),
            ("", "REF_INVALID"),
            ("a..b", "REF_INVALID"),
            ("a.lock", "REF_INVALID"),
            ("a.lock/b", "REF_INVALID"),
            (".a", "REF_INVALID"),
            ("a/.b", "REF_INVALID"),
            ("a.", "REF_INVALID"),
            ("/a", "REF_INVALID"),
            ("a/", "REF_INVALID"),
            ("a//b", "REF_INVALID"),
            ("a b", "REF_INVALID"),
            ("a~1", "REF_INVALID"),
            ("a^", "REF_INVALID"),
            ("a:b", "REF_INVALID"),
            ("a?", "REF_INVALID"),
            ("a*", "REF_INVALID"),
            ("a[b", "REF_INVALID"),
            ("a\\b", "REF_INVALID"),
            ("a@{1}", "REF_INVALID"),
            ("a\x7f", "REF_INVALID"),
            ("a\ud800", "REF_INVALID"),
            ("+main", "REF_INVALID"),
            ("x" * 300, "REF_INVALID"),
            ("@", "REF_AMBIGUOUS"),
            ("HEAD", "REF_AMBIGUOUS"),
            ("FETCH_HEAD", "REF_AMBIGUOUS"),
            ("refs/heads/main", "REF_AMBIGUOUS"),
            ("a" * 40, "REF_AMBIGUOUS"),
            ("0" * 64, "REF_AMBIGUOUS"),
        ],
    )
    def test_is_judged(self, name: str, code: str) -> None:
        assert code_of_ref(name) == code

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12))
    def test_that_is_accepted_is_one_git_accepts(self, name: str) -> None:
        if code_of_ref(name) == "OK":
            git("check-ref-format", f"refs/heads/{name}")

    @pytest.mark.shared
    @pytest.mark.skipif(not INDEX.exists(), reason="sample cases are not beside this repository")
    @pytest.mark.parametrize("case", read_cases("ref"), ids=lambda case: str(case["id"]))
    def test_sample_case(self, case: dict[str, Any]) -> None:
        assert code_of_ref(case["value"]) == case["outcome"]
