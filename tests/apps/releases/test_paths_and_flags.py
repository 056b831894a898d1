"""Folders of a repository with several components, oddities of tags, links, and what pods say they run."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.models import AuditEvent
from apps.environments.models import Application, Cluster, Component
from apps.releases.models import ImageTag, PathCommits, ReleasePolicy
from apps.releases.selectors.comparison import compare_points
from apps.releases.selectors.find import find_change
from apps.releases.selectors.points import find_point
from apps.repositories.models import StoredCommit
from tests.accounts import make_people
from tests.apps.releases.conftest import Shop

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def folders(shop: Shop) -> Shop:
    """Two components in one repository; cart has one of three commits since 1.0.0, on a merged branch."""
    ReleasePolicy.objects.create(component=shop.component, paths=["cart"])
    base = shop.seed.commit({"cart/a": "1", "pay/a": "1"}, "feat: begin")
    shop.seed.tag("v1.0.0", base)
    side = shop.seed.commit({"cart/a": "2"}, "fix: basket", branch="side", parents=(base,))
    main = shop.seed.commit({"pay/a": "2"}, "feat: payment")
    merge = shop.seed.commit({"cart/a": "2"}, "Merge pull request #7 from team/side", parents=(main, side))
    last = shop.seed.commit({"pay/a": "3"}, "feat: payment again", parents=(merge,))
    shop.seed.tag("v1.1.0", last)
    shop.run("dev", "1.1.0")
    shop.run("production", "1.0.0")
    shop.poll()
    shop.update()
    return shop


def component(shop: Shop) -> Component:
    return Component.objects.select_related("source", "project").get(pk=shop.component.pk)


def test_notes_lags_comparison_and_find_count_its_commits_alone(folders: Shop) -> None:
    texts = json.dumps(folders.get("v1.1.0").notes)
    assert "basket" in texts
    assert "payment" not in texts
    assert "#7" in texts or "7" in texts
    assert folders.lag("production").commit_count == 1
    cart = component(folders)
    source, target = find_point(cart, "tag:v1.1.0"), find_point(cart, "tag:v1.0.0")
    assert source is not None
    assert target is not None
    assert compare_points(cart, source, target).arrives_count == 1
    assert [match.title for match in find_change(folders.project, "basket").matches] == ["basket"]
    assert find_change(folders.project, "payment").matches == []


def test_other_folders_are_read_once_and_make_the_notes_anew(folders: Shop, client: Client) -> None:
    stored = PathCommits.objects.get()
    folders.update()
    assert PathCommits.objects.get().digest == stored.digest
    client.force_login(make_people(folders.project)["admin"])
    data = {"source": folders.source.pk, "below_one": "minor", "paths": "pay/\n./pay", "version_range": "^1"}
    assert client.post("/projects/shop/components/cart/edit/", data).status_code == 302
    assert ReleasePolicy.objects.get().paths == ["pay"]
    folders.update()
    texts = json.dumps(folders.get("v1.1.0").notes)
    assert "payment again" in texts
    assert "basket" not in texts
    event = AuditEvent.objects.filter(verb="changed component").latest("pk")
    assert (event.before or {})["paths"] == ["cart"]
    assert (event.after or {})["range"] == "^1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paths", "../up"),
        ("version_range", ">= banana"),
        ("tracker_pattern", "(a+)+b"),
        ("tracker_pattern", "SHOP-[0-9]+"),  # without an address
        ("tracker_url", "javascript:{id}"),
        ("below_one", "never"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_at_its_field(
    shop: Shop, client: Client, field: str, value: str
) -> None:
    client.force_login(make_people(shop.project)["admin"])
    data = {"source": shop.source.pk, "below_one": "minor", field: value}
    answer = client.post("/projects/shop/components/cart/edit/", data)
    assert answer.status_code == 200
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not ReleasePolicy.objects.exists()


def test_a_registry_credential_is_bound_to_its_registry_and_never_shown(shop: Shop, client: Client) -> None:
    client.force_login(make_people(shop.project)["admin"])
    address = "/projects/shop/components/cart/edit/"
    data = {
        "source": shop.source.pk, "below_one": "minor", "image": "registry.example.org/shop/cart",
        "watches_registry": "on", "registry_username": "robot", "registry_password": "CANARY-registry",
    }  # fmt: skip
    assert client.post(address, data).status_code == 302
    policy = ReleasePolicy.objects.get()
    assert policy.registry_credential is not None
    assert policy.registry_credential.endpoint == "https://registry.example.org:443"
    assert policy.registry_credential.password == "CANARY-registry"
    assert "CANARY" not in client.get(address).content.decode()
    assert "CANARY" not in json.dumps(list(AuditEvent.objects.values("before", "after")))
    data |= {"image": "other.example.org/shop/cart", "registry_username": "", "registry_password": ""}
    client.post(address, data)
    assert ReleasePolicy.objects.get().registry_credential is None


def test_issue_ids_lead_to_the_tracker_and_to_the_host(shop: Shop) -> None:
    ReleasePolicy.objects.create(
        component=shop.component,
        tracker_pattern="SHOP-[0-9]+",
        tracker_url="https://tracker.example.org/browse/{id}",
    )
    shop.source.url = "https://gitlab.example.org/shop/cart.git"
    shop.release("1.0.0", "fix: rounding (!12)\n\nFor SHOP-7, see #3.\n\nRefs: #3")
    shop.poll()
    shop.update()
    entry = (shop.get("v1.0.0").notes or {})["sections"][0]["entries"][0]
    urls = {link["text"]: link["url"] for link in entry["links"]}
    assert urls == {
        "#12": "https://gitlab.example.org/shop/cart/-/merge_requests/12",
        "#3": "https://gitlab.example.org/shop/cart/-/issues/3",
        "SHOP-7": "https://tracker.example.org/browse/SHOP-7",
    }
    assert entry["commit_url"].startswith("https://gitlab.example.org/shop/cart/-/commit/")


def codes(shop: Shop, tag: str) -> list[str]:
    return [flag["code"] for flag in shop.get(tag).flags]


def test_what_is_odd_about_a_tag_is_told(shop: Shop) -> None:
    first = shop.release("1.0.0")
    shop.seed.tag(
        "v1.0.1", first, message="signed\n-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----"
    )
    beside = shop.seed.commit(message="feat: of a fork", branch="fork", parents=(first,))
    shop.seed.tag("v2.0.0", beside)
    shop.seed.delete("refs/heads/fork")
    shop.poll()
    shop.update()
    assert codes(shop, "v1.0.0") == ["twice", "unsigned"]
    assert codes(shop, "v1.0.1") == ["twice", "bad"]  # what stands there is no signature
    assert codes(shop, "v2.0.0") == ["foreign", "unsigned"]
    shop.seed.tag("v2.0.0", shop.seed.commit(message="feat: c"))
    shop.poll()
    shop.update()
    assert codes(shop, "v2.0.0") == ["moved", "unsigned"]


def test_odd_tags_are_marked_in_lists_but_not_each_unsigned_one(shop: Shop, client: Client) -> None:
    first = shop.release("1.0.0")
    shop.seed.tag("v1.0.1", first)
    shop.poll()
    shop.update()
    client.force_login(make_people(shop.project)["viewer"])
    for address in ("/projects/shop/releases/", "/projects/shop/components/cart/"):
        text = client.get(address).content.decode()
        assert "tagged twice" in text
        assert "not signed" not in text


@pytest.fixture
def labelled(shop: Shop) -> Shop:
    """Production runs a tag that stands nowhere in Git, of an image with a label."""
    sha = shop.release("1.0.0", "feat: a")
    shop.release("1.1.0", "feat: b")
    cluster = Cluster.objects.create(project=shop.project, name="eu", server="https://eu.example.org")
    shop.run("dev", "1.1.0")
    application = shop.run("production", "stable")
    Application.objects.filter(pk=application.pk).update(
        cluster=cluster, live_version="stable", live_digest=DIGEST, checked_at=timezone.now()
    )
    ImageTag.objects.create(
        component=shop.component, tag="main-77", digest=DIGEST, revision=sha, seen_at=timezone.now()
    )
    shop.poll()
    shop.update()
    return shop


def test_what_runs_is_told_by_the_label_of_its_image(labelled: Shop) -> None:
    point = find_point(component(labelled), "env:production")
    assert point is not None
    assert (point.sha, point.found_by) == (
        labelled.get_commit("v1.0.0"),
        "the revision its image is labelled with",
    )
    assert labelled.lag("production").commit_count == 1


def test_a_label_of_another_repository_is_passed_over(labelled: Shop) -> None:
    ImageTag.objects.update(revision="e" * 40)
    point = find_point(component(labelled), "env:production")
    assert point is not None
    assert point.problem == "No tag of shop/cart is called stable."


def test_behind_does_not_count_what_is_there_under_another_id(shop: Shop) -> None:
    base = shop.release("1.0.0")
    fix = shop.seed.commit({"a": "1"}, "fix: rounding (#9)")
    shop.release("1.1.0", "feat: b")
    picked = shop.seed.commit(
        {"a": "1"}, f"fix: rounding (#9)\n\n(cherry picked from commit {fix})", branch="1.0", parents=(base,)
    )
    shop.seed.tag("v1.0.1", picked)
    shop.run("dev", "1.1.0")
    shop.run("production", "1.0.1")
    shop.poll()
    shop.update()
    assert shop.lag("production").commit_count == 1


def test_a_lag_waits_for_the_history_and_says_so(labelled: Shop) -> None:
    StoredCommit.objects.all().delete()
    labelled.source.commit_graph.delete()
    labelled.update()
    assert "stable" in labelled.lag("production").reason or "hold" in labelled.lag("production").reason


def test_deployments_can_be_had_as_a_table_without_formulas(shop: Shop, client: Client) -> None:
    application = shop.run("dev", "1.0.0")
    shop.observe(application, "=cmd|calc", 3)
    shop.poll()
    shop.update()
    client.force_login(make_people(shop.project)["viewer"])
    answer = client.get("/projects/shop/components/cart/deployments.csv")
    lines = answer.content.decode().splitlines()
    assert lines[0].startswith("version,environment,from,until")
    assert lines[1].startswith("'=cmd|calc,dev,")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_bad_release_is_red_where_it_ran(shop: Shop, client: Client) -> None:
    shop.release("1.0.0")
    shop.observe(shop.run("dev", "1.0.0"), "1.0.0", 3)
    shop.poll()
    shop.update()
    shop.component.releases.update(is_bad=True)
    client.force_login(make_people(shop.project)["viewer"])
    text = client.get("/projects/shop/components/cart/").content.decode()
    assert ">1.0.0 bad</text>" in text
