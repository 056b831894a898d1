"""The registry in memory that services are tested with, held to Debian's docker-registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitopsui.adapters.registry import ImageLabels, Registry, TagList
from gitopsui.domain.errors import RegistryError
from tests.adapters.registry_server import RealRegistry, serving_registry
from tests.apps.releases.registry_fake import FakeRegistry

pytestmark = pytest.mark.binary

IMAGE = "acme/cart"
BUILT = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Real:
    """The real registry with the methods of the other one."""

    def __init__(self, registry: RealRegistry) -> None:
        self.server = registry
        self.reader = registry.open()

    def push(self, repository: str, tag: str, labels: ImageLabels) -> str:
        named = {"revision": labels.revision, "source": labels.source, "version": labels.version}
        created = labels.created.isoformat() if labels.created else ""
        return self.server.push(repository, tag, named, created=created)

    def delete(self, repository: str, digest: str) -> None:
        self.server.delete(repository, digest)

    def tags(self, repository: str) -> TagList:
        return self.reader.tags(repository)

    def head(self, repository: str, tag: str) -> str:
        return self.reader.head(repository, tag)

    def labels(self, repository: str, digest: str) -> ImageLabels:
        return self.reader.labels(repository, digest)


Either = Real | FakeRegistry


@pytest.fixture(params=["fake", "real"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Either]:
    if request.param == "fake":
        yield FakeRegistry()
        return
    with serving_registry(tmp_path) as running:
        real = Real(running)
        yield real
        real.reader.close()


def image(number: int) -> ImageLabels:
    return ImageLabels(f"{number:040x}", "https://git.example.org/acme/cart", BUILT, f"1.{number}.0")


def refused(call: Callable[[], object]) -> tuple[str, bool]:
    with pytest.raises(RegistryError) as caught:
        call()
    return caught.value.code, caught.value.permanent


def test_what_is_pushed_is_listed_found_and_says_what_it_is(registry: Either) -> None:
    digests = [registry.push(IMAGE, f"1.{number}.0", image(number)) for number in range(3)]
    assert registry.tags(IMAGE) == TagList(("1.0.0", "1.1.0", "1.2.0"))
    assert [registry.head(IMAGE, f"1.{number}.0") for number in range(3)] == digests
    assert [registry.labels(IMAGE, digest) for digest in digests] == [image(n) for n in range(3)]


def test_two_tags_of_one_image_have_one_digest(registry: Either) -> None:
    first, second = registry.push(IMAGE, "1.0.0", image(1)), registry.push(IMAGE, "latest", image(1))
    assert first == second == registry.head(IMAGE, "latest")


def test_a_moved_tag_has_the_digest_of_its_new_image(registry: Either) -> None:
    before = registry.push(IMAGE, "latest", image(1))
    after = registry.push(IMAGE, "latest", image(2))
    assert before != after == registry.head(IMAGE, "latest")
    assert registry.labels(IMAGE, after) == image(2)


def test_a_deleted_image_takes_its_tags_with_it(registry: Either) -> None:
    digest = registry.push(IMAGE, "1.0.0", image(1))
    registry.push(IMAGE, "1.1.0", image(2))
    registry.delete(IMAGE, digest)
    assert registry.tags(IMAGE).names == ("1.1.0",)
    assert refused(lambda: registry.head(IMAGE, "1.0.0")) == ("REGISTRY_NOT_FOUND", True)
    assert refused(lambda: registry.labels(IMAGE, digest)) == ("REGISTRY_NOT_FOUND", True)


def test_an_unknown_image_and_an_unknown_tag_are_not_found(registry: Either) -> None:
    registry.push(IMAGE, "1.0.0", image(1))
    assert refused(lambda: registry.tags("acme/nobody")) == ("REGISTRY_NOT_FOUND", True)
    assert refused(lambda: registry.head(IMAGE, "9.9.9")) == ("REGISTRY_NOT_FOUND", True)


@pytest.mark.parametrize("method", ["tags", "head", "labels"])
def test_both_are_asked_in_the_same_way(method: str) -> None:
    ours, its = (inspect.signature(getattr(kind, method)) for kind in (FakeRegistry, Registry))
    assert ours == its
