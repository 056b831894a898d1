"""What the reader of the board asked for, read from the query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from apps.environments.models import HEALTH_CHOICES, SYNC_CHOICES

SORTS = ("name", "attention", "newest")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for; only declared filters are read, anything else in the URL is ignored."""

    q: str = ""
    label: str = ""
    health: str = ""
    sync: str = ""
    attention: bool = False
    differs: bool = False
    sort: str = "name"

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Filters:
        health, sync, sort = data.get("health", ""), data.get("sync", ""), data.get("sort", "")
        return cls(
            q=data.get("q", "").replace("\0", "")[:100].strip(),
            label=data.get("label", "").replace("\0", "")[:100],
            health=health if health in dict(HEALTH_CHOICES) else "",
            sync=sync if sync in dict(SYNC_CHOICES) else "",
            attention=data.get("attention") == "1",
            differs=data.get("differs") == "1",
            sort=sort if sort in SORTS else "name",
        )

    @property
    def query(self) -> str:
        """The query string of these filters, without the page; "" when nothing is filtered or sorted."""
        pairs = {"q": self.q, "label": self.label, "health": self.health, "sync": self.sync}
        pairs |= {"attention": "1" if self.attention else "", "differs": "1" if self.differs else ""}
        pairs |= {"sort": self.sort if self.sort != "name" else ""}
        return urlencode({name: value for name, value in pairs.items() if value})
