"""
What is slow to read of a commit is read when nothing else is to do: its patch-id and whether it is signed.

In portions, the newest first, each stored before the next: a run that is killed loses one portion.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from apps.repositories.models import Repository, Signature, StoredCommit
from gitopsui.adapters.git_history import History

PORTION = 100  # commits
# Then somebody else's turn comes; what is left is done by the next run.
RUN_FOR = timedelta(seconds=45)
Report = Callable[[int, int, str], None]


def read_patches(
    repository: Repository,
    *,
    git: History,
    report: Report | None = None,
    run_for: timedelta = RUN_FOR,
) -> bool:
    """Read patch-ids and signatures that are not known yet, for about `run_for`; whether any are left."""
    ends = time.monotonic() + run_for.total_seconds()
    unread = repository.commits.filter(StoredCommit.unread())
    total, done = unread.count(), 0
    while rows := list(unread.order_by("-pk").only("pk", "sha", "patch_id", "signature")[:PORTION]):
        _read_portion(rows, git)
        done += len(rows)
        if report is not None:
            report(done, total, f"{done:,} of {total:,} changes read")
        if time.monotonic() > ends:
            return unread.exists()
    return False


def _read_portion(rows: list[StoredCommit], git: History) -> None:
    patch_ids = git.patch_ids([row.sha for row in rows if not row.patch_id])
    signatures = git.signatures([row.sha for row in rows if not row.signature])
    for row in rows:
        row.patch_id = row.patch_id or patch_ids.get(row.sha, StoredCommit.NO_PATCH)
        row.signature = row.signature or signatures.get(row.sha, Signature.UNKNOWN)
    StoredCommit.objects.bulk_update(rows, ["patch_id", "signature"], batch_size=PORTION)
