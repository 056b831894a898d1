"""Makes the addresses of feeds and badges that are known so far useless."""

from __future__ import annotations

from apps.accounts.models import Person, Project
from apps.core import audit
from apps.releases.selectors.feed_keys import ROTATED


def rotate_feed_key(project: Project, *, by: Person) -> None:
    """The event itself is what the new key is made from."""
    audit.record(by, ROTATED, project)
