"""Without a cluster a promotion is followed as far as Git asks for it, and no further is claimed."""

from __future__ import annotations

from django.test import Client

from apps.environments.models import Application
from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.selectors.pages import promotions_of
from apps.promotions.selectors.under_way import marks_of, with_marks
from apps.promotions.services.decide import ask_merge
from tests.apps.promotions.conftest import World


def merged(world: World) -> Promotion:
    world.allow()
    Application.objects.update(cluster=None, live_version="", sync="Unknown", health="Unknown")
    promotion = world.advance(world.propose("cart"))
    ask_merge(promotion.pk, by=world.people["proposer"])
    world.advance(promotion)
    assert promotion.phase == "merged"
    return promotion


def asked_for(world: World) -> Application:
    """Git was read since: it asks for the version, and nothing says whether it runs."""
    world.arrive()
    application = world.applications["cart", "production"]
    Application.objects.filter(pk=application.pk).update(live_version="", sync="Unknown", health="Unknown")
    return application


def test_it_stays_merged_and_says_why(world: World) -> None:
    promotion = merged(world)
    assert not promotion.is_settled, "Git was not read since"

    asked_for(world)
    world.advance(promotion)

    assert (promotion.phase, promotion.is_settled) == ("merged", True)
    assert promotion.deployed_at is None
    assert not PromotionItem.objects.exclude(arrived_at=None).exists()
    text = promotion.events.last().text  # type: ignore[union-attr]
    assert text.startswith(
        "Git asks for 2.0.0 in cart in production; no cluster is connected that could say whether it runs."
    )


def test_neither_page_nor_board_says_that_it_runs_or_is_on_its_way(world: World) -> None:
    promotion = merged(world)
    application = asked_for(world)
    world.advance(promotion)
    client = Client()
    client.force_login(world.people["viewer"])

    page = client.get(f"/promotions/{promotion.pk}/").content.decode()

    assert "cart 2.0.0 is merged; no cluster says whether it runs" in page
    assert "no cluster says so" in page
    assert "Healthy" not in page
    assert "arrived" not in page
    row = with_marks(Application.objects.filter(pk=application.pk), now=promotion.planned_at).get()
    assert marks_of(row).promotion is None


def test_nobody_looks_at_it_any_more(world: World) -> None:
    promotion = merged(world)
    assert promotion in Promotion.objects.unsettled()
    asked_for(world)
    world.advance(promotion)
    assert promotion not in Promotion.objects.unsettled()


def test_it_is_listed_among_those_that_ended(world: World) -> None:
    promotion = merged(world)
    assert list(promotions_of(world.project, is_open=True)) == [promotion]
    asked_for(world)
    world.advance(promotion)
    assert list(promotions_of(world.project, is_open=True)) == []
    assert list(promotions_of(world.project, is_open=False)) == [promotion]


def test_a_component_without_a_source_says_why_nobody_knows_what_ships(world: World) -> None:
    client = Client()
    client.force_login(world.people["proposer"])
    page = client.get("/projects/shop/promotions/new/?from=staging&into=production&component=cart")
    assert "cart has no source repository" in page.content.decode()


def test_what_has_no_application_any_more_is_not_said_to_run(world: World) -> None:
    promotion = merged(world)
    world.applications["cart", "production"].delete()
    world.advance(promotion)
    assert (promotion.phase, promotion.is_settled) == ("merged", True)
    assert promotion.events.last().text.startswith("None of its applications is here any more")  # type: ignore[union-attr]
    client = Client()
    client.force_login(world.people["viewer"])
    assert client.get(f"/promotions/{promotion.pk}/").status_code == 200
