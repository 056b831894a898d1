"""Config commits joined to the source commits they carried, on Compare and on the page of an application."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Role
from apps.environments.models import Application, Component, ConfigCommit
from apps.promotions.models import Promotion
from apps.releases.models import NoteOverride
from apps.releases.selectors import config_ranges
from apps.releases.selectors.config_commits import ConfigRow, commits_of, read_rows, with_places
from apps.releases.selectors.config_ranges import read_range
from apps.releases.selectors.points import find_point
from apps.repositories.models import Repository
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

COMPARE = "/projects/shop/components/cart/compare/"


def keep(application: Application, old: str, new: str, days: float, **fields: object) -> ConfigCommit:
    """A config commit so many days ago."""
    number = ConfigCommit.objects.count() + 1
    given = {"sha": f"{number:040x}", "subject": f"Commit {number}", "author": "Ada", **fields}
    at = timezone.now() - timedelta(days=days)
    return ConfigCommit.objects.create(
        application=application, at=at, previous_version=old, version=new, **given
    )


@pytest.fixture
def lines(shop: Shop) -> Shop:
    """1.0.0, 1.1.0 with two commits more, 1.2.0 with one; 1.0.1 beside them with a hotfix."""
    first = shop.release("1.0.0", "feat: sell things")
    shop.release("1.1.0", "feat(payment): pay with one tap", "fix: charge once")
    shop.release("1.2.0", "fix(log): say less")
    shop.seed.point("refs/heads/release/1.0", first)
    shop.seed.tag("v1.0.1", shop.seed.commit(message="fix: a hotfix", branch="release/1.0"))
    shop.poll()
    shop.observe(shop.run("staging", "v1.2.0"), "v1.2.0", 0.5)
    shop.observe(shop.run("production", "v1.1.0"), "v1.1.0", 6)
    shop.update()
    return shop


def application_in(shop: Shop, name: str) -> Application:
    return Application.objects.select_related("component__project", "component__source").get(
        environment=shop.environments[name]
    )


def rows_of(application: Application) -> list[ConfigRow]:
    return read_rows(application.component, list(commits_of(application)))


def in_range(shop: Shop, source: str, target: str) -> list[tuple[str, str]]:
    component = Component.objects.select_related("project", "source").get(pk=shop.component.pk)
    left, right = find_point(component, source), find_point(component, target)
    assert left
    assert right
    return [(row.environment, row.subject) for row in read_range(component, left, right).rows]


# --- what a config commit carried -------------------------------------------------------------------------


def test_a_commit_that_changed_the_version_is_joined_with_the_commits_it_carried(lines: Shop) -> None:
    staging = application_in(lines, "staging")
    keep(staging, "v1.0.0", "v1.1.0", 3)
    (row,) = rows_of(staging)
    assert row.carried is not None
    assert (row.carried.arrives_count, row.carried.lost_count, row.carried.more) == (2, 0, 0)
    assert [line.text for line in row.carried.lines] == ["charge once", "pay with one tap"]
    assert row.carried.compare_url == f"{COMPARE}?from=tag%3Av1.1.0&into=tag%3Av1.0.0"


def test_what_a_step_to_another_line_takes_away_is_counted_too(lines: Shop) -> None:
    staging = application_in(lines, "staging")
    keep(staging, "v1.0.1", "v1.1.0", 3)
    keep(staging, "v1.1.0", "v1.0.0", 2)
    back, forth = rows_of(staging)
    assert forth.carried is not None
    assert back.carried is not None
    assert (forth.carried.arrives_count, forth.carried.lost_count) == (2, 1)
    assert (back.carried.arrives_count, back.carried.lost_count) == (0, 2)
    assert [line.text for line in back.carried.lines] == ["charge once", "pay with one tap"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("", "v1.0.0", "the first version that is known here"),
        ("v1.0.0", "nightly", "no commit is known of nightly"),
        ("nightly", "v1.0.0", "no commit is known of nightly"),
    ],
)
def test_where_the_source_commits_are_not_known_it_says_why(
    lines: Shop, old: str, new: str, reason: str
) -> None:
    staging = application_in(lines, "staging")
    keep(staging, old, new, 3)
    (row,) = rows_of(staging)
    assert row.carried is not None
    assert row.carried.reason == reason


def test_a_commit_that_changed_something_else_stands_by_itself(lines: Shop) -> None:
    staging = application_in(lines, "staging")
    keep(staging, "v1.2.0", "v1.2.0", 3, change="Deployment cart: replicas 2 → 3")
    (row,) = rows_of(staging)
    assert (row.carried, row.change) == (None, "Deployment cart: replicas 2 → 3")


def test_what_is_hidden_in_one_of_two_config_repositories_is_hidden_beside_the_other(lines: Shop) -> None:
    staging, production = (application_in(lines, name) for name in ("staging", "production"))
    other = Repository.objects.create(
        project=lines.project, name="other", url="https://git.example.org/other.git", host="git.example.org",
        same_as="https://git.example.org/other", is_config=True,
    )  # fmt: skip
    Application.objects.filter(pk=production.pk).update(repository=other)
    cluster = Component.objects.create(
        project=lines.project, name="cluster", slug="cluster", image="", source=other
    )
    theirs = keep(production, "", "", 1, subject="Rotate the stolen key")
    NoteOverride.objects.create(
        component=cluster, kind="commit", key=theirs.sha, is_hidden=True, edited_by="ada",
        edited_at=timezone.now(),
    )  # fmt: skip
    ours = keep(staging, "", "", 2)
    commits = list(with_places(ConfigCommit.objects.filter(pk__in=[ours.pk, theirs.pk]).order_by("-pk")))
    assert "Rotate the stolen key" not in [row.subject for row in read_rows(staging.component, commits)]


def test_many_commits_take_no_more_queries_than_a_few(
    lines: Shop, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    staging = application_in(lines, "staging")
    for days in range(20, 0, -1):
        keep(staging, "v1.0.0", "v1.1.0" if days % 2 else "v1.2.0", days)
    with django_assert_max_num_queries(8):
        rows_of(staging)


# --- which of them belong to a comparison -----------------------------------------------------------------


def test_of_two_environments_those_are_listed_since_they_were_level(lines: Shop) -> None:
    staging, production = application_in(lines, "staging"), application_in(lines, "production")
    keep(staging, "v1.0.0", "v1.1.0", 5, subject="Level")
    keep(staging, "v1.1.0", "v1.1.0", 4, subject="Scale staging")
    keep(staging, "v1.1.0", "v1.2.0", 3, subject="Ahead")
    keep(production, "v1.0.0", "v1.1.0", 2, subject="Follow")
    keep(production, "v1.1.0", "v1.1.0", 1, subject="Scale production")
    assert in_range(lines, "env:staging", "env:production") == [
        ("production", "Scale production"),
        ("staging", "Ahead"),
        ("staging", "Scale staging"),
    ]


def test_many_commits_of_one_place_do_not_crowd_out_those_of_another(
    lines: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_ranges, "MOST_READ", 3)
    staging, production = application_in(lines, "staging"), application_in(lines, "production")
    keep(staging, "v1.1.0", "v1.2.0", 1, subject="Ahead")
    for days in range(9, 4, -1):
        keep(production, "v1.1.0", "v1.1.0", days, subject="Scale")
    assert ("staging", "Ahead") in in_range(lines, "env:staging", "env:production")


def test_of_one_environment_at_two_moments_those_in_between_are_listed(lines: Shop) -> None:
    production = application_in(lines, "production")
    lines.observe(production, "v1.0.0", 30)
    lines.update()
    keep(production, "", "v1.0.0", 30, subject="Begin")
    keep(production, "v1.0.0", "v1.1.0", 6, subject="Follow")
    moment = (timezone.now() - timedelta(days=10)).date().isoformat()
    assert in_range(lines, "env:production", f"env:production@{moment}") == [("production", "Follow")]


def test_of_two_releases_those_are_listed_that_brought_what_lies_between(lines: Shop) -> None:
    staging, production = application_in(lines, "staging"), application_in(lines, "production")
    keep(staging, "v1.0.0", "v1.1.0", 5, subject="Between")
    keep(staging, "v1.1.0", "v1.2.0", 3, subject="Above")
    keep(production, "v1.0.0", "v1.1.0", 2, subject="There too")
    assert in_range(lines, "tag:v1.1.0", "tag:v1.0.0") == [
        ("production", "There too"),
        ("staging", "Between"),
    ]


def test_a_point_without_a_commit_has_none(lines: Shop) -> None:
    keep(application_in(lines, "staging"), "v1.0.0", "v1.1.0", 5)
    lines.run("dev", "nightly")
    assert in_range(lines, "env:dev", "env:production") == []


# --- the pages --------------------------------------------------------------------------------------------


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_person("viewer", Role.VIEWER))
    return client


def test_compare_lists_them_with_what_they_carried(
    lines: Shop, reader: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    keep(application_in(lines, "staging"), "v1.1.0", "v1.2.0", 3, subject="Deploy 1.2.0")
    with django_assert_max_num_queries(43):
        page = reader.get(COMPARE).content.decode()
    assert "Deploy 1.2.0" in page
    assert "1 source commit<" in page
    asked = reader.get(COMPARE, {"from": "env:staging", "into": "env:production", "format": "json"})
    (row,) = json.loads(asked.content)["config_commits"]
    assert (row["subject"], row["commits"], row["version"]) == ("Deploy 1.2.0", 1, "v1.2.0")


def test_customers_are_not_told_of_config_commits(lines: Shop, reader: Client) -> None:
    keep(application_in(lines, "staging"), "v1.1.0", "v1.2.0", 3, subject="Deploy 1.2.0")
    query = {"from": "env:staging", "into": "env:production", "audience": "public"}
    assert "config_commits" not in json.loads(reader.get(COMPARE, query | {"format": "json"}).content)
    assert "Deploy 1.2.0" not in reader.get(COMPARE, query).content.decode()


def test_an_application_lists_its_own_and_has_a_page_of_all(lines: Shop, reader: Client) -> None:
    staging = application_in(lines, "staging")
    for days in range(30, 0, -1):
        keep(staging, "v1.1.0", "v1.1.0", days, subject=f"Scale <b>{days}", change=f"replicas {days}")
    detail = reader.get(f"/applications/{staging.pk}/").content.decode()
    assert "Scale &lt;b&gt;1<" in detail
    assert "Scale &lt;b&gt;7<" not in detail
    page = reader.get(f"/applications/{staging.pk}/commits/").content.decode()
    assert "30 commits made cart in staging what it is" in page
    assert "Scale &lt;b&gt;20<" in page
    assert "Scale &lt;b&gt;21<" in reader.get(f"/applications/{staging.pk}/commits/?page=2").content.decode()


def test_the_page_of_an_application_without_commits_says_so(lines: Shop, reader: Client) -> None:
    page = reader.get(f"/applications/{application_in(lines, 'staging').pk}/commits/").content.decode()
    assert "No commit of cart in staging was read yet" in page


@pytest.mark.parametrize("mark", ["head_sha", "merge_sha", "number"])
def test_a_config_commit_names_the_promotion_it_came_from(lines: Shop, reader: Client, mark: str) -> None:
    staging = application_in(lines, "staging")
    commit = keep(staging, "v1.1.0", "v1.2.0", 3, pull_request=17)
    now = timezone.now()
    promotion = Promotion.objects.create(
        project=lines.project, environment=staging.environment, repository=lines.config, title="Promote",
        proposer_name="Ada", planned_at=now, phase="merged", phase_at=now, merged_at=now,
        base_branch="main", base_sha="b" * 40, **{mark: "17" if mark == "number" else commit.sha},
    )  # fmt: skip
    page = reader.get(f"/applications/{staging.pk}/commits/").content.decode()
    assert f'<a href="/promotions/{promotion.pk}/">promotion {promotion.pk}</a>' in page


# --- parts that several pages share -----------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "compare/", "next/", "changelog/", "overrides/"])
def test_each_page_of_a_component_leads_to_the_others(lines: Shop, reader: Client, page: str) -> None:
    text = reader.get(f"/projects/shop/components/cart/{page}").content.decode()
    for other in ("compare/", "next/", "changelog/", "overrides/"):
        assert f'href="/projects/shop/components/cart/{other}"' in text, other


def test_a_bad_release_is_called_bad_where_it_is_compared_and_where_a_commit_brought_it(
    lines: Shop, reader: Client
) -> None:
    keep(application_in(lines, "staging"), "v1.1.0", "v1.2.0", 3)
    before = reader.get(COMPARE).content.decode().count(">bad<")
    lines.component.releases.filter(tag="v1.2.0").update(is_bad=True)
    assert reader.get(COMPARE).content.decode().count(">bad<") == before + 2
