"""Once a week a mirror is tidied, one at a time; what a removed repository leaves goes by itself."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Project
from apps.core import jobs
from apps.core.jobs import due, job_of
from apps.core.models import Job, JobState
from apps.repositories import connect, services, tasks
from apps.repositories.models import TIDY, Repository
from apps.repositories.services.mirrors import EVERY
from gitopsui.schedules import SCHEDULES
from tests.accounts import make_people
from tests.adapters.git_http import LONG_AGO, Hub

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def repository(hub: Hub) -> Repository:
    """Polled once; three commits came one after the other."""
    seed = hub.create()
    seed.commit({"a": "1"})
    project = Project.objects.create(name="shop", slug="shop")
    made = services.connect_repository(project, hub.url(), policy=connect.git_policy(), by=None)
    for number in range(3):
        seed.commit({"a": f"{number}x"})
        services.poll_repository(made, git=connect.mirror(made))
    return made


def packs(repository: Repository) -> int:
    return len(list(connect.mirror(repository).path.glob("objects/pack/*.pack")))


def test_its_week_begins_after_the_first_poll_at_an_hour_of_its_own(repository: Repository) -> None:
    now = timezone.now()
    services.watch_mirrors(now=now)
    row = job_of(TIDY, repository.pk)
    assert row is not None
    assert row.due_at is not None
    assert now <= row.due_at <= now + EVERY
    services.watch_mirrors(now=now + timedelta(days=30))
    again = job_of(TIDY, repository.pk)
    assert again is not None
    assert again.due_at == row.due_at


def test_a_repository_that_was_never_read_has_nothing_to_tidy(repository: Repository) -> None:
    Repository.objects.update(refs_digest="")
    services.watch_mirrors(now=timezone.now())
    assert job_of(TIDY, repository.pk) is None


def test_the_job_joins_the_packs_and_comes_back_in_a_week(repository: Repository) -> None:
    services.watch_mirrors(now=timezone.now())
    Job.objects.filter(kind=TIDY).update(due_at=LONG_AGO)
    Repository.objects.update(size_bytes=0)
    assert packs(repository) > 1
    tasks.tidy_mirror(repository.pk)
    assert packs(repository) == 1
    row = job_of(TIDY, repository.pk)
    assert row is not None
    assert row.state == JobState.DONE
    assert row.due_at is not None
    assert row.due_at > timezone.now() + timedelta(days=5)
    repository.refresh_from_db()
    assert repository.size_bytes > 0


def test_it_is_claimed_so_that_a_second_message_does_nothing(repository: Repository) -> None:
    services.watch_mirrors(now=timezone.now())
    later = timezone.now() + timedelta(minutes=10)
    Job.objects.filter(kind=TIDY).update(due_at=LONG_AGO, lease_until=later, lease_token="x")
    tasks.tidy_mirror(repository.pk)
    assert packs(repository) > 1


def test_the_clock_asks_for_one_at_a_time(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SCHEDULES["mirrors"].path == "apps.repositories.tasks.tidy_due_mirrors"
    asked: list[int | None] = []
    monkeypatch.setattr(jobs, "enqueue_due", lambda kind, limit=None: asked.append(limit))
    tasks.tidy_due_mirrors()
    assert asked == [1]
    row = job_of(TIDY, repository.pk)
    Job.objects.filter(pk=row.pk if row else 0).update(
        lease_until=timezone.now() + timedelta(minutes=10), lease_token="x"
    )
    tasks.tidy_due_mirrors()
    assert asked == [1]
    assert due(TIDY) == []


def test_the_mirror_of_a_removed_repository_goes_after_a_day(repository: Repository) -> None:
    root, folder = connect.mirror(repository).path.parent, connect.mirror(repository).path
    (root / "notes.txt").write_text("somebody's own")
    services.remove_repository(repository, by=make_people(repository.project)["admin"])
    assert job_of(TIDY, repository.pk) is None
    assert services.remove_left_mirrors(root) == 0
    for path in root.iterdir():
        os.utime(path, (0, 0))
    assert services.remove_left_mirrors(root) > 0
    assert not folder.exists()
    assert (root / "notes.txt").exists()


def test_a_mirror_in_use_stays_however_old_it_is(repository: Repository) -> None:
    folder = connect.mirror(repository).path
    for path in folder.parent.iterdir():
        os.utime(path, (0, 0))
    assert services.remove_left_mirrors(folder.parent) == 0
    assert folder.exists()
