"""Who is new in a release or a comparison is told from the stored commits."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.releases.selectors.newcomers import find_firsts
from apps.repositories.selectors.commits import commits_between
from apps.repositories.services.commits import store_commits
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop


@pytest.fixture
def people(shop: Shop) -> Shop:
    """1.0.0 is Ada's; 1.1.0 has her under another name, Grace, who is new, and Edith, new on this line."""
    first = shop.seed.commit(message="feat: sell", author="Ada <ada@example.org>")
    shop.seed.tag("v1.0.0", first)
    shop.seed.commit(message="fix: aside", branch="aside", parents=(first,), author="Edith <e@example.org>")
    shop.seed.commit(message="fix: a (#2)", author="Ada Lovelace <ada@example.org>")
    shop.seed.commit(message="feat: b (#3)", author="Grace <grace@example.org>")
    shop.seed.commit(message="feat: c (#4)", author="Edith <e@example.org>")
    last = shop.seed.commit(message="fix: d (#5)", author="Grace <g@example.org>")
    shop.seed.tag("v1.1.0", last)
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.update()
    return shop


def test_whoever_has_no_commit_before_the_base_is_new(people: Shop) -> None:
    base, head = (people.seed.git("rev-parse", f"refs/tags/v1.{minor}.0^{{commit}}") for minor in (0, 1))
    people.source.refresh_from_db()
    commits = commits_between(people.source, base, head)

    firsts = find_firsts(people.source, commits, base)

    assert [one.message.strip() for one in commits if one.sha in firsts] == ["feat: c (#4)", "feat: b (#3)"]
    assert find_firsts(people.source, commits, "") == set()


def test_the_release_and_the_comparison_name_them(people: Shop, client: Client) -> None:
    client.force_login(make_person("ada", Role.VIEWER))

    release = client.get(f"/releases/{people.get('v1.1.0').pk}/").content.decode()
    data = client.get(
        "/projects/shop/components/cart/compare/?from=tag:v1.1.0&into=tag:v1.0.0&format=json"
    ).json()

    assert [one["name"] for one in data["notes"]["new_contributors"]] == ["Grace", "Edith"]
    assert data["notes"]["new_contributors"][0]["pull_request"] == 3
    assert "New contributors" in release
    outside = client.get(f"/releases/{people.get('v1.1.0').pk}/?audience=public").content.decode()
    assert "New contributors" not in outside


def test_notes_that_are_written_before_commits_are_stored_name_them_too(shop: Shop) -> None:
    first = shop.seed.commit(message="feat: sell", author="Ada <ada@example.org>")
    shop.seed.tag("v1.0.0", first)
    shop.seed.commit(message="fix: a", author="Ada <ada@example.org>")
    shop.seed.tag("v1.1.0", shop.seed.commit(message="feat: b (#3)", author="Grace <grace@example.org>"))
    shop.poll()
    shop.update()

    notes = shop.get("v1.1.0").notes or {}

    assert [(one["name"], one["pull_request"]) for one in notes["new_contributors"]] == [("Grace", 3)]
    assert (shop.get("v1.0.0").notes or {})["new_contributors"] == []
