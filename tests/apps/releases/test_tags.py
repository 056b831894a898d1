"""The release list is what the tags of the source repository say."""

from __future__ import annotations

from apps.releases.models import Release
from tests.apps.releases.conftest import Shop


def listed(shop: Shop) -> list[tuple[str, str]]:
    return list(Release.objects.order_by("position").values_list("tag", "base_tag"))


def test_releases_stand_by_version_with_the_base_of_their_line(shop: Shop) -> None:
    for version in ("1.0.0", "1.1.0-rc.1", "1.1.0", "1.0.1", "2.0.0"):
        shop.release(version)
    shop.poll()
    shop.update()
    assert listed(shop) == [
        ("v2.0.0", "v1.1.0"),
        ("v1.1.0", "v1.0.0"),
        ("v1.1.0-rc.1", "v1.0.0"),
        ("v1.0.1", "v1.0.0"),
        ("v1.0.0", ""),
    ]
    assert shop.get("v1.1.0-rc.1").is_prerelease


def test_equal_versions_with_other_builds_are_two_releases(shop: Shop) -> None:
    shop.release("1.0.1+3")
    shop.release("1.0.1+4")
    shop.poll()
    shop.update()
    assert [tag for tag, _ in listed(shop)] == ["v1.0.1+4", "v1.0.1+3"]


def test_a_tag_that_names_no_version_is_no_release(shop: Shop) -> None:
    shop.release("1.0.0")
    shop.release("", tag="nightly")
    shop.poll()
    shop.update()
    assert [tag for tag, _ in listed(shop)] == ["v1.0.0"]


def test_of_a_repository_with_several_components_only_the_own_tags_count(shop: Shop) -> None:
    for tag in ("cart/v1.0.0", "checkout/v1.0.0", "checkout/v1.1.0"):
        shop.release("", tag=tag)
    shop.poll()
    shop.update()
    assert listed(shop) == [("cart/v1.0.0", "")]


def test_a_pattern_says_which_tags_are_versions(shop: Shop) -> None:
    shop.release("", tag="basket_1.0.0")
    shop.release("1.0.0")
    shop.component.tag_pattern = r"^basket_(?P<version>.+)$"
    shop.component.save()
    shop.poll()
    shop.update()
    assert listed(shop) == [("basket_1.0.0", "")]


def test_a_deleted_tag_is_no_release_any_more(shop: Shop) -> None:
    shop.release("1.0.0")
    shop.release("1.1.0")
    shop.poll()
    shop.update()
    shop.seed.delete("refs/tags/v1.1.0")
    shop.poll()
    shop.update()
    assert [tag for tag, _ in listed(shop)] == ["v1.0.0"]


def test_a_component_without_source_has_no_releases_and_no_fault(shop: Shop) -> None:
    shop.component.source = None
    shop.component.save()
    assert shop.update() is False
    assert listed(shop) == []


def test_an_empty_repository_has_no_releases_and_no_fault(shop: Shop) -> None:
    shop.poll()
    shop.update()
    assert listed(shop) == []


def test_a_moved_tag_keeps_its_notes_and_says_so(shop: Shop) -> None:
    first = shop.release("1.0.0", "feat: baskets")
    shop.poll()
    shop.update()
    second = shop.release("1.0.0", "feat: other baskets")
    shop.poll()
    shop.update()
    release = shop.get("v1.0.0")
    assert (release.commit_sha, release.notes_sha) == (second, first)
    assert f"from {first[:8]} to {second[:8]}" in release.moved_note
    assert release.words == "baskets"


def test_a_tag_that_comes_home_says_nothing(shop: Shop) -> None:
    first = shop.release("1.0.0")
    shop.poll()
    shop.update()
    shop.release("1.0.0", "feat: other")
    shop.poll()
    shop.update()
    shop.seed.tag("v1.0.0", first)
    shop.poll()
    shop.update()
    assert shop.get("v1.0.0").moved_note == ""


def test_another_base_means_other_notes(shop: Shop) -> None:
    shop.release("1.0.0")
    middle = shop.seed.commit(message="feat: middle")
    shop.release("1.0.2", "fix: last")
    shop.poll()
    shop.update()
    assert shop.get("v1.0.2").change_count == 2
    shop.seed.tag("v1.0.1", middle)
    shop.poll()
    shop.update()
    assert (shop.get("v1.0.2").base_tag, shop.get("v1.0.2").change_count) == ("v1.0.1", 1)
