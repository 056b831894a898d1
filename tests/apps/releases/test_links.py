"""Commits, pull requests and issues lead to the pages of the host and of the tracker, wherever they stand."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.releases.models import ReleasePolicy
from apps.repositories.services.commits import store_commits
from gitopsui.adapters.git_history import History
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop

COMPARE = "/projects/shop/components/cart/compare/?from=env:staging&into=env:production"
HOSTS = pytest.mark.parametrize(
    ("remote", "commit", "pull", "issue"),
    [
        ("https://github.com/acme/cart", "commit", "pull", "issues"),
        ("git@gitlab.com:acme/cart.git", "-/commit", "-/merge_requests", "-/issues"),
        ("https://gitea.example.org/acme/cart.git", "commit", "pulls", "issues"),
    ],
)


@pytest.fixture
def lines(shop: Shop, client: Client) -> Shop:
    """A fix that names issues, picked to the line of production, which has a hotfix of its own."""
    first = shop.release("1.0.0", "feat: sell things")
    fix = shop.seed.commit(message="fix: charge once (#12)\n\nCloses #7\nSee SHOP-9 too.")
    shop.release("1.1.0", "feat: one tap (#15)\n\nCloses #8\nAs SHOP-10 asks.")
    shop.seed.point("refs/heads/release/1.0", first)
    shop.seed.commit(
        message=f"fix: only once (#13)\n\n(cherry picked from commit {fix})", branch="release/1.0"
    )
    hotfix = shop.seed.commit(message="fix: drop digits (#14)", branch="release/1.0")
    shop.seed.tag("v1.0.1", hotfix)
    shop.poll()
    store_commits(shop.source, git=History(shop.seed.path))
    shop.observe(shop.run("staging", "v1.1.0"), "v1.1.0", 1)
    shop.observe(shop.run("production", "v1.0.1"), "v1.0.1", 6)
    shop.update()
    ReleasePolicy.objects.update_or_create(
        component=shop.component,
        defaults={"tracker_pattern": "SHOP-[0-9]+", "tracker_url": "https://tracker.example.org/{id}"},
    )
    client.force_login(make_person("viewer", Role.VIEWER, shop.project))
    return shop


def host(shop: Shop, remote: str) -> str:
    """Where the pages of the repository are."""
    shop.source.url = remote
    shop.source.save()
    name = remote.removeprefix("https://").removeprefix("git@").removesuffix(".git")
    return "https://" + name.replace(":", "/")


@HOSTS
def test_compare_links_what_arrives_is_there_and_would_be_lost(
    lines: Shop, client: Client, remote: str, commit: str, pull: str, issue: str
) -> None:
    base = host(lines, remote)
    page = client.get(COMPARE).content.decode()
    newest, hotfix = lines.get_commit("v1.1.0"), lines.get_commit("v1.0.1")
    origin, pick = (lines.seed.git("rev-parse", f"{sha}^") for sha in (newest, hotfix))
    for sha in (newest, hotfix, origin, pick):
        assert f'href="{base}/{commit}/{sha}"' in page
    for number in (12, 14, 15):
        assert f'href="{base}/{pull}/{number}"' in page
    assert f'href="{base}/{issue}/8"' in page
    assert 'href="https://tracker.example.org/SHOP-10"' in page
    assert page.count("on <bdi>release/1.0</bdi>") == 2
    assert "drop digits</bdi>" in page


@HOSTS
def test_find_links_each_commit_its_pull_request_and_its_issues(
    lines: Shop, client: Client, remote: str, commit: str, pull: str, issue: str
) -> None:
    base = host(lines, remote)
    page = client.get("/projects/shop/find/", {"q": "#12"}).content.decode()
    origin, pick = (lines.seed.git("rev-parse", f"{lines.get_commit(tag)}^") for tag in ("v1.1.0", "v1.0.1"))
    for sha in (origin, pick):
        assert f'href="{base}/{commit}/{sha}"' in page
    for number in (12, 13):
        assert f'href="{base}/{pull}/{number}"' in page
    assert f'href="{base}/{issue}/7"' in page
    assert 'href="https://tracker.example.org/SHOP-9"' in page
    assert f'as <a href="{base}/{commit}/{pick}"' in page


@pytest.mark.parametrize("address", [COMPARE, "/projects/shop/find/?q=%2312"])
def test_nothing_leads_to_a_host_whose_pages_are_not_known(lines: Shop, client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    assert "git.example.org" not in page
    assert "#12" in page
    assert "<code>" in page


def test_customers_see_no_links_of_the_notes(lines: Shop, client: Client) -> None:
    base = host(lines, "https://github.com/acme/cart")
    text = client.get(f"{COMPARE}&audience=public&format=json").content.decode()
    assert base not in text
    assert "tracker" not in text
