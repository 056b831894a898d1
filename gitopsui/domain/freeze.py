"""Times in which nothing is promoted: dated, or again each week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gitopsui.domain.errors import InputError

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class FreezeRule:
    """
    A freeze with the clock of `zone` (`Europe/Berlin`). Dated: `starts_at` to `ends_at`. Weekly: from
    `from_time` on each of `weekdays` (0 is Monday) for `lasts`, within the dates if they are given.
    """

    reason: str
    set_by: str
    zone: str = "UTC"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: tuple[int, ...] = ()
    from_time: time | None = None
    lasts: timedelta | None = None


def find_zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises InputError with code ZONE."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"{name!r} is no time zone; Europe/Berlin is one.", code="ZONE", field="zone"
        ) from error


def frozen_until(window: FreezeRule, now: datetime) -> datetime | None:
    """When the freeze that holds now ends, in the zone of the window; None when nothing is frozen."""
    if window.starts_at and now < window.starts_at:
        return None
    if window.ends_at and now >= window.ends_at:
        return None
    zone = find_zone(window.zone)
    if window.from_time is None or window.lasts is None:
        return window.ends_at.astimezone(zone) if window.ends_at else None
    until = _weekly_until(window, window.from_time, window.lasts, now, zone)
    if until and window.ends_at:
        until = min(until, window.ends_at)
    return until.astimezone(zone) if until else None


def _weekly_until(
    window: FreezeRule, from_time: time, lasts: timedelta, now: datetime, zone: ZoneInfo
) -> datetime | None:
    """From the first day on which a freeze that still holds can have begun; windows that touch are one."""
    today = now.astimezone(zone).date()
    until: datetime | None = None
    for back in range(lasts.days + 1, -8, -1):
        day = today - timedelta(days=back)
        if day.weekday() not in window.weekdays:
            continue
        # By the clock on the wall: a night of clock change is an hour longer or shorter.
        begin = datetime.combine(day, from_time, zone)
        end = datetime.combine(day, from_time) + lasts
        ends_at = end.replace(tzinfo=zone)
        reach = until or now
        if begin.astimezone(UTC) <= reach.astimezone(UTC) < ends_at.astimezone(UTC):
            until = ends_at
    return until


def frozen_since(window: FreezeRule, now: datetime) -> datetime | None:
    """
    When the freeze that holds now began, windows that touch being one; None when nothing is frozen, and for
    one without a beginning, such as a weekly one that never lets go.
    """
    if frozen_until(window, now) is None:
        return None
    if window.from_time is None or window.lasts is None:
        return window.starts_at
    since = _weekly_since(window, window.from_time, window.lasts, now)
    found = [moment for moment in (since, window.starts_at) if moment is not None]
    return max(found, default=None)


def _weekly_since(window: FreezeRule, from_time: time, lasts: timedelta, now: datetime) -> datetime | None:
    zone = find_zone(window.zone)
    today = now.astimezone(zone).date()
    since: datetime | None = None
    for back in range(lasts.days + 10):
        day = today - timedelta(days=back)
        if day.weekday() not in window.weekdays:
            continue
        begin = datetime.combine(day, from_time, zone).astimezone(UTC)
        end = (datetime.combine(day, from_time) + lasts).replace(tzinfo=zone).astimezone(UTC)
        if begin <= now < end or (since is not None and begin < since <= end):
            since = begin
    # Between two freezes of a week lies a time without one; what is older than a week has none.
    return since if since is not None and now - since < timedelta(days=8) else None


def next_freeze(window: FreezeRule, now: datetime) -> tuple[datetime, datetime] | None:
    """
    When the freeze that is not there yet begins and ends, in the zone of the window; None where none follows
    or one holds now. A weekly one is looked for in the eight days to come.
    """
    if frozen_until(window, now) is not None or (window.ends_at and now >= window.ends_at):
        return None
    zone = find_zone(window.zone)
    if window.from_time is None or window.lasts is None:
        if window.starts_at is None or window.ends_at is None:
            return None
        return window.starts_at.astimezone(zone), window.ends_at.astimezone(zone)
    begins_at = max(now, window.starts_at) if window.starts_at else now
    first = begins_at.astimezone(zone).date()
    for ahead in range(9):
        begin = datetime.combine(first + timedelta(days=ahead), window.from_time, zone)
        if begin.weekday() not in window.weekdays or begin.astimezone(UTC) < begins_at.astimezone(UTC):
            continue
        until = frozen_until(window, begin)
        return (begin, until) if until is not None else None
    return None
