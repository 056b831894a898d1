"""Jobs that are claimed and ended together keep the promises of those that run alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core import job_run, jobs
from apps.core.models import Job, JobRun, JobState, Outcome
from gitopsui.domain.errors import ClusterError

KIND = "tests.together"
EVERY = timedelta(minutes=3)
pytestmark = pytest.mark.django_db


@pytest.fixture
def alone() -> Iterator[list[int]]:
    """The subjects that ran alone; three jobs are due."""
    before = dict(jobs.REGISTRY)
    ran: list[int] = []
    jobs.job(KIND, every=EVERY)(ran.append)
    for subject in (1, 2, 3):
        jobs.schedule(KIND, subject, label="shop")
    yield ran
    jobs.REGISTRY.clear()
    jobs.REGISTRY.update(before)


def row(subject: int) -> Job:
    return Job.objects.get(kind=KIND, subject_id=subject)


def raising(error: BaseException) -> Callable[[Sequence[int]], Collection[int]]:
    def look(subjects: Sequence[int]) -> Collection[int]:
        raise error

    return look


def outcomes(subject: int) -> list[str]:
    return list(row(subject).runs.values_list("outcome", flat=True))


def test_what_is_settled_is_done_and_due_again_and_the_rest_is_due_as_before(alone: list[int]) -> None:
    due_at = row(2).due_at
    assert jobs.run_together(KIND, [3, 2, 1], lambda subjects: {1, 3}) == [2]

    for subject in (1, 3):
        done = row(subject)
        assert (done.state, done.attempts, done.lease_token) == (JobState.DONE, 0, "")
        assert done.due_at is not None
        assert EVERY * 0.7 < done.due_at - timezone.now() < EVERY * 1.3
        assert outcomes(subject) == [Outcome.DONE]
    left = row(2)
    assert (left.state, left.attempts, left.lease_token, outcomes(2)) == (JobState.WAITING, 0, "", [])
    assert left.due_at is not None
    assert due_at is not None
    assert left.due_at <= timezone.now()


def test_the_starts_are_counted_before_the_look(alone: list[int]) -> None:
    seen: list[tuple[int, str]] = []

    def look(subjects: Sequence[int]) -> Collection[int]:
        seen.extend(Job.objects.filter(kind=KIND).values_list("attempts", "state"))
        return subjects

    jobs.run_together(KIND, [1, 2, 3], look)
    assert seen == [(1, JobState.RUNNING)] * 3


def test_nobody_else_can_begin_what_is_looked_at(alone: list[int]) -> None:
    def look(subjects: Sequence[int]) -> Collection[int]:
        assert jobs.run_together(KIND, [1, 2, 3], lambda others: others) == [1, 2, 3]
        jobs.REGISTRY[KIND](1)
        return subjects

    assert jobs.run_together(KIND, [1, 2, 3], look) == []
    assert alone == []


def test_an_answer_about_a_job_that_was_not_claimed_changes_nothing(alone: list[int]) -> None:
    jobs.pause(KIND, 2)
    assert jobs.run_together(KIND, [1, 2], lambda subjects: {1, 2, 3}) == [2]
    assert (row(2).state, row(3).state) == (JobState.WAITING, JobState.WAITING)


@pytest.mark.parametrize("error", [ClusterError("No answer.", code="CLUSTER_TIMEOUT"), RuntimeError("oops")])
def test_an_error_of_the_look_leaves_each_to_run_alone(alone: list[int], error: Exception) -> None:
    assert jobs.run_together(KIND, [1, 2, 3], raising(error)) == [1, 2, 3]
    assert [row(subject).attempts for subject in (1, 2, 3)] == [0, 0, 0]
    for subject in (1, 2, 3):
        jobs.REGISTRY[KIND](subject)
    assert alone == [1, 2, 3]


def test_after_a_deadline_of_the_queue_each_runs_alone(alone: list[int]) -> None:
    with pytest.raises(SystemExit):
        jobs.run_together(KIND, [1, 2], raising(SystemExit("Task exceeded maximum timeout")))
    assert jobs.run_together(KIND, [1, 2, 3], lambda subjects: subjects) == [1, 2]
    jobs.REGISTRY[KIND](1)
    assert (alone, row(1).attempts) == ([1], 0)


def vanish(subjects: Sequence[int]) -> Collection[int]:
    """As a worker that is killed: its lease ends, and what it would have written comes too late."""
    Job.objects.filter(kind=KIND).update(lease_until=timezone.now() - timedelta(seconds=1), lease_token="")
    Job.objects.filter(kind=KIND).update(lease_token="another")
    return subjects


def test_what_a_killed_worker_left_runs_alone_so_that_its_neighbours_are_not_held_back(
    alone: list[int],
) -> None:
    jobs.run_together(KIND, [1, 2, 3], vanish)
    assert jobs.run_together(KIND, [1, 2, 3], lambda subjects: subjects) == [1, 2, 3]
    for _ in range(2):
        # Only the first one takes its worker down.
        assert job_run.claim(row(1).pk, lease_time=timedelta(minutes=5)) is not None
        Job.objects.filter(pk=row(1).pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    for subject in (1, 2, 3):
        jobs.REGISTRY[KIND](subject)
    assert alone == [2, 3]
    assert [row(subject).state for subject in (1, 2, 3)] == [
        JobState.QUARANTINED,
        JobState.DONE,
        JobState.DONE,
    ]


def test_a_group_whose_lease_has_passed_writes_nothing_but_how_its_runs_ended(alone: list[int]) -> None:
    jobs.run_together(KIND, [1], vanish)
    assert (row(1).state, row(1).lease_token, row(1).attempts) == (JobState.RUNNING, "another", 1)
    assert outcomes(1) == [Outcome.INTERRUPTED]


def test_another_run_asked_for_meanwhile_is_not_forgotten(alone: list[int]) -> None:
    def look(subjects: Sequence[int]) -> Collection[int]:
        jobs.make_due(KIND, [1])
        return subjects

    jobs.run_together(KIND, [1, 2], look)
    assert jobs.due(KIND) == [3, 1]


def test_the_last_twenty_runs_of_each_are_kept(alone: list[int]) -> None:
    for subject in (1, 2):
        began = [JobRun(job=row(subject), started_at=timezone.now()) for _ in range(25 * subject)]
        JobRun.objects.bulk_create(began)
    newest = JobRun.objects.latest("pk").pk
    jobs.run_together(KIND, [1, 2], lambda subjects: subjects)
    assert [row(subject).runs.count() for subject in (1, 2)] == [20, 20]
    assert JobRun.objects.filter(pk=newest).exists()


def test_many_cost_no_more_statements_than_one(alone: list[int]) -> None:
    def count(subjects: Sequence[int]) -> int:
        with CaptureQueriesContext(connection) as queries:
            jobs.run_together(KIND, subjects, lambda found: found)
        return len(queries)

    assert count([1]) == count([2, 3])
