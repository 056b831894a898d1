"""What somebody hid or wrote anew in the notes is hidden or new wherever its text would show."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.environments.models import Application, ConfigCommit
from apps.promotions.selectors.cargo import cargo_of
from apps.releases.models import NoteOverride, ReleasePolicy
from apps.releases.selectors.feed_keys import feed_key
from apps.repositories.models import Repository
from tests.accounts import make_people
from tests.apps.releases.conftest import Shop
from tests.apps.releases.written import AT, override

SECRET = "acquisition"
ANEW = "quarterly maintenance"
CART = "/projects/shop/components/cart/"


@pytest.fixture
def told(shop: Shop, client: Client) -> Shop:
    """1.0.0 in production; 1.1.0 in dev, which brings something nobody is to read about."""
    base = shop.release("1.0.0", "feat: begin")
    shop.release("1.1.0", "feat: plain work", f"feat(deal): prepare the {SECRET} (#7)\n\nRefs: SHOP-7")
    shop.seed.tag(
        "v1.0.1", shop.seed.commit({"x": "1"}, f"fix: undo {SECRET} (#8)", branch="1.0", parents=(base,))
    )
    shop.seed.commit(message=f"feat: next {SECRET} (#9)")
    shop.run("dev", "1.1.0")
    shop.run("production", "1.0.1")
    shop.source.default_branch = "main"
    shop.poll()
    shop.update()
    client.force_login(make_people(shop.project)["viewer"])
    return shop


def hide(shop: Shop) -> None:
    for number in ("7", "8", "9"):
        override(shop.component, "pull_request", number, is_hidden=True)


def rewrite(shop: Shop) -> None:
    for number in ("7", "8", "9"):
        override(shop.component, "pull_request", number, text=ANEW)


def config_commit(shop: Shop, subject: str, sha: str) -> Application:
    """A commit of a repository that is source and config at once."""
    application = shop.component.applications.get(environment__name="dev")
    Application.objects.filter(pk=application.pk).update(repository=shop.source)
    ConfigCommit.objects.create(
        application=application, sha=sha, subject=subject, author="Ada", at=AT,
        version="1.1.0", previous_version="1.0.0",
    )  # fmt: skip
    return application


SURFACES = {
    "find by word": "/projects/shop/find/?q=prepare",
    "find by number": "/projects/shop/find/?q=%237",
    "releases": "/projects/shop/releases/",
    "component": CART,
    "draft of the next release": f"{CART}next/",
    "compare": f"{CART}compare/?from=tag:v1.1.0&into=tag:v1.0.1",
    "compare as Markdown": f"{CART}compare/?from=tag:v1.1.0&into=tag:v1.0.1&format=md",
    "compare as JSON": f"{CART}compare/?from=tag:v1.1.0&into=tag:v1.0.1&format=json",
    "compare as HTML": f"{CART}compare/?from=tag:v1.1.0&into=tag:v1.0.1&format=html",
    "train": "/projects/shop/compare/?from=dev&into=production",
    "train as Markdown": "/projects/shop/compare/?from=dev&into=production&format=md",
    "train as JSON": "/projects/shop/compare/?from=dev&into=production&format=json",
    "train as HTML": "/projects/shop/compare/?from=dev&into=production&format=html",
    "notes": "/releases/{release}/",
    "notes as Markdown": "/releases/{release}/notes.md",
    "notes as HTML": "/releases/{release}/notes.html",
    "notes as JSON": "/releases/{release}/notes.json",
    "repository": "/repositories/{source}/",
    "board": "/projects/shop/",
    "public page": "/public/shop/cart/",
    "public feed": "/public/shop/cart/feed.atom",
    "feed": "/feeds/{key}/shop/components/cart.atom",
    "feed for customers": "/feeds/{key}/shop/components/cart.atom?audience=public",
    "feed of an environment": "/feeds/{key}/shop/environments/dev.atom",
    "badge": "/badges/{key}/shop/cart/dev.svg",
}
# Here something says that there is something hidden, and who hid it.
MARKED = (
    *("find by word", "find by number", "compare", "compare as Markdown", "compare as JSON", "repository"),
    *("train", "train as Markdown", "train as JSON"),
)


# These have no room for such a text today.
WITHOUT_TEXT = ("board", "badge", "feed of an environment", "component")


def read(shop: Shop, client: Client, name: str) -> str:
    ReleasePolicy.objects.update_or_create(component=shop.component, defaults={"has_public_notes": True})
    address = SURFACES[name].format(
        release=shop.get("v1.1.0").pk, source=shop.source.pk, key=feed_key(shop.project)
    )
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return str(answer.content.decode())


def recent(shop: Shop) -> None:
    shop.source.recent_commits = [
        {
            "sha": shop.get_commit("v1.1.0"),
            "subject": f"feat(deal): prepare the {SECRET} (#7)",
            "author": "Ada",
            "at": AT.isoformat(),
        }
    ]
    shop.source.save()


@pytest.mark.parametrize("name", SURFACES)
def test_what_is_hidden_is_shown_nowhere(told: Shop, client: Client, name: str) -> None:
    recent(told)
    hide(told)
    text = read(told, client, name)
    assert SECRET not in text
    assert ("hidden by ada" in text) == (name in MARKED)


@pytest.mark.parametrize("name", [name for name in SURFACES if name not in WITHOUT_TEXT])
def test_nothing_of_it_is_lost_without_an_override(told: Shop, client: Client, name: str) -> None:
    """The other half of the claim: the surface does show such texts."""
    recent(told)
    assert SECRET in read(told, client, name)


@pytest.mark.parametrize(
    "name",
    [
        "find by number",
        "releases",
        "compare",
        "repository",
        "draft of the next release",
        "public page",
        "feed",
    ],
)
def test_what_is_written_anew_stands_in_its_place(told: Shop, client: Client, name: str) -> None:
    recent(told)
    rewrite(told)
    text = read(told, client, name)
    assert ANEW in text


def test_config_commits_and_what_they_carried_are_told_too(told: Shop, client: Client) -> None:
    application = config_commit(told, f"feat(deal): prepare the {SECRET} (#7)", told.get_commit("v1.1.0"))
    address = f"/applications/{application.pk}/commits/"
    assert SECRET in client.get(address).content.decode()
    hide(told)
    text = client.get(address).content.decode()
    assert SECRET not in text
    assert text.count("hidden by ada") == 2


def test_a_number_of_another_repository_hides_nothing(told: Shop, client: Client) -> None:
    hide(told)
    config = Repository.objects.get(pk=told.config.pk)
    config.recent_commits = [{"sha": "c" * 40, "subject": "release cart (#7)", "author": "Ada", "at": None}]
    config.save()
    assert "release cart" in client.get(f"/repositories/{config.pk}/").content.decode()


def test_the_commit_that_drift_is_measured_against_is_told(told: Shop, client: Client) -> None:
    recent(told)
    hide(told)
    application = told.component.applications.get(environment__name="dev")
    Application.objects.filter(pk=application.pk).update(
        repository=told.source, desired_sha=told.get_commit("v1.1.0"), checked_at=timezone.now()
    )
    text = client.get(f"/applications/{application.pk}/").content.decode()
    assert SECRET not in text


@pytest.mark.parametrize(
    "name",
    [
        "notes as Markdown",
        "notes as HTML",
        "notes as JSON",
        "notes",
        "public page",
        "public feed",
        "feed",
        "releases",
        "component",
    ],
)
def test_of_a_release_that_is_hidden_nothing_is_told(told: Shop, client: Client, name: str) -> None:
    override(told.component, "release", "v1.1.0", is_hidden=True)
    text = read(told, client, name)
    assert f"prepare the {SECRET}" not in text
    assert "plain work" not in text


def test_a_release_for_engineers_is_kept_from_files_for_customers(told: Shop, client: Client) -> None:
    release = told.get("v1.1.0")
    release.introduction = "Dear team"
    release.save()
    override(told.component, "release", "v1.1.0", audience="internal", text="for us")
    for form in ("md", "html", "json"):
        engineers = client.get(f"/releases/{release.pk}/notes.{form}").content.decode()
        customers = client.get(f"/releases/{release.pk}/notes.{form}?audience=public").content.decode()
        assert "plain work" in engineers
        for words in ("plain work", "Dear team", "for us"):
            assert words not in customers


def test_what_people_say_of_a_release_is_its_line_in_lists(told: Shop, client: Client) -> None:
    override(told.component, "release", "v1.1.0", text="The one with the new basket")
    assert "The one with the new basket" in client.get("/projects/shop/releases/").content.decode()


def test_lists_keep_their_own_text_without_overrides(told: Shop, client: Client) -> None:
    assert not NoteOverride.objects.exists()
    assert "plain work" in client.get("/projects/shop/releases/").content.decode()
    assert (
        json.loads(client.get(SURFACES["compare as JSON"]).content)["lost"][0]["text"]
        == f"undo {SECRET} (#8)"
    )


def test_what_a_promotion_ships_is_told(told: Shop) -> None:
    shipped = cargo_of(told.component, "1.0.1", "1.1.0")
    assert SECRET in str(shipped.lines)
    assert SECRET in str(shipped.lost)
    hide(told)
    hidden = cargo_of(told.component, "1.0.1", "1.1.0")
    assert [line.text for line in hidden.lines] == ["plain work"]
    assert [line.text for line in hidden.lost] == ["hidden by ada"]


def test_a_list_reads_the_notes_once_for_what_people_said(told: Shop, client: Client) -> None:
    hide(told)
    client.get("/projects/shop/releases/")
    with CaptureQueriesContext(connection) as captured:
        first = client.get("/projects/shop/releases/").content.decode()
    assert not [one for one in captured if '"releases_release"."notes"' in one["sql"]]
    assert "plain work" in first
    NoteOverride.objects.all().delete()
    assert SECRET in client.get("/projects/shop/releases/").content.decode()
