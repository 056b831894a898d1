"""Locks keep what they lock as it is: who may set and end them, where they are seen, until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Role, RoleBinding
from apps.core.models import AuditEvent
from apps.promotions.models import Lock
from apps.promotions.selectors.facts import promotion_facts
from gitopsui.domain.promotion import prognosis
from tests.accounts import make_person
from tests.apps.promotions.conftest import World

NEW = "/projects/shop/locks/new/"


def lock_gate(world: World, name: str) -> str:
    world.allow()
    promotion = world.propose(name)
    gates = prognosis(promotion_facts(promotion, now=timezone.now()))
    promotion.items.all().delete()
    return next((gate.reason for gate in gates if gate.name == "lock"), "")


def scope(world: World, kind: str) -> dict[str, Any]:
    application = world.applications["cart", "production"]
    return {
        "application": {"application": application.pk},
        "component": {"component": application.component.pk},
        "environment": {"environment": application.environment.pk},
        "both": {"component": application.component.pk, "environment": application.environment.pk},
    }[kind]


@pytest.mark.parametrize(
    ("kind", "words", "others"),
    [
        ("application", "cart in production", False),
        ("component", "cart", False),
        ("environment", "production", True),
        ("both", "cart in production", False),
    ],
)
def test_a_lock_shuts_what_it_names_and_nothing_else(
    world: World, client: Client, kind: str, words: str, others: bool
) -> None:
    data = scope(world, kind) | {"message": "I look into <it>", "expiry": "4"}
    assert world.sign_in(client, "proposer").post(NEW, data).status_code == 302
    assert lock_gate(world, "cart").startswith(f"proposer locked {words} until ")
    assert bool(lock_gate(world, "web")) == others
    page = client.get("/projects/shop/locks/").content.decode()
    assert "1 lock holds" in page
    assert "I look into &lt;it&gt;" in page
    after = AuditEvent.objects.get(verb="locked").after
    assert after is not None
    assert after["scope"] == words


def test_a_lock_that_is_over_holds_nothing(world: World) -> None:
    application = world.applications["cart", "production"]
    Lock.objects.create(
        project=world.project, application=application, owner="x", message="y",
        expires_at=timezone.now() - timedelta(minutes=1),
    )  # fmt: skip
    assert lock_gate(world, "cart") == ""


def test_its_owner_and_administrators_unlock_and_others_are_told_who_may(
    world: World, client: Client
) -> None:
    world.sign_in(client, "proposer").post(NEW, scope(world, "component") | {"message": "mine"})
    lock = Lock.objects.get()
    assert lock.expires_at is None
    approver = world.sign_in(client, "approver")
    assert "Unlock" not in approver.get("/projects/shop/locks/").content.decode()
    page = approver.post(f"/locks/{lock.pk}/end/", follow=True).content.decode()
    assert "proposer locked it; only they and administrators may unlock it." in page
    page = world.sign_in(client, "admin").post(f"/locks/{lock.pk}/end/", follow=True).content.decode()
    assert "Nothing is locked" in page
    lock.refresh_from_db()
    assert lock.ended_by == "admin"
    world.sign_in(client, "proposer").post(NEW, scope(world, "component") | {"message": "mine again"})
    page = client.post(f"/locks/{Lock.objects.get(ended_at=None).pk}/end/", follow=True).content.decode()
    assert "Nothing is locked" in page


def test_a_viewer_sees_locks_and_has_no_form(world: World, client: Client) -> None:
    viewer = world.sign_in(client, "viewer")
    assert "Lock…" not in viewer.get("/projects/shop/locks/").content.decode()
    assert viewer.get(NEW).status_code == 403
    assert viewer.post(NEW, scope(world, "component") | {"message": "x"}).status_code == 403


def test_a_lock_needs_something_to_lock_and_a_message(world: World, client: Client) -> None:
    answer = world.sign_in(client, "proposer").post(NEW, {"message": ""})
    assert set(answer.context["form"].errors) == {"message"}
    answer = client.post(NEW, {"message": "x"})
    assert "Choose an environment, a component, or both." in answer.content.decode()
    assert not Lock.objects.exists()


def test_who_may_not_promote_into_it_may_not_lock_it(world: World, client: Client) -> None:
    RoleBinding.objects.update(environments=["staging"])
    data = scope(world, "application") | {"message": "x", "expiry": "1"}
    page = world.sign_in(client, "proposer").post(NEW, data).content.decode()
    assert "Only promoters into production may lock it." in page
    assert not Lock.objects.exists()


def test_an_application_of_another_project_is_not_found(world: World, client: Client) -> None:
    person = make_person("wanderer", Role.PROMOTER)
    client.force_login(person)
    for odd in ("999999", "1 or 1", "9" * 40):
        assert client.get(NEW, {"application": odd}).status_code == 404


def test_the_page_of_an_application_shows_its_lock_and_leads_to_one(world: World, client: Client) -> None:
    application = world.applications["cart", "production"]
    address = f"/applications/{application.pk}/"
    proposer = world.sign_in(client, "proposer")
    assert f"{NEW}?application={application.pk}" in proposer.get(address).content.decode()
    proposer.post(NEW, scope(world, "application") | {"message": "busy", "expiry": ""})
    page = world.sign_in(client, "viewer").get(address).content.decode()
    assert "Locked by proposer: busy" in page
    assert NEW not in page


def test_a_name_that_hides_something_is_shown_for_what_it_is(world: World, client: Client) -> None:
    component = world.applications["cart", "production"].component
    type(component).objects.filter(pk=component.pk).update(name="ca\u202ert")
    found = world.sign_in(client, "proposer").get(NEW).content.decode()
    assert "\u202e" not in found
