from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitopsui.adapters.http import HttpPolicy, check_peer, check_url
from gitopsui.domain.errors import InputError

SHARED = Path(__file__).parents[2] / "../shared/conformance/badinput"
PUBLIC = HttpPolicy()
WITH_LOOPBACK = HttpPolicy(private_hosts=frozenset({"127.0.0.1:6443", "forge.corp:443", "[::1]:6443"}))


def code_of(url: str, policy: HttpPolicy = PUBLIC) -> str:
    try:
        check_url(url, policy)
    except InputError as error:
        return error.code
    return "OK"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://git.example.org/team/app", "OK"),
        ("https://git.example.org:8443/x", "OK"),
        ("https://8.8.8.8/", "OK"),
        ("https://[2606:4700:4700::1111]/", "OK"),
        ("HTTPS://GIT.example.org./", "OK"),
        ("http://git.example.org/x", "URL_SCHEME"),
        ("ftp://git.example.org/x", "URL_SCHEME"),
        ("file:///etc/passwd", "URL_SCHEME"),
        ("/etc/passwd", "URL_SCHEME"),
        ("", "URL_SCHEME"),
        ("https://", "URL_HOST"),
        ("ext::sh -c id", "URL_SCHEME"),
        ("C:\\repo", "URL_SCHEME"),
        ("https://user@git.example.org/", "URL_USERINFO"),
        ("https://git.example.org@evil.example/", "URL_USERINFO"),
        ("https://git.example.org/?a=b", "URL_SYNTAX"),
        ("https://git.example.org/#a", "URL_SYNTAX"),
        ("https://git.example.org/a\nb", "URL_SYNTAX"),
        ("https://git.example.org\\@evil.example/", "URL_SYNTAX"),
        ("https://git.example.org:99999/", "URL_SYNTAX"),
        ("https://[::1/", "URL_SYNTAX"),
        ("https://-oProxyCommand=x/", "URL_HOST"),
        ("https://gіt.example.org/", "URL_HOST"),
        ("https://a..b/", "URL_HOST"),
        ("https://localhost/", "URL_ADDRESS"),
        ("https://api.LOCALHOST./", "URL_ADDRESS"),
        ("https://metadata.google.internal/", "URL_ADDRESS"),
        ("https://127.0.0.1/", "URL_ADDRESS"),
        ("https://127.0.0.1./", "URL_ADDRESS"),
        ("https://127.1/", "URL_ADDRESS"),
        ("https://0x7f.0.0.1/", "URL_ADDRESS"),
        ("https://2130706433/", "URL_ADDRESS"),
        ("https://0.0.0.0/", "URL_ADDRESS"),
        ("https://10.0.0.7/", "URL_ADDRESS"),
        ("https://100.100.100.200/", "URL_ADDRESS"),
        ("https://168.63.129.16/", "URL_ADDRESS"),
        ("https://169.254.169.254/latest", "URL_ADDRESS"),
        ("https://224.0.0.1/", "URL_ADDRESS"),
        ("https://[::1]/", "URL_ADDRESS"),
        ("https://[::ffff:10.0.0.1]/", "URL_ADDRESS"),
        ("https://[64:ff9b::7f00:1]/", "URL_ADDRESS"),
        ("https://[2002:7f00:1::]/", "URL_ADDRESS"),
        ("https://[fe80::1]/", "URL_ADDRESS"),
        ("https://[fd00:ec2::254]/", "URL_ADDRESS"),
        ("https://git.example.org/" + "a" * 3000, "URL_SYNTAX"),
    ],
)
def test_an_address_is_judged_by_its_text(url: str, code: str) -> None:
    assert code_of(url) == code


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:6443/", "OK"),
        ("https://127.0.0.1:6443/", "OK"),
        ("https://[::1]:6443/", "OK"),
        ("https://127.0.0.1:6444/", "URL_ADDRESS"),
        ("http://127.0.0.1:6444/", "URL_SCHEME"),
        ("https://127.0.0.2:6443/", "URL_ADDRESS"),
    ],
)
def test_an_operator_opens_one_host_and_port_and_no_other(url: str, code: str) -> None:
    assert code_of(url, WITH_LOOPBACK) == code


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("git.example.org", "OK"),
        ("GIT.example.org", "OK"),
        ("a.corp.example", "OK"),
        ("corp.example", "URL_HOST"),
        ("evilcorp.example", "URL_HOST"),
        ("git.example.org.evil.example", "URL_HOST"),
    ],
)
def test_with_a_list_of_hosts_only_those_are_allowed(host: str, code: str) -> None:
    policy = HttpPolicy(allowed_hosts=("git.example.org", "*.corp.example"))
    assert code_of(f"https://{host}/x", policy) == code


def test_a_peer_is_refused_unless_it_is_public() -> None:
    check_peer("93.184.216.34")
    for address in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "not an address"):
        with pytest.raises(InputError) as caught:
            check_peer(address)
        assert caught.value.code == "URL_ADDRESS"


def test_a_name_the_operator_trusts_may_be_private() -> None:
    check_peer("10.1.2.3", WITH_LOOPBACK, host="forge.corp", port=443)
    with pytest.raises(InputError):
        check_peer("10.1.2.3", WITH_LOOPBACK, host="forge.corp", port=80)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "168.63.129.16", "0.0.0.0"]
)
def test_a_name_the_operator_trusts_never_becomes_a_metadata_address(address: str) -> None:
    with pytest.raises(InputError):
        check_peer(address, WITH_LOOPBACK, host="forge.corp", port=443)


def test_a_host_can_be_opened_by_the_program_itself() -> None:
    policy = PUBLIC.with_private_host("https://10.96.0.1")
    check_url("https://10.96.0.1:443", policy)
    assert PUBLIC.private_hosts == frozenset()


@pytest.mark.shared
def test_every_sample_address_gets_its_outcome() -> None:
    if not SHARED.is_dir():
        pytest.skip("sample cases are not beside this repository")
    cases = json.loads((SHARED / "index.json").read_text())["cases"]
    # ssh:// is Git's alone; rebinding needs a resolver and has its own tests.
    skipped = {"url-control_ssh", "url-ssh_option_host", "url-rebinding"}
    urls = [case for case in cases if case["category"] == "url" and case["id"] not in skipped]

    outcomes = {case["id"]: judge(case["value"]) for case in urls}

    assert outcomes == {case["id"]: case["outcome"] for case in urls}


def judge(url: str) -> str:
    """The outcome a form would show; its message must not hold what was typed as a password."""
    allowed_hosts = ("git.example.org",) if "evil.example" in url else ()
    try:
        check_url(url.strip(), HttpPolicy(allowed_hosts=allowed_hosts))
    except InputError as error:
        return "QUOTED" if "CANARY" in repr(error) else error.code
    return "OK"
