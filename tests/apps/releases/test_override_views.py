"""People write into notes, and what they write shows wherever notes do."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from apps.accounts.models import Person
from apps.core.models import AuditEvent
from apps.releases.models import Changelog, NoteOverride, Release
from tests.accounts import make_people
from tests.apps.releases.conftest import Shop
from tests.apps.releases.written import AT, XSS, override, sha_of, write_release

Pin = Callable[..., AbstractContextManager[object]]
SHELL = 11  # queries of every page
EDIT = "/projects/shop/components/cart/overrides/edit/"
WORDS = {"text": "Pay with one tap", "audience": "public", "advisory": "", "language": "", "seen": ""}


@pytest.fixture
def people(shop: Shop) -> dict[str, Person]:
    return make_people(shop.project)


@pytest.fixture
def release(shop: Shop) -> Release:
    messages = ["feat(pay): one-tap payments (#7)", "fix: rounding", "chore: move the vault"]
    return write_release(shop.component, "1.0.0", messages)


def address(kind: str = "commit", key: str = "", **more: object) -> str:
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"{EDIT}?kind={kind}&key={key or sha_of(1)}{rest}"


def page(client: Client, person: Person, url: str) -> str:
    client.force_login(person)
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_an_entry_is_edited_without_losing_what_was_generated(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    url = address(release=release.pk)
    assert "one-tap payments" in page(client, people["proposer"], url)
    answer = client.post(url, WORDS | {"advisory": "cve-2026-12345, GHSA-23CF-4567-89jm"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/releases/{release.pk}/")
    row = NoteOverride.objects.get()
    assert (row.text, row.generated, row.edited_by) == ("Pay with one tap", "one-tap payments", "proposer")
    assert row.advisory == "CVE-2026-12345 GHSA-23cf-4567-89jm"
    text = page(client, people["viewer"], f"/releases/{release.pk}/")
    assert "Pay with one tap" in text
    assert "one-tap payments" in text
    assert "CVE-2026-12345" in text
    event = AuditEvent.objects.get(verb="edited release note")
    assert (event.actor_name, (event.after or {})["text"]) == ("proposer", "Pay with one tap")


@pytest.mark.parametrize(
    ("name", "may"), [("viewer", False), ("proposer", True), ("approver", True), ("admin", True)]
)
def test_only_those_who_may_write_are_offered_to(
    release: Release, people: dict[str, Person], client: Client, name: str, may: bool
) -> None:
    text = page(client, people[name], f"/releases/{release.pk}/")
    assert ("Edit…" in text) == may
    assert (f"/releases/{release.pk}/bad/" in text) == may


@pytest.mark.parametrize(
    "path",
    [address(), "/releases/{pk}/introduction/", "/releases/{pk}/bad/"],
    ids=["entry", "introduction", "bad"],
)
@pytest.mark.parametrize(("name", "status"), [("viewer", 403), ("stranger", 404)])
def test_nobody_else_writes(
    release: Release, people: dict[str, Person], client: Client, path: str, name: str, status: int
) -> None:
    client.force_login(people[name])
    data = WORDS | {"introduction": "x", "reason": "x"}
    assert client.post(path.format(pk=release.pk), data).status_code == status
    release.refresh_from_db()
    assert (NoteOverride.objects.count(), release.is_bad, release.introduction) == (0, False, "")


def test_who_writes_elsewhere_does_not_write_here(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    people["viewer"].role_bindings.create(
        role="admin", project=people["stranger"].role_bindings.get().project
    )
    client.force_login(people["viewer"])
    assert client.post(address(release=release.pk), WORDS).status_code == 403


def test_customers_and_engineers_read_other_notes(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    override(release.component, "commit", sha_of(2), audience="internal")
    engineers = page(client, people["viewer"], f"/releases/{release.pk}/")
    customers = page(client, people["viewer"], f"/releases/{release.pk}/?audience=public")
    for word in ("rounding", "move the vault"):
        assert word in engineers
        assert word not in customers
    assert "2 changes are not meant for these readers" in customers
    assert sha_of(1)[:7] not in customers.partition('id="notes"')[2].partition("</section>")[0]


def test_to_edit_an_entry_does_not_open_it_by_the_way(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    text = page(client, people["proposer"], f"/releases/{release.pk}/")
    assert f"key={sha_of(3)}&amp;audience=internal" in text
    form = page(client, people["proposer"], address(key=sha_of(3), audience="internal", release=release.pk))
    assert re.search(r'value="internal"[^>]* checked', form)
    assert re.search(
        r'value="internal"[^>]* checked', page(client, people["proposer"], address("pull_request", "7"))
    )


def test_what_is_hidden_is_counted_and_listed(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    override(release.component, "commit", sha_of(2), is_hidden=True, generated="rounding")
    text = page(client, people["viewer"], f"/releases/{release.pk}/")
    assert "rounding" not in text
    assert "1 change was hidden by people" in text
    assert "rounding" in page(client, people["viewer"], f"/releases/{release.pk}/overrides/")


def test_a_list_holds_what_is_about_the_release(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    other = write_release(release.component, "1.1.0", ["feat: other"])
    override(release.component, "pull_request", "7", text="here")
    override(release.component, "release", other.tag, text="elsewhere")
    text = page(client, people["viewer"], f"/releases/{release.pk}/overrides/")
    assert "here" in text
    assert "elsewhere" not in text
    assert "elsewhere" in page(client, people["viewer"], "/projects/shop/components/cart/overrides/")


def test_an_edit_is_taken_back(release: Release, people: dict[str, Person], client: Client) -> None:
    override(release.component, "commit", sha_of(1), text="mine")
    client.force_login(people["approver"])
    client.post(address(release=release.pk), {"remove": "1"})
    assert not NoteOverride.objects.exists()
    assert (AuditEvent.objects.get(verb="removed edit of release note").before or {})["text"] == "mine"


def test_nobody_overwrites_what_they_did_not_see(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    row = override(release.component, "commit", sha_of(1), text="first", edited_by="grace")
    client.force_login(people["proposer"])
    answer = client.post(address(release=release.pk), WORDS)
    assert "grace changed it meanwhile" in answer.content.decode()
    client.post(address(release=release.pk), WORDS | {"seen": row.edited_at.isoformat()})
    assert NoteOverride.objects.get().text == "Pay with one tap"


@pytest.mark.parametrize(
    "wrong",
    [{"advisory": "CVE-1"}, {"language": "<b>"}, {"audience": "all"}, {"text": "x" * 5_001}],
    ids=lambda wrong: str(next(iter(wrong))),
)
def test_what_is_wrong_is_said(
    release: Release, people: dict[str, Person], client: Client, wrong: dict[str, str]
) -> None:
    client.force_login(people["proposer"])
    answer = client.post(address(release=release.pk), WORDS | wrong)
    assert answer.status_code == 200
    assert not NoteOverride.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "kind=commit&key=" + "f" * 40,
        "kind=x&key=1",
        "kind=pull_request&key=a",
        "kind=release&key=v9",
        "key=%00",
    ],
)
def test_what_is_not_there_is_not_edited(
    release: Release, people: dict[str, Person], client: Client, query: str
) -> None:
    client.force_login(people["proposer"])
    assert client.get(f"{EDIT}?{query}").status_code == 404


def test_regeneration_leaves_it_alone(release: Release) -> None:
    row = override(release.component, "commit", sha_of(1), text="mine")
    Release.objects.filter(pk=release.pk).update(notes=None, notes_sha="")
    row.refresh_from_db()
    assert row.text == "mine"


def test_an_introduction_is_formatted_and_harmless(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    client.force_login(people["proposer"])
    data = {"introduction": f"## Highlights\r\n\n**fast** {XSS} [x](javascript:alert(1))"}
    assert (
        "<strong>fast</strong>"
        in client.post(f"/releases/{release.pk}/introduction/", data | {"preview": "1"}).content.decode()
    )
    release.refresh_from_db()
    assert release.introduction == ""
    client.post(f"/releases/{release.pk}/introduction/", data)
    text = page(client, people["viewer"], f"/releases/{release.pk}/")
    assert "<strong>fast</strong>" in text
    assert "onerror" not in text
    assert "javascript:" not in text
    assert AuditEvent.objects.filter(verb="edited introduction of release").count() == 1


def test_a_release_is_marked_bad_and_well_again(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    client.force_login(people["approver"])
    client.post(f"/releases/{release.pk}/bad/", {"reason": f"loses baskets {XSS}"})
    text = page(client, people["viewer"], f"/releases/{release.pk}/")
    assert "loses baskets" in text
    assert "<img src=x" not in text
    assert ">bad</span>" in page(client, people["viewer"], "/projects/shop/releases/")
    client.force_login(people["approver"])
    client.post(f"/releases/{release.pk}/bad/", {"undo": "1"})
    release.refresh_from_db()
    assert (release.is_bad, release.bad_reason) == (False, "")
    verbs = list(
        AuditEvent.objects.filter(object_type="releases.Release")
        .order_by("pk")
        .values_list("verb", flat=True)
    )
    assert verbs == ["marked release bad", "took back that release is bad"]


def test_a_reason_is_asked_for(release: Release, people: dict[str, Person], client: Client) -> None:
    client.force_login(people["approver"])
    client.post(f"/releases/{release.pk}/bad/", {"reason": " "})
    release.refresh_from_db()
    assert not release.is_bad


def test_what_people_type_stays_text_everywhere(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    override(release.component, "commit", sha_of(1), text=XSS, generated=XSS, edited_by=XSS, advisory=XSS)
    override(release.component, "release", release.tag, text=XSS, language="de")
    pages = [f"/releases/{release.pk}/", f"/releases/{release.pk}/?language=de&audience=public"]
    pages += [f"/releases/{release.pk}/overrides/", address(release=release.pk)]
    pages += [address("release", release.tag, release=release.pk, language="de")]
    for url in pages:
        text = page(client, people["admin"], url)
        assert "<img src=x" not in text
        assert escape("<img src=x") in text


def test_a_changelog_is_shown_beside_the_notes(
    release: Release, people: dict[str, Person], client: Client
) -> None:
    entries: list[dict[str, object]] = [
        {
            "version": version,
            "title": f"[{version}]",
            "date": None,
            "html": f"<p>told {version}</p><img src=x>",
            "problems": [],
        }
        for version in ("1.0.0", "0.9")
    ]
    Changelog.objects.create(
        component=release.component, path="CHANGELOG.md", blob_sha="a" * 40, entries=entries,
        differences=["0.9 has an entry and no tag."], read_at=timezone.now(),
    )  # fmt: skip
    beside = page(client, people["viewer"], f"/releases/{release.pk}/")
    whole = page(client, people["viewer"], "/projects/shop/components/cart/changelog/")
    assert "told 1.0.0" in beside
    assert "told 0.9" not in beside
    assert "told 0.9" in whole
    assert "0.9 has an entry and no tag." in whole
    assert "<img src=x" not in beside + whole


def test_the_page_of_a_release_reads_a_fixed_number_of_rows(
    release: Release, people: dict[str, Person], client: Client, django_assert_max_num_queries: Pin
) -> None:
    for number in range(40):
        override(release.component, "pull_request", str(number), text="x", edited_at=AT)
    client.force_login(people["proposer"])
    with django_assert_max_num_queries(SHELL + 7):
        client.get(f"/releases/{release.pk}/")
    with django_assert_max_num_queries(SHELL + 3):
        client.get("/projects/shop/components/cart/overrides/")
