"""What the board and the pages of applications, components, releases and comparisons say of promotions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import RoleBinding
from apps.promotions.models import FreezeWindow, Lock
from apps.promotions.selectors.under_way import short_words
from apps.promotions.services import policies
from apps.releases.models import Lag, Release
from tests.apps.promotions.conftest import World

Pin = Callable[..., AbstractContextManager[object]]
BOARD, TABLE = "/projects/shop/", "/projects/shop/board-table/"
HTMX = {"HX-Request": "true"}
PROMOTE = "/projects/shop/promotions/new/?from=staging&amp;into=production&amp;component=cart"


def page(client: Client, address: str = BOARD) -> str:
    return client.get(address).content.decode()


def behind(world: World, count: int | None = 24) -> None:
    Lag.objects.create(
        component=world.applications["cart", "production"].component,
        environment=world.environments["production"],
        behind=world.environments["staging"],
        here_version="1.0.0",
        there_version="2.0.0",
        commit_count=count,
        reason="" if count is not None else "no source",
    )


# --- the board --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [24, None])
def test_a_cell_that_is_behind_leads_who_may_to_a_promotion(
    world: World, client: Client, count: int | None
) -> None:
    behind(world, count)
    assert PROMOTE in page(world.sign_in(client, "proposer"))
    assert PROMOTE not in page(world.sign_in(client, "viewer"))
    assert ("<b>24</b> behind" in page(client)) == (count == 24)
    RoleBinding.objects.update(environments=["staging"])
    assert PROMOTE not in page(world.sign_in(client, "proposer"))


def test_a_level_cell_leads_nowhere(world: World, client: Client) -> None:
    behind(world, 0)
    assert PROMOTE not in page(world.sign_in(client, "proposer"))


def test_a_promotion_under_way_stands_in_its_cell_until_it_has_arrived(world: World, client: Client) -> None:
    behind(world)
    world.allow(approvals=1)
    viewer = world.sign_in(client, "proposer")
    promotion = world.propose("cart")
    assert "is being opened" in page(viewer)
    assert PROMOTE not in page(viewer)
    world.advance(promotion)
    found = page(viewer)
    assert f'href="/promotions/{promotion.pk}/" title="1 approval still to come; 0 of 1 given."' in found
    assert "waits for 1 approval" in found
    assert "1 promotion under way" in found
    world.allow(merge="auto")
    world.advance(promotion, turns=2)
    assert "is on its way" in page(viewer)
    world.arrive()
    assert world.advance(promotion).phase == "deployed"
    assert "on-way" not in page(viewer)


def test_the_stamp_moves_with_promotions_locks_freezes_and_holds(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr("apps.dashboard.views.timezone.now", lambda: now)
    world.allow()
    production = world.environments["production"]

    def stamp() -> str:
        return str(client.get(TABLE, headers=HTMX).headers["HX-PTag"])

    world.sign_in(client, "viewer")
    seen = [stamp()]
    world.advance(world.propose("cart"))
    seen.append(stamp())
    client.force_login(world.people["admin"])
    client.post("/projects/shop/locks/new/", {"environment": production.pk, "message": "busy"})
    client.force_login(world.people["viewer"])
    seen.append(stamp())
    policies.hold(production, by=world.people["proposer"], reason="audit")
    seen.append(stamp())
    freeze(world, starts=now - timedelta(hours=1), ends=now + timedelta(hours=9))
    seen.append(stamp())
    assert len(set(seen)) == len(seen)
    assert client.get(TABLE, headers=HTMX | {"HX-PTag": seen[-1]}).status_code == 304


def freeze(world: World, *, starts: Any, ends: Any) -> None:
    wish = policies.FreezeWish(
        world.environments["production"], "Black Friday", "UTC", starts_at=starts, ends_at=ends
    )
    policies.add_freeze(world.project, wish, by=world.people["admin"])


def test_a_column_says_that_it_is_held_locked_and_frozen(world: World, client: Client) -> None:
    now, production = timezone.now(), world.environments["production"]
    world.allow()
    viewer = world.sign_in(client, "viewer")
    policies.hold(production, by=world.people["proposer"], reason="au<b>dit")
    Lock.objects.create(project=world.project, environment=production, owner="ada", message="look")
    freeze(world, starts=now + timedelta(days=2), ends=now + timedelta(days=3))
    found = page(viewer)
    assert f'href="/environments/{production.pk}/rules/" title="Held by proposer: au&lt;b&gt;dit"' in found
    assert 'title="Locked by ada: look"' in found
    assert f"Freeze from {now + timedelta(days=2):%a}" in found
    FreezeWindow.objects.update(starts_at=now - timedelta(days=1))
    policies.release(production, by=world.people["proposer"])
    found = page(viewer)
    assert "Frozen until" in found
    assert "Held by" not in found


def test_a_weekly_freeze_of_all_environments_stands_on_each_column(world: World, client: Client) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    wish = policies.FreezeWish(
        None, "weekend", "UTC", weekdays=(tomorrow.weekday(),), from_time=tomorrow.time(), lasts_minutes=90
    )
    policies.add_freeze(world.project, wish, by=world.people["admin"])
    found = page(world.sign_in(client, "viewer"))
    # In the head of each column, and above the cards of a phone.
    assert found.count(f"Freeze from {tomorrow:%a}") == 4
    assert found.count("weekend, set by admin") == 2


def test_a_locked_cell_says_so_and_why(world: World, client: Client) -> None:
    Lock.objects.create(
        project=world.project, application=world.applications["cart", "production"], owner="ada",
        message="I look", expires_at=timezone.now() + timedelta(hours=4),
    )  # fmt: skip
    found = page(world.sign_in(client, "viewer"))
    assert found.count("I look") == 1
    assert "locked until" in found


def test_the_board_with_all_of_it_takes_eight_queries(
    world: World, client: Client, django_assert_max_num_queries: Pin
) -> None:
    now = timezone.now()
    behind(world)
    freeze(world, starts=now + timedelta(days=2), ends=now + timedelta(days=3))
    Lock.objects.create(
        project=world.project, environment=world.environments["staging"], owner="ada", message="x"
    )
    world.advance(world.propose("cart", "web"))
    viewer = world.sign_in(client, "viewer")
    page(viewer)
    # Drawn anew: what the column says is not what it said.
    Lock.objects.update(message="y")
    with django_assert_max_num_queries(8):
        assert client.get(BOARD).status_code == 200


def test_the_head_of_the_board_leads_to_compare_and_promote(world: World, client: Client) -> None:
    assert "Compare environments" in page(world.sign_in(client, "viewer"))
    assert "Promote…" not in page(client)
    assert "Promote…" in page(world.sign_in(client, "proposer"))


@pytest.mark.parametrize(
    ("phase", "gates", "words"),
    [
        ("planned", [], "is being opened"),
        ("merging", [], "is being merged"),
        ("merged", [], "is on its way"),
        ("open", [], "may be merged"),
        (
            "open",
            [("approvals", "wait", "2 approvals still to come; 0 of 2 given.")],
            "waits for 2 approvals",
        ),
        ("open", [("soak", "wait", "x")], "soaks"),
        ("open", [("freeze", "wait", "x")], "waits: freeze"),
        (
            "open",
            [("soak", "wait", "x"), ("approvals", "wait", "1 approval still to come")],
            "waits for 1 approval",
        ),
        ("open", [("lock", "block", "x"), ("approvals", "wait", "x")], "1 gate blocks"),
        ("open", [("lock", "block", "x"), ("release", "block", "x")], "2 gates block"),
    ],
)
def test_a_few_words_say_what_it_waits_for(phase: str, gates: list[tuple[str, str, str]], words: str) -> None:
    told = [{"name": n, "state": s, "reason": r, "overridden_by": ""} for n, s, r in gates]
    assert short_words(phase, told) == words
    assert short_words(phase, told, is_missed=True) == "did not arrive"


# --- the other pages --------------------------------------------------------------------------------------


def test_the_page_of_an_application_leads_to_what_it_can_become(world: World, client: Client) -> None:
    behind(world)
    world.allow(approvals=1)
    application = world.applications["cart", "production"]
    address = f"/applications/{application.pk}/"
    proposer = world.sign_in(client, "proposer")
    found = page(proposer, address)
    assert PROMOTE in found
    assert f"/projects/shop/rollbacks/new/?application={application.pk}" in found
    promotion = world.advance(world.propose("cart"))
    found = page(world.sign_in(client, "viewer"), address)
    assert f"Promotion {promotion.pk}</a>" in found
    assert "1 approval still to come" in found
    assert "Roll back…" not in found
    assert "Lock…" not in found


def test_the_page_of_a_component_tells_of_all_its_environments(world: World, client: Client) -> None:
    behind(world)
    world.allow(approvals=1)
    address = "/projects/shop/components/cart/"
    assert "Promote 2.0.0 into production…" in page(world.sign_in(client, "proposer"), address)
    assert "Promote 2.0.0" not in page(world.sign_in(client, "viewer"), address)
    world.advance(world.propose("cart"))
    found = page(client, address)
    assert "waits for 1 approval" in found


def test_a_release_is_promoted_where_it_does_not_run_unless_it_is_bad(world: World, client: Client) -> None:
    component = world.applications["cart", "production"].component
    release = Release.objects.create(component=component, tag="v2.0.0", version="2.0.0", commit_sha="a" * 40)
    address = f"/releases/{release.pk}/"
    wanted = "/projects/shop/promotions/new/?into=production&amp;component=cart&amp;version=2.0.0"
    proposer = world.sign_in(client, "proposer")
    assert wanted in page(proposer, address)
    preview = page(proposer, wanted.replace("&amp;", "&"))
    assert "Promote cart: 1.0.0 to 2.0.0 in production?" in preview
    assert wanted not in page(world.sign_in(client, "viewer"), address)
    Release.objects.update(is_bad=True)
    assert wanted not in page(world.sign_in(client, "proposer"), address)


def test_a_comparison_says_whether_it_may_go(world: World, client: Client) -> None:
    world.allow(approvals=2, needs_synced_target=True)
    address = "/projects/shop/components/cart/compare/?from=env:staging&into=env:production"
    found = page(world.sign_in(client, "proposer"), address)
    assert "May it go?" in found
    assert "2 approvals still to come" in found
    assert "Target in sync" in found
    assert "Promote 2.0.0…" in found
    assert PROMOTE in found
    found = page(world.sign_in(client, "viewer"), address)
    assert "May it go?" in found
    assert "Promote 2.0.0…" not in found
    back = "/projects/shop/components/cart/compare/?from=env:production&into=env:production"
    assert "May it go?" not in page(client, back)


def test_a_release_train_is_promoted_at_once(world: World, client: Client) -> None:
    address = "/projects/shop/compare/?from=staging&into=production"
    wanted = "/projects/shop/promotions/new/?from=staging&amp;into=production"
    assert wanted in page(world.sign_in(client, "proposer"), address)
    assert wanted not in page(world.sign_in(client, "viewer"), address)
