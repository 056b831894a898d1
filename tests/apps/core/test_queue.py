"""The queue and the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from apps.core import lease, queue, tasks, ticks
from apps.core.models import Heartbeat, Job, Tick
from gitopsui import schedules
from gitopsui.schedules import PROMOTIONS, Entry

BEAT = "apps.core.tasks.beat"
calls: list[str] = []


def work() -> None:
    calls.append("work")


def fail() -> None:
    raise RuntimeError("password=hunter2-canary")


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


@pytest.fixture
def one_entry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Entry]:
    entries = {"work": Entry(f"{__name__}.work")}
    monkeypatch.setattr(ticks, "SCHEDULES", entries)
    return entries


@pytest.fixture
def sent() -> Any:
    with patch.object(queue, "enqueue") as enqueue:
        yield enqueue


@pytest.mark.django_db
def test_a_message_goes_with_the_transaction_it_was_sent_in() -> None:
    with transaction.atomic():
        queue.enqueue(BEAT)
        assert OrmQ.objects.count() == 1
        transaction.set_rollback(True)

    assert OrmQ.objects.count() == 0


@pytest.mark.django_db
def test_a_message_to_redis_waits_for_the_commit(
    settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.GITOPSUI_REDIS_URL = "redis://127.0.0.1:1/0"
    with patch.object(queue, "_send") as send:
        with django_capture_on_commit_callbacks(execute=True):
            queue.enqueue("apps.a.tasks.poll", 7)
            send.assert_not_called()

        send.assert_called_once_with("apps.a.tasks.poll", (7,), "")


@pytest.mark.django_db
def test_a_function_is_sent_by_its_path() -> None:
    with patch.object(queue, "_send") as send:
        queue.enqueue(tasks.beat)

    send.assert_called_once_with(BEAT, (), "")


@pytest.mark.django_db
def test_the_clock_asks_once_while_a_message_waits(one_entry: Any, sent: Any) -> None:
    assert ticks.tick() == ["work"]
    assert ticks.tick() == []

    sent.assert_called_once_with("apps.core.tasks.run_tick", "work", queue="")


@pytest.mark.django_db
def test_the_clock_asks_again_after_it_ran(one_entry: Any, sent: Any) -> None:
    ticks.tick()
    tasks.run_tick("work")

    assert calls == ["work"]
    assert ticks.tick() == ["work"]


@pytest.mark.django_db
def test_the_clock_asks_again_when_a_message_was_lost(one_entry: Any, sent: Any) -> None:
    ticks.tick()
    Tick.objects.update(asked_at=timezone.now() - timedelta(minutes=3))

    assert ticks.tick() == ["work"]


@pytest.mark.django_db
def test_the_clock_does_not_ask_while_it_runs(one_entry: Any, sent: Any) -> None:
    ticks.tick()
    later = timezone.now() + timedelta(minutes=5)
    with patch(f"{__name__}.work", lambda: calls.append(str(ticks.tick(later)))):
        tasks.run_tick("work")

    assert calls == ["[]"]


@pytest.mark.django_db
def test_a_second_worker_does_not_do_the_same_beside_it(one_entry: Any, sent: Any) -> None:
    ticks.tick()
    with patch(f"{__name__}.work", lambda: (calls.append("work"), tasks.run_tick("work"))):
        tasks.run_tick("work")

    assert calls == ["work"]


@pytest.mark.django_db
def test_an_entry_with_an_interval_waits_for_it(one_entry: Any, sent: Any) -> None:
    one_entry["work"] = Entry(f"{__name__}.work", timedelta(hours=1))
    now = timezone.now()
    assert ticks.tick(now) == ["work"]
    tasks.run_tick("work")

    assert ticks.tick(now + timedelta(minutes=30)) == []
    assert ticks.tick(now + timedelta(minutes=59)) == ["work"]


@pytest.mark.django_db
def test_an_entry_whose_worker_was_killed_is_asked_for_again(one_entry: Any, sent: Any) -> None:
    ticks.tick()
    machine = lease.holder().rpartition(":")[0].rpartition(":")[0]
    now = timezone.now()
    Tick.objects.update(
        started_at=now,
        lease_until=now + timedelta(minutes=15),
        lease_token="x",
        lease_holder=f"{machine}:999999999:1",
    )

    assert ticks.tick(now + timedelta(seconds=5)) == ["work"]


@pytest.mark.django_db
def test_a_failing_entry_is_noted_without_secrets_and_runs_again(one_entry: Any, sent: Any) -> None:
    one_entry["work"] = Entry(f"{__name__}.fail")
    ticks.tick()

    tasks.run_tick("work")

    error = Tick.objects.get().last_error
    assert error.startswith("RuntimeError")
    assert "hunter2" not in error
    assert ticks.tick() == ["work"]


@pytest.mark.django_db
def test_an_unknown_entry_is_left_alone() -> None:
    tasks.run_tick("no such thing")

    assert not Tick.objects.exists()


@pytest.mark.django_db
def test_a_busy_worker_counts_as_alive(one_entry: Any, sent: Any) -> None:
    assert ticks.worker_age() == timedelta.max
    tasks.beat()
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(hours=1))
    assert ticks.worker_age() > timedelta(minutes=59)

    ticks.tick()
    Tick.objects.update(lease_until=timezone.now() + timedelta(minutes=1), lease_holder=lease.holder())

    assert ticks.worker_age() == timedelta()


@pytest.mark.django_db
def test_each_set_of_workers_speaks_for_itself_alone(one_entry: Any, sent: Any) -> None:
    one_entry["fast"] = Entry(f"{__name__}.work", queue=PROMOTIONS)
    ticks.tick()
    tasks.run_tick("fast")
    assert ticks.worker_age(PROMOTIONS) < timedelta(minutes=5)
    assert ticks.worker_age() == timedelta.max
    tasks.run_tick("work")
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(hours=1))

    held = {"lease_until": timezone.now() + timedelta(minutes=1), "lease_holder": lease.holder()}
    Tick.objects.filter(name="fast").update(**held)
    assert (ticks.worker_age(PROMOTIONS), ticks.worker_age() > timedelta(minutes=59)) == (timedelta(), True)
    Tick.objects.update(lease_until=None, lease_holder="")
    for kind in ("promotions.advance", "repositories.poll"):
        Job.objects.create(kind=kind, subject_id=1, **held)
        is_fast = kind.startswith("promotions")
        assert (ticks.worker_age(PROMOTIONS) == timedelta()) == is_fast
        assert (ticks.worker_age() == timedelta()) == (not is_fast)
        Job.objects.all().delete()


def test_every_entry_of_the_schedule_can_be_called() -> None:
    from django.utils.module_loading import import_string

    assert all(callable(import_string(entry.path)) for entry in schedules.SCHEDULES.values())


@pytest.mark.django_db
def test_tidying_forgets_entries_that_are_no_more() -> None:
    Tick.objects.create(name="gone", asked_at=timezone.now() - timedelta(days=2))

    tasks.tidy()

    assert not Tick.objects.exists()


def test_a_process_knows_that_it_lives_and_that_another_is_gone() -> None:
    me = lease.holder()
    machine = me.rpartition(":")[0].rpartition(":")[0]

    assert not lease.is_dead(me)
    assert lease.is_dead(f"{machine}:999999999:1")
    assert not lease.is_dead("another-machine:1:1")
    assert not lease.is_dead("")
