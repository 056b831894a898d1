"""What the workers do with repositories."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.core import jobs
from apps.core.models import Job
from apps.repositories import connect, services
from apps.repositories.models import COMMITS, PATCHES, POLL, TIDY, Repository
from apps.repositories.services.mirrors import EVERY


@jobs.job(POLL, lease=timedelta(minutes=14), every=timedelta(minutes=1))
def poll_repository(repository_id: int) -> None:
    """One look at one remote. Safe to repeat: the mirror and the rows are brought level with what it says."""
    repository = Repository.objects.select_related("credential").get(pk=repository_id)
    services.poll_repository(repository, git=connect.mirror(repository), report=jobs.report)


@jobs.job(COMMITS, lease=timedelta(minutes=15))
def store_commits(repository_id: int) -> None:
    """Store what came with the last polls. Safe to repeat, and to be killed: each portion is whole."""
    repository = Repository.objects.select_related("credential").get(pk=repository_id)
    services.store_commits(repository, git=connect.mirror(repository), report=jobs.report)


@jobs.job(PATCHES, lease=timedelta(minutes=15))
def read_patches(repository_id: int) -> None:
    """Read what is slow to read, for less than a minute; the rest by the next run."""
    repository = Repository.objects.select_related("credential").get(pk=repository_id)
    if services.read_patches(repository, git=connect.mirror(repository), report=jobs.report):
        jobs.make_due(PATCHES, [repository_id])


@jobs.job(TIDY, lease=timedelta(minutes=15), every=EVERY)
def tidy_mirror(repository_id: int) -> None:
    """Keep one mirror small and fast to read. Safe to repeat, and to be killed: Git swaps whole files."""
    repository = Repository.objects.select_related("credential").get(pk=repository_id)
    services.tidy_mirror(repository, git=connect.mirror(repository))


def tidy_due_mirrors() -> None:
    """Each few minutes: one of the mirrors whose week is over, and what removed repositories left."""
    services.watch_mirrors(now=timezone.now())
    if not Job.objects.filter(kind=TIDY, lease_until__gt=timezone.now()).exists():
        jobs.enqueue_due(TIDY, limit=1)
    services.remove_left_mirrors(Path(settings.GITOPSUI_MIRRORS))


def poll_due_repositories() -> None:
    """
    Each tick: what is due is polled, eight at a time in threads, four at a time on one host.

    A first clone may take minutes, so it gets a task of its own and holds up nobody.
    """
    due = jobs.due(POLL, now=timezone.now())
    known = set(Repository.objects.exclude(refs_digest="").filter(pk__in=due).values_list("pk", flat=True))
    jobs.enqueue_due(POLL, [pk for pk in due if pk not in known])
    jobs.run_batch(POLL, [pk for pk in due if pk in known], threads=8, per_group=4)
    jobs.enqueue_due(COMMITS)
    # One at a time: nobody waits for it, and it takes a whole core.
    if not Job.objects.filter(kind=PATCHES, lease_until__gt=timezone.now()).exists():
        jobs.enqueue_due(PATCHES, limit=1)
