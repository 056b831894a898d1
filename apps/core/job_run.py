"""
One run of one job: claim the row, do the work, write down how it ended.

Every write of the run is fenced with the token of its lease, so a worker that was frozen past the end of its
lease and comes back can no longer change anything.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core import lease
from apps.core.models import Job, JobRun, JobState, Outcome
from gitopsui.domain.errors import GitopsuiError, SourceError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

log = logging.getLogger(__name__)

MAX_STARTS = 3
MAX_FAILURES_ONCE = 5  # of a job that does not repeat by itself
KEPT_RUNS = 20
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)  # what an outside may ask for, and the rest after a permanent failure
JITTER = 0.2
MAX_ERROR_CHARS = 2000
REPORT_EVERY_SECONDS = 1.0
PERSIST_TRIES = 12  # half a minute, with the pauses between them


@dataclass(slots=True)
class Run:
    """A claimed job: what its end is fenced with, and when progress was last written."""

    job: Job
    token: str
    run_id: int
    reported_at: float = field(default=0.0)

    def rows(self) -> QuerySet[Job]:
        """The row of the job while the lease is still ours."""
        return Job.objects.filter(pk=self.job.pk, lease_token=self.token)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. `pause` None: when the job is due by itself; `is_counted` raises its failures."""

    outcome: Outcome
    text: str = ""
    code: str = ""
    pause: timedelta | None = None
    is_counted: bool = True
    is_permanent: bool = False


_current: ContextVar[Run | None] = ContextVar("current_job_run", default=None)


def perform(job_id: int, work: Callable[[int], None], *, lease_time: timedelta) -> None:
    """
    Claim the job and do its work once; does nothing when it is not due or somebody else holds it.

    Never raises because of the work. What ends the whole process (a deadline of the queue, Ctrl-C) is
    written down and goes on.
    """
    run = claim(job_id, lease_time=lease_time)
    if run is None:
        return
    ending = Ending(Outcome.INTERRUPTED, "It was interrupted.")
    reset = _current.set(run)
    try:
        ending = _do(run.job, work)
    except SystemExit:
        ending = Ending(Outcome.TIMED_OUT, "It took too long and was ended.", code="JOB_TIMEOUT")
        raise
    finally:
        _current.reset(reset)
        persist(lambda: finish(run, ending))


def _do(job: Job, work: Callable[[int], None]) -> Ending:
    try:
        work(job.subject_id)
    except SourceError as error:
        return _source_ending(error)
    except GitopsuiError as error:
        return Ending(
            Outcome.FAILED, _sentence(str(error)), code=getattr(error, "code", "REFUSED"), is_permanent=True
        )
    except Exception as error:
        if _is_cut_off(error):
            return Ending(Outcome.INTERRUPTED, "The database went away while it ran. It runs once more.")
        number = secrets.token_hex(4)
        log.exception("Error %s in %s for %s", number, job.kind, job.subject_id)
        return Ending(
            Outcome.FAILED,
            f"Something unexpected went wrong. The log has the details under error {number}.",
            code="UNEXPECTED",
        )
    return Ending(Outcome.DONE)


def _is_cut_off(error: Exception) -> bool:
    """Whether the line to the database is gone, as when that is started again."""
    return isinstance(error, OperationalError | InterfaceError) and not connection.is_usable()


def _source_ending(error: SourceError) -> Ending:
    text = _sentence(" ".join(part for part in (error.message, error.hint) if part))
    if error.retry_after is not None and not error.permanent:
        pause = min(max(error.retry_after, timedelta(seconds=1)), LONGEST_WAIT)
        return Ending(Outcome.FAILED, text, code=error.code, pause=pause, is_counted=False)
    return Ending(Outcome.FAILED, text, code=error.code, is_permanent=error.permanent)


def _sentence(text: str) -> str:
    return mask_text(clean_text(text))[:MAX_ERROR_CHARS]


# --- claiming ---------------------------------------------------------------------------------------------


def due_condition(now: datetime) -> Q:
    """Rows that may be claimed: due and free, or left behind by a worker that is gone."""
    is_free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return (
        Q(paused=False)
        & ~Q(state=JobState.QUARANTINED)
        & is_free
        & (Q(due_at__lte=now) | Q(state=JobState.RUNNING))
    )


def claim(job_id: int, *, lease_time: timedelta) -> Run | None:
    """Take the lease and count the start, by compare-and-set. None when it is not to be had."""
    now = timezone.now()
    with transaction.atomic():
        job = Job.objects.filter(due_condition(now), pk=job_id).first()
        if job is None:
            return None
        _close_interrupted(job, now)
        if job.attempts >= MAX_STARTS:
            _quarantine(job, now)
            return None
        token = _take(job, now, lease_time)
        if token is None:
            return None
        run = JobRun.objects.create(job=job, started_at=now)
    return Run(job, token, run.pk)


def _take(job: Job, now: datetime, lease_time: timedelta) -> str | None:
    """The token of the lease, which changes at each claim; None when somebody was faster."""
    token = lease.new_token()
    claimed = Job.objects.filter(due_condition(now), pk=job.pk, lease_token=job.lease_token).update(
        state=JobState.RUNNING,
        attempts=F("attempts") + 1,
        due_at=None,
        queued_at=None,
        started_at=now,
        ended_at=None,
        lease_until=now + lease_time,
        lease_token=token,
        lease_holder=lease.holder(),
        progress_done=0,
        progress_total=0,
        progress_text="",
    )
    return token if claimed == 1 else None


def _close_interrupted(job: Job, now: datetime) -> None:
    if job.state == JobState.RUNNING:
        job.runs.filter(outcome=Outcome.RUNNING).update(
            outcome=Outcome.INTERRUPTED, ended_at=now, text="Its worker was ended while it ran."
        )


def _quarantine(job: Job, now: datetime) -> None:
    Job.objects.filter(pk=job.pk, lease_token=job.lease_token, attempts=job.attempts).update(
        state=JobState.QUARANTINED,
        due_at=None,
        queued_at=None,
        ended_at=now,
        lease_until=None,
        lease_token="",
        lease_holder="",
        last_error=f"It began {job.attempts} times and never came to an end, so it was set aside.",
        last_error_code="JOB_QUARANTINED",
    )
    log.error(
        "%s for %s was set aside after %s starts without an end", job.kind, job.subject_id, job.attempts
    )


# --- ending -----------------------------------------------------------------------------------------------


def finish(run: Run, ending: Ending) -> None:
    """Write the end, unless the lease has passed to somebody else: then only the run's own row says so."""
    now = timezone.now()
    is_good = ending.outcome == Outcome.DONE
    failures = 0 if is_good else run.job.failures + (1 if ending.is_counted else 0)
    pause = next_pause(run.job.every, ending, failures)
    with transaction.atomic():
        kept = run.rows().update(
            state=_state_after(ending),
            attempts=0,
            failures=failures,
            # Somebody may have asked for another run meanwhile; that is not forgotten.
            due_at=F("due_at") if pause is None else Coalesce(F("due_at"), now + pause),
            ended_at=now,
            lease_until=None,
            lease_token="",
            lease_holder="",
            last_error="" if is_good else ending.text,
            last_error_code="" if is_good else ending.code,
        )
        text = ending.text if kept else "It came back after its lease had passed to another worker."
        outcome = ending.outcome if kept else Outcome.INTERRUPTED
        JobRun.objects.filter(pk=run.run_id).update(outcome=outcome, ended_at=now, text=text)
        _trim(run)


def _state_after(ending: Ending) -> JobState:
    if ending.outcome == Outcome.INTERRUPTED:
        return JobState.WAITING
    return JobState.DONE if ending.outcome == Outcome.DONE else JobState.FAILED


def next_pause(every: timedelta | None, ending: Ending, failures: int) -> timedelta | None:
    """How long until the next run; None when only somebody's asking starts another."""
    if ending.outcome == Outcome.DONE:
        return None if every is None else _jittered(every)
    if ending.outcome == Outcome.INTERRUPTED:
        return timedelta()
    if ending.pause is not None:
        return ending.pause
    if ending.is_permanent:
        return None if every is None else max(LONGEST_WAIT, every)
    if every is None and failures >= MAX_FAILURES_ONCE:
        return None
    pause = min(FIRST_PAUSE * 2 ** min(max(failures - 1, 0), 10), LONGEST_PAUSE)
    return _jittered(pause if every is None else min(pause, max(every, FIRST_PAUSE)))


def _jittered(pause: timedelta) -> timedelta:
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing


def _trim(run: Run) -> None:
    kept = list(run.job.runs.order_by("-id").values_list("id", flat=True)[: KEPT_RUNS + 1])
    if len(kept) > KEPT_RUNS:
        run.job.runs.filter(id__lte=kept[-1]).delete()


def persist(write: Callable[[], None]) -> None:
    """Write the end even when the database was away for a moment."""
    for attempt in range(1, PERSIST_TRIES + 1):
        try:
            write()
        except (OperationalError, InterfaceError):
            if attempt == PERSIST_TRIES or connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(attempt / 2)
        else:
            return


# --- progress ---------------------------------------------------------------------------------------------


def report(done: int, total: int, text: str = "") -> None:
    """How far the job of this thread is; written at most once a second. Without a job it does nothing."""
    run = _current.get()
    moment = time.monotonic()
    if run is None or moment - run.reported_at < REPORT_EVERY_SECONDS:
        return
    run.reported_at = moment
    run.rows().update(
        progress_done=max(done, 0), progress_total=max(total, 0), progress_text=_sentence(text)[:200]
    )


# --- leases that nobody holds any more --------------------------------------------------------------------


def release_dead_leases() -> int:
    """End the leases of workers of this machine that are gone, so that nobody waits until they run out."""
    held = Job.objects.filter(state=JobState.RUNNING, lease_until__gt=timezone.now()).exclude(lease_holder="")
    dead = [name for name in set(held.values_list("lease_holder", flat=True)) if lease.is_dead(name)]
    return held.filter(lease_holder__in=dead).update(lease_until=timezone.now()) if dead else 0


def forgive_clock() -> int:
    """After the clock was set back: what ended in the future is due now, not when it is that late again."""
    now = timezone.now()
    ahead = Job.objects.filter(ended_at__gt=now + timedelta(minutes=2), due_at__gt=now)
    return ahead.exclude(state=JobState.RUNNING).update(due_at=now, ended_at=now)
