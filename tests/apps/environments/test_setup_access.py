"""Who administers one project and looks into another sets nothing up in that other."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Project, Role, RoleBinding
from apps.environments.models import Application
from apps.repositories.models import Repository
from tests.accounts import make_person


@pytest.fixture
def theirs(db: None, client: Client) -> Repository:
    """A repository of `shop`, looked at by an administrator of `tools`, who saw `shop` last."""
    shop, tools = (Project.objects.create(name=name, slug=name) for name in ("shop", "tools"))
    person = make_person("ada", Role.ADMIN, tools)
    RoleBinding.objects.create(person=person, project=shop, role=Role.VIEWER)
    client.force_login(person)
    session = client.session
    session["project"] = "shop"
    session.save()
    url = "https://git.example.org/shop/config"
    layout: dict[str, object] = {"proposals": [], "findings": [], "environments": []}
    return Repository.objects.create(project=shop, name="config", url=url, same_as=url, layout=layout)


def test_nothing_is_taken_from_a_repository_of_a_project_one_only_looks_at(
    theirs: Repository, client: Client
) -> None:
    assert client.get(f"/repositories/{theirs.pk}/").status_code == 200
    for method in (client.get, client.post):
        assert method(f"/set-up/{theirs.pk}/").status_code == 404
    assert not Application.objects.exists()


def test_a_new_connection_goes_into_a_project_of_ones_own(theirs: Repository, client: Client) -> None:
    answer = client.post("/set-up/", {"url": "https://git.example.org/tools/config"})
    assert answer.status_code == 302, answer.content.decode()
    assert Repository.objects.exclude(pk=theirs.pk).get().project.slug == "tools"
    page = client.get(f"/set-up/cluster/?repository={theirs.pk}")
    assert page.context["repository"] is None
