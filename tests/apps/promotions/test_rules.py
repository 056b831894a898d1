"""The rules of an environment: everybody reads them, administrators change them, gates go by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.accounts.models import RoleBinding
from apps.core.models import AuditEvent
from apps.promotions.models import EnvironmentPolicy, FreezeWindow
from apps.promotions.selectors.facts import promotion_facts
from apps.promotions.selectors.rules import describe_window, in_words
from gitopsui.domain.gate_facts import Gate
from gitopsui.domain.promotion import prognosis
from tests.apps.promotions.conftest import World


def rules_address(world: World, rest: str = "") -> str:
    return f"/environments/{world.environments['production'].pk}/{rest or 'rules/'}"


def rules(**changed: Any) -> dict[str, Any]:
    values = {
        "approvals": "2", "groups": "", "soak_minutes": "24 h", "checks": "", "external_gates": "",
        "gate_secret": "", "merge": "auto", "arrive_minutes": "45 min", "auto_range": "",
        "needs_synced_target": "on",
    }  # fmt: skip
    return values | changed


def gates(world: World, *names: str, **values: Any) -> dict[str, Gate]:
    promotion = world.propose(*(names or ("cart",)), **values)
    return {gate.name: gate for gate in prognosis(promotion_facts(promotion, now=timezone.now()))}


def page_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# --- rules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["viewer", "proposer", "approver", "admin"])
def test_everybody_reads_the_rules_and_administrators_have_the_button(
    world: World, client: Client, name: str
) -> None:
    world.allow(approvals=2, groups=[["security", 1]], soak_minutes=1440, checks=["ci"], auto_promote=False)
    page = page_of(world.sign_in(client, name), rules_address(world))
    assert "2 approvals, 1 of the group security, neither from the proposer nor from the last pusher." in page
    assert "24 hours in staging." in page
    assert ("Edit the rules" in page) == (name == "admin")
    assert ("Hold production" in page) == (name != "viewer")
    assert client.get(rules_address(world, "rules/edit/")).status_code == (200 if name == "admin" else 403)


def test_a_changed_rule_holds_and_is_recorded_with_before_and_after(world: World, client: Client) -> None:
    Group.objects.create(name="release-managers")
    admin = world.sign_in(client, "admin")
    data = rules(groups="release-managers 1", checks="ci/test\nci/lint", auto_promote="on", auto_range="~2.4")
    page = admin.post(rules_address(world, "rules/edit/"), data, follow=True).content.decode()
    assert "The rules of production are saved." in page
    policy = EnvironmentPolicy.objects.get()
    assert (policy.approvals, policy.groups, policy.soak_minutes) == (2, [["release-managers", 1]], 1440)
    assert (policy.checks, policy.merge, policy.arrive_minutes) == (["ci/test", "ci/lint"], "auto", 45)
    assert (policy.auto_promote, policy.auto_range, policy.needs_healthy_source) == (True, "~2.4", False)
    event = AuditEvent.objects.get(verb="changed promotion rules")
    assert (event.actor_name, event.object_label) == ("admin", "production")
    assert event.before is not None
    assert event.after is not None
    assert (event.before["approvals"], event.after["approvals"]) == (1, 2)
    assert "needs_synced_target" not in event.after
    assert policy.counts_strangers is False
    assert gates(world)["approvals"].reason.startswith("2 approvals and 1 of the group release-managers")


def test_that_strangers_count_is_said_on_the_rules_page_and_recorded(world: World, client: Client) -> None:
    admin = world.sign_in(client, "admin")
    page = admin.get(rules_address(world, "rules/edit/")).content.decode()
    assert "one person passes as two" in page
    page = admin.post(
        rules_address(world, "rules/edit/"), rules(counts_strangers="on"), follow=True
    ).content.decode()
    assert "On the forge also of people whom nobody here knows." in page
    assert AuditEvent.objects.get(verb="changed promotion rules").after["counts_strangers"] is True  # type: ignore[index]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("approvals", "-1", "greater than or equal to 0"),
        ("groups", "release-managers", "is no group with a number"),
        ("groups", "nobody 1", "There is no group nobody yet"),
        ("soak_minutes", "a day", "Write it as 90 min, 24 h or 3 d."),
        ("arrive_minutes", "0", "It has to be between 1 min and 7 d."),
        ("auto_range", "newest", "range"),
        ("merge", "never", "not one of the available choices"),
        ("external_gates", "board http://gates.example.org/x", "board: "),
        ("external_gates", "board https://127.0.0.1/x", "board: "),
        ("external_gates", "freeze https://gates.example.org/x", "is a gate of gitopsui"),
        ("external_gates", "a https://g.example.org/x\na https://g.example.org/y", "the same name"),
        ("gate_secret", "short", "at least 16 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_stored(
    world: World, client: Client, field: str, value: str, words: str
) -> None:
    answer = world.sign_in(client, "admin").post(rules_address(world, "rules/edit/"), rules(**{field: value}))
    assert answer.status_code == 200
    assert any(words in one for one in answer.context["form"].errors[field])
    assert not EnvironmentPolicy.objects.exists()


def test_a_gate_needs_a_secret_which_is_never_shown(world: World, client: Client) -> None:
    admin = world.sign_in(client, "admin")
    gate = {"external_gates": "board https://gates.example.org/x"}
    answer = admin.post(rules_address(world, "rules/edit/"), rules(**gate))
    assert "gate_secret" in answer.context["form"].errors
    secret = "correct horse battery"
    admin.post(rules_address(world, "rules/edit/"), rules(**gate, gate_secret=secret))
    admin.post(rules_address(world, "rules/edit/"), rules(**gate))
    assert EnvironmentPolicy.objects.get().gate_secret == secret
    assert secret not in page_of(admin, rules_address(world, "rules/edit/"))
    assert all(secret not in f"{event.before}{event.after}" for event in AuditEvent.objects.all())


# --- holding ----------------------------------------------------------------------------------------------


def test_who_may_promote_holds_with_a_reason_and_another_releases(world: World, client: Client) -> None:
    world.allow()
    proposer = world.sign_in(client, "proposer")
    page = proposer.post(rules_address(world, "hold/"), {"reason": " "}, follow=True).content.decode()
    assert "Say why it is held" in page
    page = proposer.post(rules_address(world, "hold/"), {"reason": "au<b>dit"}, follow=True).content.decode()
    assert "production is held" in page
    assert "au&lt;b&gt;dit" in page
    assert "held by proposer" in gates(world)["lock"].reason
    again = proposer.post(rules_address(world, "hold/"), {"reason": "me too"}, follow=True).content.decode()
    assert "is held by proposer already" in again
    world.sign_in(client, "approver").post(rules_address(world, "release/"))
    assert EnvironmentPolicy.objects.get().held_at is None
    assert {"held environment", "released environment"} <= set(
        AuditEvent.objects.values_list("verb", flat=True)
    )


def test_a_promoter_of_staging_may_not_hold_promote_or_approve_into_production(
    world: World, client: Client
) -> None:
    world.allow()
    promotion = world.advance(world.propose("web"))
    RoleBinding.objects.update(environments=["staging"])
    proposer = world.sign_in(client, "proposer")
    page = proposer.post(rules_address(world, "hold/"), {"reason": "x"}, follow=True).content.decode()
    assert "Only promoters into production may hold it." in page
    page = page_of(proposer, "/projects/shop/promotions/new/?from=staging&into=production&component=cart")
    assert "Only promoters into production may start it" in page
    data = {"from": "staging", "into": "production", "component": "cart"}
    page = proposer.post("/projects/shop/promotions/new/", data, follow=True).content.decode()
    assert "Only promoters into production may do that" in page
    page = proposer.post(f"/promotions/{promotion.pk}/close/", follow=True).content.decode()
    assert "Only promoters may close" in page
    approver = world.sign_in(client, "approver")
    seen = {"base": promotion.base_sha, "head": promotion.head_sha, "diff": promotion.diff_hash}
    page = approver.post(f"/promotions/{promotion.pk}/approve/", seen, follow=True).content.decode()
    assert "Only approvers of production may approve" in page
    assert not promotion.approvals.exists()


# --- freezes ----------------------------------------------------------------------------------------------


def freeze(world: World, **changed: Any) -> dict[str, Any]:
    now = timezone.now()
    values = {
        "environment": world.environments["production"].pk, "reason": "Black Friday", "kind": "dated",
        "zone": "Europe/Berlin", "starts": f"{now - timedelta(hours=3):%Y-%m-%dT%H:%M}",
        "ends": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}", "lasts": "0",
    }  # fmt: skip
    return values | changed


def test_a_freeze_is_set_by_an_administrator_seen_by_all_and_ended(world: World, client: Client) -> None:
    world.allow()
    admin = world.sign_in(client, "admin")
    exception = world.applications["web", "production"].component.pk
    data = freeze(world, exceptions=[exception])
    page = admin.post("/projects/shop/freezes/new/", data, follow=True).content.decode()
    assert "1 freeze holds now" in page
    assert "but not for web" in page
    row = FreezeWindow.objects.get()
    assert (row.created_by, row.exceptions) == ("admin", ["web"])
    assert gates(world, "cart")["freeze"].reason.startswith("production is frozen until")
    assert "freeze" not in gates(world, "web")
    viewer = world.sign_in(client, "viewer")
    assert "frozen until" in page_of(viewer, "/projects/shop/promotions/")
    assert "End now" not in page_of(viewer, "/projects/shop/freezes/")
    assert viewer.post(f"/freezes/{row.pk}/end/").status_code == 403
    page = world.sign_in(client, "admin").post(f"/freezes/{row.pk}/end/", follow=True).content.decode()
    assert "Nothing is frozen now" in page
    again = client.post(f"/freezes/{row.pk}/end/", follow=True).content.decode()
    assert "It was ended already." in again
    assert [one.verb for one in AuditEvent.objects.filter(verb__contains="freeze").order_by("pk")] == [
        "added freeze",
        "ended freeze",
    ]


def test_a_weekly_freeze_to_come_passes_and_is_told_everywhere(world: World, client: Client) -> None:
    world.allow()
    tomorrow = timezone.now() + timedelta(days=1)
    weekly = {
        "kind": "weekly", "zone": "UTC", "starts": "", "ends": "", "weekdays": [tomorrow.weekday()],
        "from_time": "18:00", "lasts": "14 h", "reason": "weekend",
    }  # fmt: skip
    answer = world.sign_in(client, "admin").post("/projects/shop/freezes/new/", freeze(world, **weekly))
    assert answer.status_code == 302
    gate = gates(world)["freeze"]
    assert gate.is_open
    assert gate.reason.startswith(f"None now. Production freezes {tomorrow:%A} 18:00 UTC until")
    assert f"freezes {tomorrow:%A} 18:00 UTC" in page_of(client, "/projects/shop/promotions/")
    assert "from 18:00 for 14 hours, UTC" in page_of(client, "/projects/shop/freezes/")


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"zone": "Mars"}, "zone", "is no time zone"),
        ({"reason": ""}, "reason", "Say why"),
        ({"starts": ""}, "starts", "Say when."),
        ({"ends": "2020-01-01T10:00"}, "ends", "It has to end after it begins."),
        ({"starts": "2020-01-01T10:00", "ends": "2020-01-02T10:00"}, "ends", "This is over."),
        ({"ends": "2099-01-01T10:00"}, "ends", "more than three years away"),
        ({"kind": "weekly"}, "weekdays", "Tick a day."),
        ({"kind": "weekly", "weekdays": [4]}, "from_time", "Say from what time."),
        ({"kind": "weekly", "weekdays": [4], "from_time": "18:00"}, "lasts", "Say for how long."),
        ({"environment": "999999"}, "environment", "not one of the available choices"),
    ],
)
def test_a_freeze_that_makes_no_sense_is_refused_at_its_field(
    world: World, client: Client, changed: dict[str, Any], field: str, words: str
) -> None:
    admin = world.sign_in(client, "admin")
    answer = admin.post("/projects/shop/freezes/new/", freeze(world, **changed))
    assert any(words in one for one in answer.context["form"].errors[field])
    assert not FreezeWindow.objects.exists()


def test_what_was_typed_is_the_clock_of_the_zone(world: World, client: Client) -> None:
    data = freeze(world, starts="2026-12-24T18:00", ends="2026-12-27T08:00")
    world.sign_in(client, "admin").post("/projects/shop/freezes/new/", data)
    row = FreezeWindow.objects.get()
    assert f"{row.starts_at:%H:%M %Z}" == "17:00 UTC"
    assert describe_window(row) == "24 December 2026 18:00 to 27 December 2026 08:00 CET"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minute"), (90, "90 minutes"), (60, "1 hour"), (1440, "24 hours"), (4320, "3 days")],
)
def test_spans_are_told_in_words(minutes: int, words: str) -> None:
    assert in_words(minutes) == words
