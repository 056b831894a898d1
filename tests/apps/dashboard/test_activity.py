"""Activity: each event of a project once, for everybody of it, and for ever."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Person, Project, Role, RoleBinding
from apps.core import audit
from apps.core.models import AuditEvent, FinalHistoryError
from apps.dashboard import activity_export
from apps.dashboard.activity import changes_of, kind_words
from apps.environments.models import Application, Component, Environment, Silence
from apps.repositories.models import Repository
from tests.accounts import make_people, make_person


@pytest.fixture
def shop(db: None) -> Project:
    return Project.objects.create(name="shop", slug="shop")


@pytest.fixture
def people(shop: Project) -> dict[str, Person]:
    return make_people(shop)


def read(client: Client, person: Person, address: str = "/projects/shop/activity/") -> str:
    client.force_login(person)
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def export(client: Client, person: Person, name: str, query: str = "") -> tuple[Any, str]:
    client.force_login(person)
    answer: Any = client.get(f"/projects/shop/activity/export/?format={name}{query}")
    return answer, b"".join(answer.streaming_content).decode()


# --- which project an event is of -------------------------------------------------------------------------


def test_an_event_is_of_the_project_of_its_object(shop: Project) -> None:
    environment = Environment.objects.create(project=shop, name="dev")
    component = Component.objects.create(project=shop, name="cart", slug="cart")
    repository = Repository.objects.create(
        project=shop, name="config", url="https://git.example.org/c", same_as="c", host="git.example.org"
    )
    application = Application.objects.create(
        component=component, environment=environment, repository=repository, path="a", renderer="plain"
    )
    silence = Silence.objects.create(project=shop, reason="known", created_by="ada")

    for row in (shop, environment, component, repository, application, silence):
        assert audit.record(None, "changed", row).project_id == shop.pk


def test_an_event_of_no_project_says_so(people: dict[str, Person]) -> None:
    assert audit.record(None, "restored a backup").project_id is None
    assert audit.record(people["admin"], "signed in", people["admin"]).project_id is None
    binding = RoleBinding.objects.create(person=people["admin"], project=None, role=Role.VIEWER)
    assert audit.record(None, "gave role", binding).project_id is None


# --- who sees what ----------------------------------------------------------------------------------------


def test_everybody_of_a_project_sees_its_events_and_no_others(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    other = Project.objects.get(slug="other")
    audit.record(people["admin"], "changed policy", shop, after={"approvals": 2})
    audit.record(people["stranger"], "changed something secret", other)
    audit.record(people["admin"], "signed in", people["admin"])

    page = read(client, people["viewer"])

    assert "changed policy" in page
    assert "changed something secret" not in page
    assert "signed in" not in page


def test_an_administrator_of_everything_sees_sign_ins_too(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    chief = make_person("chief", Role.ADMIN)
    audit.record(None, "connected", Project.objects.get(slug="other"))
    client.post("/sign-in/", {"username": "chief", "password": "correct horse battery"})

    page = read(client, chief, "/activity/")

    assert "signed in" in page
    assert "connected" in page


def test_an_administrator_of_a_project_sees_that_project_only(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    audit.record(None, "changed policy", shop)
    audit.record(None, "changed something secret", Project.objects.get(slug="other"))
    audit.record(None, "signed in", people["viewer"])

    page = read(client, people["admin"], "/activity/")

    assert "changed policy" in page
    assert "changed something secret" not in page
    assert "signed in" not in page


def test_who_is_a_viewer_everywhere_and_an_administrator_of_one_does_not_see_all(
    client: Client, shop: Project
) -> None:
    person = make_person("both", Role.VIEWER)
    RoleBinding.objects.create(person=person, project=shop, role=Role.ADMIN)
    audit.record(None, "signed in", person)

    assert "signed in" not in read(client, person, "/activity/")


def test_others_are_led_to_their_own_project(client: Client, people: dict[str, Person]) -> None:
    client.force_login(people["viewer"])

    assert client.get("/activity/").headers["Location"] == "/projects/shop/activity/"
    client.force_login(people["stranger"])
    assert client.get("/projects/shop/activity/").status_code == 404
    assert client.get("/projects/shop/activity/export/").status_code == 404


# --- narrowing down and paging ----------------------------------------------------------------------------


@pytest.mark.usefixtures("noon")
def test_events_are_narrowed_by_person_verb_kind_name_and_day(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    dev = Environment.objects.create(project=shop, name="dev")
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        audit.record(people["admin"], "locked", dev, after={"mark": "old-one"})
    audit.record(people["approver"], "froze", shop, after={"mark": "of-approver"})
    audit.record(people["admin"], "locked", dev, after={"mark": "of-admin"})
    day = timezone.now().date().isoformat()
    wanted = {
        "person=approver": ["of-approver"],
        "verb=locked": ["of-admin", "old-one"],
        "kind=environments.Environment": ["of-admin", "old-one"],
        "text=DEV": ["of-admin", "old-one"],
        f"since={day}": ["of-admin", "of-approver"],
        f"until={day}&verb=locked&since={day}": ["of-admin"],
        "until=2001-01-01": [],
        "since=nonsense&before=x&until=9999-12-31": ["of-admin", "of-approver", "old-one"],
    }

    for query, marks in wanted.items():
        _, text = export(client, people["viewer"], "jsonl", f"&{query}")
        assert [json.loads(line)["after"]["mark"] for line in text.splitlines()] == marks, query
        page = read(client, people["viewer"], f"/projects/shop/activity/?{query}")
        assert all(mark in page for mark in marks)


def test_pages_follow_each_other_without_a_gap_while_events_come_in(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    for number in range(120):
        audit.record(None, "changed", shop, after={"mark": f"mark-{number}-"})
    seen: list[str] = []
    address: str | None = "/projects/shop/activity/"
    while address:
        page = read(client, people["viewer"], address)
        seen += [f"mark-{number}-" for number in range(120) if f"mark-{number}-" in page]
        audit.record(None, "changed", shop, after={"mark": "came later"})
        older = page.partition('rel="next" href="?')[2].partition('"')[0].replace("&amp;", "&")
        address = f"/projects/shop/activity/?{older}" if older else None

    assert sorted(seen) == sorted(f"mark-{number}-" for number in range(120))
    assert "Newest" in page


def test_a_page_costs_the_same_however_many_events_there_are(
    client: Client, shop: Project, people: dict[str, Person], django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        audit.record(people["admin"], "changed", shop, after={"a": 1})
    client.force_login(people["viewer"])

    with django_assert_max_num_queries(7):
        client.get("/projects/shop/activity/")


def test_before_and_after_stand_side_by_side(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    audit.record(
        people["admin"], "changed policy", shop,
        before={"approvals": 1, "same": "x"}, after={"approvals": 2, "same": "x", "groups": ["sre"]},
    )  # fmt: skip
    page = read(client, people["viewer"])

    assert "<del><bdi>1</bdi></del><ins><bdi>2</bdi></ins>" in page
    assert "same</dt>" not in page
    assert AuditEvent.objects.latest("pk").request_id in page


def test_foreign_text_stays_text(client: Client, shop: Project, people: dict[str, Person]) -> None:
    audit.record(people["admin"], "changed", shop, label="<script>\u202e", after={"<b>": "<i>"})

    page = read(client, people["viewer"])

    assert "<script>\u202e" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;" in page


def test_only_what_differs_is_a_change() -> None:
    found = changes_of(
        {"a": 1, "b": "x", "gone": True}, {"a": 1, "b": "y", "new": [1], "names": ["x", "y"], "empty": ""}
    )

    assert [(one.name, one.before, one.after) for one in found] == [
        ("b", "x", "y"), ("gone", "true", None), ("new", None, "[1]"), ("names", None, "x, y"),
    ]  # fmt: skip
    assert changes_of(None, None) == []
    assert kind_words("environments.DriftedResource") == "drifted resource"


# --- files ------------------------------------------------------------------------------------------------


def test_an_export_holds_every_field(client: Client, shop: Project, people: dict[str, Person]) -> None:
    event = audit.record(people["admin"], "changed policy", shop, before={"a": "ä"}, after={"a": None})

    answer, text = export(client, people["viewer"], "jsonl")

    assert answer["Content-Disposition"] == 'attachment; filename="activity-shop.jsonl"'
    assert json.loads(text) == {
        "id": event.pk, "at": event.at.isoformat(), "actor": "admin", "verb": "changed policy",
        "object_type": "accounts.Project", "object_id": str(shop.pk), "object": "shop",
        "project_id": shop.pk, "before": {"a": "ä"}, "after": {"a": None}, "request_id": event.request_id,
    }  # fmt: skip


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1", "\r=1"])
def test_no_cell_is_a_formula(client: Client, shop: Project, people: dict[str, Person], start: str) -> None:
    audit.record(people["admin"], "changed", shop, label=f'{start}"; x', after={"=a": 1})

    _, text = export(client, people["viewer"], "csv")

    lines = list(csv.reader(io.StringIO(text, newline="")))
    cell = dict(zip(lines[0], lines[1], strict=True))["object"]
    assert cell == f"'{start}\"; x"
    assert all(not one.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) for one in lines[1])


def test_a_file_ends_at_its_limit_and_says_where_the_next_begins(
    client: Client, shop: Project, people: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_export, "MOST_ROWS", 7)
    monkeypatch.setattr(activity_export, "CHUNK", 3)
    ids = [audit.record(None, "changed", shop).pk for _ in range(16)][::-1]
    seen: list[int] = []
    query = ""
    for expected in (7, 7, 2):
        answer, text = export(client, people["viewer"], "jsonl", query)
        part = [json.loads(line)["id"] for line in text.splitlines()]
        assert len(part) == expected
        seen += part
        query = "&before=" + answer.get("Link", "").partition("before=")[2].partition(">")[0]

    assert seen == ids
    assert "Link" not in answer


def test_an_unknown_format_is_not_found(client: Client, people: dict[str, Person]) -> None:
    client.force_login(people["viewer"])

    assert client.get("/projects/shop/activity/export/?format=xlsx").status_code == 404


# --- for ever ---------------------------------------------------------------------------------------------


def test_an_event_is_never_changed_and_never_deleted(shop: Project) -> None:
    event = audit.record(None, "changed", shop)
    event.verb = "did nothing"

    for act in (
        event.save,
        event.delete,
        lambda: AuditEvent.objects.all().delete(),
        lambda: AuditEvent.objects.filter(pk=event.pk).update(verb="did nothing"),
        lambda: AuditEvent.objects.bulk_update([event], ["verb"]),
    ):
        with pytest.raises(FinalHistoryError):
            act()
    assert AuditEvent.objects.get().verb == "changed"


def test_the_events_of_a_project_outlive_it(shop: Project) -> None:
    audit.record(None, "removed project", shop)
    number = shop.pk
    shop.delete()

    assert AuditEvent.objects.get().project_id == number


def test_nobody_can_change_an_event_through_an_address(
    client: Client, shop: Project, people: dict[str, Person]
) -> None:
    audit.record(None, "changed", shop)
    client.force_login(people["admin"])

    for address in ("/activity/", "/projects/shop/activity/", "/projects/shop/activity/export/"):
        for method in (client.post, client.put, client.patch, client.delete):
            assert method(address).status_code == 405
