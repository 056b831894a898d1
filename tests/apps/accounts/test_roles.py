"""Who may what where: a role in a project, and to promote into an environment as a right of its own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import Person, Project, Role, RoleBinding
from apps.accounts.permissions import has_role
from apps.core.models import AuditEvent
from apps.environments.models import Environment
from tests.accounts import make_people, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = Project.objects.create(name="shop", slug="shop")
    for position, name in enumerate(("staging", "production")):
        Environment.objects.create(project=project, name=name, position=position)
    return project


def limited(role: Role, project: Project | None, *environments: str) -> Person:
    person = make_person(f"limited-{role}", role, project)
    RoleBinding.objects.filter(person=person).update(environments=list(environments))
    return person


def test_a_role_without_environments_holds_in_all_of_them(project: Project) -> None:
    person = make_person("ada", Role.PROMOTER, project)
    assert has_role(person, Role.PROMOTER, project, environment="production")


@pytest.mark.parametrize("role", [Role.PROMOTER, Role.APPROVER])
def test_a_limited_role_is_a_look_elsewhere(project: Project, role: Role) -> None:
    person = limited(role, project, "staging")
    assert has_role(person, role, project, environment="staging")
    assert not has_role(person, Role.PROMOTER, project, environment="production")
    assert has_role(person, Role.VIEWER, project, environment="production")
    assert has_role(person, role, project)


def test_an_administrator_is_one_everywhere(project: Project) -> None:
    assert has_role(limited(Role.ADMIN, project, "staging"), Role.ADMIN, project, environment="production")


def test_the_strongest_of_two_roles_counts_in_each_environment(project: Project) -> None:
    person = limited(Role.APPROVER, None, "staging")
    RoleBinding.objects.create(person=person, project=project, role=Role.PROMOTER)
    assert person.find_role(project, "staging") is Role.APPROVER
    assert person.find_role(project, "production") is Role.PROMOTER


def form(**changed: object) -> dict[str, object]:
    values = {"username": "ada", "role": "promoter", "is_active": "on", "password": "", "groups": ""}
    return values | {"environments": ["staging"]} | changed


def test_the_page_of_a_person_gives_environments_and_groups_and_records_both(
    project: Project, client: Client
) -> None:
    client.force_login(make_person("keeper", Role.ADMIN))
    person = make_person("ada", Role.VIEWER)
    address = f"/people/{person.pk}/"
    assert "production" in client.get(address).content.decode()
    assert client.post(address, form(groups="release-managers, security")).status_code == 302
    assert RoleBinding.objects.get(person=person, project=None).environments == ["staging"]
    assert sorted(Group.objects.filter(user=person).values_list("name", flat=True)) == [
        "release-managers",
        "security",
    ]
    event = AuditEvent.objects.get(verb="changed person")
    assert event.before is not None
    assert event.after is not None
    assert event.before["environments"] == []
    assert event.after["environments"] == ["staging"]
    assert event.after["groups"] == ["release-managers", "security"]
    assert "promoter in staging" in client.get("/people/").content.decode()


def test_an_administrator_is_not_limited_by_the_form(project: Project, client: Client) -> None:
    client.force_login(make_person("keeper", Role.ADMIN))
    person = make_person("ada", Role.VIEWER)
    client.post(f"/people/{person.pk}/", form(role="admin"))
    assert RoleBinding.objects.get(person=person, project=None).environments == []


def test_an_environment_nobody_has_and_an_invisible_group_are_refused_at_their_fields(
    project: Project, client: Client
) -> None:
    client.force_login(make_person("keeper", Role.ADMIN))
    person = make_person("ada", Role.VIEWER)
    page = client.post(
        f"/people/{person.pk}/", form(environments=["moon"], groups="a\u202eb")
    ).content.decode()
    assert "moon is not one of the available choices" in page
    assert "characters that cannot be seen" in page
    assert not Group.objects.exists()


def test_an_administrator_of_one_project_keeps_no_accounts(project: Project, client: Client) -> None:
    people = make_people(project)
    client.force_login(people["admin"])
    own = f"/people/{people['admin'].pk}/"
    assert client.get("/people/").status_code == 403
    assert client.post("/people/add/", form(username="eve", role="admin")).status_code == 403
    assert client.post(own, form(username="admin", role="admin")).status_code == 403
    assert not RoleBinding.objects.filter(project=None).exists()
    assert "/people/" not in client.get("/repositories/").content.decode()


@pytest.mark.parametrize("target", ["\0", "people-list", "//evil.example", "https://evil.example/"])
def test_a_switched_theme_leads_to_no_odd_address(project: Project, client: Client, target: str) -> None:
    answer = client.post("/theme/", {"theme": "dark", "next": target})
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]
