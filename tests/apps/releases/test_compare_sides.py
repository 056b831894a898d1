"""Either side of a comparison is a release, a commit or what ran at a moment, typed and found or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Role
from apps.releases.models import Release
from apps.repositories.models import StoredCommit
from apps.repositories.services.commits import store_commits
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

PAGE = "/projects/shop/components/cart/compare/"
KEPT = {"from": "env:staging", "into": "env:production", "audience": "public"}


@pytest.fixture
def shop_page(shop: Shop, client: Client) -> Shop:
    """cart 1.0.0 in production since five days, 1.1.0 in staging since yesterday."""
    shop.release("1.0.0", "feat: sell things")
    shop.release("1.1.0", "feat: one tap")
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.observe(shop.run("staging", "v1.1.0"), "v1.1.0", 1)
    shop.observe(shop.run("production", "v1.0.0"), "v1.0.0", 5)
    shop.update()
    client.force_login(make_person("viewer", Role.VIEWER, shop.project))
    return shop


def ask(client: Client, side: str, **typed: str) -> dict[str, str]:
    """What the address that is led to says of both sides and the reader."""
    answer = client.get(PAGE, {**KEPT, "side": side, **typed})
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def refuse(client: Client, **typed: str) -> str:
    """The page with the sentence beside what was typed."""
    page = client.get(PAGE, {**KEPT, "side": "from", **typed})
    assert page.status_code == 200
    text = page.content.decode()
    assert 'aria-invalid="true"' in text
    assert 'id="other-sides" open' in text
    (side,) = (one for one in page.context["sides"] if one.error)
    assert side.error in text.replace("&#x27;", "'")
    return str(side.error)


@pytest.mark.parametrize("typed", ["v1.0.0", "1.0.0", " v1.0.0 "])
@pytest.mark.parametrize("side", ["from", "into"])
def test_a_release_is_found_by_its_tag_or_version_and_the_other_side_stays(
    shop_page: Shop, client: Client, side: str, typed: str
) -> None:
    assert ask(client, side, release=typed) == {**KEPT, side: "tag:v1.0.0"}


def test_a_commit_is_found_by_the_beginning_of_its_id(shop_page: Shop, client: Client) -> None:
    sha = shop_page.get_commit("v1.0.0")
    assert ask(client, "into", commit=sha[:7].upper())["into"] == f"commit:{sha}"
    assert ask(client, "from", commit=sha)["from"] == f"commit:{sha}"


def test_a_moment_is_what_ran_in_an_environment_then(shop_page: Shop, client: Client) -> None:
    then = timezone.now().astimezone(UTC) - timedelta(days=3)
    typed = f"{then:%Y-%m-%dT%H:%M}"
    found = ask(client, "into", environment="production", moment=typed)
    assert found["into"] == f"env:production@{typed}"
    page = client.get(PAGE, found)
    assert page.context["target"].version == "v1.0.0"
    assert f"production on {then:%Y-%m-%d %H:%M} UTC" in page.content.decode()
    assert f'value="{typed}"' in page.content.decode()


def test_releases_that_are_in_no_list_of_the_newest_can_be_chosen(shop_page: Shop, client: Client) -> None:
    rows = Release.objects.filter(tag="v1.0.0").values()
    old = {**rows[0], "id": None}
    Release.objects.bulk_create(
        Release(**{**old, "tag": f"v0.{number}.0", "version": f"0.{number}.0", "position": 90 + number})
        for number in range(120)
    )
    page = client.get(PAGE).content.decode()
    assert '<option value="tag:v0.119.0"' not in page
    assert '<option value="v0.119.0">' in page
    assert ask(client, "from", release="v0.119.0")["from"] == "tag:v0.119.0"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"release": "v9"}, "No release of cart is called v9."),
        ({"release": " "}, "Type a release or choose one of the list."),
        ({"commit": "v1.0.0"}, "A commit id is made of the digits 0 to 9 and the letters a to f."),
        ({"commit": "abc123"}, "Type at least 7 digits of the commit id."),
        ({"commit": "0" * 40}, f"No commit of shop/cart begins with {'0' * 40}."),
        ({"environment": "nowhere", "moment": "2026-01-01"}, "Choose an environment."),
        ({"environment": "production", "moment": "soon"}, "Type a date and a time, such as"),
        ({"environment": "production", "moment": "2999-01-01T00:00"}, "That moment is still to come."),
    ],
)
def test_what_names_nothing_is_refused_beside_its_field(
    shop_page: Shop, client: Client, typed: dict[str, str], sentence: str
) -> None:
    assert refuse(client, **typed).startswith(sentence)


def test_an_id_that_several_commits_begin_with_is_refused(shop_page: Shop, client: Client) -> None:
    row = StoredCommit.objects.values().first()
    assert row
    StoredCommit.objects.bulk_create(
        StoredCommit(**{**row, "id": None, "sha": f"abcdef0{n}" + "0" * 32}) for n in range(3)
    )
    assert refuse(client, commit="abcdef0") == (
        "3 commits of shop/cart begin with abcdef0: type more of the id."
    )


def test_a_version_of_several_tags_is_refused_with_their_names(shop_page: Shop, client: Client) -> None:
    row = Release.objects.filter(tag="v1.0.0").values().first()
    assert row
    Release.objects.create(**{**row, "id": None, "tag": "cart-1.0.0"})
    assert refuse(client, release="1.0.0").startswith("Several tags are called 1.0.0: ")
    assert ask(client, "from", release="cart-1.0.0")["from"] == "tag:cart-1.0.0"


def test_a_component_without_source_knows_no_commits(shop_page: Shop, client: Client) -> None:
    shop_page.component.source = None
    shop_page.component.save()
    assert "has no source repository" in refuse(client, commit="abcdef0")


def test_a_date_alone_is_the_end_of_that_day(shop_page: Shop, client: Client) -> None:
    day = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
    found = ask(client, "into", environment="production", moment=day)
    assert client.get(PAGE, found).context["target"].title == f"production on {day}"


def test_the_page_does_not_ask_more_for_more_releases(
    shop_page: Shop, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2, 30):
        shop_page.release(f"1.{number}.0")
    shop_page.poll()
    shop_page.update()
    with django_assert_max_num_queries(36):
        client.get(PAGE)
