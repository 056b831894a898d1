"""A fix that came to an environment under another id is live there; one change is one match."""

from __future__ import annotations

import importlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Role
from apps.releases.selectors.find import Match, describe_stops, find_change
from apps.releases.selectors.travel import Stop
from apps.repositories.models import CommitKey, StoredCommit
from apps.repositories.services.commits import store_commits
from apps.repositories.services.patches import read_patches
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

FIND = "/projects/shop/find/"


@pytest.fixture
def fixed(shop: Shop) -> Shop:
    """
    main:        1.0.0 — fix (#12) — 1.1.0, in dev
    release/1.0: 1.0.0 — the fix under another id — 1.0.1, in production
    """
    first = shop.release("1.0.0", "feat: sell things")
    shop.release("1.1.0", "fix: charge once when it is late (#12)")
    shop.seed.point("refs/heads/release/1.0", first)
    return shop


def bring(shop: Shop, message: str, *, files: dict[str, str] | None = None) -> str:
    """The fix on the other line with this message; its id."""
    sha = shop.seed.commit(files, message=message, branch="release/1.0", author="Eve <eve@example.org>")
    shop.seed.tag("v1.0.1", sha)
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.observe(shop.run("dev", "v1.1.0"), "v1.1.0", 1)
    shop.observe(shop.run("staging", "v1.0.0"), "v1.0.0", 9)
    shop.observe(shop.run("production", "v1.0.1"), "v1.0.1", 6)
    shop.update()
    return sha


def find_one(shop: Shop, query: str) -> Match:
    (match,) = find_change(shop.project, query).matches
    return match


def stop_in(match: Match, environment: str) -> Stop:
    return next(stop for stop in match.stops if stop.environment == environment)


def test_a_fix_that_was_picked_is_live_as_the_pick_with_version_and_time(fixed: Shop) -> None:
    origin = fixed.get_commit("v1.1.0")
    pick = bring(fixed, f"fix: only once (#13)\n\n(cherry picked from commit {origin})")
    match = find_one(fixed, origin[:10])
    stop = stop_in(match, "production")
    assert (stop.state, stop.version, stop.twin, stop.reason) == ("live", "v1.0.1", pick, "cherry-pick")
    assert stop.arrived_at is not None
    assert timezone.now() - stop.arrived_at > timedelta(days=5)
    assert stop_in(match, "dev").twin == ""
    assert describe_stops(match.stops) == "Live in dev and production. Not yet in staging."


@pytest.mark.parametrize("query", ["#12", "#13", "only once", "{origin}", "{pick}"])
def test_one_change_is_one_match_with_its_commits_however_it_is_asked_for(fixed: Shop, query: str) -> None:
    origin = fixed.get_commit("v1.1.0")
    pick = bring(fixed, f"fix: only once, #12 (#13)\n\n(cherry picked from commit {origin})")
    match = find_one(fixed, query.format(origin=origin, pick=pick))
    assert [(one.sha, one.reason, one.branch) for one in match.commits] == [
        (origin, "", "main"),
        (pick, "cherry-pick", "release/1.0"),
    ]
    assert [one["version"] for one in match.releases] == ["1.0.1", "1.1.0"]
    assert [stop.state for stop in match.stops] == ["live", "not yet", "live"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("fix: once (backport of #12) (#13)", "same pull request"),
        ("fix: charge once when it is late (#13)", "same title and author"),
    ],
)
def test_a_number_or_a_title_is_enough_where_it_means_one_commit(
    fixed: Shop, message: str, reason: str
) -> None:
    pick = bring(fixed, message)
    stop = stop_in(find_one(fixed, fixed.get_commit("v1.1.0")), "production")
    assert (stop.state, stop.twin, stop.reason) == ("live", pick, reason)


def test_the_same_patch_is_enough_once_patches_are_read(shop: Shop) -> None:
    first = shop.seed.commit({"till": "a\n"}, message="feat: sell things")
    shop.seed.tag("v1.0.0", first)
    origin = shop.seed.commit({"till": "a\nb\n"}, message="charge once")
    shop.seed.tag("v1.1.0", origin)
    shop.seed.point("refs/heads/release/1.0", first)
    pick = bring(shop, "a title of its own", files={"till": "a\nb\n"})
    assert stop_in(find_one(shop, origin), "production").state == "not yet"
    read_patches(shop.source, git=History(shop.seed.path))
    stop = stop_in(find_one(shop, origin), "production")
    assert (stop.state, stop.twin, stop.reason) == ("live", pick, "same patch")


def test_something_else_on_the_other_line_is_not_taken_for_it(fixed: Shop) -> None:
    bring(fixed, "fix: round per line (#13)")
    match = find_one(fixed, "#12")
    assert len(match.commits) == 1
    assert stop_in(match, "production").state == "not yet"


def test_the_page_says_as_which_commit_it_is_live(fixed: Shop, client: Client) -> None:
    origin = fixed.get_commit("v1.1.0")
    pick = bring(fixed, f"fix: only once (#13)\n\n(cherry picked from commit {origin})")
    client.force_login(make_person("viewer", Role.VIEWER, fixed.project))
    page = client.get(FIND, {"q": "#12"}).content.decode()
    assert "Live in dev and production. Not yet in staging." in page
    assert f"live as <code>{pick[:7]}</code> (cherry-pick)" in page
    assert "more match" not in page


def test_the_keys_of_commits_go_with_their_rows(fixed: Shop) -> None:
    pick = bring(fixed, "fix: once (backport of #12) (#13)")
    assert CommitKey.objects.filter(sha=pick, kind="number").count() == 2
    fixed.seed.git("update-ref", "-d", "refs/heads/release/1.0")
    fixed.seed.git("update-ref", "-d", "refs/tags/v1.0.1")
    fixed.source.refresh_from_db()
    store_commits(fixed.source, git=History(fixed.seed.path))
    assert not StoredCommit.objects.filter(sha=pick).exists()
    assert not CommitKey.objects.filter(sha=pick).exists()


def test_the_queries_do_not_grow_with_what_is_found(
    fixed: Shop, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20, 45):
        fixed.seed.commit(message=f"feat: late thing number {number} (#{number})")
    origin = fixed.get_commit("v1.1.0")
    bring(fixed, f"fix: only once (#13)\n\n(cherry picked from commit {origin})")
    client.force_login(make_person("viewer", Role.VIEWER, fixed.project))
    client.get(FIND)
    with django_assert_max_num_queries(25):
        client.get(FIND, {"q": "#12"})
    with django_assert_max_num_queries(25):
        answer = client.get(FIND, {"q": "late"})
    assert len(answer.context["answer"].matches) == 12


def test_commits_that_were_stored_before_are_given_their_keys(fixed: Shop) -> None:
    bring(fixed, "fix: once (backport of #12) (#13)")
    stored = set(CommitKey.objects.values_list("kind", "value", "sha"))
    CommitKey.objects.all().delete()
    migration = importlib.import_module("apps.repositories.migrations.0003_keys_of_commits")
    for _ in range(2):
        migration.store_keys(apps, None)
        assert set(CommitKey.objects.values_list("kind", "value", "sha")) == stored
