"""What arrives, what is there already, what is lost; and where a change is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Role
from apps.environments.models import Component
from apps.releases.selectors.comparison import Comparison, compare_points, describe_arrivals, heading_of
from apps.releases.selectors.find import Match, describe_stops, find_change
from apps.releases.selectors.points import choices_of, find_commits_of, find_point
from apps.releases.selectors.train import read_train
from apps.repositories.models import CommitGraph, StoredCommit
from apps.repositories.services.commits import store_commits
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

PAGE = "/projects/shop/components/cart/compare/"


@pytest.fixture
def lines(shop: Shop) -> Shop:
    """
    main:        1.0.0 — feat pay — fix late answer (#12) — 1.1.0
    release/1.0: 1.0.0 — the fix, picked — a hotfix of its own — 1.0.1
    """
    first = shop.release("1.0.0", "feat: sell things")
    shop.release("1.1.0", "feat(payment): pay with one tap (#11)", "fix: charge once when it is late (#12)")
    picked = shop.seed.git("rev-parse", "refs/tags/v1.1.0^{commit}")
    shop.seed.point("refs/heads/release/1.0", first)
    shop.seed.commit(
        message=f"fix: charge once when it is late (#13)\n\n(cherry picked from commit {picked})",
        branch="release/1.0",
    )
    hotfix = shop.seed.commit(
        message="fix(log): drop card digits (#14)", branch="release/1.0", author="Ada <a@e.org>"
    )
    shop.seed.tag("v1.0.1", hotfix)
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.observe(shop.run("dev", "v1.1.0"), "v1.1.0", 1)
    shop.observe(shop.run("staging", "v1.1.0"), "v1.1.0", 0.5)
    shop.observe(shop.run("production", "v1.0.1"), "v1.0.1", 6)
    shop.update()
    return shop


def component_of(shop: Shop) -> Component:
    return Component.objects.select_related("project", "source").get(pk=shop.component.pk)


def compared(shop: Shop, source: str, target: str) -> Comparison:
    component = component_of(shop)
    left, right = find_point(component, source), find_point(component, target)
    assert left
    assert right
    return compare_points(component, left, right)


# --- both directions --------------------------------------------------------------------------------------


def test_what_arrives_what_is_there_already_and_what_is_lost(lines: Shop) -> None:
    found = compared(lines, "env:staging", "env:production")
    assert [entry.text for section in found.notes.sections for entry in section.entries] == [
        "pay with one tap"
    ]
    assert [(line.text, line.reason) for line in found.already] == [
        ("charge once when it is late (#12)", "its message names the commit it was picked from")
    ]
    assert [(line.scope, line.text) for line in found.lost] == [("log", "drop card digits (#14)")]
    assert heading_of(found) == "1 commit would arrive in production, 1 would be lost"
    assert describe_arrivals(found.notes) == "1 feature"


def test_the_other_direction_swaps_what_arrives_and_what_is_lost(lines: Shop) -> None:
    found = compared(lines, "env:production", "env:staging")
    assert found.arrives_count == 1
    assert [line.text for line in found.lost] == ["pay with one tap (#11)"]


def test_two_that_are_the_same_say_so(lines: Shop) -> None:
    found = compared(lines, "env:dev", "env:staging")
    assert heading_of(found) == "Nothing would arrive in staging: it has all of dev"


def test_what_would_only_be_lost_is_said(lines: Shop) -> None:
    found = compared(lines, "tag:v1.0.0", "tag:v1.0.1")
    assert heading_of(found) == "Nothing would arrive after 1.0.1, 2 commits would be lost"


@pytest.mark.parametrize(
    ("key", "how"),
    [("env:production", "the tag v1.0.1"), ("tag:v1.0.1", "the tag v1.0.1"), ("commit:{}", "its id")],
)
def test_a_side_is_an_environment_a_release_or_a_commit(lines: Shop, key: str, how: str) -> None:
    sha = lines.get_commit("v1.0.1")
    point = find_point(component_of(lines), key.format(sha[:9]))
    assert point is not None
    assert (point.sha, point.found_by) == (sha, how)


def test_a_side_is_what_ran_at_a_moment(lines: Shop) -> None:
    component = component_of(lines)
    then = (timezone.now() - timedelta(days=3)).isoformat()
    assert find_point(component, f"env:production@{then}").version == "v1.0.1"  # type: ignore[union-attr]
    long_ago = find_point(component, "env:production@2020-01-01")
    assert long_ago is not None
    assert long_ago.problem == "It is not known what ran in production on 2020-01-01."
    assert find_point(component, "env:production@yesterday") is None
    assert find_point(component, "env:nowhere") is None
    assert find_point(component, "what:ever") is None


def test_an_image_tag_that_is_a_commit_id_is_found(lines: Shop) -> None:
    sha = lines.get_commit("v1.1.0")
    found = find_commits_of(component_of(lines), [f"sha-{sha[:8]}", f"1.0.0-2-g{sha[:7]}", "nothing"])
    assert {version: one.sha for version, one in found.items()} == {
        f"sha-{sha[:8]}": sha,
        f"1.0.0-2-g{sha[:7]}": sha,
    }


def test_what_cannot_be_compared_says_why(lines: Shop) -> None:
    lines.run("production", "2026-special")
    found = compared(lines, "env:staging", "env:production")
    assert found.problems == ["No tag of shop/cart is called 2026-special."]
    lines.run("production", "v1.0.1", path="cart/production-eu")
    assert "2 versions run in production" in compared(lines, "env:staging", "env:production").problems[0]


def test_commits_that_are_not_read_yet_are_said_to_be(lines: Shop) -> None:
    StoredCommit.objects.all().delete()
    CommitGraph.objects.all().delete()
    found = compared(lines, "env:staging", "env:production")
    assert found.problems == [
        "The commits of shop/cart are not all read yet; it takes a moment after a poll."
    ]


def test_a_train_names_the_components_that_differ(lines: Shop) -> None:
    train = read_train(lines.project, "staging", "production")
    assert [(one.name, one.target_version, one.source_version) for one in train.wagons] == [
        ("cart", "v1.0.1", "v1.1.0")
    ]
    assert (train.arrives_count, train.lost_count, train.level) == (1, 1, [])
    assert read_train(lines.project, "dev", "staging").level == ["cart"]


# --- the page ---------------------------------------------------------------------------------------------


@pytest.fixture
def viewer(lines: Shop, client: Client) -> Client:
    client.force_login(make_person("viewer", Role.VIEWER, lines.project))
    return client


def test_the_page_begins_with_the_last_two_environments(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(39):
        page = viewer.get(PAGE).content.decode()
    assert "1 commit would arrive in production, 1 would be lost" in page
    assert "drop card digits" in page
    assert "its message names the commit it was picked from" in page


@pytest.mark.parametrize("kind", ["env:production@{}", "commit:{}"])
def test_a_side_that_is_in_no_list_stays_chosen(viewer: Client, lines: Shop, kind: str) -> None:
    day = (timezone.now() - timedelta(days=2)).date().isoformat()
    key = kind.format(day if "@" in kind else lines.get_commit("v1.1.0"))
    page = viewer.get(PAGE, {"from": key, "into": "env:staging"}).content.decode()
    assert page.count(f'<option value="{key}" selected>') == 1
    assert page.count(" selected>") == 2


def test_where_nothing_arrives_the_notes_say_that_all_is_there(viewer: Client) -> None:
    page = viewer.get(f"{PAGE}?from=env:dev&into=env:staging").content.decode()
    assert "Nothing new" in page
    assert "staging has every change of dev already." in page
    assert "between this tag" not in page


@pytest.mark.parametrize(
    ("wanted", "kind", "words"),
    [
        ("md", "text/markdown", "### Would be lost (1)"),
        ("json", "application/json", '"already_there"'),
        ("html", "text/html", "<h3>New</h3>"),
    ],
)
def test_the_notes_can_be_had_elsewhere(viewer: Client, wanted: str, kind: str, words: str) -> None:
    answer = viewer.get(f"{PAGE}?from=env:staging&into=env:production&format={wanted}")
    assert answer.headers["Content-Type"].startswith(kind)
    assert words in answer.content.decode()


def test_without_environments_the_newest_release_is_told_against_the_one_before(
    lines: Shop, viewer: Client
) -> None:
    lines.component.applications.all().delete()
    page = viewer.get(PAGE)
    assert (page.context["source"].key, page.context["target"].key) == ("tag:v1.1.0", "tag:v1.0.1")


def test_what_is_not_there_cannot_be_compared(viewer: Client) -> None:
    assert viewer.get(f"{PAGE}?from=tag:v9&into=env:dev").status_code == 404
    assert viewer.get(f"{PAGE}?from=env:dev&into=env:staging&format=pdf").status_code == 404
    assert viewer.get("/projects/shop/compare/?from=dev&into=nowhere").status_code == 404


def test_the_choices_are_environments_in_order_and_releases_newest_first(lines: Shop) -> None:
    places, releases = choices_of(component_of(lines))
    assert [(one.label, one.version) for one in places] == [
        ("dev", "v1.1.0"),
        ("staging", "v1.1.0"),
        ("production", "v1.0.1"),
    ]
    assert [one.label for one in releases] == ["1.1.0", "1.0.1", "1.0.0"]


# --- is my fix live? --------------------------------------------------------------------------------------


def found(shop: Shop, query: str) -> list[Match]:
    return find_change(shop.project, query).matches


def test_a_pull_request_leads_to_where_it_runs_since_when(lines: Shop) -> None:
    (match,) = found(lines, "#11")
    assert [(stop.environment, stop.state, stop.version) for stop in match.stops] == [
        ("dev", "live", "v1.1.0"),
        ("staging", "live", "v1.1.0"),
        ("production", "not yet", ""),
    ]
    assert match.stops[2].runs == "v1.0.1"
    assert [one["version"] for one in match.releases] == ["1.1.0"]
    assert describe_stops(match.stops) == "Live in dev and staging. Not yet in production."


@pytest.mark.parametrize(
    ("stored", "words"),
    [("", ""), ("unsigned", "not signed"), ("unknown", "signed, by whom was not checked")],
)
def test_a_change_says_whether_its_commit_is_signed_once_that_was_read(
    lines: Shop, viewer: Client, stored: str, words: str
) -> None:
    StoredCommit.objects.filter(repository=lines.source).update(signature=stored)

    page = viewer.get("/projects/shop/find/?q=%2311").content.decode()

    said = [one for one in ("not signed", "signed, by whom was not checked") if one in page]
    assert said == [words] * bool(words)


@pytest.mark.parametrize("query", ["drop card", "author:Ada", "#14", "{sha}"])
def test_a_change_is_found_by_words_author_number_and_id(lines: Shop, query: str) -> None:
    matches = found(lines, query.format(sha=lines.get_commit("v1.0.1")[:9]))
    assert "drop card digits" in [match.title for match in matches]


def test_what_was_taken_back_is_told(lines: Shop) -> None:
    application = lines.run("dev", "v1.0.1")
    lines.observe(application, "v1.0.1", 0.1)
    lines.update()
    (match,) = found(lines, "#11")
    assert (match.stops[0].state, match.stops[0].version, match.stops[0].runs) == ("was", "v1.1.0", "v1.0.1")


def test_a_version_without_commit_makes_its_environment_unknown(lines: Shop) -> None:
    application = lines.run("dev", "2026-special")
    lines.observe(application, "2026-special", 0.1)
    lines.update()
    (match,) = found(lines, "#11")
    assert match.stops[0].state == "unknown"


def test_the_page_answers_in_a_sentence_and_says_when_nothing_matches(viewer: Client) -> None:
    assert (
        "Live in dev and staging. Not yet in production."
        in viewer.get("/projects/shop/find/?q=%2311").content.decode()
    )
    assert "Nothing matches “#999”" in viewer.get("/projects/shop/find/?q=%23999").content.decode()
    assert "Is my fix live?" in viewer.get("/projects/shop/find/").content.decode()
    odd = viewer.get("/projects/shop/find/", {"q": "\0<script>\u202e" + "x" * 500})
    assert odd.status_code == 200
    assert b"<script>\xe2" not in odd.content


@pytest.fixture
def one_tap(lines: Shop) -> str:
    """The page that compares where somebody wrote one entry anew, and the id of its commit."""
    sha = lines.seed.git("rev-parse", "refs/tags/v1.1.0^{commit}~1")
    lines.component.note_overrides.create(
        kind="commit", key=sha, text="One tap", audience="internal", edited_by="ada", edited_at=timezone.now()
    )
    return f"{PAGE}?from=tag:v1.1.0&into=tag:v1.0.0"


@pytest.mark.parametrize("form", ["", "md", "html", "json"])
def test_what_people_wrote_shows_where_versions_are_compared(
    lines: Shop, one_tap: str, client: Client, form: str
) -> None:
    client.force_login(make_person("viewer", Role.VIEWER, lines.project))
    engineers = client.get(f"{one_tap}&format={form}").content.decode()
    customers = client.get(f"{one_tap}&format={form}&audience=public").content.decode()
    assert "One tap" in engineers
    assert "One tap" not in customers
    assert "charge once" in customers
    assert "Edit…" not in engineers


def test_a_file_for_customers_names_no_commit_and_nobody(lines: Shop, one_tap: str, client: Client) -> None:
    client.force_login(make_person("proposer", Role.PROMOTER, lines.project))
    assert "Edit…" in client.get(one_tap).content.decode()
    for form in ("md", "html", "json"):
        text = client.get(f"{one_tap}&format={form}&audience=public").content.decode()
        for secret in (lines.get_commit("v1.1.0")[:8], "#12", "drop card digits", "found_by", "ada"):
            assert secret not in text
