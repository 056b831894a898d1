"""
Jobs: what is to be done for one subject, again and again or once.

    @job("repositories.poll", lease=timedelta(minutes=15), every=timedelta(minutes=3))
    def poll_repository(repository_id: int) -> None: ...

    schedule("repositories.poll", repository.pk, label=repository.name, group=repository.host)

The decorated function may be called by anybody at any time and twice: it does nothing unless the row of the
job is due and free. `poll_repository.work(7)` is the work itself, without a row. How a job is claimed,
counted and ended is in `job_run`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from django.apps import apps
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from apps.core import queue
from apps.core.job_batch import run_items
from apps.core.job_group import Look, perform_together
from apps.core.job_run import due_condition, perform, report
from apps.core.models import Job, JobState

__all__ = [
    "REGISTRY",
    "JobTask",
    "come_back",
    "due",
    "enqueue_due",
    "forget",
    "job",
    "job_of",
    "make_due",
    "pause",
    "queue_of",
    "report",
    "resume",
    "retry",
    "run_batch",
    "run_together",
    "schedule",
]

log = logging.getLogger(__name__)

# A message that nobody took for this long was lost (Redis) or its queue is far behind: another one is sent.
MESSAGE_PATIENCE = timedelta(minutes=10)
LABEL_CHARS = 200
ID_CHUNK = 500


@dataclass(frozen=True)
class JobTask:
    """A kind of job and its work. Calling it runs the job of one subject, if that is due and free."""

    kind: str
    work: Callable[[int], None]
    lease: timedelta
    every: timedelta | None
    queue: str = ""

    @property
    def path(self) -> str:
        return f"{self.work.__module__}.{self.work.__qualname__}"

    def __call__(self, subject_id: int) -> None:
        found = Job.objects.filter(kind=self.kind, subject_id=subject_id).values_list("pk", flat=True).first()
        if found is not None:
            self.perform(found)
            if self.queue:
                # Somebody who waits may have asked while it ran, when no message could be sent.
                enqueue_due(self.kind, [subject_id])

    def perform(self, job_id: int) -> None:
        perform(job_id, self.work, lease_time=self.lease)


REGISTRY: dict[str, JobTask] = {}


def job(
    kind: str,
    *,
    lease: timedelta = timedelta(minutes=15),
    every: timedelta | None = None,
    queue: str = "",
) -> Callable[[Callable[[int], None]], JobTask]:
    """
    Make a function of one number a job of this kind. `every` is what `schedule` takes when not told, `queue`
    one of its own, for what must not wait behind the polls.
    """

    def register(work: Callable[[int], None]) -> JobTask:
        known = REGISTRY.get(kind)
        if known is not None and known.path != f"{work.__module__}.{work.__qualname__}":
            raise ValueError(f"Two functions are registered for the job {kind}.")
        task = JobTask(kind, work, lease, every, queue)
        REGISTRY[kind] = task
        return task

    return register


def load_tasks() -> None:
    """Import the `tasks` module of every app, so that the registry is whole."""
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "tasks"):
            import_module(f"{config.name}.tasks")


def _find_task(kind: str) -> JobTask | None:
    """The task of a kind. A web process asks for jobs without having imported their tasks."""
    if kind not in REGISTRY:
        load_tasks()
    return REGISTRY.get(kind)


def queue_of(kind: str) -> str:
    """The queue whose workers run it; "" is the one for everything, and of what nothing is registered for."""
    task = _find_task(kind)
    return task.queue if task else ""


def _task(kind: str) -> JobTask:
    """Raises LookupError for a kind that nothing is registered for."""
    task = _find_task(kind)
    if task is None:
        raise LookupError(f"No task is registered for the job {kind}.")
    return task


# --- rows -------------------------------------------------------------------------------------------------


def schedule(
    kind: str,
    subject_id: int,
    *,
    label: str,
    group: str = "",
    due_at: datetime | None = None,
    every: timedelta | None = None,
) -> Job:
    """
    Make sure the job has a row, due now for a new one; an existing one keeps when it is due unless told.

    `every` None takes what the kind was registered with; a kind with neither is done once.
    """
    known = _find_task(kind)
    every = every or (known.every if known else None)
    told: dict[str, object] = {"subject_label": label[:LABEL_CHARS], "group": group, "every": every}
    if due_at is not None:
        told |= {"due_at": due_at}
    with transaction.atomic():
        row, is_new = Job.objects.get_or_create(
            kind=kind, subject_id=subject_id, defaults={"due_at": timezone.now(), **told}
        )
        if not is_new:
            Job.objects.filter(pk=row.pk).update(**told)
            row.refresh_from_db()
    return row


def make_due(kind: str, subject_ids: Iterable[int]) -> int:
    """
    Have them run as soon as somebody looks; how many rows that changed. Asking twice is asking once.

    One that runs now runs once more after it. Paused and quarantined ones stay as they are.
    """
    now = timezone.now()
    ids = list(subject_ids)
    changed = 0
    for start in range(0, len(ids), ID_CHUNK):
        rows = _rows(kind, ids[start : start + ID_CHUNK]).filter(paused=False)
        changed += rows.filter(state=JobState.RUNNING).update(due_at=now)
        idle = rows.exclude(state__in=[JobState.RUNNING, JobState.QUARANTINED])
        changed += idle.filter(
            Q(due_at__isnull=True) | Q(due_at__gt=now) | ~Q(state=JobState.WAITING)
        ).update(due_at=now, state=JobState.WAITING)
    return changed


def ask(kind: str, subject_id: int, *, label: str) -> None:
    """Somebody waits for it: it has a row, is due, and a worker is told once what asks for it is stored."""
    schedule(kind, subject_id, label=label)
    make_due(kind, [subject_id])
    transaction.on_commit(lambda: enqueue_due(kind, [subject_id]))


def come_back(kind: str, subject_id: int, *, after: timedelta) -> None:
    """
    Have the job that runs now run again after so long, instead of after its usual time. Whoever asked for it
    meanwhile, or asks later, is served at once all the same.
    """
    _rows(kind, [subject_id]).filter(state=JobState.RUNNING, due_at=None).update(
        due_at=timezone.now() + after
    )


def forget(kind: str, subject_id: int) -> None:
    """The subject is gone, so its job goes with its history. A run under way can write nothing more."""
    _rows(kind, [subject_id]).delete()


def pause(kind: str, subject_id: int, reason: str = "") -> None:
    """Begin nothing more for it until `resume`. A run that is under way goes on."""
    _rows(kind, [subject_id]).update(paused=True, pause_reason=reason[:400])


def resume(kind: str, subject_id: int) -> None:
    """Lift the pause and have it run now."""
    _rows(kind, [subject_id]).update(paused=False, pause_reason="", failures=0)
    make_due(kind, [subject_id])


def retry(row: Job) -> bool:
    """Run it now, out of quarantine or before its time; False when it runs already."""
    changed = (
        Job.objects.filter(pk=row.pk)
        .exclude(state=JobState.RUNNING)
        .update(
            state=JobState.WAITING,
            attempts=0,
            failures=0,
            due_at=timezone.now(),
            paused=False,
            pause_reason="",
        )
    )
    return bool(changed)


def job_of(kind: str, subject_id: int) -> Job | None:
    return _rows(kind, [subject_id]).first()


def _rows(kind: str, subject_ids: list[int]) -> QuerySet[Job]:
    return Job.objects.filter(kind=kind, subject_id__in=subject_ids)


# --- what is due ------------------------------------------------------------------------------------------


def due(kind: str, *, now: datetime | None = None, limit: int | None = None) -> list[int]:
    """The subjects whose job may begin, the longest due first."""
    rows = _due_rows(kind, now or timezone.now())
    return list(rows.values_list("subject_id", flat=True)[:limit])


def run_batch(kind: str, ids: Iterable[int], *, threads: int = 8, per_group: int = 4) -> None:
    """
    Run the jobs of these subjects, in threads, at most `per_group` of one `Job.group` at once.

    Ends when all have ended, or begins nothing new after eight minutes: what is left stays due.
    """
    task = _task(kind)
    order = {subject_id: position for position, subject_id in enumerate(dict.fromkeys(ids))}
    rows: list[tuple[int, int, str]] = []
    wanted = list(order)
    for start in range(0, len(wanted), ID_CHUNK):
        found = _rows(kind, wanted[start : start + ID_CHUNK])
        rows += found.values_list("subject_id", "pk", "group")
    rows.sort(key=lambda row: order[row[0]])
    run_items([(pk, group) for _, pk, group in rows], task.perform, threads=threads, per_group=per_group)


def run_together(kind: str, ids: Iterable[int], look: Look) -> list[int]:
    """
    Claim the jobs of these subjects together and settle by one `look` at all of them what it can; the
    subjects that are left, in order, are due as before. How, `job_group` says.
    """
    subjects = list(dict.fromkeys(ids))
    done = perform_together(kind, subjects, look, lease_time=_task(kind).lease)
    return [subject for subject in subjects if subject not in done]


def enqueue_due(kind: str, subject_ids: Iterable[int] | None = None, *, limit: int = 500) -> int:
    """Send one message for each due job (of these subjects) that has none waiting; how many were sent."""
    now = timezone.now()
    rows = _due_rows(kind, now).filter(
        Q(queued_at__isnull=True)
        | Q(queued_at__lt=now - MESSAGE_PATIENCE)
        | Q(queued_at__gt=now + MESSAGE_PATIENCE)
    )
    if subject_ids is not None:
        rows = rows.filter(subject_id__in=list(subject_ids)[:limit])
    sent = 0
    for row in list(rows[:limit]):
        with transaction.atomic():
            # One that began meanwhile must not look as if its message were on its way: none would follow.
            if rows.filter(pk=row.pk).order_by().update(queued_at=now):
                queue.enqueue(_task(kind).path, row.subject_id, queue=_task(kind).queue)
                sent += 1
    return sent


def _due_rows(kind: str, now: datetime) -> QuerySet[Job]:
    return Job.objects.filter(due_condition(now), kind=kind).order_by("due_at", "pk")
