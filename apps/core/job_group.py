"""
Several jobs of one kind claimed together, looked at together, and ended together: four writes for all of them
instead of four for each.

The promises are those of `job_run`: starts are counted before the work, and every write is fenced with the
token of the lease. Whatever a look cannot settle is given back and runs alone. Alone runs too what a worker
left behind that never came back, so that one that takes its worker down is found out, and its neighbours,
which were claimed with it, are not held back with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from apps.core import lease
from apps.core.job_run import KEPT_RUNS, Ending, due_condition, next_pause, persist
from apps.core.models import Job, JobRun, JobState, Outcome
from gitopsui.domain.errors import GitopsuiError

log = logging.getLogger(__name__)

# So many are claimed at once; a statement takes no more parameters than a few thousand.
GROUP_SIZE = 500

Look = Callable[[Sequence[int]], Collection[int]]


@dataclass(frozen=True, slots=True)
class Group:
    """Claimed jobs with the rows of their runs; one token fences them all."""

    token: str
    runs: dict[int, JobRun]
    jobs: dict[int, Job]

    def rows(self, subjects: Iterable[int]) -> QuerySet[Job]:
        """The rows of these subjects while the lease is still ours."""
        ids = [self.jobs[subject].pk for subject in subjects]
        return Job.objects.filter(pk__in=ids, lease_token=self.token)


def perform_together(kind: str, subject_ids: Sequence[int], look: Look, *, lease_time: timedelta) -> set[int]:
    """
    `look` gets the subjects that are due and free and answers those that are done with that; they are
    answered here too. An error of `look` settles nothing: each runs alone and says what is wrong with it.
    """
    done: set[int] = set()
    for start in range(0, len(subject_ids), GROUP_SIZE):
        group = _claim(kind, subject_ids[start : start + GROUP_SIZE], lease_time)
        if group.jobs:
            done |= _perform(group, look)
    return done


def _perform(group: Group, look: Look) -> set[int]:
    done: set[int] = set()
    starts = 1
    try:
        done = set(look(list(group.jobs))) & group.jobs.keys()
        starts = 0
    except GitopsuiError:
        starts = 0
    except Exception:
        starts = 0
        log.exception("A look at %s jobs together failed; each runs alone", len(group.jobs))
    finally:
        # What ended the whole process, a deadline say, is not tried together a second time.
        persist(lambda: _end(group, done, starts))
    return done


def _claim(kind: str, subject_ids: Sequence[int], lease_time: timedelta) -> Group:
    now = timezone.now()
    token = lease.new_token()
    with transaction.atomic():
        free = Job.objects.filter(due_condition(now), kind=kind, subject_id__in=subject_ids, attempts=0)
        # Nobody is waited for: what another transaction is busy with is left to it.
        fresh = free.exclude(state=JobState.RUNNING).select_for_update(skip_locked=True)
        ids = list(fresh.values_list("pk", flat=True))
        free.filter(pk__in=ids).update(**_claimed(now, token, lease_time))
        ours = Job.objects.filter(pk__in=ids, lease_token=token)
        rows = {job.subject_id: job for job in ours}
        begun = [JobRun(job=job, started_at=now) for job in rows.values()]
        runs = JobRun.objects.bulk_create(begun, batch_size=GROUP_SIZE)
    ordered = {subject: rows[subject] for subject in subject_ids if subject in rows}
    return Group(token, {run.job.subject_id: run for run in runs}, ordered)


def _claimed(now: datetime, token: str, lease_time: timedelta) -> dict[str, Any]:
    return {
        "state": JobState.RUNNING,
        "attempts": 1,
        "due_at": None,
        "queued_at": None,
        "started_at": now,
        "ended_at": None,
        "lease_until": now + lease_time,
        "lease_token": token,
        "lease_holder": lease.holder(),
        "progress_done": 0,
        "progress_total": 0,
        "progress_text": "",
    }


_FREED: dict[str, Any] = {"lease_until": None, "lease_token": "", "lease_holder": ""}


def _end(group: Group, done: Collection[int], starts: int) -> None:
    with transaction.atomic():
        # Locked, so that nobody takes one over between here and the last statement.
        rows = group.rows(group.jobs).select_for_update().order_by("pk")
        held = set(rows.values_list("subject_id", flat=True))
        _finish(group, [one for one in group.jobs if one in done and one in held])
        _give_back(group, [one for one in group.jobs if one not in done and one in held], starts)
        lost = [run.pk for subject, run in group.runs.items() if subject not in held]
        if lost:
            text = "It came back after its lease had passed to another worker."
            ended = {"outcome": Outcome.INTERRUPTED, "ended_at": timezone.now(), "text": text}
            JobRun.objects.filter(pk__in=lost).update(**ended)


def _finish(group: Group, subjects: Sequence[int]) -> None:
    now = timezone.now()
    by_pause: dict[timedelta | None, list[int]] = {}
    for subject in subjects:
        by_pause.setdefault(group.jobs[subject].every, []).append(subject)
    for every, together in by_pause.items():
        # One pause for all of them: what was looked at together is due together again.
        pause = next_pause(every, Ending(Outcome.DONE), 0)
        due_at = F("due_at") if pause is None else Coalesce(F("due_at"), now + pause)
        ended = {"state": JobState.DONE, "attempts": 0, "failures": 0, "ended_at": now, "due_at": due_at}
        group.rows(together).update(**ended, **_FREED, last_error="", last_error_code="")
    runs = [group.runs[subject].pk for subject in subjects]
    JobRun.objects.filter(pk__in=runs).update(outcome=Outcome.DONE, ended_at=now)
    _trim([group.jobs[subject].pk for subject in subjects])


def _give_back(group: Group, subjects: Sequence[int], starts: int) -> None:
    """Due as before, as if nobody had claimed them; what has begun once runs alone from then on."""
    due_at = Coalesce(F("due_at"), timezone.now())
    group.rows(subjects).update(state=JobState.WAITING, due_at=due_at, attempts=starts, **_FREED)
    JobRun.objects.filter(pk__in=[group.runs[subject].pk for subject in subjects]).delete()


def _trim(job_ids: Sequence[int]) -> None:
    place = Window(RowNumber(), partition_by=F("job"), order_by=F("id").desc())
    old = JobRun.objects.filter(job__in=job_ids).annotate(place=place).filter(place__gt=KEPT_RUNS)
    ids = list(old.order_by().values_list("pk", flat=True))
    if ids:
        JobRun.objects.filter(pk__in=ids).delete()
