"""The image of a release as the registry told it, and the issues it names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Role
from apps.releases.models import ImageTag, ReleasePolicy
from apps.releases.selectors.release_facts import issues_of, read_image
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop
from tests.apps.releases.written import override

DIGEST = "sha256:" + "3f2a91b0c4d5e6f7" * 4
BUILT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def told(shop: Shop, client: Client) -> Shop:
    """1.1.0 closes #41 and names SHOP-7 of the tracker; its image is known by name."""
    shop.source.url = "https://github.com/shop/cart"
    shop.source.save()
    shop.component.image = "ghcr.io/shop/cart"
    shop.component.save()
    ReleasePolicy.objects.create(
        component=shop.component, tracker_pattern="SHOP-[0-9]+", tracker_url="https://t.example.org/{id}"
    )
    shop.release("1.0.0", "feat: begin")
    shop.release("1.1.0", "fix: mend the till (#12)\n\nCloses: #41", "feat: gifts (#13)\n\nRefs: SHOP-7")
    shop.poll()
    shop.update()
    client.force_login(make_person("viewer", Role.VIEWER, shop.project))
    return shop


def tagged(shop: Shop, tag: str, **facts: object) -> ImageTag:
    known = {"version": "1.1.0", "digest": DIGEST, "seen_at": timezone.now()}
    return ImageTag.objects.create(component=shop.component, tag=tag, **known | facts)


def address(shop: Shop, form: str = "") -> str:
    return f"/releases/{shop.get('v1.1.0').pk}/{form}"


def test_the_page_names_tag_digest_revision_and_build_of_the_image(told: Shop, client: Client) -> None:
    sha = told.get_commit("v1.1.0")
    tagged(told, "1.1.0", revision=sha, built_at=BUILT)
    page = client.get(address(told)).content.decode()
    assert "ghcr.io/shop/cart:1.1.0" in page
    assert '<code title="' + DIGEST + '">sha256:3f2a91b0c4d5</code>' in page
    assert f"ghcr.io/shop/cart:1.1.0@{DIGEST}" in page
    assert "2 Nov 2026" in page
    assert page.count(f"https://github.com/shop/cart/commit/{sha}") >= 2
    assert "not of this commit" not in page


def test_an_image_that_was_built_from_another_commit_says_so(told: Shop, client: Client) -> None:
    tagged(told, "1.1.0", revision="e" * 40)
    assert "not of this commit" in client.get(address(told)).content.decode()


def test_of_several_tags_of_one_version_the_one_that_is_there_and_called_alike_is_named(told: Shop) -> None:
    tagged(told, "v1.1.0", gone_at=timezone.now())
    tagged(told, "1.1.0-alpine", digest="sha256:" + "a" * 64)
    tagged(told, "1.1.0", digest="sha256:" + "b" * 64)
    image = read_image(told.get("v1.1.0"))
    assert image is not None
    assert (image.tag, image.digest) == ("1.1.0", "sha256:" + "b" * 64)


def test_without_an_answer_of_the_registry_the_page_says_that_nobody_told(told: Shop, client: Client) -> None:
    page = client.get(address(told)).content.decode()
    assert "ghcr.io/shop/cart" in page
    assert "No registry has said which tag and digest it is." in page


def test_the_issues_of_a_release_lead_to_the_host_and_to_the_tracker(told: Shop, client: Client) -> None:
    page = client.get(address(told)).content.decode()
    panel = page[page.index('id="issues"') : page.index("Closed or mentioned")]
    assert 'href="https://github.com/shop/cart/issues/41"' in panel
    assert 'href="https://t.example.org/SHOP-7"' in panel
    assert "#12" not in panel


def test_customers_are_told_no_issues(told: Shop, client: Client) -> None:
    assert 'id="issues"' not in client.get(f"{address(told)}?audience=public").content.decode()
    facts = json.loads(client.get(f"{address(told, 'notes.json')}?audience=public").content)
    assert facts.keys().isdisjoint({"issues", "image", "commit"})


def test_what_is_hidden_names_no_issue(told: Shop, client: Client) -> None:
    override(told.component, "pull_request", "12", is_hidden=True)
    page = client.get(address(told)).content.decode()
    assert "issues/41" not in page
    assert "SHOP-7" in page


def test_image_and_issues_are_in_the_json_too(told: Shop, client: Client) -> None:
    tagged(told, "1.1.0", revision="e" * 40, built_at=BUILT)
    facts = json.loads(client.get(address(told, "notes.json")).content)
    assert facts["image"] == {
        "name": "ghcr.io/shop/cart",
        "tag": "1.1.0",
        "digest": DIGEST,
        "revision": "e" * 40,
        "built_at": "2026-11-02T08:30:00+00:00",
    }
    assert {issue["text"] for issue in facts["issues"]} == {"#41", "SHOP-7"}


def test_a_component_without_an_image_and_notes_without_issues_show_neither(
    told: Shop, client: Client
) -> None:
    told.component.image = ""
    told.component.save()
    release = told.get("v1.0.0")
    assert read_image(release) is None
    assert issues_of(release, release.notes or {}) == []
    page = client.get(f"/releases/{release.pk}/").content.decode()
    assert "<dt>Image</dt>" not in page
    assert 'id="issues"' not in page
