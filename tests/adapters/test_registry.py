"""What a registry may answer, good and bad; the faults are written by hand. The real one is elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.registry import Registry, RegistryCredential, TagList, endpoint_of
from gitopsui.adapters.registry_auth import Challenge, parse_challenge
from gitopsui.adapters.registry_manifest import ImageLabels, digest_of, image_in, labels_in, read_document
from gitopsui.domain.errors import HttpError, InputError, RegistryError, SourceError
from gitopsui.domain.image import ImageReference, parse_image
from tests.adapters.certificates import make_authority, make_leaf, server_context
from tests.adapters.fault_server import Answer, FaultServer, Request, always

TAGS = "/v2/acme/cart/tags/list"
HEX = "sha256:" + "a" * 64
CANARY = "canary-of-the-registry"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({}) as running:
        yield running


@pytest.fixture
def other() -> Iterator[FaultServer]:
    with FaultServer({}) as running:
        yield running


def policy_for(*servers: FaultServer, **changes: Any) -> HttpPolicy:
    trusted = frozenset(one.host_port for one in servers)
    return HttpPolicy(private_hosts=trusted, total_timeout=timedelta(minutes=1), **changes)


def open_registry(server: FaultServer, *others: FaultServer, password: str = "", **options: Any) -> Registry:
    credential = RegistryCredential(server.url, "reader" if password else "", password)
    policy = policy_for(server, *others, **options.pop("policy", {}))
    return Registry(server.host_port, policy, credential, **options)


def failure(call: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        call()
    assert CANARY not in f"{caught.value!r} {caught.value.hint}"
    return caught.value


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", ("docker.io", "library/nginx", None, None)),
        ("nginx:1.27", ("docker.io", "library/nginx", "1.27", None)),
        ("docker.io/nginx", ("docker.io", "library/nginx", None, None)),
        ("index.docker.io/acme/cart", ("docker.io", "acme/cart", None, None)),
        ("acme/cart", ("docker.io", "acme/cart", None, None)),
        ("ghcr.io/acme/cart:v1", ("ghcr.io", "acme/cart", "v1", None)),
        ("localhost/cart", ("localhost", "cart", None, None)),
        ("127.0.0.1:5000/cart", ("127.0.0.1:5000", "cart", None, None)),
        ("[::1]:5000/a/b/c:x", ("[::1]:5000", "a/b/c", "x", None)),
        (f"reg.example.org:443/cart@{HEX}", ("reg.example.org:443", "cart", None, HEX)),
        (f"reg.example.org/cart:1.0.0@{HEX}", ("reg.example.org", "cart", "1.0.0", HEX)),
    ],
)
def test_a_reference_names_a_registry_an_image_and_a_tag(text: str, expected: tuple[Any, ...]) -> None:
    assert parse_image(text) == ImageReference(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "acme/Cart",
        "a b",
        "ghcr.io/",
        "ghcr.io/a:",
        "a//b",
        "a@sha256:1",
        "a/../b",
        "a?b",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_image(text)


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("docker.io", "https://registry-1.docker.io:443"),
        ("ghcr.io", "https://ghcr.io:443"),
        ("reg.example.org:5000", "https://reg.example.org:5000"),
        ("[::1]:5000", "https://[::1]:5000"),
    ],
)
def test_a_credential_belongs_to_the_address_of_the_registry(host: str, endpoint: str) -> None:
    assert endpoint_of(host) == endpoint


def test_allowing_a_registry_allows_the_hosts_it_works_with() -> None:
    hub = Registry("docker.io", HttpPolicy(allowed_hosts=("docker.io",)))._session.policy
    assert all(hub.allows_host(host) for host in ("registry-1.docker.io", "auth.docker.io"))
    assert not hub.allows_host("ghcr.io")
    strange = Registry("docker.io", HttpPolicy(allowed_hosts=("ghcr.io",)))
    assert failure(lambda: strange.tags("library/nginx")).code == "URL_HOST"


@pytest.mark.parametrize("repository", ["", "../x", "Acme", "a b", "a:1", "a?n=1", "a@b", f"a@{HEX}"])
def test_what_is_no_image_is_never_asked_for(server: FaultServer, repository: str) -> None:
    with open_registry(server) as registry:
        assert failure(lambda: registry.tags(repository)).code == "REGISTRY_NAME"
        assert failure(lambda: registry.labels(repository, HEX)).code == "REGISTRY_NAME"
    assert server.requests == []


@pytest.mark.parametrize("tag", ["", "../x", "a/b", "-x", "a?b", "x" * 129])
def test_what_is_no_tag_is_never_asked_for(server: FaultServer, tag: str) -> None:
    with open_registry(server) as registry:
        assert failure(lambda: registry.head("acme/cart", tag)).code == "REGISTRY_NAME"
        assert failure(lambda: registry.labels("acme/cart", tag)).code == "REGISTRY_NAME"
    assert server.requests == []


# --- lists ------------------------------------------------------------------------------------------------


def pages(*listed: list[str], link: str = "", rel: str = 'rel="next"') -> Answer:
    """Pages of a list as the specification says; `link` is what the next page is said to be at."""

    def answer(request: Request) -> None:
        number = int(request.query.get("last", "0"))
        following = f"{link or TAGS}?n={request.query['n']}&last={number + 1}"
        headers = {"Link": f"<{following}>; {rel}"} if number + 1 < len(listed) else {}
        request.reply({"name": "acme/cart", "tags": listed[number]}, headers=headers)

    return answer


def test_a_list_of_several_pages_is_read_to_its_end(server: FaultServer) -> None:
    server.routes[TAGS] = pages(["1.0.0", "1.1.0"], ["1.2.0", "1.3.0"], ["2.0.0"])
    with open_registry(server, page_size=2) as registry:
        assert registry.tags("acme/cart") == TagList(("1.0.0", "1.1.0", "1.2.0", "1.3.0", "2.0.0"))
    assert [request.query.get("n") for request in server.requests] == ["2", "2", "2"]


@pytest.mark.parametrize("form", ["{url}" + TAGS, TAGS, "list", "?x=1"])
def test_the_next_page_may_be_named_in_full_or_in_part(server: FaultServer, form: str) -> None:
    link = form.format(url=server.url)
    if form.startswith("?"):
        server.routes[TAGS] = pages(["a"], ["b"], link="")
    else:
        server.routes[TAGS] = pages(["a"], ["b"], link=link, rel="rel=next")
    with open_registry(server) as registry:
        assert registry.tags("acme/cart") == TagList(("a", "b"))


def test_a_next_page_on_another_host_is_not_read_and_the_list_not_complete(
    server: FaultServer, other: FaultServer
) -> None:
    server.routes[TAGS] = pages(["1.0.0"], ["9.9.9"], link=f"{other.url}{TAGS}")
    with open_registry(server, other, password=CANARY) as registry:
        assert registry.tags("acme/cart") == TagList(("1.0.0",), is_complete=False)
    assert other.requests == []


@pytest.mark.parametrize("link", ["/v2/acme/other/tags/list", "/v2/_catalog", "http://[", "//x y"])
def test_a_next_page_of_something_else_ends_the_list(server: FaultServer, link: str) -> None:
    server.routes[TAGS] = pages(["1.0.0"], ["9.9.9"], link=link)
    with open_registry(server) as registry:
        assert registry.tags("acme/cart") == TagList(("1.0.0",), is_complete=False)
    assert server.paths() == [TAGS]


def test_a_list_that_goes_in_circles_ends(server: FaultServer) -> None:
    server.routes[TAGS] = always({"tags": ["1.0.0"]}, headers={"Link": f'<{TAGS}?n=1>; rel="next"'})
    with open_registry(server) as registry:
        assert registry.tags("acme/cart") == TagList(("1.0.0",), is_complete=False)
    assert len(server.requests) == 2


def test_a_list_without_an_end_is_cut(server: FaultServer) -> None:
    def answer(request: Request) -> None:
        number = int(request.query.get("last", "0"))
        link = f'<{TAGS}?last={number + 1}>; rel="next"'
        request.reply({"tags": [f"1.0.{number}"]}, headers={"Link": link})

    server.routes[TAGS] = answer
    with open_registry(server) as registry:
        found = registry.tags("acme/cart")
    assert (len(found.names), found.is_complete) == (50, False)


def test_a_list_that_takes_too_long_is_cut(server: FaultServer) -> None:
    server.routes[TAGS] = pages(["1.0.0"], ["1.1.0"])
    with open_registry(server, list_timeout=timedelta(0)) as registry:
        assert registry.tags("acme/cart") == TagList(("1.0.0",), is_complete=False)


def test_names_that_are_no_tags_are_left_out(server: FaultServer) -> None:
    server.routes[TAGS] = always({"tags": ["1.0.0", "../x", "a b", 7, None, "<b>", "x\u202e"]})
    with open_registry(server) as registry:
        assert registry.tags("acme/cart").names == ("1.0.0",)


@pytest.mark.parametrize("body", [[], {"tags": "x"}, {"tags": {"a": 1}}, 7])
def test_what_is_no_list_is_told(server: FaultServer, body: Any) -> None:
    server.routes[TAGS] = always(body)
    with open_registry(server) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == "REGISTRY_FORMAT"


@pytest.mark.parametrize(
    ("body", "code"), [(b"<html>" + CANARY.encode(), "HTTP_NOT_JSON"), (b"[" * 9000, "HTTP_NOT_JSON")]
)
def test_a_page_that_is_no_json_is_told_and_not_quoted(server: FaultServer, body: bytes, code: str) -> None:
    server.routes[TAGS] = always(body)
    with open_registry(server) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == code


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "is_permanent"),
    [
        (401, "REGISTRY_AUTH", True),
        (403, "REGISTRY_FORBIDDEN", True),
        (404, "REGISTRY_NOT_FOUND", True),
        (500, "REGISTRY_STATUS", False),
        (502, "REGISTRY_STATUS", False),
        (307, "REGISTRY_REDIRECT", True),
    ],
)
def test_a_refusal_is_a_sentence(server: FaultServer, status: int, code: str, is_permanent: bool) -> None:
    body = {"errors": [{"code": "X", "message": CANARY}]}
    server.routes[TAGS] = always(body, status=status, headers={"Location": f"{server.url}/{CANARY}"})
    with open_registry(server) as registry:
        error = failure(lambda: registry.tags("acme/cart"))
    assert (error.code, error.permanent) == (code, is_permanent)
    assert isinstance(error, RegistryError)
    assert server.paths() == [TAGS]


@pytest.mark.parametrize(
    ("status", "asked", "pause"),
    [(429, "90", 90), (429, "", 60), (429, "nonsense", 60), (429, "999999", 3600), (503, "5", 5)],
)
def test_a_registry_that_asks_to_wait_is_waited_for(
    server: FaultServer, status: int, asked: str, pause: int
) -> None:
    server.routes[TAGS] = always(status=status, headers={"Retry-After": asked} if asked else {})
    with open_registry(server) as registry:
        error = failure(lambda: registry.tags("acme/cart"))
    assert error.code == "REGISTRY_BUSY"
    assert error.retry_after == timedelta(seconds=pause)


def test_a_silent_registry_costs_one_time_limit(server: FaultServer) -> None:
    server.routes[TAGS] = Request.hang
    limit = {"read_timeout": timedelta(seconds=0.3)}
    with open_registry(server, policy=limit) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == "HTTP_TIMEOUT"


def test_a_list_that_is_too_long_is_not_read(server: FaultServer) -> None:
    server.routes[TAGS] = always(b" " * (5 << 20))
    with open_registry(server) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == "HTTP_TOO_LARGE"


# --- signing in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("Negotiate", None),
        ("Bearer", None),
        ('Bearer service="x"', None),
        ('Basic realm="x"', Challenge("basic", "x")),
        ("Basic", Challenge("basic")),
        ('bearer realm="https://a/t",service="s"', Challenge("bearer", "https://a/t", "s")),
        ('Bearer realm="https://a/t?x=1, y",scope="a:b:c"', Challenge("bearer", "https://a/t?x=1, y")),
        ('Basic realm="x", Bearer realm="https://a/t"', Challenge("bearer", "https://a/t")),
        ('Bearer realm=https://a/t, error="insufficient_scope"', Challenge("bearer", "https://a/t")),
    ],
)
def test_a_challenge_is_read(header: str, expected: Challenge | None) -> None:
    assert parse_challenge(header) == expected


@pytest.mark.parametrize(
    "header", ["bearer " * 60_000, 'Bearer a="' + "b" * 90_000, "Bearer " + "a=" * 50_000]
)
def test_a_long_challenge_takes_no_time(header: str) -> None:
    assert parse_challenge(header) is None


def challenged(realm: str, *, token: str = "t1") -> Answer:
    """Tags for whoever brings the token, a challenge for the rest."""

    def answer(request: Request) -> None:
        if request.headers.get("authorization") == f"Bearer {token}":
            request.reply({"tags": ["1.0.0"]})
        else:
            request.reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})

    return answer


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_an_open_image_needs_a_token_but_no_account(
    server: FaultServer, other: FaultServer, name: str
) -> None:
    server.routes[TAGS] = challenged(f"{other.url}/token")
    other.routes["/token"] = always({name: "t1"})
    with open_registry(server, other) as registry:
        assert registry.tags("acme/cart").names == ("1.0.0",)
    (asked,) = other.requests
    assert asked.query == {"service": "s", "scope": "repository:acme/cart:pull"}
    assert "authorization" not in asked.headers


def test_the_credential_goes_to_the_token_server_and_the_token_to_the_registry(
    server: FaultServer, other: FaultServer
) -> None:
    server.routes[TAGS] = challenged(f"{other.url}/token")
    other.routes["/token"] = always({"token": "t1"})
    with open_registry(server, other, password=CANARY) as registry:
        registry.tags("acme/cart")
    sent = [request.headers.get("authorization", "")[:6] for request in server.requests]
    assert sent == ["", "Bearer"]
    assert other.requests[0].headers["authorization"].startswith("Basic ")


def test_a_token_server_that_may_not_be_reached_gets_nothing(server: FaultServer, other: FaultServer) -> None:
    server.routes[TAGS] = challenged(f"{other.url}/token")
    with open_registry(server, password=CANARY) as registry:
        error = failure(lambda: registry.tags("acme/cart"))
    assert isinstance(error, HttpError)
    assert error.permanent
    assert other.requests == []


@pytest.mark.parametrize(
    ("realm", "code"),
    [
        ("http://auth.example.org/token", "URL_SCHEME"),
        ("https://169.254.169.254/token", "URL_ADDRESS"),
        ("https://localhost/token", "URL_ADDRESS"),
        ("https://u:p@auth.example.org/token", "URL_USERINFO"),
        ("file:///etc/passwd", "URL_SCHEME"),
        ("https://auth.example.org/" + "x" * 9000, None),
    ],
)
def test_a_realm_that_is_no_public_https_address_is_refused(
    server: FaultServer, realm: str, code: str | None
) -> None:
    server.routes[TAGS] = challenged(realm)
    with open_registry(server, password=CANARY) as registry:
        error = failure(lambda: registry.tags("acme/cart"))
    assert error.code == (code or "REGISTRY_AUTH")


@pytest.mark.parametrize("answer", [{}, [], {"token": ""}, {"token": 7}, {"token": "a\nb"}, {"token": "ü"}])
def test_a_token_server_without_a_token_is_told(server: FaultServer, other: FaultServer, answer: Any) -> None:
    server.routes[TAGS] = challenged(f"{other.url}/token")
    other.routes["/token"] = always(answer)
    with open_registry(server, other) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == "REGISTRY_TOKEN"


def test_a_token_that_is_refused_too_ends_it(server: FaultServer, other: FaultServer) -> None:
    server.routes[TAGS] = challenged(f"{other.url}/token", token="another")
    other.routes["/token"] = always({"token": "t1"})
    with open_registry(server, other) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == "REGISTRY_AUTH"
    assert (len(server.requests), len(other.requests)) == (2, 1)


def test_a_busy_token_server_is_waited_for(server: FaultServer, other: FaultServer) -> None:
    server.routes[TAGS] = challenged(f"{other.url}/token")
    other.routes["/token"] = always(status=429, headers={"Retry-After": "7"})
    with open_registry(server, other) as registry:
        assert failure(lambda: registry.tags("acme/cart")).retry_after == timedelta(seconds=7)


def test_a_credential_of_another_registry_is_not_sent(server: FaultServer, other: FaultServer) -> None:
    credential = RegistryCredential(other.url, "reader", CANARY)
    with Registry(server.host_port, policy_for(server, other), credential) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code == "REGISTRY_CREDENTIAL"
    assert server.requests == other.requests == []


def test_a_credential_shows_nothing_of_itself() -> None:
    assert CANARY not in repr(RegistryCredential("https://ghcr.io:443", CANARY, CANARY))


def test_plain_http_is_never_spoken_to_a_host_the_operator_does_not_trust(server: FaultServer) -> None:
    credential = RegistryCredential(server.url, "reader", CANARY)
    with Registry(server.host_port, HttpPolicy(), credential) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code in {"URL_SCHEME", "URL_ADDRESS"}
    assert server.requests == []


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = server_context(make_leaf(make_authority()), tmp_path)
    with (
        FaultServer({TAGS: always({"tags": ["1.0.0"]})}, context=context) as server,
        Registry(server.host_port, policy_for(server)) as registry,
    ):
        assert failure(lambda: registry.tags("acme/cart")).code == "HTTP_TLS"
        assert server.requests == []


def test_a_credential_for_tls_is_never_sent_without_it(server: FaultServer) -> None:
    server.routes[TAGS] = always(status=401, headers={"WWW-Authenticate": "Basic"})
    credential = RegistryCredential(f"https://{server.host_port}", "reader", CANARY)
    policy = policy_for(server, read_timeout=timedelta(seconds=0.3))
    with Registry(server.host_port, policy, credential) as registry:
        assert failure(lambda: registry.tags("acme/cart")).code.startswith("HTTP_")
    assert TAGS not in server.paths()


# --- documents --------------------------------------------------------------------------------------------


def serve_image(server: FaultServer, config: Any, **changes: Any) -> str:
    """A manifest and its configuration; the digest of the manifest."""
    content = json.dumps(config).encode()
    manifest = {"config": {"digest": digest_of(content)}, **changes}
    body = json.dumps(manifest).encode()
    server.routes[f"/v2/acme/cart/blobs/{digest_of(content)}"] = always(content)
    server.routes[f"/v2/acme/cart/manifests/{digest_of(body)}"] = always(body)
    return digest_of(body)


CONFIGURATION = {"config": {"Labels": {"org.opencontainers.image.revision": "a" * 40}}}


def blob_path(server: FaultServer) -> str:
    return next(path for path in server.routes if "/blobs/" in path)


def test_a_blob_that_lies_elsewhere_is_fetched_there_without_the_credential(
    server: FaultServer, other: FaultServer
) -> None:
    digest = serve_image(server, CONFIGURATION)
    path = blob_path(server)
    other.routes["/stored"] = server.routes[path]
    target = f"{other.url}/stored?signature={'x' * 4000}"
    server.routes[path] = always(status=307, headers={"Location": target})
    with open_registry(server, other, password=CANARY) as registry:
        registry._sign_in._is_basic = True
        assert registry.labels("acme/cart", digest).revision == "a" * 40
    assert all("authorization" in request.headers for request in server.requests)
    (fetched,) = other.requests
    assert "authorization" not in fetched.headers
    assert "cookie" not in fetched.headers


def test_a_second_redirect_is_not_followed(server: FaultServer, other: FaultServer) -> None:
    digest = serve_image(server, CONFIGURATION)
    redirect = always(status=307, headers={"Location": f"{other.url}/again"})
    server.routes[blob_path(server)] = redirect
    other.default = redirect
    with open_registry(server, other) as registry:
        assert failure(lambda: registry.labels("acme/cart", digest)).code == "REGISTRY_REDIRECT"
    assert len(other.requests) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://storage.example.org/x",
        "https://127.0.0.1:1/x",
        "https://169.254.169.254/latest",
        "https://u:p@storage.example.org/x",
        "file:///etc/passwd",
        "https://[",
        "https://storage.example.org/a b",
    ],
)
def test_storage_that_is_no_public_https_host_is_refused(server: FaultServer, target: str) -> None:
    digest = serve_image(server, CONFIGURATION)
    server.routes[blob_path(server)] = always(status=307, headers={"Location": target})
    with open_registry(server) as registry:
        error = failure(lambda: registry.labels("acme/cart", digest))
    assert error.permanent
    assert "another host" in error.hint


def test_a_redirect_of_a_manifest_is_not_followed(server: FaultServer, other: FaultServer) -> None:
    server.default = always(status=302, headers={"Location": f"{other.url}/x"})
    with open_registry(server, other) as registry:
        assert failure(lambda: registry.labels("acme/cart", HEX)).code == "REGISTRY_REDIRECT"
        assert failure(lambda: registry.head("acme/cart", "1")).code == "REGISTRY_REDIRECT"
    assert other.requests == []


@pytest.mark.parametrize("part", ["manifests", "blobs"])
def test_what_does_not_have_the_digest_is_not_believed(server: FaultServer, part: str) -> None:
    digest = serve_image(server, CONFIGURATION)
    path = next(path for path in server.routes if f"/{part}/" in path)
    server.routes[path] = always(json.dumps({"config": {"Labels": {"x": CANARY}}}).encode())
    with open_registry(server) as registry:
        error = failure(lambda: registry.labels("acme/cart", digest))
    assert (error.code, error.permanent) == ("REGISTRY_DIGEST", False)


def test_a_registry_that_does_not_name_the_digest_has_it_computed(server: FaultServer) -> None:
    body = b'{"schemaVersion": 2}'
    server.routes["/v2/acme/cart/manifests/1"] = _head_or(body, status=200)
    with open_registry(server) as registry:
        assert registry.head("acme/cart", "1") == digest_of(body)


def test_a_registry_that_knows_no_head_is_asked_for_the_whole(server: FaultServer) -> None:
    body = b'{"schemaVersion": 2}'
    server.routes["/v2/acme/cart/manifests/1"] = _head_or(body, status=405)
    with open_registry(server) as registry:
        assert registry.head("acme/cart", "1") == digest_of(body)
    assert [request.method for request in server.requests] == ["HEAD", "GET"]


def _head_or(body: bytes, *, status: int) -> Answer:
    def answer(request: Request) -> None:
        if request.method == "HEAD":
            request.reply(status=status, headers={"Docker-Content-Digest": "nonsense"})
        else:
            request.reply(body)

    return answer


@pytest.mark.parametrize(
    "document",
    [{"config": {}}, {"config": {"digest": "sha256:1"}}, {"manifests": []}, {"manifests": [7]}, {}],
)
def test_what_is_no_image_is_told(server: FaultServer, document: Any) -> None:
    body = json.dumps(document).encode()
    server.routes[f"/v2/acme/cart/manifests/{digest_of(body)}"] = always(body)
    with open_registry(server) as registry:
        error = failure(lambda: registry.labels("acme/cart", digest_of(body)))
    assert (error.code, error.permanent) == ("REGISTRY_FORMAT", True)


def test_an_index_of_indexes_is_no_image(server: FaultServer) -> None:
    inner = json.dumps({"manifests": []}).encode()
    outer = json.dumps({"manifests": [{"digest": digest_of(inner)}]}).encode()
    for body in (inner, outer):
        server.routes[f"/v2/acme/cart/manifests/{digest_of(body)}"] = always(body)
    with open_registry(server) as registry:
        assert failure(lambda: registry.labels("acme/cart", digest_of(outer))).code == "REGISTRY_FORMAT"


def test_a_digest_may_be_of_the_longer_kind() -> None:
    content = b'{"a": 1}'
    assert read_document(content, digest_of(content, "sha512")) == {"a": 1}


@pytest.mark.parametrize("config", [{}, {"config": None}, {"config": []}, {"config": {"Labels": [1]}}])
def test_an_image_without_labels_says_nothing(config: Any) -> None:
    assert labels_in(config) == ImageLabels()


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("a" * 40, "a" * 40),
        ("A" * 40, "a" * 40),
        ("3f2a91b", "3f2a91b"),
        ("3f2a9", ""),
        ("main", ""),
        ("a" * 65, ""),
        ("a" * 40 + "\n", ""),
        ("--upload-pack=x", ""),
    ],
)
def test_a_revision_is_a_commit_id_or_nothing(revision: str, expected: str) -> None:
    config = {"config": {"Labels": {"org.opencontainers.image.revision": revision}}}
    assert labels_in(config).revision == expected


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-01T12:00:00Z", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-01T14:00:00.123456789+02:00", datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-01T12:00:00", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_a_date_that_means_nothing_is_no_date(created: Any, expected: datetime | None) -> None:
    assert labels_in({"created": created}).created == expected


def test_a_source_keeps_no_password_and_no_nul() -> None:
    labels = {"org.opencontainers.image.source": f"https://me:{CANARY}@git.example.org/x\x00"}
    source = labels_in({"config": {"Labels": labels}}).source
    assert CANARY not in source
    assert "\x00" not in source
    assert "git.example.org/x" in source


def test_a_foreign_platform_is_taken_where_there_is_no_other() -> None:
    index = {"manifests": [{"digest": HEX, "platform": {"os": "windows", "architecture": "amd64"}}]}
    assert image_in(index) == HEX
