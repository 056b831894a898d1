"""What is done with repositories: connected, polled, their history stored."""

from __future__ import annotations

from apps.repositories.models import POLL
from apps.repositories.services.commits import store_commits, watch_commits
from apps.repositories.services.connections import (
    NewCredential,
    change_repository,
    connect_repository,
    name_of,
    remove_repository,
    set_paused,
    watch_repository,
)
from apps.repositories.services.mirrors import remove_left_mirrors, tidy_mirror, watch_mirrors
from apps.repositories.services.patches import read_patches
from apps.repositories.services.polling import poll_repository, record_failure, store_refs

__all__ = [
    "POLL",
    "NewCredential",
    "change_repository",
    "connect_repository",
    "name_of",
    "poll_repository",
    "read_patches",
    "record_failure",
    "remove_left_mirrors",
    "remove_repository",
    "set_paused",
    "store_commits",
    "store_refs",
    "tidy_mirror",
    "watch_commits",
    "watch_mirrors",
    "watch_repository",
]
