"""The drift of an application in its three views, what differed before, and who wrote it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.environments.models import Application, DriftedResource
from apps.environments.selectors.applications import heading_of
from apps.environments.selectors.drift import DriftCount, count_in, split_path, with_whole_counts
from apps.environments.selectors.drift_diff import MOST_DIFFS
from tests.apps.environments.drift_shop import DEPLOYMENT, SHA, DriftShop, change, make_shop

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "cart"},
    "data": {"pin": "••••••(0123abcd)"},
}
REPLICAS = change("spec.replicas", "2", "5")


@pytest.fixture
def shop(db: None) -> DriftShop:
    made = make_shop()
    Application.objects.update(checked_at=timezone.now())
    made.application.refresh_from_db()
    return made


# --- the three views --------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "view=fields", "view=else", "view="])
def test_the_fields_are_shown_unless_another_view_is_asked_for(shop: DriftShop, query: str) -> None:
    shop.desire(DEPLOYMENT)
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    page = shop.page(query)
    assert "Written by" in page
    assert 'class="diff' not in page


@pytest.mark.parametrize("view", ["side", "unified"])
def test_a_view_of_texts_shows_both_sides_with_the_words_that_differ(shop: DriftShop, view: str) -> None:
    shop.desire(DEPLOYMENT)
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    page = shop.page(f"view={view}")
    assert f'class="diff {view}"' in page
    assert '<span class="vh">in Git: </span>  replicas: <del>2</del>' in page
    assert '<span class="vh">live: </span>  replicas: <ins>5</ins>' in page
    assert f'view={view}#drift-table" hx-get=' in page


def test_the_view_is_kept_while_the_panel_refreshes(shop: DriftShop) -> None:
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    assert f'hx-get="/applications/{shop.application.pk}/drift-table/?view=side"' in shop.page("view=side")


def test_a_resource_that_is_missing_is_shown_as_git_asks_for_it(shop: DriftShop) -> None:
    shop.desire(DEPLOYMENT)
    shop.drift("Deployment", "MISSING")
    page = shop.page("view=unified")
    assert "kind: Deployment" in page
    assert '<code class="ins">' not in page


def test_a_resource_that_git_does_not_know_says_so_instead_of_a_text(shop: DriftShop) -> None:
    shop.desire(DEPLOYMENT)
    shop.drift("ConfigMap", "EXTRA")
    page = shop.page("view=side")
    assert "nothing to compare it with" in page
    assert 'class="diff side"' not in page


def test_what_git_asks_for_may_not_be_kept_any_more(shop: DriftShop) -> None:
    shop.desire()
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    assert "is not kept any more" in shop.page("view=side")


def test_a_secret_that_differs_is_marked_without_its_value_or_its_digest(shop: DriftShop) -> None:
    shop.desire(SECRET)
    shop.drift("Secret", "MODIFIED", change("data.pin", "••••••", "••••••"))
    for view in ("fields", "side", "unified"):
        assert "0123abcd" not in shop.page(f"view={view}")
    assert "another value" in shop.page("view=side")


def test_the_end_of_a_text_is_a_difference_that_is_seen(shop: DriftShop) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}, "data": {"a": "x\ny\n"}}
    shop.desire(config)
    shop.drift("ConfigMap", "MODIFIED", change("data.a", "x\ny\n", "x\ny"))
    assert "a: |<ins>-</ins>" in shop.page("view=side")
    assert "no newline at end" in shop.page("view=fields")


def test_a_value_of_which_only_the_beginning_is_kept_is_compared_as_far_and_says_so(shop: DriftShop) -> None:
    long = "line\n" * 1000
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}, "data": {"a": long}}
    shop.desire(config)
    shop.drift("ConfigMap", "MODIFIED", change("data.a", long[:1999] + "…", ("new\n" + long)[:1999] + "…"))
    page = shop.page("view=side")
    assert "the first 2,000 characters are kept" in page
    assert page.count('<code class="del">') < 5


def test_foreign_text_is_escaped_in_every_view(shop: DriftShop) -> None:
    evil = "<script>x</script>\n\u202e"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}, "data": {evil: evil}}
    shop.desire(config, volatile=[{"key": evil, "path": evil}])
    shop.drift("ConfigMap", "MODIFIED", change(f"data[{evil}]", evil, evil + "y", manager=evil))
    for view in ("fields", "side", "unified"):
        page = shop.page(f"view={view}")
        assert "<script>x" not in page
        assert "\u202e" not in page


def test_more_resources_than_are_drawn_as_texts_still_have_their_fields(shop: DriftShop) -> None:
    shop.desire(DEPLOYMENT)
    for number in range(MOST_DIFFS + 1):
        shop.drift("Deployment", "MISSING", name=f"cart-{number:03}")
    assert "Too many resources differ" in shop.page("view=side")


def test_fields_that_no_two_renders_agree_on_are_told(shop: DriftShop) -> None:
    shop.desire(DEPLOYMENT, volatile=[{"key": "Secret cart", "path": "data.password"}])
    page = shop.page()
    assert "Rendering is not deterministic" in page
    assert "Secret cart: data.password" in page


# --- who, since when, against what ------------------------------------------------------------------------


def test_a_drift_names_its_writer_its_beginning_and_the_commit_it_is_measured_against(
    shop: DriftShop,
) -> None:
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    page = shop.page()
    assert "kubectl-edit" in page
    assert f'href="https://github.com/shop/config/commit/{SHA}"' in page
    assert "Give cart more memory" in page
    assert "by <bdi>proposer</bdi>" in page


def test_a_commit_on_a_host_we_do_not_know_leads_to_our_page_of_the_repository(shop: DriftShop) -> None:
    repository = shop.application.repository
    repository.url = "https://git.example.org/shop/config"
    repository.save()
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    page = shop.page()
    assert "git.example.org" not in page
    assert f'class="mono" href="{reverse("repository-detail", args=[repository.pk])}"' in page


def test_a_commit_that_nothing_was_compared_with_is_told_from_the_one_it_was(shop: DriftShop) -> None:
    shop.drift("Deployment", "MODIFIED", REPLICAS)
    assert "Git has moved on" not in shop.page()
    shop.application.desired_sha = "91bc" * 10
    shop.application.save()
    page = shop.page()
    assert "Measured against" in page
    assert "Give cart more memory" in page
    assert "Git has moved on to" in page
    assert "91bc91b" in page


def test_the_folder_in_git_is_a_link_where_the_host_has_pages(shop: DriftShop) -> None:
    assert f"https://github.com/shop/config/tree/{SHA}/apps/cart" in shop.page()


def test_who_may_silence_is_offered_it_at_each_field(shop: DriftShop) -> None:
    row = shop.drift("Deployment", "MODIFIED", REPLICAS, change("spec.paused", None, "true"))
    address = f"{reverse('silence-new')}?drift={row.pk}&amp;change="
    page = shop.page(who="proposer")
    assert f"{address}0" in page
    assert f"{address}1" in page
    assert address not in shop.page(who="viewer")


def test_what_is_silenced_is_not_among_what_differs(shop: DriftShop) -> None:
    shop.drift("Deployment", "MODIFIED", is_silenced=True)
    assert 'class="list drift"' not in shop.page()


# --- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "heading"),
    [
        (DriftCount(3), "3 fields are not what Git asks for"),
        (DriftCount(1), "1 field is not what Git asks for"),
        (DriftCount(0, 1), "1 resource is missing"),
        (DriftCount(3, 1), "3 fields are not what Git asks for and 1 resource is missing"),
        (
            DriftCount(1, 2, 1),
            "1 field is not what Git asks for, 2 resources are missing and 1 resource is not in Git",
        ),
        (DriftCount(), "not all is as Git asks for"),
    ],
)
def test_the_heading_says_what_of_it_are_whole_resources(
    shop: DriftShop, count: DriftCount, heading: str
) -> None:
    assert (
        heading_of(shop.application, count, now=timezone.now())
        == f"cart in production is healthy, but {heading}"
    )


@pytest.mark.parametrize(
    ("count", "words", "short"),
    [
        (DriftCount(3, 1), "3 fields, 1 resource missing", "3 fields, 1 missing"),
        (DriftCount(0, 0, 2), "2 resources not in Git", "2 not in Git"),
        (
            DriftCount(1, 1, 1),
            "1 field, 1 resource missing, 1 not in Git",
            "1 field, 1 missing, 1 not in Git",
        ),
        (DriftCount(), "", ""),
    ],
)
def test_a_count_is_said_in_words(count: DriftCount, words: str, short: str) -> None:
    assert (count.words, count.short) == (words, short)


def test_whole_resources_are_told_from_fields_without_a_query_for_each_application(
    shop: DriftShop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shop.drift("Deployment", "MODIFIED", REPLICAS, REPLICAS)
    shop.drift("Service", "MISSING")
    shop.drift("ConfigMap", "EXTRA", is_silenced=True)
    shop.closed("Job", 3, name="old")
    Application.objects.update(drift_count=3)
    with django_assert_num_queries(1):
        assert count_in(with_whole_counts(Application.objects.all())) == DriftCount(2, 1, 0)


def test_an_application_nobody_counted_for_has_fields_only() -> None:
    one: Any = SimpleNamespace(drift_count=4)
    assert count_in([one]) == DriftCount(4)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("replicas", ("", "replicas")),
        ("a.containers[web].env[LOG].value", ("a.containers[web]", "env[LOG].value")),
        ("metadata.labels[app.kubernetes.io/name]", ("metadata", "labels[app.kubernetes.io/name]")),
    ],
)
def test_a_path_is_cut_where_it_is_read_best(path: str, parts: tuple[str, str]) -> None:
    assert split_path(path) == parts


# --- what differed before ---------------------------------------------------------------------------------


def test_the_panel_leads_to_what_differed_before(shop: DriftShop) -> None:
    assert "earlier</a>" not in shop.page()
    shop.closed("Deployment", 3)
    shop.closed("Deployment", 2)
    assert f'href="/applications/{shop.application.pk}/drift-history/">2 earlier</a>' in shop.page()


def test_the_history_lists_open_and_closed_findings_newest_first(shop: DriftShop) -> None:
    shop.closed("Service", 9, name="first")
    shop.closed("Deployment", 3, name="second")
    shop.drift("ConfigMap", "MISSING", name="third")
    page = shop.page(name="drift-history")
    assert page.index("<b>third</b>") < page.index("<b>second</b>") < page.index("<b>first</b>")
    assert "3 differences so far in cart in production" in page
    assert "lasted 3 h" in page
    assert "still there" in page
    assert "It was missing in the cluster." in page
    assert "kubectl-edit" in page


def test_the_history_is_narrowed_to_a_kind_and_an_unknown_one_is_no_filter(shop: DriftShop) -> None:
    shop.closed("Service", 9)
    shop.closed("Deployment", 3)
    assert "1 difference of Service" in shop.page("kind=Service", name="drift-history")
    assert "2 differences so far" in shop.page("kind=%3Cscript%3E", name="drift-history")


def test_the_history_comes_in_pages_that_keep_the_filter(shop: DriftShop) -> None:
    for number in range(60):
        shop.closed("Service", number + 1, name=f"cart-{number:02}")
    shop.closed("Deployment", 99)
    page = shop.page("kind=Service&page=2", name="drift-history")
    assert "51–60 of 60 differences" in page
    assert "?kind=Service&amp;page=1" in page


def test_an_application_that_never_differed_says_so(shop: DriftShop) -> None:
    assert "cart in production never differed from Git" in shop.page(name="drift-history")


# --- cost -------------------------------------------------------------------------------------------------


def _fill(shop: DriftShop, count: int) -> None:
    shop.desire(DEPLOYMENT)
    for number in range(count):
        shop.drift("Deployment", "MODIFIED", REPLICAS, name=f"cart-{number}")
        shop.closed("Deployment", number + 1, name=f"cart-{number}")
        shop.resource("Pod", f"cart-{number}", str(number))


@pytest.mark.parametrize("view", ["fields", "side", "unified"])
@pytest.mark.parametrize(
    ("name", "most"),
    [("application-detail", 19), ("drift-table", 11), ("drift-history", 10), ("resource-tree", 8)],
)
def test_a_page_takes_as_many_queries_for_forty_resources_as_for_one(
    shop: DriftShop,
    client: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    name: str,
    most: int,
    view: str,
) -> None:
    _fill(shop, 40)
    client.force_login(shop.people["viewer"])
    with django_assert_max_num_queries(most):
        client.get(f"{reverse(name, args=[shop.application.pk])}?view={view}")


@pytest.mark.parametrize("name", ["drift-table", "resource-tree"])
def test_a_look_that_brings_nothing_new_has_no_body(shop: DriftShop, client: Client, name: str) -> None:
    _fill(shop, 2)
    client.force_login(shop.people["viewer"])
    address = f"{reverse(name, args=[shop.application.pk])}?view=side"
    tag = client.get(address).headers["HX-PTag"]
    Application.objects.update(checked_at=timezone.now() + timedelta(seconds=1))
    assert client.get(address, headers={"HX-PTag": tag}).status_code == 304


def test_a_field_that_changed_again_is_news(shop: DriftShop, client: Client) -> None:
    _fill(shop, 1)
    client.force_login(shop.people["viewer"])
    address = reverse("drift-table", args=[shop.application.pk])
    tag = client.get(address).headers["HX-PTag"]
    DriftedResource.objects.filter(resolved_at=None).update(changes=[change("spec.replicas", "2", "6")])
    assert client.get(address, headers={"HX-PTag": tag}).status_code == 200
    assert client.get(f"{address}?view=side", headers={"HX-PTag": tag}).status_code == 200
