from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.demo.releases import COMPONENTS, ENVIRONMENTS, RELEASES, Release, image_tag
from gitopsui.domain.image import parse_image

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_version_is_tagged_before_it_runs_and_goes_from_dev_to_production(component: str) -> None:
    for release in RELEASES[component]:
        reached = [release.reached_at(name, NOW) for name in ENVIRONMENTS]
        times = [release.tagged_at(NOW), *(at for at in reached if at)]
        assert times == sorted(times)


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_environment_goes_back_in_time(component: str) -> None:
    for environment in ENVIRONMENTS:
        times = [at for release in RELEASES[component] if (at := release.reached_at(environment, NOW))]
        assert times == sorted(times)


@pytest.mark.parametrize(
    ("new", "old", "change"),
    [
        ("3.0.0-rc.1", "2.10.0", "major"),
        ("3.0.0", "3.0.0-rc.1", "patch"),
        ("3.1.0", "3.0.1", "minor"),
        ("1.0.1+3", "1.0.1+1", "patch"),
        ("1.0.1+1", "1.0.0+2", "patch"),
    ],
)
def test_the_change_of_a_release_is_that_of_its_core(new: str, old: str, change: str) -> None:
    assert Release(new, 0).change_since(Release(old, 0)) == change


def test_a_version_with_a_build_makes_a_valid_image_tag() -> None:
    assert parse_image(f"registry.demo.example/shop/pricing:{image_tag('1.0.1+3')}").tag == "1.0.1_3"
