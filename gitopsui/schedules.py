"""What runs on its own, and how often. Each only asks the rows what is due; a missed one heals itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A function without arguments and how often it is called; None: at every tick (`GITOPSUI_TICK`). `queue` is
    that of the workers who call it, "" the one for everything.
    """

    path: str
    every: timedelta | None = None
    queue: str = ""


# What people wait for has workers of its own, so that it never stands behind polls.
PROMOTIONS = "promotions"


SCHEDULES: dict[str, Entry] = {
    "heartbeat": Entry("apps.core.tasks.beat"),
    "repositories": Entry("apps.repositories.tasks.poll_due_repositories"),
    "applications": Entry("apps.environments.tasks.check_due_applications"),
    "releases": Entry("apps.releases.tasks.update_due_components"),
    "promotions": Entry("apps.promotions.tasks.advance_due_promotions", queue=PROMOTIONS),
    "forges": Entry("apps.promotions.tasks.check_due_forges", queue=PROMOTIONS),
    "external gates": Entry("apps.promotions.tasks.ask_due_gates"),
    "automatic promotions": Entry("apps.promotions.tasks.auto_promote_due"),
    "promotion files": Entry("apps.promotions.tasks.prepare_due_applications"),
    "renderings of promotions": Entry("apps.promotions.tasks.render_due_promotions"),
    "messages": Entry("apps.promotions.tasks.send_due_messages"),
    "registries": Entry("apps.releases.tasks.check_due_registries"),
    "mirrors": Entry("apps.repositories.tasks.tidy_due_mirrors", timedelta(minutes=5)),
    "housekeeping": Entry("apps.core.tasks.tidy", timedelta(hours=1)),
    "old messages": Entry("apps.promotions.tasks.forget_old_messages", timedelta(hours=1)),
}
