"""Rounds of a cluster on which little or nothing moves: what they settle at once, and what they must not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core import jobs
from apps.core.models import Job
from apps.environments import connect, tasks
from apps.environments.models import Application, Silence
from apps.environments.services import layouts
from tests.adapters.git_http import LONG_AGO
from tests.apps.environments.standin_world import StandInWorld, standing_world
from tests.apps.environments.test_events import event
from tests.apps.environments.world import World, commit

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {colour: green}\n"
PATH = "/api/v1/namespaces/n/configmaps/%s"
NAMES = ("one", "two", "three")


def config(name: str) -> bytes:
    return (CONFIG % name).encode()


@pytest.fixture
def there(world: World, settings: Any) -> Iterator[StandInWorld]:
    """Three applications of a ConfigMap each, checked once."""
    for found in standing_world(world, settings):
        first = found.application({f"{name}/config.yaml": config(name) for name in NAMES})
        jobs.forget(layouts.CHECK, first.pk)
        first.delete()
        for name in NAMES:
            world.application(first.repository, name)
        found.apply(*(config(name) for name in NAMES))
        turn(found)
        yield found


def turn(there: StandInWorld) -> list[str]:
    """One round, as a worker does it; the statements it took."""
    Job.objects.filter(kind=layouts.CHECK).update(due_at=LONG_AGO)
    with CaptureQueriesContext(connection) as queries:
        tasks.check_cluster(there.world.cluster.pk)
    return [query["sql"] for query in queries]


def row(name: str) -> Application:
    return Application.objects.get(component__name=name)


def is_judged_alone(statements: list[str], name: str) -> bool:
    """Whether the round ran the job of the application by itself."""
    own = f'"environments_application"."id" = {row(name).pk}'
    return any(own in statement for statement in statements)


def test_a_round_in_which_nothing_moved_settles_all_with_a_few_statements(there: StandInWorld) -> None:
    before = row("one")
    begun = timezone.now()
    statements = turn(there)

    assert not any(is_judged_alone(statements, name) for name in NAMES)
    assert not any("desiredstate" in one and one.startswith("SELECT") for one in statements)
    for name in NAMES:
        found = row(name)
        assert (found.sync, found.failed_at) == ("Synced", None)
        assert found.checked_at is not None
        assert begun <= found.checked_at <= timezone.now()
    assert row("one").changed_at == before.changed_at
    rows = Job.objects.filter(kind=layouts.CHECK)
    assert set(rows.values_list("state", "attempts", "lease_token")) == {("done", 0, "")}
    assert all(job.due_at is not None and job.due_at > begun for job in rows)


def test_more_applications_take_no_more_statements(there: StandInWorld) -> None:
    three = len(turn(there))
    row("three").delete()
    assert len(turn(there)) == three


def test_one_edited_object_moves_its_application(there: StandInWorld) -> None:
    there.patch(PATH % "two", {"data": {"colour": "blue"}})
    turn(there)
    assert [row(name).sync for name in NAMES] == ["Synced", "OutOfSync", "Synced"]
    there.patch(PATH % "two", {"data": {"colour": "green"}})
    turn(there)
    assert row("two").sync == "Synced"


def test_an_object_that_is_gone_is_missed(there: StandInWorld) -> None:
    there.send("DELETE", PATH % "two")
    turn(there)
    assert [row(name).sync for name in NAMES] == ["Synced", "OutOfSync", "Synced"]


def test_a_commit_elsewhere_moves_the_commit_alone_and_that_of_open_drift(there: StandInWorld) -> None:
    there.patch(PATH % "two", {"data": {"colour": "blue"}})
    turn(there)
    sha = commit(there.seed, {"README.md": b"Nothing that is applied.\n"})
    there.world.poll(row("one").repository)
    statements = turn(there)

    assert not is_judged_alone(statements, "two")
    assert {row(name).desired_sha for name in NAMES} == {sha}
    drift = row("two").drifts.get(resolved_at=None)
    assert drift.desired_sha == sha
    assert drift.last_seen_at == row("two").checked_at


def test_a_commit_to_its_folder_moves_an_application(there: StandInWorld) -> None:
    commit(there.seed, {"two/config.yaml": config("two").replace(b"green", b"red")})
    there.world.poll(row("one").repository)
    turn(there)
    assert [row(name).sync for name in NAMES] == ["Synced", "OutOfSync", "Synced"]


def test_a_silence_that_begins_and_ends_moves_its_application(there: StandInWorld) -> None:
    there.patch(PATH % "two", {"data": {"colour": "blue"}})
    turn(there)
    silence = Silence.objects.create(
        project=there.world.project, json_pointers=["/data/colour"], reason="by hand", created_by="ops"
    )
    turn(there)
    assert row("two").sync == "Synced"
    Silence.objects.filter(pk=silence.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    turn(there)
    assert row("two").sync == "OutOfSync"


def test_other_settings_of_an_application_move_it(there: StandInWorld) -> None:
    Application.objects.filter(pk=row("two").pk).update(path="one")
    assert is_judged_alone(turn(there), "two")


def tell(there: StandInWorld, name: str, **more: Any) -> None:
    uid = there.find(PATH % name)["metadata"]["uid"]
    path = f"/api/v1/namespaces/n/events/{name}"
    body = event(uid, name, **more)
    there.send("PATCH", path, body, kind="application/apply-patch+yaml", manager="kubelet")


def test_events_of_what_did_not_move_are_told_and_forgotten(there: StandInWorld) -> None:
    tell(there, "two")
    assert not is_judged_alone(turn(there), "two")
    assert [one["message"] for one in row("two").resources.get().events] == ["two"]
    there.send("DELETE", "/api/v1/namespaces/n/events/two")
    turn(there)
    assert row("two").resources.get().events == []


def test_a_silent_cluster_fails_each_and_its_answer_counts_again(there: StandInWorld) -> None:
    server = there.world.cluster.server
    type(there.world.cluster).objects.update(server="https://127.0.0.1:9")
    turn(there)
    assert all(row(name).failed_at is not None and row(name).error for name in NAMES)
    assert set(Job.objects.filter(kind=layouts.CHECK).values_list("state", flat=True)) == {"failed"}

    type(there.world.cluster).objects.update(server=server)
    turn(there)
    assert {(row(name).sync, row(name).failed_at, row(name).error) for name in NAMES} == {
        ("Synced", None, "")
    }


def test_another_process_begins_without_what_this_one_knows(there: StandInWorld) -> None:
    connect.bases.cache_clear()
    connect.known_runs.cache_clear()
    statements = turn(there)
    assert all(is_judged_alone(statements, name) for name in NAMES)
    assert {row(name).sync for name in NAMES} == {"Synced"}


def test_what_another_process_found_meanwhile_stays(there: StandInWorld) -> None:
    Application.objects.filter(pk=row("two").pk).update(compared="f" * 64, sync="OutOfSync", drift_count=1)
    assert is_judged_alone(turn(there), "two")
    assert row("two").sync == "Synced"


def test_an_application_that_is_paused_is_left_alone(there: StandInWorld) -> None:
    Application.objects.filter(pk=row("two").pk).update(is_paused=True)
    before = row("two").checked_at
    turn(there)
    assert row("two").checked_at == before


def test_a_grant_that_changes_moves_every_application(there: StandInWorld) -> None:
    there.world.cluster.refresh_from_db()
    type(there.world.cluster).objects.update(reads_secrets=True)
    statements = turn(there)
    assert all(is_judged_alone(statements, name) for name in NAMES)
