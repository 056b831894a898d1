"""What leaves the program: right, cacheable, and nothing that should stay inside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Person
from apps.core.models import AuditEvent
from apps.environments.models import Application, Cluster
from apps.releases.models import DeploymentRecord, Release, ReleasePolicy
from apps.releases.selectors.feed_keys import feed_key
from tests.accounts import make_people
from tests.apps.releases.conftest import Shop
from tests.apps.releases.written import AT, XSS, override, sha_of, write_release

Pin = Callable[..., AbstractContextManager[object]]
ATOM = {"a": "http://www.w3.org/2005/Atom"}
PUBLIC = ["/public/shop/cart/", "/public/shop/cart/feed.atom"]
# Everything about the releases of `inside` that customers must not read.
SECRETS = [
    "Ada", "ada@example.org", "#7", "SHOP-12", "vault-canary", "hidden-canary", "internal-canary",
    "reason-canary", "generated-canary", "grace", sha_of(1), sha_of(1)[:8], "production", "staging",
    "git.example.org", "shop/cart.git", "django from", "2.0.0-rc.1", "withheld-canary",
    "/releases/", "/projects/", "/sign-in/",
]  # fmt: skip


@pytest.fixture
def people(shop: Shop) -> dict[str, Person]:
    return make_people(shop.project)


@pytest.fixture
def inside(shop: Shop) -> Release:
    """Releases with much in them that is nobody's business, opened to the public."""
    messages = [
        "feat(pay): generated-canary (#7)\n\nRefs: SHOP-12\nCo-authored-by: Ada Example <ada@example.org>",
        "fix: rounding",
        "fix: hidden-canary",
        "fix: internal-canary",
        "chore: vault-canary",
        "build(deps): bump django from 5.2.6 to 5.2.8",
    ]
    release = write_release(shop.component, "1.0.0", messages, is_bad=True, bad_reason="reason-canary")
    write_release(shop.component, "2.0.0-rc.1", ["feat: soon"], is_prerelease=True)
    write_release(shop.component, "1.5.0", ["feat: withheld-canary"])
    override(
        shop.component, "commit", sha_of(1), text="One tap", edited_by="grace", advisory="CVE-2026-12345"
    )
    override(shop.component, "commit", sha_of(3), is_hidden=True)
    override(shop.component, "commit", sha_of(4), audience="operator")
    override(shop.component, "release", "v1.5.0", audience="internal")
    ReleasePolicy.objects.create(component=shop.component, has_public_notes=True)
    return release


def deploy(shop: Shop, environment: str, version: str, **facts: Any) -> Application:
    application = shop.run(environment, version)
    Application.objects.filter(pk=application.pk).update(**facts)
    DeploymentRecord.objects.create(
        application=application, version=version, from_at=AT, sha="c" * 40, source="git"
    )
    return application


@pytest.mark.parametrize("url", PUBLIC)
def test_nothing_is_public_unless_somebody_opened_it(shop: Shop, client: Client, url: str) -> None:
    write_release(shop.component, "1.0.0", ["feat: a"])
    assert client.get(url).status_code == 404
    policy = ReleasePolicy.objects.create(component=shop.component)
    assert client.get(url).status_code == 404
    policy.has_public_notes = True
    policy.save()
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("url", PUBLIC)
def test_the_public_reads_what_is_meant_for_it_and_nothing_else(
    inside: Release, client: Client, url: str
) -> None:
    answer = client.get(url)
    text = answer.content.decode()
    for word in ("One tap", "rounding", "CVE-2026-12345", "1.0.0", "withdrawn"):
        assert word in text
    for secret in SECRETS:
        assert secret not in text, secret
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_a_file_for_customers_holds_no_more_than_the_public_page(
    inside: Release, people: dict[str, Person], client: Client, form: str
) -> None:
    client.force_login(people["viewer"])
    text = client.get(f"/releases/{inside.pk}/notes.{form}?audience=public").content.decode()
    assert "One tap" in text
    for secret in SECRETS:
        assert secret not in text, secret
    engineers = client.get(f"/releases/{inside.pk}/notes.{form}").content.decode()
    assert "vault-canary" in engineers
    assert "hidden-canary" not in engineers


def test_a_file_begins_with_the_introduction(
    inside: Release, people: dict[str, Person], client: Client
) -> None:
    Release.objects.filter(pk=inside.pk).update(
        introduction="# Hello", introduction_html="<h1>Hello</h1><script>alert(1)</script>"
    )
    client.force_login(people["viewer"])
    assert client.get(f"/releases/{inside.pk}/notes.md").content.decode().startswith("# Hello\n\n## v1.0.0")
    html = client.get(f"/releases/{inside.pk}/notes.html").content.decode()
    assert html.startswith("<h1>Hello</h1>")
    assert "script" not in html
    assert client.get(f"/releases/{inside.pk}/notes.json").json()["introduction"] == "# Hello"


def test_another_language_is_read_where_it_was_written(inside: Release, client: Client) -> None:
    override(inside.component, "commit", sha_of(2), text="Runden", language="de")
    assert "Runden" in client.get("/public/shop/cart/?language=de").content.decode()
    assert "Runden" not in client.get("/public/shop/cart/").content.decode()


def addresses(shop: Shop) -> list[str]:
    key = feed_key(shop.project)
    return [
        f"/feeds/{key}/shop/components/cart.atom",
        f"/feeds/{key}/shop/environments/dev.atom",
        f"/badges/{key}/shop/cart/dev.svg",
    ]


def test_a_key_opens_feeds_and_badges_until_it_is_changed(
    shop: Shop, people: dict[str, Person], client: Client
) -> None:
    deploy(shop, "dev", "1.0.0")
    old = addresses(shop)
    assert [client.get(url).status_code for url in old] == [200, 200, 200]
    assert [client.get(url.replace("/shop/", "/other/")).status_code for url in old] == [404] * 3
    client.force_login(people["admin"])
    client.post("/projects/shop/feeds/")
    assert [client.get(url).status_code for url in old] == [404] * 3
    assert [client.get(url).status_code for url in addresses(shop)] == [200, 200, 200]
    assert AuditEvent.objects.get().verb == "rotated feed addresses"


@pytest.mark.parametrize("name", ["viewer", "proposer", "approver"])
def test_only_an_administrator_changes_the_addresses(
    shop: Shop, people: dict[str, Person], client: Client, name: str
) -> None:
    before = feed_key(shop.project)
    client.force_login(people[name])
    assert client.post("/projects/shop/feeds/").status_code == 403
    text = client.get("/projects/shop/feeds/").content.decode()
    assert "Change all addresses" not in text
    assert before in text
    assert feed_key(shop.project) == before


def test_what_is_known_is_not_sent_again(shop: Shop, inside: Release, client: Client) -> None:
    deploy(shop, "dev", "1.0.0")
    for url in [*addresses(shop), *PUBLIC]:
        first = client.get(url)
        assert first.headers["Cache-Control"] == "public, max-age=60"
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    override(inside.component, "commit", sha_of(2), text="Changed")
    first_url = PUBLIC[0]
    assert client.get(first_url, headers={"If-None-Match": '"old"'}).status_code == 200


def test_a_feed_of_a_component_keeps_its_ids(inside: Release, shop: Shop, client: Client) -> None:
    def entries() -> dict[str, str]:
        root = ET.fromstring(client.get(addresses(shop)[0]).content)
        return {
            e.findtext("a:id", "", ATOM): e.findtext("a:updated", "", ATOM)
            for e in root.iterfind("a:entry", ATOM)
        }

    before = entries()
    assert len(before) == 3
    Release.objects.filter(pk=inside.pk).update(edited_at=AT + timedelta(days=1), position=0)
    after = entries()
    assert set(after) == set(before)
    assert sorted(set(after.items()) - set(before.items())) == [
        (next(one for one in after if "v1.0.0" in one), "2026-10-02T09:00:00Z")
    ]
    assert feed_key(shop.project) not in "".join(after)
    text = client.get(addresses(shop)[0]).content.decode()
    assert f'/releases/{inside.pk}/"/>' in text


def test_a_feed_of_an_environment_tells_deployments(shop: Shop, client: Client) -> None:
    deploy(shop, "dev", f"1.0.0{XSS}")
    deploy(shop, "staging", "0.9.0")
    root = ET.fromstring(client.get(addresses(shop)[1]).content)
    (entry,) = root.iterfind("a:entry", ATOM)
    assert entry.findtext("a:title", "", ATOM).startswith("cart 1.0.0<img")
    content = entry.findtext("a:content", "", ATOM)
    assert "<img" not in content
    assert "&lt;img" in content
    link = entry.find("a:link", ATOM)
    assert link is not None
    assert (link.get("href") or "").startswith("http")


def test_a_title_from_git_cannot_break_a_feed(shop: Shop, client: Client) -> None:
    write_release(shop.component, "1.0.0", [f"feat: ]]>\x0c {XSS}"], introduction_html="<p>a</p>")
    root = ET.fromstring(client.get(addresses(shop)[0]).content)
    content = root.findtext("a:entry/a:content", "", ATOM)
    assert "<img" not in content
    assert "]]&gt;" in content


@pytest.fixture
def cluster(shop: Shop) -> Cluster:
    return Cluster.objects.create(project=shop.project, name="eu", server="https://eu.example.org:6443")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"health": "Healthy", "sync": "Synced"}, "cart in dev: 1.0.0, Healthy"),
        ({"health": "Healthy", "sync": "OutOfSync"}, "cart in dev: 1.0.0, Healthy, OutOfSync"),
        ({"health": "Degraded", "sync": "Synced"}, "cart in dev: 1.0.0, Degraded"),
    ],
)
def test_a_badge_says_version_and_status(
    shop: Shop, cluster: Cluster, client: Client, facts: dict[str, Any], expected: str
) -> None:
    deploy(shop, "dev", "1.0.0", cluster=cluster, live_version="1.0.0", checked_at=timezone.now(), **facts)
    answer = client.get(addresses(shop)[2])
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    assert f"<title>{expected}</title>" in answer.content.decode()


def test_a_stale_badge_says_so_and_not_that_all_is_well(shop: Shop, cluster: Cluster, client: Client) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    deploy(shop, "dev", "1.0.0", cluster=cluster, live_version="1.0.0", checked_at=long_ago, health="Healthy")
    text = client.get(addresses(shop)[2]).content.decode()
    assert "1.0.0 stale" in text
    assert "Healthy" not in text


def test_a_badge_says_that_a_release_is_bad(shop: Shop, client: Client) -> None:
    write_release(shop.component, "1.0.0", ["feat: a"], is_bad=True)
    deploy(shop, "dev", "v1.0.0")
    assert "v1.0.0 bad" in client.get(addresses(shop)[2]).content.decode()


def test_there_is_no_badge_of_what_is_not_there(shop: Shop, client: Client) -> None:
    assert client.get(addresses(shop)[2]).status_code == 404
    assert client.get(addresses(shop)[1].replace("dev.atom", "nowhere.atom")).status_code == 404


def test_nothing_public_reads_more_with_more_releases(
    shop: Shop, client: Client, django_assert_num_queries: Pin
) -> None:
    ReleasePolicy.objects.create(component=shop.component, has_public_notes=True)
    for minor in range(30):
        write_release(shop.component, f"1.{minor}.0", ["feat: a"])
    for url in PUBLIC:
        with django_assert_num_queries(3):
            assert client.get(url).status_code == 200
    keyed = addresses(shop)[0]
    with django_assert_num_queries(5):
        assert client.get(keyed).status_code == 200


def test_an_environment_with_an_odd_name_has_a_feed(
    shop: Shop, people: dict[str, Person], client: Client
) -> None:
    shop.project.environments.create(name="eu/prod ü?#", position=9)
    client.force_login(people["viewer"])
    text = client.get("/projects/shop/feeds/").content.decode()
    assert "eu/prod%20%C3%BC%3F%23.atom" in text
    key = feed_key(shop.project)
    assert client.get(f"/feeds/{key}/shop/environments/eu/prod%20%C3%BC%3F%23.atom").status_code == 200
