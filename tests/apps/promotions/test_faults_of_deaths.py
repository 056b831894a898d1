"""Workers that are killed or frozen at a step, and a database of an hour ago: F14–F18, F38 and F72."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet

from apps.core import job_run, jobs
from apps.core.models import AuditEvent, Job, Outcome
from apps.promotions import tasks
from apps.promotions.models import Promotion
from apps.promotions.services.propose import ADVANCE
from tests.apps.promotions.conftest import World
from tests.apps.promotions.forge_bench import CREATE, KINDS, MERGE, MERGE_METHOD, PERSON, Bench, on_forge
from tests.apps.promotions.workers import (
    check_once,
    die_at,
    die_in_git,
    frozen_at,
    in_child,
    send_self,
    settle,
    wait_out_leases,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The servers of the test run in threads; the child that is killed does not use them.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
RECEIVE = "POST /config.git/git-receive-pack"


@pytest.fixture(params=list(KINDS))
def bench(
    request: pytest.FixtureRequest, shared_world: World, tmp_path: Path, settings: Any
) -> Iterator[Bench]:
    with on_forge(request.param, shared_world, tmp_path, settings) as made:
        yield made


def proposed(world: World) -> Promotion:
    world.allow(merge="auto")
    return world.propose("cart")


def test_f14_a_worker_killed_before_its_claim_is_replaced_by_the_next(shared_world: World) -> None:
    promotion = proposed(shared_world)
    job = Job.objects.get(kind=ADVANCE, subject_id=promotion.pk)

    def take_the_job_and_die() -> None:
        assert job_run.claim(job.pk, lease_time=timedelta(minutes=5)) is not None
        send_self(signal.SIGKILL)

    assert in_child(take_the_job_and_die) == signal.SIGKILL
    assert jobs.due(ADVANCE) == []
    promotion.refresh_from_db()
    assert (promotion.phase, promotion.fence) == ("planned", 0)

    assert job_run.release_dead_leases() == 1
    assert jobs.due(ADVANCE) == [promotion.pk]
    tasks.advance_promotion(promotion.pk)

    promotion.refresh_from_db()
    assert promotion.phase == "merged"
    check_once(shared_world, promotion)
    assert [run.outcome for run in job.runs.order_by("pk")] == [Outcome.INTERRUPTED, Outcome.DONE]


@pytest.mark.parametrize("stop", ["after the claim", "before the base check"])
def test_f14_a_worker_killed_after_its_claim_is_replaced_when_that_ends(
    shared_world: World, stop: str
) -> None:
    promotion = proposed(shared_world)

    died = die_at(promotion, 1) if stop == "after the claim" else die_in_git(promotion, "resolve")

    assert died == signal.SIGKILL
    shared_world.advance(promotion)
    assert (promotion.phase, promotion.fence) == ("planned", 1), "its claim was taken before it ended"
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)


@pytest.mark.parametrize("is_stored", [False, True], ids=["before it is stored", "before the push"])
def test_f15_killed_between_commit_and_push_the_same_commit_is_made_again(
    shared_world: World, tmp_path: Path, is_stored: bool
) -> None:
    promotion, note = proposed(shared_world), tmp_path / "commit"

    if is_stored:
        assert die_at(promotion, 3) == signal.SIGKILL
    else:
        assert die_in_git(promotion, "commit_tree", is_after=True, note=note) == signal.SIGKILL

    promotion.refresh_from_db()
    made = promotion.head_sha if is_stored else note.read_text()
    assert len(made) == 40
    assert promotion.head_sha == (made if is_stored else "")
    assert list(shared_world.remote_heads()) == ["refs/heads/main"]
    assert settle(promotion).phase == "merged"
    assert promotion.head_sha == made
    check_once(shared_world, promotion)


def test_f16_killed_after_the_push_it_goes_on_with_the_branch_that_is_there(shared_world: World) -> None:
    promotion = proposed(shared_world)

    assert die_at(promotion, 4) == signal.SIGKILL

    promotion.refresh_from_db()
    assert promotion.phase == "pushing"
    assert shared_world.remote_heads()[f"refs/heads/{promotion.branch}"] == promotion.head_sha
    assert settle(promotion).phase == "merged"
    check_once(shared_world, promotion)
    assert shared_world.server.requests.count(RECEIVE) == 2, "the branch once, the merge once"


def test_f17_killed_after_opening_it_finds_its_pull_request(bench: Bench) -> None:
    promotion = bench.propose()

    assert die_at(promotion, 6) == signal.SIGKILL

    promotion.refresh_from_db()
    assert (promotion.phase, promotion.number, len(bench.project.pulls)) == ("opening", "", 1)
    wait_out_leases()
    bench.until_merged(promotion)
    assert (promotion.number, bench.forge.count("POST", CREATE)) == ("1", 1)
    bench.check_once(promotion)


def test_f17_a_pull_request_of_its_branch_with_another_commit_is_not_taken_for_its_own(bench: Bench) -> None:
    promotion = bench.propose()
    bench.world.seed.commit({"old": "x"}, "Of a promotion that is forgotten", branch=promotion.branch)
    old = bench.project.open_pull(promotion.branch, "main", "Old", "", PERSON)
    bench.project.end(old, "closed", PERSON)
    bench.world.seed.delete(f"refs/heads/{promotion.branch}")

    bench.until_merged(promotion)

    assert (promotion.phase, promotion.number) == ("merged", "2")
    assert [pull.state for pull in bench.project.pulls] == ["closed", "merged"]


@pytest.mark.parametrize("bench", ["gitea"], indirect=True)
@pytest.mark.parametrize(("point", "merges"), [(8, 0), (9, 1)], ids=["before", "after"])
def test_f18_killed_around_the_merge_it_is_merged_once(bench: Bench, point: int, merges: int) -> None:
    promotion = bench.opened()

    assert die_at(promotion, point) == signal.SIGKILL

    promotion.refresh_from_db()
    assert (promotion.phase, bench.project.merges) == ("merging", merges)
    wait_out_leases()
    bench.until_merged(promotion)
    assert bench.forge.count(MERGE_METHOD[bench.kind], MERGE) == 1
    bench.check_once(promotion)


@pytest.mark.parametrize("bench", ["gitlab"], indirect=True)
@pytest.mark.parametrize("point", [6, 8], ids=["opening", "merging"])
def test_f38_a_worker_that_stood_still_while_another_did_it_changes_nothing(bench: Bench, point: int) -> None:
    promotion = bench.propose() if point == 6 else bench.opened()

    with frozen_at(promotion, point):
        wait_out_leases()
        bench.until_merged(promotion)
        before = [promotion.events.count(), AuditEvent.objects.count()]

    promotion.refresh_from_db()
    assert [promotion.events.count(), AuditEvent.objects.count()] == before
    assert bench.forge.count("POST", CREATE) == 1
    bench.check_once(promotion)


def test_f38_one_that_stood_still_before_its_push_leaves_the_branch_of_the_other(shared_world: World) -> None:
    promotion = proposed(shared_world)

    with frozen_at(promotion, 3):
        settle(promotion)
        heads = shared_world.remote_heads()

    assert shared_world.remote_heads() == heads
    assert promotion.phase == "merged"
    check_once(shared_world, promotion)


def forget_since(promotion: Promotion, row: dict[str, Any], last_audit: int) -> None:
    """The database is again as it was when `row` was read."""
    Promotion.objects.filter(pk=promotion.pk).update(**row)
    promotion.events.filter(at__gt=row["changed_at"]).delete()
    # Not through its own door, which deletes nothing: a backup of before simply has none of it.
    QuerySet(AuditEvent).filter(pk__gt=last_audit).delete()
    promotion.items.update(is_open=True)
    promotion.refresh_from_db()


@pytest.mark.parametrize("bench", ["github"], indirect=True)
@pytest.mark.parametrize("backed_up", ["planned", "open"])
def test_f72_what_the_forge_did_since_the_backup_is_read_back_and_not_done_again(
    bench: Bench, backed_up: str
) -> None:
    promotion = bench.propose() if backed_up == "planned" else bench.opened()
    Promotion.objects.filter(pk=promotion.pk).update(changed_at=promotion.events.latest("at").at)
    values = Promotion.objects.filter(pk=promotion.pk).values().get()
    row = {name: value for name, value in values.items() if name != "id"}
    last_audit = AuditEvent.objects.latest("pk").pk
    bench.until_merged(promotion)
    assert promotion.phase == "merged"

    forget_since(promotion, row, last_audit)
    assert promotion.phase == backed_up
    bench.until_merged(promotion)

    bench.check_once(promotion)
    assert bench.forge.count("POST", CREATE) == 1
    assert bench.forge.count(MERGE_METHOD[bench.kind], MERGE) == 1
