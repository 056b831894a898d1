"""Every address, tried with every role: declared permission, nothing of another project, GET never writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts.models import Project, Role
from apps.accounts.permissions import PUBLIC
from apps.core.models import Job
from apps.environments.models import Application, Cluster, Component, Environment, Silence
from apps.promotions.models import FreezeWindow, Lock, Promotion
from apps.releases.models import Release, ReleasePolicy, TrustedKey
from apps.releases.selectors.feed_keys import feed_key
from apps.repositories.models import Repository
from tests.accounts import make_people

# Accounts belong to no project: each of these people is of one.
OF_ALL_PROJECTS = {"people-list", "person-add", "person-edit", "person-logins"}
NOW = datetime(2026, 11, 1, tzinfo=UTC)
# Addresses that carry no row of a project: there is nothing in them to hide from a stranger.
WITHOUT_PROJECT = {
    "board", "repository-list", "cluster-list", "job-list", "people-list",
    "person-add", "person-edit", "set-up", "set-up-cluster", "set-up-done",
    "silence-new", "silence-preview", "activity", "activity-export", "subscription-list",
    "person-logins", "person-login-remove", "account-logins",
}  # fmt: skip


def _patterns(resolver: Any = None) -> Iterator[URLPattern]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry)
        elif entry.name:
            yield entry


PATTERNS = list(_patterns())


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    project = Project.objects.create(name="shop", slug="shop")
    people = make_people(project)
    repository = Repository.objects.create(
        project=project,
        name="shop/config",
        url="https://git.example.org/shop/config",
        same_as="https://git.example.org/shop/config",
        host="git.example.org",
        polled_at=NOW,
        layout={"proposals": [], "findings": [], "environments": []},
    )
    cluster = Cluster.objects.create(project=project, name="eu", server="https://eu.example.org:6443")
    environment = Environment.objects.create(project=project, name="dev")
    component = Component.objects.create(project=project, name="cart", slug="cart")
    application = Application.objects.create(
        component=component,
        environment=environment,
        repository=repository,
        cluster=cluster,
        path="apps/cart/dev",
        renderer="plain",
    )
    release = Release.objects.create(component=component, tag="v1.0.0", version="1.0.0", commit_sha="a" * 40)
    ReleasePolicy.objects.create(component=component, has_public_notes=True)
    silence = Silence.objects.create(
        project=project, application=application, json_pointers=["/spec/a"], reason="known", created_by="x"
    )
    job = Job.objects.create(kind="repositories.poll", subject_id=repository.pk)
    reconciler = application.reconciliations.create(
        group="argoproj.io", kind="Application", namespace="argocd", name="cart", tool="Argo CD", seen_at=NOW
    )
    promotion = Promotion.objects.create(
        project=project, environment=environment, repository=repository, title="cart: 1 to 2 in dev",
        proposer_name="proposer", planned_at=NOW, phase_at=NOW, base_branch="main", base_sha="a" * 40,
    )  # fmt: skip
    pks = {
        "promotion": promotion.pk, "environment": environment.pk,
        "freeze": FreezeWindow.objects.create(project=project, reason="sale", created_by="x").pk,
        "lock": Lock.objects.create(project=project, component=component, owner="x", message="busy").pk,
        "repository": repository.pk, "cluster": cluster.pk, "application": application.pk,
        "release": release.pk, "job": job.pk, "person": people["viewer"].pk, "set": repository.pk,
        "drift": application.pk, "resource": application.pk, "reconcilers": application.pk,
        "reconciler": reconciler.pk, "deep": application.pk,
        "silence": silence.pk, "feed": feed_key(project), "webhook": repository.pk,
        "trusted": TrustedKey.objects.create(
            project=project, format="ssh", text="", fingerprint="a", owner="a", added_by="x", added_at=NOW
        ).pk,
        "subscription": people["viewer"].subscriptions.create(project=project, channel="webhook").pk,
    }  # fmt: skip
    return {"people": people, "pks": pks}


def _address(pattern: URLPattern, world: dict[str, Any]) -> str:
    kwargs: dict[str, Any] = {}
    for name in pattern.pattern.converters:
        noun = (pattern.name or "").partition("-")[0]
        names = {"slug": "shop", "component": "cart", "component_slug": "cart", "environment": "dev"}
        names["kind"] = "github"
        kwargs[name] = names.get(name, world["pks"].get(noun))
    return reverse(str(pattern.name), kwargs=kwargs)


def _ids(pattern: URLPattern) -> str:
    return f"{pattern.name} {pattern.pattern}"


@pytest.mark.parametrize("pattern", PATTERNS, ids=_ids)
def test_every_view_declares_who_may_see_it(pattern: URLPattern) -> None:
    permission = getattr(pattern.callback, "permission", None)
    assert permission == PUBLIC or permission in Role.values


def _allowed(role: Role | None, permission: str) -> bool:
    return permission == PUBLIC or (role is not None and role.includes(Role(permission)))


@pytest.mark.parametrize("name", ["viewer", "proposer", "approver", "admin"])
@pytest.mark.parametrize("pattern", PATTERNS, ids=_ids)
def test_a_role_opens_what_it_may_and_nothing_else(
    pattern: URLPattern, name: str, world: dict[str, Any], client: Client
) -> None:
    client.force_login(world["people"][name])
    role = world["people"][name].find_role()
    answer = client.get(_address(pattern, world))
    permission = pattern.callback.permission  # type: ignore[attr-defined]
    if _allowed(role, permission) and pattern.name not in OF_ALL_PROJECTS:
        # 405: it only takes POST; 302: it leads on; 503: it says that something is not ready.
        assert answer.status_code in (200, 302, 405, 503), answer.status_code
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("pattern", PATTERNS, ids=_ids)
def test_nobody_opens_more_than_public_pages(
    pattern: URLPattern, world: dict[str, Any], client: Client
) -> None:
    answer = client.get(_address(pattern, world))
    if pattern.callback.permission == PUBLIC:  # type: ignore[attr-defined]
        assert answer.status_code in (200, 302, 405, 503)
    else:
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("pattern", PATTERNS, ids=_ids)
def test_a_stranger_does_not_learn_that_a_row_exists(
    pattern: URLPattern, method: str, world: dict[str, Any], client: Client
) -> None:
    is_public = pattern.callback.permission == PUBLIC  # type: ignore[attr-defined]
    if is_public or (pattern.name in WITHOUT_PROJECT and not pattern.pattern.converters.get("slug")):
        return
    client.force_login(world["people"]["stranger"])
    answer = getattr(client, method)(_address(pattern, world))
    assert answer.status_code in (404, 405)


@pytest.mark.parametrize("pattern", PATTERNS, ids=_ids)
def test_a_post_without_a_token_from_another_site_is_refused(
    pattern: URLPattern, world: dict[str, Any]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world["people"]["admin"])
    answer = client.post(
        _address(pattern, world), headers={"HX-Request": "true", "Origin": "https://evil.example"}
    )
    # 401: a webhook is believed by its signature and by nothing that a browser could be made to send.
    assert answer.status_code in (403, 405) or (pattern.name, answer.status_code) == ("webhook", 401)


@pytest.mark.django_db
def test_an_account_that_is_shut_out_loses_its_session_at_once(world: dict[str, Any], client: Client) -> None:
    person = world["people"]["viewer"]
    client.force_login(person)
    assert client.get("/").status_code == 200
    person.is_active = False
    person.save()
    assert client.get("/projects/shop/board-table/", headers={"HX-Request": "true"}).status_code == 401


@pytest.mark.django_db
def test_only_declared_filters_are_read(world: dict[str, Any], client: Client) -> None:
    client.force_login(world["people"]["viewer"])
    odd = "?owner__password__startswith=a&_connector=OR+1=1&page=99999999999999999999&q=" + "(a%2B)%2B$" * 20
    assert client.get(f"/projects/shop/{odd}").status_code == 200
    assert client.get("/projects/shop/?page=x&sort=password&health=<script>").status_code == 200


@pytest.mark.django_db
def test_a_sign_in_never_leads_to_another_host(world: dict[str, Any], client: Client) -> None:
    data = {"username": "viewer", "password": "correct horse battery", "next": "//evil.example"}
    answer = client.post("/sign-in/", data)
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]
