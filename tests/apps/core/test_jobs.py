"""Jobs on a real database: claimed once, counted before the work, ended with a reason."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection, connections
from django.utils import timezone

from apps.core import job_run, jobs, lease, queue
from apps.core.models import Job, JobRun, JobState, Outcome
from gitopsui.domain.errors import GitError, InputError, SourceError

KIND = "tests.work"
EVERY = timedelta(minutes=3)


@pytest.fixture
def calls() -> list[int]:
    return []


@pytest.fixture
def register() -> Iterator[Callable[..., jobs.JobTask]]:
    """Registers a work function for this test only."""
    before = dict(jobs.REGISTRY)

    def add(work: Callable[[int], None], **options: Any) -> jobs.JobTask:
        return jobs.job(KIND, **options)(work)

    yield add
    jobs.REGISTRY.clear()
    jobs.REGISTRY.update(before)


def row(subject_id: int = 1) -> Job:
    found = jobs.job_of(KIND, subject_id)
    assert found is not None
    return found


def raising(error: BaseException) -> Callable[[int], None]:
    def work(_: int) -> None:
        raise error

    return work


@pytest.mark.django_db
def test_a_due_job_runs_and_is_due_again_one_interval_later(register, calls) -> None:
    task = register(calls.append, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    before = timezone.now()

    task(1)

    assert calls == [1]
    done = row()
    assert (done.state, done.attempts, done.failures, done.lease_token) == (JobState.DONE, 0, 0, "")
    assert done.due_at is not None
    assert EVERY * 0.79 < done.due_at - before < EVERY * 1.21
    assert [run.outcome for run in done.runs.all()] == [Outcome.DONE]


@pytest.mark.django_db
def test_a_job_that_is_not_due_does_nothing(register, calls) -> None:
    task = register(calls.append, every=EVERY)
    jobs.schedule(KIND, 1, label="shop", due_at=timezone.now() + timedelta(hours=1))

    task(1)

    assert calls == []


@pytest.mark.django_db
def test_a_message_for_a_forgotten_job_does_nothing(register, calls) -> None:
    task = register(calls.append)
    jobs.schedule(KIND, 1, label="shop")
    jobs.forget(KIND, 1)

    task(1)

    assert calls == []


@pytest.mark.django_db
def test_a_job_without_interval_is_done_once(register, calls) -> None:
    task = register(calls.append)
    jobs.schedule(KIND, 1, label="shop")

    task(1)
    task(1)

    assert calls == [1]
    assert row().due_at is None


@pytest.mark.django_db
def test_a_second_delivery_while_it_runs_does_nothing(register, calls) -> None:
    def work(subject_id: int) -> None:
        calls.append(subject_id)
        task(subject_id)

    task = register(work, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    assert calls == [1]


@pytest.mark.django_db
def test_the_start_is_counted_before_the_work(register) -> None:
    seen = []
    task = register(lambda _: seen.append(row().attempts))
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    assert seen == [1]
    assert row().attempts == 0


def start_and_vanish() -> None:
    """As a worker that is killed: the claim is there, an end never comes."""
    assert job_run.claim(row().pk, lease_time=timedelta(minutes=5)) is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_what_a_killed_worker_left_behind_runs_again_and_is_shown_as_interrupted(register, calls) -> None:
    task = register(calls.append, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    start_and_vanish()

    assert jobs.due(KIND) == [1]
    task(1)

    assert calls == [1]
    assert [run.outcome for run in row().runs.all()] == [Outcome.DONE, Outcome.INTERRUPTED]


@pytest.mark.django_db
def test_three_starts_without_an_end_set_a_job_aside_until_somebody_tries_again(register, calls) -> None:
    task = register(calls.append, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    for _ in range(3):
        start_and_vanish()

    task(1)

    aside = row()
    assert (aside.state, calls, aside.last_error_code) == (JobState.QUARANTINED, [], "JOB_QUARANTINED")
    assert jobs.due(KIND) == []
    assert jobs.make_due(KIND, [1]) == 0
    assert jobs.retry(aside)
    task(1)
    assert calls == [1]
    assert row().state == JobState.DONE


@pytest.mark.django_db
def test_a_worker_that_wakes_up_after_its_lease_passed_on_changes_nothing(register) -> None:
    register(lambda _: None, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    late = job_run.claim(row().pk, lease_time=timedelta(minutes=5))
    assert late is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    heir = job_run.claim(row().pk, lease_time=timedelta(minutes=5))
    assert heir is not None

    job_run.finish(late, job_run.Ending(Outcome.DONE))

    still = row()
    assert (still.state, still.lease_token, still.attempts) == (JobState.RUNNING, heir.token, 2)
    assert JobRun.objects.get(pk=late.run_id).outcome == Outcome.INTERRUPTED


@pytest.mark.django_db
def test_a_permanent_failure_rests_for_an_hour(register) -> None:
    error = GitError("The credentials were refused.", code="GIT_AUTH", permanent=True, hint="Enter new ones.")
    task = register(raising(error), every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    failed = row()
    assert (failed.state, failed.last_error_code, failed.attempts) == (JobState.FAILED, "GIT_AUTH", 0)
    assert failed.last_error == "The credentials were refused. Enter new ones."
    assert failed.due_at is not None
    assert failed.due_at > timezone.now() + timedelta(minutes=59)


@pytest.mark.django_db
def test_a_passing_failure_is_tried_again_soon_and_later_each_time(register) -> None:
    task = register(raising(GitError("No answer.", code="GIT_TIMEOUT")), every=timedelta(hours=1))
    jobs.schedule(KIND, 1, label="shop")
    pauses = []
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(4):
            Job.objects.update(due_at=timezone.now())
            task(1)
            due_at = row().due_at
            assert due_at is not None
            pauses.append((due_at - timezone.now()).total_seconds())

    assert [pause / (5 * 2**turn) for turn, pause in enumerate(pauses)] == pytest.approx([1] * 4, abs=0.25)
    assert row().failures == 4


@pytest.mark.django_db
def test_a_passing_failure_never_waits_longer_than_the_interval(register) -> None:
    task = register(raising(GitError("No answer.", code="GIT_TIMEOUT")), every=timedelta(seconds=10))
    jobs.schedule(KIND, 1, label="shop")
    Job.objects.update(failures=9)

    task(1)

    due_at = row().due_at
    assert due_at is not None
    assert due_at <= timezone.now() + timedelta(seconds=12)


@pytest.mark.django_db
def test_a_job_that_does_not_repeat_gives_up_after_five_failures(register) -> None:
    task = register(raising(GitError("No answer.", code="GIT_TIMEOUT")))
    jobs.schedule(KIND, 1, label="shop")
    for _ in range(5):
        Job.objects.update(due_at=timezone.now())
        task(1)

    assert (row().state, row().due_at) == (JobState.FAILED, None)


@pytest.mark.django_db
def test_what_an_outside_asks_to_wait_is_waited_and_not_counted(register) -> None:
    error = SourceError("Too many calls.", code="BUSY", retry_after=timedelta(minutes=7))
    task = register(raising(error), every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    waiting = row()
    assert waiting.failures == 0
    assert waiting.due_at is not None
    assert abs(waiting.due_at - timezone.now() - timedelta(minutes=7)) < timedelta(minutes=2)


@pytest.mark.django_db
def test_an_unexpected_error_is_told_by_number_and_its_secrets_are_not_stored(register, caplog) -> None:
    task = register(raising(RuntimeError("password=hunter2-canary")), every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    failed = row()
    assert (failed.state, failed.last_error_code) == (JobState.FAILED, "UNEXPECTED")
    assert "hunter2" not in failed.last_error + failed.runs.get().text
    number = failed.last_error.rstrip(".").rsplit(" ", 1)[1]
    assert number in caplog.text


@pytest.mark.django_db
def test_credentials_in_the_message_of_an_outside_are_masked(register) -> None:
    error = GitError("fatal: https://bot:hunter2-canary@git.example.org/a.git", code="GIT_ERROR")
    task = register(raising(error), every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    assert "hunter2" not in row().last_error


@pytest.mark.django_db
def test_refused_input_is_permanent(register) -> None:
    task = register(raising(InputError("This is no name of a branch.", code="REF_NAME")))
    jobs.schedule(KIND, 1, label="shop")

    task(1)

    assert (row().state, row().last_error_code, row().due_at) == (JobState.FAILED, "REF_NAME", None)


@pytest.mark.django_db
def test_a_deadline_of_the_queue_is_written_down_and_goes_on(register) -> None:
    task = register(raising(SystemExit("Task exceeded maximum timeout")), every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    with pytest.raises(SystemExit):
        task(1)

    assert (row().state, row().last_error_code) == (JobState.FAILED, "JOB_TIMEOUT")
    assert row().runs.get().outcome == Outcome.TIMED_OUT


@pytest.mark.django_db
def test_ctrl_c_leaves_the_job_due_now(register) -> None:
    task = register(raising(KeyboardInterrupt()), every=EVERY)
    jobs.schedule(KIND, 1, label="shop")

    with pytest.raises(KeyboardInterrupt):
        task(1)

    assert jobs.due(KIND) == [1]
    assert row().runs.get().outcome == Outcome.INTERRUPTED


@pytest.mark.django_db
def test_asking_while_it_runs_makes_it_run_once_more(register, calls) -> None:
    def work(subject_id: int) -> None:
        calls.append(subject_id)
        if len(calls) == 1:
            assert jobs.make_due(KIND, [subject_id]) == 1

    task = register(work, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    task(1)
    task(1)
    task(1)

    assert calls == [1, 1]


@pytest.mark.django_db
def test_who_asks_while_a_job_of_a_queue_of_its_own_runs_does_not_wait_for_the_clock(register) -> None:
    def work(subject_id: int) -> None:
        jobs.make_due(KIND, [subject_id])
        assert jobs.enqueue_due(KIND) == 0

    task = register(work, every=EVERY, queue="tests")
    jobs.schedule(KIND, 1, label="shop")
    with patch.object(queue, "enqueue") as sent:
        task(1)
    sent.assert_called_once_with(task.path, 1, queue="tests")
    assert row().queued_at is not None


@pytest.mark.django_db
def test_a_run_says_when_it_comes_back_unless_somebody_asked_meanwhile(register) -> None:
    def work(subject_id: int) -> None:
        if subject_id == 2:
            jobs.make_due(KIND, [2])
        jobs.come_back(KIND, subject_id, after=timedelta(hours=2))

    task = register(work, every=EVERY)
    for subject_id in (1, 2):
        jobs.schedule(KIND, subject_id, label="shop")
        task(subject_id)

    later, asked = row(1).due_at, row(2).due_at
    assert later is not None
    assert asked is not None
    assert later - timezone.now() > timedelta(minutes=119)
    assert asked <= timezone.now()
    jobs.come_back(KIND, 1, after=timedelta(0))
    assert row(1).due_at == later, "it does not run"


@pytest.mark.django_db
def test_a_paused_job_is_not_due_until_it_is_resumed(register, calls) -> None:
    task = register(calls.append, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    jobs.pause(KIND, 1, "The credentials were refused.")

    task(1)
    assert (calls, jobs.due(KIND), row().pause_reason) == ([], [], "The credentials were refused.")

    jobs.resume(KIND, 1)
    task(1)
    assert calls == [1]


@pytest.mark.django_db
def test_scheduling_again_keeps_the_time_and_takes_the_new_label(register) -> None:
    register(lambda _: None, every=EVERY)
    at = timezone.now() + timedelta(hours=2)
    jobs.schedule(KIND, 1, label="shop", due_at=at)

    again = jobs.schedule(KIND, 1, label="shop-config", group="git.example.org")

    assert (again.due_at, again.subject_label, again.group) == (at, "shop-config", "git.example.org")
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_the_longest_due_comes_first(register) -> None:
    register(lambda _: None)
    now = timezone.now()
    for subject_id, minutes in ((1, 1), (2, 3), (3, 2)):
        jobs.schedule(KIND, subject_id, label="shop", due_at=now - timedelta(minutes=minutes))

    assert jobs.due(KIND, now=now) == [2, 3, 1]
    assert jobs.due(KIND, now=now, limit=1) == [2]


@pytest.mark.django_db
def test_only_the_last_twenty_runs_are_kept(register) -> None:
    task = register(lambda _: None)
    jobs.schedule(KIND, 1, label="shop")
    for _ in range(23):
        jobs.make_due(KIND, [1])
        task(1)

    assert row().runs.count() == 20


@pytest.mark.django_db
def test_progress_is_written_at_most_once_a_second(register) -> None:
    seen = []

    def work(_: int) -> None:
        for done in range(1, 50):
            jobs.report(done, 50, "objects")
        seen.append((row().progress_done, row().progress_total, row().progress_text))

    task = register(work)
    jobs.schedule(KIND, 1, label="shop")
    task(1)

    assert seen == [(1, 50, "objects")]


def test_progress_outside_of_a_job_is_nothing() -> None:
    jobs.report(1, 2, "nobody listens")


@pytest.mark.django_db
def test_the_lease_of_a_process_that_is_gone_ends_at_once(register) -> None:
    register(lambda _: None)
    jobs.schedule(KIND, 1, label="shop")
    assert job_run.claim(row().pk, lease_time=timedelta(minutes=5)) is not None
    assert job_run.release_dead_leases() == 0

    machine = lease.holder().rpartition(":")[0].rpartition(":")[0]
    Job.objects.update(lease_holder=f"{machine}:999999999:1")

    assert job_run.release_dead_leases() == 1
    assert jobs.due(KIND) == [1]


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_stop_anything(register) -> None:
    task = register(lambda _: None, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        Job.objects.update(due_at=timezone.now())
        task(1)
    assert jobs.due(KIND) == []

    assert job_run.forgive_clock() == 1

    assert jobs.due(KIND) == [1]


@pytest.mark.django_db
def test_a_job_that_begins_while_somebody_looks_is_not_taken_for_one_that_has_a_message(
    register, calls
) -> None:
    register(calls.append, every=EVERY)
    job = jobs.schedule(KIND, 1, label="shop")
    runs: list[job_run.Run | None] = []

    def begin_first(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and not runs:
            runs.append(None)
            runs[0] = job_run.claim(job.pk, lease_time=EVERY)
        return execute(sql, *rest)

    with connection.execute_wrapper(begin_first):
        assert jobs.enqueue_due(KIND) == 0

    [run] = runs
    assert run is not None
    job_run.finish(run, job_run.Ending(Outcome.DONE))
    jobs.make_due(KIND, [1])
    assert jobs.enqueue_due(KIND) == 1


@pytest.mark.django_db
def test_one_message_is_sent_for_a_due_job_however_often_somebody_looks(register) -> None:
    register(lambda _: None)
    jobs.schedule(KIND, 1, label="shop")
    jobs.schedule(KIND, 2, label="shop")
    with patch.object(queue, "enqueue") as sent:
        assert jobs.enqueue_due(KIND, [1]) == 1
        assert jobs.enqueue_due(KIND) == 1
        assert jobs.enqueue_due(KIND) == 0

    assert [call.args[1] for call in sent.call_args_list] == [1, 2]


def test_two_functions_cannot_be_one_kind(register) -> None:
    register(lambda _: None)

    with pytest.raises(ValueError, match=KIND):
        register(print)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_one_wins(register) -> None:
    register(lambda _: None)
    jobs.schedule(KIND, 1, label="shop")
    job_id, barrier, won = row().pk, threading.Barrier(8), []

    def claim() -> None:
        barrier.wait(10)
        try:
            won.append(job_run.claim(job_id, lease_time=timedelta(minutes=5)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(won) == 8
    assert sum(run is not None for run in won) == 1
    assert row().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_runs_each_once_and_respects_the_room_of_a_group(register) -> None:
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    ended: list[int] = []
    guard = threading.Lock()
    group_of = {number: "slow.example.org" if number < 12 else "" for number in range(20)}
    both = threading.Barrier(2)

    def work(number: int) -> None:
        with guard:
            running[group_of[number]] += 1
            most[group_of[number]] = max(most[group_of[number]], running[group_of[number]])
        if group_of[number]:
            both.wait(60)
        with guard:
            running[group_of[number]] -= 1
            ended.append(number)

    register(work)
    for number, group in group_of.items():
        jobs.schedule(KIND, number, label="shop", group=group)

    jobs.run_batch(KIND, range(20), threads=6, per_group=2)

    assert sorted(ended) == list(range(20))
    assert most["slow.example.org"] == 2
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


@pytest.mark.django_db
def test_one_bad_item_of_a_batch_stops_no_other(register) -> None:
    def work(number: int) -> None:
        if number == 2:
            raise RuntimeError("bad")

    register(work)
    for number in (1, 2, 3):
        jobs.schedule(KIND, number, label="shop")

    jobs.run_batch(KIND, [1, 2, 3], threads=1)

    states = dict(Job.objects.values_list("subject_id", "state"))
    assert states == {1: JobState.DONE, 2: JobState.FAILED, 3: JobState.DONE}


@pytest.mark.django_db
def test_looking_what_is_due_is_one_query(register, django_assert_num_queries) -> None:
    register(lambda _: None)
    for number in range(5):
        jobs.schedule(KIND, number, label="shop")

    with django_assert_num_queries(1):
        assert len(jobs.due(KIND)) == 5


@pytest.mark.django_db
def test_times_are_aware(register) -> None:
    task = register(lambda _: None, every=EVERY)
    jobs.schedule(KIND, 1, label="shop")
    task(1)

    due_at = row().due_at
    assert isinstance(due_at, datetime)
    assert due_at.tzinfo is not None
    assert connection.vendor in {"sqlite", "postgresql"}
