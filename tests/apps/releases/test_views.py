"""The pages of releases and components, as each role sees them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Person
from apps.core.models import AuditEvent, Job
from apps.environments.models import Cluster, Component
from apps.releases.models import Release
from tests.accounts import make_people
from tests.apps.releases.conftest import Shop

LOOKERS = ["viewer", "proposer", "approver", "admin"]
ROLES = pytest.mark.parametrize("name", LOOKERS)
Pin = Callable[..., AbstractContextManager[object]]
SHELL = 11  # queries of every page: session, person, roles, projects and what needs attention


@pytest.fixture
def people(shop: Shop) -> dict[str, Person]:
    return make_people(shop.project)


@pytest.fixture
def told(shop: Shop, people: dict[str, Person]) -> Shop:
    """Three releases; the newest in dev, the oldest in production."""
    shop.release("1.0.0", "feat: baskets")
    shop.release("1.1.0", "feat!: vouchers", "fix: rounding")
    shop.release("1.2.0-rc.1", "feat: gifts")
    shop.poll()
    dev, production = shop.run("dev", "1.1.0"), shop.run("production", "1.0.0")
    shop.observe(dev, "1.0.0", 20)
    shop.observe(dev, "1.1.0", 6)
    shop.observe(production, "1.0.0", 5)
    shop.update()
    return shop


def page(client: Client, person: Person, address: str) -> str:
    client.force_login(person)
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@ROLES
def test_everybody_with_a_role_reads_releases(
    told: Shop, people: dict[str, Person], client: Client, name: str
) -> None:
    text = page(client, people[name], "/projects/shop/releases/")
    assert text.index("1.2.0-rc.1") < text.index("1.1.0") < text.index("1.0.0")
    assert "1 breaking" in text
    assert "pre-release" in text
    assert "nowhere now" in text


@ROLES
def test_everybody_with_a_role_reads_the_notes(
    told: Shop, people: dict[str, Person], client: Client, name: str
) -> None:
    text = page(client, people[name], f"/releases/{told.get('v1.1.0').pk}/")
    assert "vouchers" in text
    assert "rounding" in text
    assert "baskets" not in text
    assert "1.2.0-rc.1" in text  # the next release
    assert ">dev</a>" in text  # where it runs


@ROLES
def test_only_an_administrator_is_offered_to_edit_a_component(
    told: Shop, people: dict[str, Person], client: Client, name: str
) -> None:
    text = page(client, people[name], "/projects/shop/components/cart/")
    assert ("/projects/shop/components/cart/edit/" in text) == (name == "admin")
    assert '<svg class="timeline"' in text
    assert "2 commits behind dev" in text
    assert "cart 1.0.0 reached production 5 d ago" in text
    assert " style=" not in text


@pytest.mark.parametrize("name", ["viewer", "proposer", "approver"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_else_edits_a_component(
    told: Shop, people: dict[str, Person], client: Client, name: str, method: str
) -> None:
    client.force_login(people[name])
    answer = getattr(client, method)("/projects/shop/components/cart/edit/", {"image": "evil"})
    assert answer.status_code == 403
    assert Component.objects.get().image == ""


@pytest.mark.parametrize(
    "address",
    [
        "/projects/shop/releases/",
        "/releases/{pk}/",
        "/projects/shop/components/cart/",
        "/projects/shop/components/cart/edit/",
    ],
)
def test_a_stranger_learns_nothing(
    told: Shop, people: dict[str, Person], client: Client, address: str
) -> None:
    client.force_login(people["stranger"])
    assert client.get(address.format(pk=told.get("v1.1.0").pk)).status_code == 404


def test_an_administrator_changes_where_versions_come_from(
    told: Shop, people: dict[str, Person], client: Client
) -> None:
    client.force_login(people["admin"])
    data = {"source": told.config.pk, "tag_pattern": "^c(?P<version>.+)$", "image": "shop/cart"}
    data |= {"below_one": "minor"}
    assert client.post("/projects/shop/components/cart/edit/", data).status_code == 302
    component = Component.objects.get()
    assert (component.source, component.tag_pattern, component.image) == (
        told.config,
        data["tag_pattern"],
        "shop/cart",
    )
    assert Release.objects.count() == 0
    assert Job.objects.filter(kind="releases.update", subject_id=component.pk).exists()
    assert AuditEvent.objects.filter(verb="changed component", actor=people["admin"]).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tag_pattern", "("),
        ("tag_pattern", r"^v(?P<version>(\d+\.?)+)$"),
        ("tag_pattern", "v.*"),
        ("image", "not an image"),
        ("source", "9999"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    told: Shop, people: dict[str, Person], client: Client, field: str, value: str
) -> None:
    client.force_login(people["admin"])
    answer = client.post("/projects/shop/components/cart/edit/", {field: value})
    assert answer.status_code == 200
    assert 'aria-invalid="true"' in answer.content.decode()
    assert Component.objects.get().source == told.source


def test_a_source_of_another_project_cannot_be_taken(
    told: Shop, people: dict[str, Person], client: Client
) -> None:
    foreign = told.config
    foreign.project = people["stranger"].role_bindings.get().project  # type: ignore[assignment]
    foreign.save()
    client.force_login(people["admin"])
    client.post("/projects/shop/components/cart/edit/", {"source": foreign.pk})
    assert Component.objects.get().source == told.source


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=vouchers", {"1.1.0"}),
        ("q=1.2.0", {"1.2.0-rc.1"}),
        ("component=cart", {"1.0.0", "1.1.0", "1.2.0-rc.1"}),
        ("component=other", set()),
        ("q=%00%25_'", set()),
        ("owner__password=x&page=99999999999999999999999", {"1.0.0", "1.1.0", "1.2.0-rc.1"}),
    ],
)
def test_the_list_is_filtered_by_the_url(
    told: Shop, people: dict[str, Person], client: Client, query: str, found: set[str]
) -> None:
    client.force_login(people["viewer"])
    answer = client.get(f"/projects/shop/releases/?{query}")
    assert {row.version for row in answer.context["releases"].object_list} == found


def test_what_cannot_be_seen_is_shown_and_nothing_is_markup(
    shop: Shop, people: dict[str, Person], client: Client
) -> None:
    shop.release("1.0.0", "feat(\u200bui): pay\u202e <script>alert(1)</script>")
    shop.poll()
    application = shop.run("dev", "1\u202e<b>")
    shop.observe(application, "1\u202e<b>", 1)
    shop.update()
    addresses = (
        "/projects/shop/releases/",
        f"/releases/{shop.get('v1.0.0').pk}/",
        "/projects/shop/components/cart/",
    )
    for address in addresses:
        text = page(client, people["viewer"], address)
        assert "\u202e" not in text
        assert "<script>alert" not in text
        assert "1\\u{202E}&lt;b&gt;" in text or address != "/projects/shop/components/cart/"


def test_a_release_without_a_date_says_so(told: Shop, people: dict[str, Person], client: Client) -> None:
    Release.objects.filter(tag="v1.1.0").update(dated_at=None)
    assert "invalid date" in page(client, people["viewer"], "/projects/shop/releases/")
    assert "Its date is invalid" in page(client, people["viewer"], f"/releases/{told.get('v1.1.0').pk}/")
    assert "invalid date" in page(client, people["viewer"], "/projects/shop/components/cart/")


def test_a_release_says_since_which_version_its_changes_are_counted(
    told: Shop, people: dict[str, Person], client: Client
) -> None:
    text = page(client, people["viewer"], "/projects/shop/releases/")
    assert f'{told.get("v1.1.0").change_count} changes since <span class="mono">1.0.0</span>' in text
    assert told.get("v1.0.0").base_tag == ""
    assert "changes since 1.0.0" in page(client, people["viewer"], "/projects/shop/components/cart/")


def test_notes_that_are_not_written_yet_say_so(told: Shop, people: dict[str, Person], client: Client) -> None:
    Release.objects.filter(tag="v1.1.0").update(notes=None, notes_sha="", notes_html="", change_count=None)
    text = page(client, people["viewer"], f"/releases/{told.get('v1.1.0').pk}/")
    assert "Its notes are not written yet" in text


def test_a_component_without_anything_has_a_page(
    shop: Shop, people: dict[str, Person], client: Client
) -> None:
    shop.component.source = None
    shop.component.save()
    shop.update()
    text = page(client, people["viewer"], "/projects/shop/components/cart/")
    assert "No source repository is connected" in text
    assert "No deployment was seen yet" in text


def test_the_span_of_the_timeline_is_in_the_url(
    told: Shop, people: dict[str, Person], client: Client
) -> None:
    client.force_login(people["viewer"])
    for asked, days in (("90", 90), ("365", 365), ("7", 30), ("x", 30)):
        answer = client.get(f"/projects/shop/components/cart/?days={asked}")
        assert answer.context["to_at"] - answer.context["from_at"] == timedelta(days=days)


def test_two_applications_of_one_environment_have_a_lane_each(
    told: Shop, people: dict[str, Person], client: Client
) -> None:
    cluster = Cluster.objects.create(project=told.project, name="eu", server="https://eu.example.org")
    second = told.run("dev", "1.0.0", path="cart/dev/eu")
    second.cluster, second.checked_at, second.live_version = cluster, timezone.now(), "1.0.0"
    second.save()
    told.observe(second, "1.0.0", 3, source="live")
    told.update()
    client.force_login(people["viewer"])
    lanes = client.get("/projects/shop/components/cart/").context["lanes"]
    assert [lane.environment for lane in lanes][1:] == ["eu dev", "production"]


def test_the_release_list_has_a_fixed_number_of_queries(
    told: Shop, people: dict[str, Person], client: Client, django_assert_max_num_queries: Pin
) -> None:
    _many(told)
    client.force_login(people["viewer"])
    with django_assert_max_num_queries(SHELL + 5):
        client.get("/projects/shop/releases/")


def test_the_page_of_a_release_has_a_fixed_number_of_queries(
    told: Shop, people: dict[str, Person], client: Client, django_assert_max_num_queries: Pin
) -> None:
    _many(told)
    client.force_login(people["viewer"])
    with django_assert_max_num_queries(SHELL + 5):
        client.get(f"/releases/{told.get('v1.1.0').pk}/")


def test_the_page_of_a_component_has_a_fixed_number_of_queries(
    told: Shop, people: dict[str, Person], client: Client, django_assert_max_num_queries: Pin
) -> None:
    _many(told)
    client.force_login(people["viewer"])
    with django_assert_max_num_queries(SHELL + 16):
        client.get("/projects/shop/components/cart/")


def _many(shop: Shop) -> None:
    """So many rows that a query for each of them would be seen."""
    for number in range(25):
        shop.release(f"2.{number}.0")
        shop.observe(shop.run("staging", f"2.{number}.0"), f"2.{number}.0", 25 - number)
    shop.poll()
    shop.update()
