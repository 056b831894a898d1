"""A merged promotion is looked at more closely while it is on its way, and no longer than that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core import jobs
from apps.core.models import Job
from apps.environments.services.layouts import CHECK
from apps.promotions.models import Promotion
from apps.promotions.services.decide import ask_merge
from apps.promotions.services.follow import CLOSELY_FOR, PAUSE, follow
from apps.repositories.models import POLL
from tests.apps.promotions.conftest import World


@pytest.fixture
def promotion(world: World) -> Promotion:
    world.allow()
    made = world.advance(world.propose("cart"))
    for kind, subjects in ((POLL, [world.repository]), (CHECK, world.applications.values())):
        for subject in subjects:
            jobs.schedule(kind, subject.pk, label=str(subject))
    Job.objects.filter(kind__in=(POLL, CHECK)).update(due_at=timezone.now() + timedelta(hours=1))
    return made


def due(kind: str) -> set[int]:
    rows = Job.objects.filter(kind=kind, due_at__lte=timezone.now())
    return set(rows.values_list("subject_id", flat=True))


def merged(world: World, promotion: Promotion) -> Promotion:
    ask_merge(promotion.pk, by=world.people["proposer"])
    world.advance(promotion)
    assert promotion.phase == "merged"
    return Promotion.objects.get(pk=promotion.pk)


def test_what_is_open_hurries_nobody(promotion: Promotion) -> None:
    assert follow(promotion, now=timezone.now()) is None
    assert due(POLL) == due(CHECK) == set()


def test_the_merge_is_read_first_and_then_what_runs(world: World, promotion: Promotion) -> None:
    promotion = merged(world, promotion)

    assert follow(promotion, now=timezone.now()) == PAUSE
    assert (due(POLL), due(CHECK)) == ({world.repository.pk}, set())

    promotion.repository.polled_at = timezone.now()
    assert follow(promotion, now=timezone.now()) == PAUSE
    assert due(CHECK) == {world.applications["cart", "production"].pk}


def test_after_a_while_the_usual_checks_are_enough(world: World, promotion: Promotion) -> None:
    promotion = merged(world, promotion)

    assert follow(promotion, now=timezone.now() + CLOSELY_FOR + timedelta(seconds=1)) is None
    assert due(POLL) == due(CHECK) == set()


def test_what_has_arrived_is_left_alone(world: World, promotion: Promotion) -> None:
    promotion = merged(world, promotion)
    world.arrive()
    world.advance(promotion)
    promotion = Promotion.objects.get(pk=promotion.pk)

    assert promotion.phase == "deployed"
    assert follow(promotion, now=timezone.now()) is None
