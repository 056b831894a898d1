"""What runs on its own, and how often. Each only asks the rows what is due; a missed one heals itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Entry:
    """A function without arguments and how often it is called; None: at every tick (`GITOPSUI_TICK`)."""

    path: str
    every: timedelta | None = None


SCHEDULES: dict[str, Entry] = {
    "heartbeat": Entry("apps.core.tasks.beat"),
    "repositories": Entry("apps.repositories.tasks.poll_due_repositories"),
    "applications": Entry("apps.environments.tasks.check_due_applications"),
    "releases": Entry("apps.releases.tasks.update_due_components"),
    "promotions": Entry("apps.promotions.tasks.advance_due_promotions"),
    "promotion files": Entry("apps.promotions.tasks.prepare_due_applications"),
    "registries": Entry("apps.releases.tasks.check_due_registries"),
    "housekeeping": Entry("apps.core.tasks.tidy", timedelta(hours=1)),
}
