"""Read from a real registry: open, behind a password, and behind a token server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitopsui.adapters.registry import ImageLabels, TagList
from gitopsui.domain.errors import RegistryError
from tests.adapters.registry_server import (
    DOCKER_MANIFEST,
    MANIFEST,
    RealRegistry,
    serving_registry,
    serving_with_password,
    serving_with_tokens,
)

pytestmark = pytest.mark.binary

REVISION = "3f2a91bc" * 5
LABELS = {"revision": REVISION, "source": "https://git.example.org/acme/cart", "version": "1.0.0"}
BUILT = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with serving_registry(tmp_path_factory.mktemp("open")) as registry:
        yield registry


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with serving_with_password(tmp_path_factory.mktemp("password")) as registry:
        registry.push("acme/cart", "1.0.0", LABELS)
        yield registry


@pytest.fixture
def with_tokens(tmp_path: Path) -> Iterator[RealRegistry]:
    with serving_with_tokens(tmp_path) as registry:
        registry.push("acme/cart", "1.0.0", LABELS)
        registry.push("acme/shop", "2.0.0", LABELS)
        yield registry


def test_tags_digests_and_labels_of_an_image(real: RealRegistry) -> None:
    digest = real.push("acme/cart", "1.0.0", LABELS)
    later = real.push("acme/cart", "1.1.0", LABELS, created="2026-11-02T00:00:00Z")
    with real.open() as registry:
        assert registry.tags("acme/cart") == TagList(("1.0.0", "1.1.0"))
        assert registry.head("acme/cart", "1.0.0") == digest
        assert registry.head("acme/cart", "1.1.0") == later != digest
        assert registry.labels("acme/cart", digest) == ImageLabels(REVISION, LABELS["source"], BUILT, "1.0.0")


def test_dockers_own_manifests_are_read_too(real: RealRegistry) -> None:
    digest = real.push("acme/docker", "1", LABELS, kind=DOCKER_MANIFEST)
    with real.open() as registry:
        assert registry.head("acme/docker", "1") == digest
        assert registry.labels("acme/docker", digest).revision == REVISION


def test_of_several_platforms_linux_amd64_says_what_the_image_is(real: RealRegistry) -> None:
    other = real.push("acme/multi", "", {"revision": "a" * 40}, architecture="arm64")
    usual = real.push("acme/multi", "", LABELS)
    manifests = [_platform(real, other, "arm64"), _platform(real, usual, "amd64")]
    digest = real.push_index("acme/multi", "1.0.0", manifests)
    with real.open() as registry:
        assert registry.head("acme/multi", "1.0.0") == digest
        assert registry.labels("acme/multi", digest).revision == REVISION


def test_without_linux_amd64_the_first_image_says_it(real: RealRegistry) -> None:
    first = real.push("acme/arm", "", LABELS, architecture="arm64")
    second = real.push("acme/arm", "", {"revision": "a" * 40}, architecture="s390x")
    manifests = [_platform(real, first, "arm64"), _platform(real, second, "s390x")]
    digest = real.push_index("acme/arm", "1.0.0", manifests)
    with real.open() as registry:
        assert registry.labels("acme/arm", digest).revision == REVISION


def test_a_proof_of_the_build_is_not_the_image(real: RealRegistry) -> None:
    proof = real.push("acme/proof", "", {"revision": "b" * 40}, architecture="unknown")
    image = real.push("acme/proof", "", LABELS, architecture="arm64")
    attested = {
        **_platform(real, proof, "unknown"),
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    digest = real.push_index("acme/proof", "1.0.0", [attested, _platform(real, image, "arm64")])
    with real.open() as registry:
        assert registry.labels("acme/proof", digest).revision == REVISION


def test_what_the_labels_do_not_say_the_annotations_may(real: RealRegistry) -> None:
    annotations = {"revision": "c" * 40, "version": "9.9.9"}
    digest = real.push("acme/notes", "1", {"version": "1.0.0"}, annotations=annotations)
    with real.open() as registry:
        labels = registry.labels("acme/notes", digest)
    assert (labels.revision, labels.version) == ("c" * 40, "1.0.0")


def test_a_moved_tag_has_another_digest(real: RealRegistry) -> None:
    before = real.push("acme/moved", "latest", LABELS)
    with real.open() as registry:
        assert registry.head("acme/moved", "latest") == before
        after = real.push("acme/moved", "latest", {"revision": "d" * 40})
        assert registry.head("acme/moved", "latest") == after != before


def test_a_deleted_tag_is_neither_listed_nor_found(real: RealRegistry) -> None:
    digest = real.push("acme/gone", "1.0.0", LABELS)
    real.push("acme/gone", "1.1.0", {"revision": "e" * 40})
    real.delete("acme/gone", digest)
    with real.open() as registry:
        assert registry.tags("acme/gone").names == ("1.1.0",)
        assert _refused(lambda: registry.head("acme/gone", "1.0.0")) == "REGISTRY_NOT_FOUND"


def test_an_image_that_lost_its_last_tag_has_none(real: RealRegistry) -> None:
    real.delete("acme/empty", real.push("acme/empty", "1.0.0", LABELS))
    with real.open() as registry:
        assert registry.tags("acme/empty") == TagList(())


def test_an_unknown_image_is_not_found(real: RealRegistry) -> None:
    with real.open() as registry:
        assert _refused(lambda: registry.tags("acme/nobody")) == "REGISTRY_NOT_FOUND"


def test_this_registry_sends_all_tags_however_few_are_asked_for(real: RealRegistry) -> None:
    for number in range(5):
        real.push("acme/many", f"1.{number}.0", LABELS)
    with real.open(page_size=2) as registry:
        assert registry.tags("acme/many") == TagList(tuple(f"1.{number}.0" for number in range(5)))


def test_a_name_and_password_open_what_is_guarded(guarded: RealRegistry) -> None:
    with guarded.open(guarded.credential()) as registry:
        assert registry.tags("acme/cart").names == ("1.0.0",)
        digest = registry.head("acme/cart", "1.0.0")
        assert registry.labels("acme/cart", digest).revision == REVISION


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_and_none_are_refused(guarded: RealRegistry, password: str) -> None:
    with guarded.open(guarded.credential(password) if password else None) as registry:
        assert _refused(lambda: registry.tags("acme/cart")) == "REGISTRY_AUTH"


def test_a_token_opens_what_it_is_for(with_tokens: RealRegistry) -> None:
    with with_tokens.open(with_tokens.credential()) as registry:
        assert registry.tags("acme/cart").names == ("1.0.0",)
        digest = registry.head("acme/cart", "1.0.0")
        assert registry.labels("acme/cart", digest).revision == REVISION
        assert registry.tags("acme/shop").names == ("2.0.0",)


def test_a_token_is_asked_for_once_for_each_image(with_tokens: RealRegistry) -> None:
    assert with_tokens.tokens
    with with_tokens.open(with_tokens.credential()) as registry:
        registry.labels("acme/cart", registry.head("acme/cart", "1.0.0"))
        registry.tags("acme/cart")
        registry.tags("acme/shop")
    asked = [request.query for request in with_tokens.tokens.server.requests]
    assert [one["scope"] for one in asked] == ["repository:acme/cart:pull", "repository:acme/shop:pull"]
    assert {one["service"] for one in asked} == {"test registry"}


def test_a_token_the_registry_takes_no_more_is_replaced(with_tokens: RealRegistry) -> None:
    assert with_tokens.tokens
    with with_tokens.open(with_tokens.credential()) as registry:
        registry._sign_in._tokens["repository:acme/cart:pull"] = ("ended", float("inf"))
        assert registry.tags("acme/cart").names == ("1.0.0",)
    assert len(with_tokens.tokens.server.requests) == 1


def test_a_token_server_that_refuses_is_a_refusal(with_tokens: RealRegistry) -> None:
    with with_tokens.open(with_tokens.credential("wrong")) as registry:
        assert _refused(lambda: registry.tags("acme/cart")) == "REGISTRY_AUTH"


def _refused(call: object) -> str:
    with pytest.raises(RegistryError) as caught:
        call()  # type: ignore[operator]
    assert "registry-password" not in f"{caught.value!r} {caught.value.hint}"
    return caught.value.code


def _platform(real: RealRegistry, digest: str, architecture: str) -> dict[str, object]:
    return {
        "mediaType": MANIFEST,
        "digest": digest,
        "size": 1,
        "platform": {"os": "linux", "architecture": architecture},
    }
