"""A freeze that an administrator opened for one promotion is opened for that window of it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from apps.accounts.models import Project
from apps.environments.models import Environment
from apps.promotions.models import FreezeWindow
from apps.promotions.selectors.policies import freezes_of
from gitopsui.domain.gate_facts import Gate, Override, PromotionFacts, Rules
from gitopsui.domain.promotion import prognosis

SATURDAY = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
CREATED = SATURDAY - timedelta(days=90)
WEEKEND = {"weekdays": [4], "from_time": time(18), "lasts_minutes": 62 * 60}
ALWAYS = {"weekdays": list(range(7)), "from_time": time(0), "lasts_minutes": 24 * 60}


@pytest.fixture
def environment(db: None) -> Environment:
    project = Project.objects.create(name="shop", slug="shop")
    return Environment.objects.create(project=project, name="production")


def freeze(environment: Environment, **values: Any) -> None:
    row = FreezeWindow.objects.create(
        project=environment.project, environment=environment, reason="weekend", created_by="ada", **values
    )
    FreezeWindow.objects.filter(pk=row.pk).update(created_at=CREATED)


def gate_of(environment: Environment, now: datetime, *, opened_at: datetime) -> Gate:
    """The gate of a promotion that the administrator opened it for at that moment."""
    facts = PromotionFacts(
        environment="production",
        now=now,
        rules=Rules(approvals=0, needs_healthy_source=False, needs_synced_target=False),
        freezes=freezes_of(environment, {"cart"}, now=now).active,
        overrides=(Override("freeze", "root", "a fix", opened_at),),
    )
    (gate,) = prognosis(facts)
    return gate


def test_an_opened_weekly_freeze_is_shut_again_the_week_after(environment: Environment) -> None:
    freeze(environment, **WEEKEND)
    assert gate_of(environment, SATURDAY + timedelta(days=1), opened_at=SATURDAY).overridden_by == "root"
    assert not gate_of(environment, SATURDAY + timedelta(days=7), opened_at=SATURDAY).is_open


def test_a_freeze_that_begins_after_another_was_opened_holds(environment: Environment) -> None:
    freeze(environment, starts_at=SATURDAY - timedelta(days=1), ends_at=SATURDAY + timedelta(days=1))
    freeze(environment, starts_at=SATURDAY + timedelta(hours=1), ends_at=SATURDAY + timedelta(days=2))
    assert gate_of(environment, SATURDAY, opened_at=SATURDAY).is_open
    assert not gate_of(environment, SATURDAY + timedelta(hours=2), opened_at=SATURDAY).is_open


def test_a_freeze_that_never_lets_go_stays_opened(environment: Environment) -> None:
    freeze(environment, **ALWAYS)
    assert gate_of(environment, SATURDAY + timedelta(days=30), opened_at=SATURDAY).is_open


def test_a_freeze_of_a_zone_that_is_not_known_counts_from_when_it_was_set(environment: Environment) -> None:
    freeze(environment, **WEEKEND, zone="Mars/Olympus")
    assert gate_of(environment, SATURDAY, opened_at=SATURDAY - timedelta(hours=1)).is_open
    assert not gate_of(environment, SATURDAY, opened_at=CREATED - timedelta(hours=1)).is_open
