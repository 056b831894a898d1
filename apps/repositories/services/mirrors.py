"""Mirrors are kept small and fast to read, and go with their repository."""

from __future__ import annotations

import re
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from apps.core import jobs
from apps.core.models import Job
from apps.repositories.models import TIDY, Repository

EVERY = timedelta(days=7)
# What a mirror left behind is kept for: a database that is put back from a backup may want it again.
LEFT_FOR = timedelta(days=1)
_OURS = re.compile(r"[0-9a-f]{32}\.git(?:\.(?:lock|tmp|old))?")


class MirrorDoor(Protocol):
    """The part of `Mirror` that keeps it in order."""

    def tidy(self) -> None: ...

    def size_bytes(self) -> int: ...


def watch_mirrors(*, now: datetime) -> None:
    """
    Make sure that each mirror is tidied once a week. The first time some days after it was read, each at its
    own hour, so that many of them are not busy at once.
    """
    known = Job.objects.filter(kind=TIDY).values("subject_id")
    for row in Repository.objects.exclude(refs_digest="").exclude(pk__in=known).order_by("pk"):
        share = int(row.mirror_id[:8], 16) / 0x1_0000_0000
        jobs.schedule(TIDY, row.pk, label=row.name, group=row.host, due_at=now + EVERY * share)


def tidy_mirror(repository: Repository, *, git: MirrorDoor) -> None:
    """Tidy one mirror. Raises GitError, GIT_BUSY while it is fetched."""
    git.tidy()
    Repository.objects.filter(pk=repository.pk).update(size_bytes=git.size_bytes())


def remove_left_mirrors(root: Path) -> int:
    """Remove the folders of repositories that are not connected any more; how many."""
    # Listed before the rows are read: what is made meanwhile belongs to a row that is there.
    folders = [path for path in root.iterdir() if _OURS.fullmatch(path.name)] if root.is_dir() else []
    used = set(Repository.objects.values_list("mirror_id", flat=True))
    oldest = time.time() - LEFT_FOR.total_seconds()
    left = [path for path in folders if path.name[:32] not in used and path.lstat().st_mtime < oldest]
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(left)
