"""When nothing is promoted, by the clock on the wall of a zone; and when the next such time begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from gitopsui.domain.errors import InputError
from gitopsui.domain.freeze import FreezeRule, frozen_since, frozen_until, next_freeze

WEDNESDAY = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEEKEND = FreezeRule(
    "weekend", "ada", zone="Europe/Berlin", weekdays=(4,), from_time=time(18), lasts=timedelta(hours=62)
)
DATED = FreezeRule(
    "Black Friday",
    "ada",
    zone="Europe/Berlin",
    starts_at=datetime(2026, 11, 27, 17, 0, tzinfo=UTC),
    ends_at=datetime(2026, 11, 30, 7, 0, tzinfo=UTC),
)


def told(rule: FreezeRule, now: datetime) -> str:
    span = next_freeze(rule, now)
    return " to ".join(f"{moment:%a %d %H:%M %Z}" for moment in span) if span else ""


@pytest.mark.parametrize("rule", [WEEKEND, DATED])
def test_the_next_freeze_is_told_in_its_zone(rule: FreezeRule) -> None:
    assert told(rule, WEDNESDAY) == "Fri 27 18:00 CET to Mon 30 08:00 CET"


@pytest.mark.parametrize("rule", [WEEKEND, DATED])
def test_while_it_holds_none_is_next(rule: FreezeRule) -> None:
    now = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    assert frozen_until(rule, now) is not None
    assert next_freeze(rule, now) is None


def test_a_dated_one_that_is_over_has_no_next_and_a_weekly_one_has() -> None:
    now = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
    assert next_freeze(DATED, now) is None
    assert told(WEEKEND, now) == "Fri 04 18:00 CET to Mon 07 08:00 CET"


def test_it_begins_at_once_when_the_weekly_one_is_limited_to_dates_to_come() -> None:
    rule = FreezeRule(
        "season",
        "ada",
        weekdays=(0, 1, 2, 3, 4, 5, 6),
        from_time=time(0),
        lasts=timedelta(days=1),
        starts_at=datetime(2026, 12, 1, tzinfo=UTC),
        ends_at=datetime(2026, 12, 24, tzinfo=UTC),
    )
    assert told(rule, WEDNESDAY).startswith("Tue 01 00:00 UTC")


def test_the_clock_change_moves_the_moment_and_not_the_clock() -> None:
    before = datetime(2026, 10, 21, 12, 0, tzinfo=UTC)
    assert told(WEEKEND, before) == "Fri 23 18:00 CEST to Mon 26 08:00 CET"


def test_one_that_never_ends_or_never_begins_has_no_next() -> None:
    assert next_freeze(FreezeRule("odd", "ada"), WEDNESDAY) is None
    assert (
        next_freeze(FreezeRule("odd", "ada", from_time=time(1), lasts=timedelta(hours=1)), WEDNESDAY) is None
    )


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="Europe/Berlin is one"):
        next_freeze(
            FreezeRule(
                "odd", "ada", zone="Mars/Base", from_time=time(1), lasts=timedelta(hours=1), weekdays=(1,)
            ),
            WEDNESDAY,
        )


@pytest.mark.parametrize(
    ("rule", "now", "since"),
    [
        (WEEKEND, datetime(2026, 11, 28, 12, tzinfo=UTC), "Fri 27 17:00"),
        (WEEKEND, datetime(2026, 12, 7, 6, 59, tzinfo=UTC), "Fri 04 17:00"),
        (WEEKEND, WEDNESDAY, ""),
        (DATED, datetime(2026, 11, 28, 12, tzinfo=UTC), "Fri 27 17:00"),
        (
            replace(WEEKEND, starts_at=datetime(2026, 11, 28, tzinfo=UTC)),
            datetime(2026, 11, 29, tzinfo=UTC),
            "Sat 28 00:00",
        ),
        # Two days that touch are one freeze, whichever of them it is.
        (
            replace(WEEKEND, zone="UTC", weekdays=(4, 5), lasts=timedelta(days=1)),
            datetime(2026, 11, 29, 17, tzinfo=UTC),
            "Fri 27 18:00",
        ),
        # One of the whole week has no beginning that an opened gate could be older than.
        (replace(WEEKEND, weekdays=(0, 1, 2, 3, 4, 5, 6), lasts=timedelta(days=1)), WEDNESDAY, ""),
        (replace(WEEKEND, lasts=timedelta(days=9)), WEDNESDAY, ""),
    ],
)
def test_a_freeze_began_with_its_first_window_that_touches(
    rule: FreezeRule, now: datetime, since: str
) -> None:
    found = frozen_since(rule, now)
    assert (f"{found:%a %d %H:%M}" if found else "") == since
