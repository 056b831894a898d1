"""Behind counts the non-merge commits of the left neighbour's version that are absent here."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.environments.models import Cluster
from apps.releases.models import Lag
from tests.apps.releases.conftest import Shop


@pytest.fixture
def tagged(shop: Shop) -> Shop:
    """1.0.0, then three commits and a merge to 1.1.0."""
    base = shop.release("1.0.0")
    side = shop.seed.commit(message="feat: a", branch="side", parents=(base,))
    main = shop.seed.commit(message="feat: b")
    shop.seed.commit(message="Merge side", parents=(main, side))
    shop.release("1.1.0", "fix: c")
    shop.poll()
    return shop


def test_merges_do_not_count(tagged: Shop) -> None:
    tagged.run("dev", "1.1.0")
    tagged.run("staging", "1.0.0")
    tagged.update()
    lag = tagged.lag("staging")
    assert (lag.commit_count, lag.reason, lag.behind.name) == (3, "", "dev")


def test_ahead_of_the_left_neighbour_is_level(tagged: Shop) -> None:
    tagged.run("dev", "1.0.0")
    tagged.run("staging", "1.1.0")
    tagged.update()
    assert tagged.lag("staging").commit_count == 0


def test_the_left_neighbour_is_the_nearest_environment_it_runs_in(tagged: Shop) -> None:
    tagged.run("dev", "1.1.0")
    tagged.run("production", "1.0.0")
    tagged.update()
    assert tagged.lag("production").behind.name == "dev"
    assert Lag.objects.count() == 1


@pytest.mark.parametrize("asked", ["v1.0.0", "1.0.0"])
def test_a_version_is_found_with_and_without_its_prefix(tagged: Shop, asked: str) -> None:
    tagged.run("dev", "v1.1.0")
    tagged.run("staging", asked)
    tagged.update()
    assert tagged.lag("staging").commit_count == 3


@pytest.mark.parametrize("form", ["{short}", "{long}", "sha-{short}", "1.0.0-3-g{short}"])
def test_a_version_may_be_a_commit(tagged: Shop, form: str) -> None:
    sha = tagged.get_commit("v1.0.0")
    tagged.run("dev", "1.1.0")
    tagged.run("staging", form.format(short=sha[:8], long=sha))
    tagged.update()
    assert tagged.lag("staging").commit_count == 3


def test_builds_of_one_version_are_not_taken_for_each_other(tagged: Shop) -> None:
    tagged.release("1.2.0+3")
    tagged.release("1.2.0+4")
    tagged.poll()
    tagged.run("dev", "1.2.0_4")
    tagged.run("staging", "1.2.0")
    tagged.run("production", "1.2.0_3")
    tagged.update()
    assert tagged.lag("staging").reason == "no tag for 1.2.0 in shop/cart"
    tagged.run("staging", "1.2.0_3")
    tagged.update()
    assert tagged.lag("staging").commit_count == 1


def test_a_tag_that_is_no_version_is_still_found_by_its_name(tagged: Shop) -> None:
    tagged.release("", tag="nightly-7")
    tagged.poll()
    tagged.run("dev", "nightly-7")
    tagged.run("staging", "1.1.0")
    tagged.update()
    assert tagged.lag("staging").commit_count == 1


@pytest.mark.parametrize(
    ("dev", "staging", "reason"),
    [
        ("9.9.9", "1.0.0", "no tag for 9.9.9 in shop/cart"),
        ("1.0.0", "", "version unknown in staging"),
        ("", "1.0.0", "version unknown in dev"),
        ("1.0.0", "deadbeef", "no tag for deadbeef in shop/cart"),
    ],
)
def test_a_version_that_is_not_known_is_a_reason(tagged: Shop, dev: str, staging: str, reason: str) -> None:
    tagged.run("dev", dev)
    tagged.run("staging", staging)
    tagged.update()
    assert (tagged.lag("staging").commit_count, tagged.lag("staging").reason) == (None, reason)


def test_several_versions_in_one_place_are_a_reason(tagged: Shop) -> None:
    tagged.run("dev", "1.1.0")
    tagged.run("staging", "1.0.0", path="cart/staging/eu")
    tagged.run("staging", "1.1.0", path="cart/staging/us")
    tagged.update()
    assert tagged.lag("staging").reason == "2 versions in staging"


def test_without_a_source_repository_it_is_blank_with_the_reason(tagged: Shop) -> None:
    tagged.component.source = None
    tagged.component.save()
    tagged.run("dev", "1.0.0")
    tagged.run("staging", "1.0.0")
    tagged.update()
    lag = tagged.lag("staging")
    assert (lag.commit_count, lag.reason) == (None, "cart has no source repository")


def test_what_a_cluster_runs_counts_before_what_git_asks_for(tagged: Shop) -> None:
    cluster = Cluster.objects.create(project=tagged.project, name="eu", server="https://eu.example.org")
    tagged.run("dev", "1.1.0")
    application = tagged.run("staging", "1.1.0")
    application.cluster, application.live_version = cluster, "1.0.0"
    application.checked_at = timezone.now()
    application.save()
    tagged.update()
    assert tagged.lag("staging").here_version == "1.0.0"


def test_a_lag_that_is_as_it_was_keeps_its_time(tagged: Shop) -> None:
    tagged.run("dev", "1.1.0")
    tagged.run("staging", "1.0.0")
    tagged.update()
    before = tagged.lag("staging").changed_at
    tagged.update()
    assert tagged.lag("staging").changed_at == before
    tagged.run("staging", "1.1.0")
    tagged.update()
    assert tagged.lag("staging").changed_at > before


def test_an_environment_that_is_left_has_no_lag(tagged: Shop) -> None:
    tagged.run("dev", "1.1.0")
    application = tagged.run("staging", "1.0.0")
    tagged.update()
    application.delete()
    tagged.update()
    assert Lag.objects.count() == 0
