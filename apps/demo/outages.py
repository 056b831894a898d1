"""Which clusters are out of reach until when; kept in a file, so that a restart does not end an outage."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path


class Outages:
    """The clusters that do not answer, by name, until a moment of the wall clock."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        stored: dict[str, str] = json.loads(memory.read_text()) if memory.exists() else {}
        self._until = {name: datetime.fromisoformat(text) for name, text in stored.items()}

    def begin(self, cluster: str, *, until: datetime) -> None:
        """The cluster is out of reach from now on; a second outage replaces the first."""
        self._until[cluster] = until
        part = self._memory.with_name(f"{self._memory.name}.part")
        part.write_text(json.dumps({name: at.isoformat() for name, at in self._until.items()}))
        part.replace(self._memory)

    def is_on(self, cluster: str, now: datetime) -> bool:
        until = self._until.get(cluster)
        return until is not None and now < until
