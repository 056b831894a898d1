"""Deployment records follow from what was observed."""

from __future__ import annotations

from apps.releases.models import DeploymentRecord
from tests.apps.releases.conftest import Shop


def records(shop: Shop) -> list[tuple[str, bool, str]]:
    return [(row.version, row.to_at is None, row.source) for row in DeploymentRecord.objects.all()]


def test_records_are_what_git_asked_for_until_a_cluster_was_seen(shop: Shop) -> None:
    application = shop.run("dev", "1.2.0")
    shop.observe(application, "1.0.0", 9)
    shop.observe(application, "1.1.0", 5)
    shop.observe(application, "1.1.0", 2, source="live")
    shop.observe(application, "1.2.0", 1, source="live")
    shop.update()
    assert records(shop) == [("1.2.0", True, "live"), ("1.1.0", False, "live"), ("1.0.0", False, "git")]


def test_records_that_are_as_they_were_are_not_written_again(shop: Shop) -> None:
    shop.observe(shop.run("dev", "1.0.0"), "1.0.0", 9)
    shop.update()
    before = list(DeploymentRecord.objects.values_list("pk", flat=True))
    shop.update()
    assert list(DeploymentRecord.objects.values_list("pk", flat=True)) == before


def test_an_older_commit_that_is_read_later_finds_its_place(shop: Shop) -> None:
    application = shop.run("dev", "1.1.0")
    shop.observe(application, "1.1.0", 1)
    shop.update()
    shop.observe(application, "1.0.0", 5)
    shop.update()
    assert records(shop) == [("1.1.0", True, "git"), ("1.0.0", False, "git")]


def test_what_was_taken_away_runs_no_more(shop: Shop) -> None:
    application = shop.run("dev", "1.0.0")
    shop.observe(application, "1.0.0", 5, source="live")
    shop.observe(application, "", 1, source="live")
    shop.update()
    assert records(shop) == [("1.0.0", False, "live")]
