"""A comparison over several releases says in which of them something broke."""

from __future__ import annotations

from django.test import Client

from apps.accounts.models import Role
from apps.repositories.services.commits import store_commits
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

PAGE = "/projects/shop/components/cart/compare/"


def test_what_breaks_is_shown_with_the_release_that_brought_it(shop: Shop, client: Client) -> None:
    shop.release("1.0.0", "feat: sell")
    # 1.1.0 is made on a branch of its own, as 1.2.0 is not: both hold what the main line had before.
    broken = shop.seed.commit(message="feat(api)!: prices in cents")
    made = shop.seed.commit(message="chore: release", branch="release/1.1", parents=(broken,))
    shop.seed.tag("v1.1.0", made)
    shop.release("1.2.0", "security: check the signature", "feat: pay later")
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.update()
    client.force_login(make_person("ada", Role.VIEWER))

    sides = "?from=tag:v1.2.0&into=tag:v1.0.0"
    sections = client.get(f"{PAGE}{sides}&format=json").json()["notes"]["sections"]
    page = client.get(PAGE + sides).content.decode()
    text = client.get(f"{PAGE}{sides}&format=md").content.decode()
    one_release = client.get(f"{PAGE}?from=tag:v1.2.0&into=commit:{broken}").content.decode()

    told = {entry["text"]: entry["since"] for section in sections for entry in section["entries"]}
    assert told == {"prices in cents": "1.1.0", "check the signature": "1.2.0", "pay later": ""}
    assert "since 1.1.0" in page
    assert "since 1.2.0" in page
    assert "prices in cents (since 1.1.0," in text
    assert "check the signature" in one_release
    assert "since 1." not in one_release.partition('id="notes"')[2]
