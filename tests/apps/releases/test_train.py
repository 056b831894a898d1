"""A release train: what several components would bring, on one page and as files."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Role
from apps.environments.models import Application, Component, ConfigCommit
from apps.releases.models import ReleasePolicy
from apps.releases.selectors import train as trains
from apps.releases.selectors.compared import train_markdown
from apps.releases.selectors.train import read_train
from apps.repositories.models import Repository
from apps.repositories.services.commits import store_commits
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

PAGE = "/projects/shop/compare/?from=staging&into=production"
BREAKS = "feat(api)!: answer in cents (#11)"
SAFE = "sec: refuse long tokens (#15)"
# For each component with notes of its own; what a repository or a registry knows is asked for anew for each.
QUERIES_OF_A_COMPONENT = 32


def add(shop: Shop, name: str, staging: str = "v1.1.0", production: str = "v1.0.1") -> Component:
    """Another component that is built from the same repository."""
    component = Component.objects.create(project=shop.project, name=name, slug=name, source=shop.source)
    for environment, version in (("staging", staging), ("production", production)):
        Application.objects.create(
            component=component, environment=shop.environments[environment], repository=shop.config,
            path=f"{name}/{environment}", renderer="plain", desired_version=version,
        )  # fmt: skip
    return component


@pytest.fixture
def train(shop: Shop, client: Client) -> Shop:
    """
    main:        1.0.0 — what breaks, security, fix late answer — 1.1.0
    release/1.0: 1.0.0 — the fix, picked — a hotfix of its own — 1.0.1

    cart and web go from 1.0.1 to 1.1.0, mail is the same in both.
    """
    first = shop.release("1.0.0", "feat: sell things")
    fix = "fix: charge once when it is late (#12)"
    shop.release("1.1.0", BREAKS, SAFE, "feat: pay with one tap (#16)", fix)
    picked = shop.get_commit("v1.1.0")
    shop.seed.point("refs/heads/release/1.0", first)
    message = f"{fix}\n\n(cherry picked from commit {picked})"
    shop.seed.commit(message=message, branch="release/1.0")
    shop.seed.tag("v1.0.1", shop.seed.commit(message="fix(log): drop card digits", branch="release/1.0"))
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.run("staging", "v1.1.0")
    shop.run("production", "v1.0.1")
    add(shop, "mail", "v1.1.0", "v1.1.0")
    add(shop, "web")
    client.force_login(make_person("viewer", Role.VIEWER, shop.project))
    return shop


def test_each_component_says_what_arrives_what_is_there_and_what_is_lost(train: Shop) -> None:
    found = read_train(train.project, "staging", "production")
    told = [(one.name, one.arrives_count, one.already_count, one.lost_count) for one in found.wagons]
    assert told == [("cart", 3, 1, 1), ("web", 3, 1, 1)]
    assert (found.arrives_count, found.already_count, found.lost_count) == (6, 2, 2)
    assert found.arrivals == "2 breaking changes, 2 security fixes, 2 features"
    assert found.level == ["mail"]


def test_what_breaks_and_security_stand_first_and_the_rest_is_folded(train: Shop) -> None:
    wagon = read_train(train.project, "staging", "production").wagons[0]
    assert [section["title"] for section in wagon.first] == ["Breaking changes", "Security"]
    assert [section["title"] for section in wagon.rest] == ["New"]
    assert wagon.rest_words == "1 feature"


def test_the_page_begins_with_what_breaks_in_all_components(train: Shop, client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert page.index('id="breaking"') < page.index('id="components"') < page.index('id="of-cart"')
    summary = page[page.index('id="breaking"') : page.index('id="components"')]
    assert summary.count("answer in cents") == 2
    assert 'href="#of-web"' in summary


def test_the_notes_of_the_train_lead_to_the_pages_of_the_host(train: Shop, client: Client) -> None:
    Repository.objects.filter(pk=train.source.pk).update(url="https://github.com/shop/cart")
    page = client.get(PAGE).content.decode()
    assert page.count('href="https://github.com/shop/cart/pull/16"') == 2
    assert page.count('href="https://github.com/shop/cart/pull/12"') == 2
    assert page.count("drop card digits") == 2
    assert page.count("its message names the commit it was picked from") == 2
    assert page.count('class="way folded"') == 2


def test_config_commits_of_each_component_stand_in_the_train(train: Shop, client: Client) -> None:
    application = train.component.applications.get(environment__name="staging")
    ConfigCommit.objects.create(
        application=application, sha="d" * 40, at=timezone.now(), author="Ada", subject="Bring 1.1.0",
        version="v1.1.0", previous_version="v1.0.1",
    )  # fmt: skip
    page = client.get(PAGE).content.decode()
    assert "1 commit of the config repository" in page
    assert "Bring 1.1.0" in page
    told = json.loads(client.get(f"{PAGE}&format=json").content)
    assert [row["subject"] for row in told["components"][0]["config_commits"]] == ["Bring 1.1.0"]


def test_a_component_that_cannot_be_compared_says_why_among_the_others(train: Shop, client: Client) -> None:
    add(train, "odd", "2026-special")
    page = client.get(PAGE).content.decode()
    assert "No tag of shop/cart is called 2026-special." in page
    assert 'id="of-odd"' not in page
    assert "No tag of shop/cart" in client.get(f"{PAGE}&format=md").content.decode()


# --- files ------------------------------------------------------------------------------------------------


def test_the_train_as_markdown_begins_with_what_breaks_and_names_each_component(
    train: Shop, client: Client
) -> None:
    answer = client.get(f"{PAGE}&format=md")
    text = answer.content.decode()
    assert answer.headers["Content-Type"].startswith("text/markdown")
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings[:3] == ["# From staging into production", "## Breaking changes (2)", "## cart v1.1.0"]
    assert headings.count("### Would be lost (1)") == headings.count("### Already there (1)") == 2
    assert text.endswith("Level: mail.\n")


def test_the_train_as_json_has_what_a_single_comparison_has(train: Shop, client: Client) -> None:
    told = json.loads(client.get(f"{PAGE}&format=json").content)
    single = json.loads(
        client.get(
            "/projects/shop/components/cart/compare/?from=env:staging&into=env:production&format=json"
        ).content
    )
    assert (told["from"], told["into"], told["level"]) == ("staging", "production", ["mail"])
    cart = told["components"][0]
    assert cart["component"] == "cart"
    assert cart["counts"] == {"arrives": 3, "already_there": 1, "lost": 1}
    assert single.keys() <= cart.keys()
    assert cart["notes"] == single["notes"]
    assert [one["component"] for one in told["breaking_changes"]] == ["cart", "web"]


def test_the_train_as_html_has_each_component(train: Shop, client: Client) -> None:
    page = client.get(f"{PAGE}&format=html").content.decode()
    assert page.count("<h3>Breaking changes</h3>") == 2
    assert client.get(f"{PAGE}&format=pdf").status_code == 404


@pytest.mark.parametrize("form", ["", "md", "html", "json"])
def test_customers_read_no_commit_and_nothing_that_would_be_lost(
    train: Shop, client: Client, form: str
) -> None:
    text = client.get(f"{PAGE}&audience=public&format={form}").content.decode()
    assert "answer in cents" in text
    for secret in (train.get_commit("v1.1.0")[:7], "#11", "drop card digits", "picked from"):
        assert secret not in text


def test_a_file_that_would_be_too_long_names_what_is_left_out(train: Shop) -> None:
    found = read_train(train.project, "staging", "production", is_whole=True)
    short = train_markdown(found, "A train", is_public=False, limit=900)
    assert len(short) < 1_100
    assert "Left out for length: web." in short


# --- bounds -----------------------------------------------------------------------------------------------


def test_more_components_than_a_page_holds_are_counted_here_and_told_on_their_own_pages(
    train: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trains, "MOST_WHOLE", 1)
    page = client.get(PAGE).content.decode()
    assert 'id="of-cart"' in page
    assert 'id="of-web"' not in page
    rest = page[page.index('id="by-link"') :]
    assert "/projects/shop/components/web/compare/?from=env%3Astaging" in rest
    assert "The notes of 1 component fill this page." in rest
    assert "## web" in client.get(f"{PAGE}&format=md").content.decode()


def test_components_that_are_not_looked_into_are_counted(
    train: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trains, "MOST_COMPONENTS", 2)
    assert "1 component more is not looked into." in client.get(PAGE).content.decode()


def test_a_component_costs_the_same_queries_however_many_commits_it_brings(
    train: Shop, client: Client
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(PAGE).status_code == 200
        return len(caught)

    queries()
    few = queries()
    for number in range(3):
        add(train, f"more-{number}")
    queries()
    assert queries() - few <= 3 * QUERIES_OF_A_COMPONENT
    with_few = queries()
    train.release("1.2.0", *(f"fix: number {number}" for number in range(40)))
    train.poll()
    train.run("staging", "v1.2.0")
    assert queries() <= with_few + 4


def test_a_tracker_leads_to_its_issues_from_the_train(train: Shop, client: Client) -> None:
    train.release("1.2.0", "fix: mend the till\n\nRefs: SHOP-77")
    train.poll()
    train.run("staging", "v1.2.0")
    ReleasePolicy.objects.create(
        component=train.component, tracker_pattern="SHOP-[0-9]+", tracker_url="https://t.example.org/{id}"
    )
    assert "https://t.example.org/SHOP-77" in client.get(PAGE).content.decode()
