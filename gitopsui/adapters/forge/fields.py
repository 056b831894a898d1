"""JSON of a forge, read by name and type: whatever is missing or of another type is simply empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from gitopsui.domain.text import clean_text

TEXT_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Fields:
    """One object of JSON. A path of names leads into inner objects: `fields.text("head", "sha")`."""

    value: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(value if isinstance(value, dict) else {})

    @classmethod
    def list_of(cls, value: Any) -> list[Self]:
        """The objects of a list; anything else in it is left out."""
        return [cls(entry) for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []

    def find(self, *names: str) -> Any:
        found: Any = self.value
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def text(self, *names: str, limit: int = TEXT_CHARS) -> str:
        found = self.find(*names)
        return clean_text(found, limit=limit) if isinstance(found, str) else ""

    def number(self, *names: str) -> int | None:
        found = self.find(*names)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def flag(self, *names: str) -> bool | None:
        found = self.find(*names)
        return found if isinstance(found, bool) else None

    def items(self, *names: str) -> list[Fields]:
        return Fields.list_of(self.find(*names))

    def time(self, *names: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(self.text(*names, limit=64))
        except ValueError:
            return None
        # Gitea writes "never" as the year 1.
        return (found if found.tzinfo else found.replace(tzinfo=UTC)) if found.year > 1970 else None

    def link(self, *names: str, host: str) -> str:
        """A page at `host`, or at the host an API of its own host is named after; else ""."""
        found = self.text(*names)
        try:
            parts = urlsplit(found)
            named = (parts.hostname or "").lower()
        except ValueError:
            return ""
        is_web = parts.scheme in ("http", "https") and "@" not in parts.netloc
        return found if is_web and named in (host, host.removeprefix("api.")) else ""
