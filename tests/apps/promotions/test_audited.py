"""Each act that people answer for stands in the trail once, with who, what, before and after."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.accounts.services import save_person
from apps.core.models import AuditEvent
from apps.environments.services.silences import start_silence
from apps.promotions.models import EnvironmentPolicy
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.decide import approve, ask_merge, override_gate, reject
from apps.promotions.services.forges import make_secret
from apps.promotions.services.locks import LockWish, add_lock, end_lock
from apps.promotions.services.policies import RULES, FreezeWish, add_freeze, end_freeze, save_policy
from apps.repositories import connect
from apps.repositories.services import NewCredential, change_repository
from gitopsui.domain.ignore import IgnoreRule
from tests.apps.promotions.conftest import World

SECRET = "hunter22-of-git"


def trail() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("actor_name", "verb"))


def test_the_way_of_a_promotion_is_in_the_trail_step_by_step(world: World) -> None:
    world.allow(approvals=1)
    add_lock(
        world.project,
        LockWish("night shift", environment=world.environments["production"]),
        by=world.people["admin"],
    )
    promotion = world.advance(world.propose("cart"))
    approve(promotion.pk, by=world.people["approver"], seen=seen_of(promotion))
    world.advance(promotion)
    gate = next(one["name"] for one in promotion.gates if one["state"] == "block")
    override_gate(promotion.pk, gate, by=world.people["admin"], reason="it burns")
    ask_merge(promotion.pk, by=world.people["proposer"])
    world.advance(promotion, turns=2)

    assert promotion.phase == "merged"
    assert trail() == [
        ("admin", "locked"),
        ("proposer", "planned promotion"),
        ("system", "promotion pushing"),
        ("system", "promotion opening"),
        ("system", "promotion open"),
        ("approver", "approved promotion"),
        ("admin", "overrode gate"),
        ("proposer", "asked to merge promotion"),
        ("system", "promotion merging"),
        ("system", "promotion merged"),
    ]
    assert set(AuditEvent.objects.values_list("project_id", flat=True)) == {world.project.pk}
    overridden = AuditEvent.objects.get(verb="overrode gate")
    assert overridden.after == {gate: "it burns"}
    assert overridden.before is not None


def test_a_rejection_is_in_the_trail_with_its_reason(world: World) -> None:
    promotion = world.advance(world.propose("cart"))

    reject(promotion.pk, by=world.people["approver"], seen=seen_of(promotion), reason="too late today")

    event = AuditEvent.objects.latest("pk")
    assert (event.verb, event.after["reason"]) == ("rejected promotion", "too late today")


def act_silence(world: World) -> None:
    rule = IgnoreRule(json_pointers=("/spec/replicas",), kind="Deployment", reason="scaled by hand")
    start_silence(rule, world.project, world.applications["cart", "staging"], by=world.people["admin"])


def act_credential(world: World) -> None:
    change_repository(
        world.repository, raw_url=world.repository.url, name="config", branch="", is_config=True,
        is_source=False, credential=NewCredential(username="bot", password=SECRET),
        policy=connect.git_policy(), by=world.people["admin"],
    )  # fmt: skip


def act_secret(world: World) -> None:
    make_secret(world.repository, by=world.people["admin"])


def act_role(world: World) -> None:
    save_person(
        world.people["viewer"], username="viewer", password=SECRET, role=Role.APPROVER, is_active=True,
        by=world.people["admin"],
    )  # fmt: skip


def act_policy(world: World) -> None:
    environment = world.environments["production"]
    rules = {name: getattr(EnvironmentPolicy(environment=environment), name) for name in RULES}
    save_policy(environment, rules | {"approvals": 3, "gate_secret": SECRET}, by=world.people["admin"])


def act_freeze(world: World) -> None:
    wish = FreezeWish(None, "year's end", "UTC", weekdays=(4,))
    end_freeze(add_freeze(world.project, wish, by=world.people["admin"]), by=world.people["admin"])


def act_lock(world: World) -> None:
    wish = LockWish("night shift", environment=world.environments["production"])
    end_lock(add_lock(world.project, wish, by=world.people["admin"]), by=world.people["admin"])


@pytest.mark.parametrize(
    ("act", "verbs"),
    [
        (act_silence, ["silenced drift"]),
        (act_credential, ["changed repository"]),
        (act_secret, ["made a new webhook secret"]),
        (act_role, ["changed person"]),
        (act_policy, ["changed promotion rules"]),
        (act_freeze, ["added freeze", "ended freeze"]),
        (act_lock, ["locked", "unlocked"]),
    ],
)
def test_each_named_act_is_recorded_once(world: World, act: Any, verbs: list[str]) -> None:
    act(world)

    assert trail() == [("admin", verb) for verb in verbs]
    assert all(
        event.before or event.after or verbs[0].endswith("secret") for event in AuditEvent.objects.all()
    )
    assert SECRET not in str(list(AuditEvent.objects.values()))
    numbers = set(AuditEvent.objects.values_list("project_id", flat=True))
    assert numbers == ({None} if act is act_role else {world.project.pk})


def test_a_changed_credential_is_told_from_a_changed_name(world: World) -> None:
    act_credential(world)

    event = AuditEvent.objects.get()
    assert event.before["credential"] == "none"
    assert event.after["credential"].startswith("set on ")


def test_a_sign_in_is_in_the_trail_and_a_failed_one_is_not(world: World, client: Client) -> None:
    client.post("/sign-in/", {"username": "viewer", "password": "wrong"})
    client.post("/sign-in/", {"username": "viewer", "password": "correct horse battery"})

    event = AuditEvent.objects.get()
    assert (event.actor_name, event.verb, event.project_id) == ("viewer", "signed in", None)
    assert len(event.request_id) == 16
