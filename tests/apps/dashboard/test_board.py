"""The pages of the board: how many queries, how many bytes, and what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Project
from apps.core import audit, ticks
from apps.core.models import Heartbeat
from apps.environments.models import Application, Cluster, Component
from apps.releases.models import RegistryState
from apps.repositories.models import Repository
from gitopsui.schedules import PROMOTIONS
from tests.accounts import make_person

TABLE = "/projects/shop/board-table/"
HTMX = {"HX-Request": "true"}
# Everything counts: session, person, roles with their projects, and what the frame of the page tells.
BOARD_QUERIES = 8
FILTERS = "attention=1&differs=1&health=Degraded&label=team-3&q=service&sort=attention"


@pytest.mark.parametrize("query", ["", "page=2", FILTERS, "sort=newest", "sync=OutOfSync&page=9"])
def test_the_board_takes_eight_queries_whatever_is_asked(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries, query: str
) -> None:
    with django_assert_max_num_queries(BOARD_QUERIES):
        assert viewer.get(f"/projects/shop/?{query}").status_code == 200


def test_an_unchanged_refresh_takes_four_queries_and_no_body(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr("apps.dashboard.views.timezone.now", lambda: now)
    tag = viewer.get(TABLE, headers=HTMX).headers["HX-PTag"]
    with django_assert_max_num_queries(4):
        answer = viewer.get(TABLE, headers={**HTMX, "HX-PTag": tag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_an_unchanged_page_is_drawn_once_for_all_readers(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr("apps.dashboard.views.timezone.now", lambda: now)
    first = viewer.get(TABLE, headers=HTMX).content
    with django_assert_max_num_queries(5):
        assert viewer.get(TABLE, headers=HTMX).content == first


def test_what_a_person_changed_is_seen_at_once(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr("apps.dashboard.views.timezone.now", lambda: now)
    viewer.get("/projects/shop/")
    component = Component.objects.get(name="service-0003")
    Component.objects.filter(pk=component.pk).update(name="renamed-by-hand")
    audit.record(None, "renamed component", component)
    assert "renamed-by-hand" in viewer.get("/projects/shop/").content.decode()


def test_the_tag_a_page_carries_is_that_of_its_refresh(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr("apps.dashboard.views.timezone.now", lambda: now)
    page = viewer.get("/projects/shop/?sync=OutOfSync&page=2")
    answer = viewer.get(f"{TABLE}?sync=OutOfSync&page=2", headers=HTMX)
    assert page.context["ptag"] == answer.headers["HX-PTag"]


@pytest.mark.parametrize("change", ["changed", "stale", "gone", "renamed"])
def test_a_refresh_after_a_change_brings_the_rows(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    now = timezone.now()
    monkeypatch.setattr("apps.dashboard.views.timezone.now", lambda: now)
    tag = viewer.get(TABLE, headers=HTMX).headers["HX-PTag"]
    one = Application.objects.order_by("pk")[3]
    if change == "changed":
        Application.objects.filter(pk=one.pk).update(changed_at=now + timedelta(seconds=1))
    elif change == "stale":
        Application.objects.filter(pk=one.pk).update(checked_at=now - timedelta(days=1))
    elif change == "gone":
        one.delete()
    else:
        type(one.environment).objects.filter(pk=one.environment_id).update(name="preview")
    answer = viewer.get(TABLE, headers={**HTMX, "HX-PTag": tag})
    assert answer.status_code == 200
    assert b"<tbody>" in answer.content


@pytest.mark.parametrize("query", ["", "page=2", "attention=1&differs=1&sort=attention"])
def test_fifty_rows_of_five_environments_weigh_at_most_120_kilobytes(viewer: Client, query: str) -> None:
    answer = viewer.get(f"/projects/shop/?{query}")
    assert len(answer.content) <= 120_000


def test_looking_at_the_same_board_again_writes_nothing(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(BOARD_QUERIES) as captured:
        viewer.get("/")
    assert all(one["sql"].lstrip("(").startswith("SELECT") for one in captured.captured_queries)


@pytest.mark.parametrize(
    ("address", "most"),
    [("/applications/{application}/", 18), ("/repositories/", 8), ("/clusters/", 8), ("/jobs/", 8)],
)
def test_the_other_pages_take_few_queries(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries, address: str, most: int
) -> None:
    path = address.format(application=Application.objects.order_by("pk").values_list("pk", flat=True)[0])
    with django_assert_max_num_queries(most):
        assert viewer.get(path).status_code == 200


def test_pages_are_walked_and_a_page_too_far_is_the_last(viewer: Client) -> None:
    first, last = viewer.get("/projects/shop/"), viewer.get("/projects/shop/?page=99")
    assert first.content.count(b'<th scope="row">') == 50
    assert last.content.index(b"service-0050") < last.content.index(b"service-0051")
    assert b"service-0049" not in last.content
    assert b"51\xe2\x80\x9360 of 60 components" in last.content


def test_the_board_of_another_project_is_not_found(viewer: Client) -> None:
    assert viewer.get("/projects/other/").status_code == 404
    assert viewer.get("/projects/other/board-table/").status_code == 404


@pytest.mark.parametrize("name", ["superuser", "everywhere"])
def test_who_has_a_role_everywhere_sees_every_project(project: Project, name: str) -> None:
    from apps.accounts.models import Role

    person = make_person("ada", Role.VIEWER if name == "everywhere" else None)
    person.is_superuser = name == "superuser"
    person.save()
    client = Client()
    client.force_login(person)
    Project.objects.create(name="Another", slug="another")
    assert client.get("/projects/shop/").status_code == 200
    assert [one.slug for one in client.get("/projects/shop/").context["projects"]] == ["another", "shop"]


# --- the heading ------------------------------------------------------------------------------------------


def heading(client: Client) -> str:
    html = client.get("/projects/shop/").content.decode()
    return html[html.index("<h1>") : html.index("</h1>")]


@pytest.fixture
def well(project: Project) -> None:
    Application.objects.update(health="Healthy", sync="Synced", checked_at=timezone.now())


@pytest.mark.usefixtures("well")
def test_the_heading_says_all_are_well_when_all_are_known_to_be(viewer: Client) -> None:
    assert "All 300 applications are healthy and in sync" in heading(viewer)


@pytest.mark.usefixtures("well")
def test_the_heading_never_says_all_are_well_where_nothing_is_watched(viewer: Client) -> None:
    Application.objects.update(cluster=None, checked_at=None)
    assert "healthy" not in heading(viewer)


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(
    "change",
    [
        {"checked_at": None, "failed_at": timezone.now()},
        {"checked_at": timezone.now() - timedelta(days=1)},
        {"checked_at": None, "health": "Unknown", "sync": "Unknown"},
        {"cluster": None},
    ],
    ids=["never answered", "too old", "not checked yet", "no cluster"],
)
def test_one_application_that_is_not_known_takes_all_are_well_away(
    viewer: Client, change: dict[str, object]
) -> None:
    one = Application.objects.order_by("pk")[7]
    Application.objects.filter(pk=one.pk).update(**change)
    assert "All 300" not in heading(viewer)


@pytest.mark.usefixtures("well")
def test_the_heading_names_a_silent_cluster_and_a_silent_repository(viewer: Client) -> None:
    Cluster.objects.filter(name="dev-1").update(failed_at=timezone.now() - timedelta(hours=2))
    Repository.objects.update(failed_at=timezone.now() - timedelta(hours=1))
    silent = viewer.get("/projects/shop/").context["answer"].silent
    assert [one.name for one in silent] == ["cluster dev-1", "config"]


def test_each_page_says_which_workers_are_silent(viewer: Client) -> None:
    ticks.beat(ticks.sign_of(""))
    ticks.beat(ticks.sign_of(PROMOTIONS))
    assert "answered since" not in viewer.get("/projects/shop/").content.decode()
    Heartbeat.objects.filter(name=ticks.sign_of(PROMOTIONS)).update(
        beat_at=timezone.now() - timedelta(minutes=4)
    )
    page = viewer.get("/projects/shop/").content.decode()
    assert "The workers of promotions have not answered since" in page
    assert "No worker has answered" not in page


def test_components_without_a_repository_show_the_first_steps(viewer: Client) -> None:
    Repository.objects.all().delete()
    assert Component.objects.exists()
    assert "Nothing is connected yet" in viewer.get("/projects/shop/").content.decode()


def test_a_row_says_what_the_registry_has_that_is_newer_without_a_query_more(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    component = Component.objects.get(name="service-0003")
    last = component.applications.order_by("-environment__position")[0]
    Application.objects.filter(pk=last.pk).update(live_version="1.0.0", checked_at=timezone.now())
    RegistryState.objects.create(
        component=component,
        image="registry.example.org/service",
        newest_allowed="v1.4.0",
        checked_at=timezone.now(),
    )
    with django_assert_max_num_queries(BOARD_QUERIES):
        text = viewer.get("/projects/shop/?q=service-0003").content.decode()
    assert "1.4.0 is in the registry" in text
