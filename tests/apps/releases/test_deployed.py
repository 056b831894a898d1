"""The images and the manifests of both sides of a comparison."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Role
from apps.environments.models import Application, DesiredState
from apps.releases.models import ImageTag
from gitopsui.domain.mask import mask
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

PAGE = "/projects/shop/components/cart/compare/"
SIDES = f"{PAGE}?from=env:staging&into=env:production"
IMAGE = "ghcr.io/shop/cart"
OLD_DIGEST, NEW_DIGEST = "sha256:" + "a1" * 32, "sha256:" + "b2" * 32


def manifests(version: str, replicas: int, secret: str, namespace: str) -> list[dict[str, Any]]:
    containers = [
        {"name": "cart", "image": f"{IMAGE}:{version}"},
        {"name": "proxy", "image": "envoyproxy/envoy:v1.30.0"},
    ]
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": namespace},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cart", "namespace": namespace},
            "stringData": {"PASSWORD": secret},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": namespace}},
    ]


def ask(application: Application, listed: list[dict[str, Any]]) -> None:
    """Git asks for these manifests."""
    digest = f"{application.pk:064}"
    masked = [mask(one, key=b"k" * 32) for one in listed]
    DesiredState.objects.create(digest=digest, manifests=masked, used_at=timezone.now())
    Application.objects.filter(pk=application.pk).update(desired_digest=digest)


@pytest.fixture
def sides(shop: Shop, client: Client) -> Shop:
    shop.component.image = IMAGE
    shop.component.save()
    shop.release("1.0.0", "feat: begin")
    shop.release("1.1.0", "feat: go on")
    shop.poll()
    shop.update()
    ask(shop.run("staging", "1.1.0"), manifests("1.1.0", 2, "swordfish", "shop-staging"))
    ask(shop.run("production", "1.0.0"), manifests("1.0.0", 5, "hunter2", "shop-production"))
    for version, digest in (("1.0.0", OLD_DIGEST), ("1.1.0", NEW_DIGEST)):
        ImageTag.objects.create(
            component=shop.component, tag=version, version=version, digest=digest, seen_at=timezone.now()
        )
    client.force_login(make_person("viewer", Role.VIEWER, shop.project))
    return shop


def test_the_images_of_two_environments_with_tag_and_digest(sides: Shop, client: Client) -> None:
    answer = client.get(SIDES)
    rows = [
        (one.short_name, one.old, one.new, one.old_digest, one.new_digest) for one in answer.context["images"]
    ]
    assert rows == [
        ("cart", "1.0.0", "1.1.0", f"sha256:{'a1' * 6}", f"sha256:{'b2' * 6}"),
        ("envoy", "v1.30.0", "v1.30.0", "", ""),
    ]
    page = answer.content.decode()
    panel = page[page.index('id="images"') : page.rindex("What is compared")]
    assert f"sha256:{'b2' * 6}" in panel
    assert panel.count('<span class="dim small">same</span>') == 1


def test_the_images_of_two_releases_are_the_components_own(sides: Shop, client: Client) -> None:
    answer = client.get(f"{PAGE}?from=tag:v1.1.0&into=tag:v1.0.0")
    (row,) = answer.context["images"]
    assert (row.name, row.old, row.new, row.new_digest) == (IMAGE, "1.0.0", "1.1.0", f"sha256:{'b2' * 6}")
    assert not answer.context["has_manifests"]


def test_manifests_of_two_environments_stand_beside_each_other(sides: Shop, client: Client) -> None:
    answer = client.get(f"{SIDES}&show=manifests")
    told = answer.context["manifests"]
    assert [(row.kind, row.change) for row in told.rows] == [("Deployment", "changed"), ("Secret", "changed")]
    assert (told.same_count, told.problem) == (1, "")
    page = answer.content.decode()
    assert "replicas" in page
    assert 'id="notes"' not in page


def test_no_secret_and_no_hash_of_one_is_in_the_page(sides: Shop, client: Client) -> None:
    stored = DesiredState.objects.first()
    assert stored is not None
    hashed = str(stored.manifests[1]["stringData"]["PASSWORD"])
    page = client.get(f"{SIDES}&show=manifests").content.decode()
    assert "another value" in page
    for secret in ("swordfish", "hunter2", hashed.partition("(")[2].rstrip(")") or hashed):
        assert secret not in page


def test_what_cannot_be_laid_side_by_side_says_why(sides: Shop, client: Client) -> None:
    DesiredState.objects.all().delete()
    page = client.get(f"{SIDES}&show=manifests").content.decode()
    assert "What Git asks for in staging was not rendered yet." in page
    sides.run("production", "1.0.0", path="cart/production-eu")
    page = client.get(f"{SIDES}&show=manifests").content.decode()
    assert "cart has 2 applications in production." in page


def test_customers_read_of_neither(sides: Shop, client: Client) -> None:
    page = client.get(f"{SIDES}&show=manifests&audience=public").content.decode()
    assert 'id="images"' not in page
    assert 'id="manifests"' not in page
    assert "replicas" not in page
