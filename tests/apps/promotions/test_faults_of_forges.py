"""What others do to repositories and pull requests on a forge, and its webhooks: F27–F29, F62, F67, F68."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.core import jobs
from apps.core.models import Job, JobState
from apps.environments import tasks as environment_tasks
from apps.environments.models import Application, Cluster
from apps.promotions import tasks
from apps.promotions.models import ForgeConnection, Promotion
from apps.promotions.services.propose import ADVANCE
from apps.releases.selectors.versions import shown_version
from apps.repositories import tasks as repository_tasks
from apps.repositories.connect import mirror
from apps.repositories.models import POLL, Repository
from gitopsui.domain.errors import GitError
from tests.apps.promotions.conftest import World
from tests.apps.promotions.forge_bench import BUSY, CREATE, PATH, PERSON, Bench
from tests.forges.server import saying

SECRET = "s3cr3t-for-tests-only"


def run_job(promotion: Promotion) -> Job:
    """A worker does the job of a promotion, as after a message of the clock."""
    jobs.make_due(ADVANCE, [promotion.pk])
    tasks.advance_promotion(promotion.pk)
    promotion.refresh_from_db()
    return Job.objects.get(kind=ADVANCE, subject_id=promotion.pk)


def page_of(world: World, promotion: Promotion) -> str:
    client = Client()
    client.force_login(world.people["viewer"])
    return client.get(f"/promotions/{promotion.pk}/").content.decode()


# --- F27: what is gone -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bench", ["gitlab"], indirect=True)
def test_f27_an_open_promotion_waits_for_its_base_branch_and_goes_on(bench: Bench) -> None:
    promotion, seed = bench.opened(), bench.world.seed
    tip = seed.git("rev-parse", "refs/heads/main")
    seed.point("refs/heads/other", tip)
    seed.delete("refs/heads/main")

    bench.turn(promotion)

    assert (promotion.phase, bench.project.merges) == ("open", 0)
    assert promotion.attention == "The branch main is gone; the promotion waits for it."
    assert promotion.attention in page_of(bench.world, promotion)
    seed.point("refs/heads/main", tip)
    bench.until_merged(promotion)
    bench.check_once(promotion)


def test_f27_a_repository_that_is_deleted_is_said_and_a_promotion_waits_for_it(world: World) -> None:
    promotion = world.advance(world.propose("cart"))
    gone = world.seed.path.rename(world.seed.path.with_name("gone.git"))
    job = run_job(promotion)

    assert (promotion.phase, promotion.error_code) == ("open", "GIT_NOT_FOUND")
    assert len(promotion.error) > 20
    assert promotion.error_hint
    assert promotion.error_hint in page_of(world, promotion).replace("&#x27;", "'")
    assert job.state == JobState.FAILED
    assert job.due_at is not None
    assert job.due_at > timezone.now() + timedelta(minutes=5), "it is asked for in a loop"

    gone.rename(world.seed.path)
    world.allow(merge="auto")
    assert run_job(promotion).state == JobState.DONE
    assert (promotion.phase, promotion.error) == ("merged", "")


@pytest.mark.parametrize("bench", ["github"], indirect=True)
@pytest.mark.parametrize("status", [404, 301])
def test_f27_a_repository_that_is_deleted_or_renamed_on_its_forge_is_said_with_what_to_do(
    bench: Bench, status: int
) -> None:
    promotion = bench.opened()
    moved = saying(status, b'{"message": "Moved"}', Location=f"{bench.forge.root}/elsewhere")
    bench.forge.fail("*", r".", moved, times=100)

    job = run_job(promotion)

    code = "FORGE_NOT_FOUND" if status == 404 else "FORGE_REDIRECT"
    assert (promotion.phase, promotion.error_code) == ("open", code)
    assert len(promotion.error_hint) > 20
    assert job.due_at is not None
    assert job.due_at > timezone.now() + timedelta(minutes=5), "it is asked for in a loop"
    assert all("elsewhere" not in call.path for call in bench.forge.requests)
    bench.forge.faults.clear()
    bench.until_merged(promotion)
    bench.check_once(promotion)


# --- F28, F29: what people do on the forge ---------------------------------------------------------------


def test_f28_closed_on_the_forge_is_said_with_the_name_and_is_never_opened_again(bench: Bench) -> None:
    promotion = bench.opened()
    bench.project.end(bench.project.pulls[0], "closed", PERSON)

    bench.turn(promotion)

    assert promotion.phase == "closed"
    # Gitea does not say who closed one.
    by = "" if bench.kind == "gitea" else " by approver"
    assert promotion.events.latest("pk").text == f"It was closed{by}."
    tasks.advance_promotion.work(promotion.pk)
    assert not Job.objects.filter(kind=ADVANCE, subject_id=promotion.pk).exists()
    asked = len(bench.forge.requests)
    tasks.advance_due_promotions()
    bench.turn(promotion)
    assert len(bench.forge.requests) == asked
    assert [pull.state for pull in bench.project.pulls] == ["closed"]
    assert bench.forge.count("POST", CREATE) == 1


def test_one_that_is_given_another_base_on_the_forge_is_not_merged_into_that(bench: Bench) -> None:
    promotion, seed, pull = bench.opened(), bench.world.seed, bench.project.pulls[0]
    seed.point("refs/heads/other", seed.git("rev-parse", "refs/heads/main"))
    pull.base = "other"

    bench.turn(promotion)

    assert (promotion.phase, bench.project.merges) == ("open", 0)
    assert promotion.attention.startswith("Its pull request goes into other now and not into main")
    pull.base = "main"
    bench.until_merged(promotion)
    bench.check_once(promotion)


def test_one_that_was_merged_into_another_base_is_told_and_not_waited_for(bench: Bench) -> None:
    promotion, seed, pull = bench.opened(), bench.world.seed, bench.project.pulls[0]
    seed.point("refs/heads/other", seed.git("rev-parse", "refs/heads/main"))
    pull.base = "other"
    bench.project.merge(pull, "By hand", PERSON)

    bench.turn(promotion)

    told = "It was merged into other and not into main, so nothing arrives by it."
    assert (promotion.phase, promotion.error) == ("failed", told)


def test_f29_merged_by_hand_is_said_with_the_name_and_the_environment_follows(bench: Bench) -> None:
    world, promotion = bench.world, bench.opened()
    application = world.applications["cart", "production"]
    bench.project.merge(bench.project.pulls[0], "By hand", PERSON)

    bench.turn(promotion)
    assert promotion.events.latest("pk").text == "It was merged by approver."
    # The cluster of this world cannot be asked: the check goes by Git alone, and then the cluster follows.
    Application.objects.filter(pk=application.pk).update(cluster=None)
    repository_tasks.poll_repository.work(world.repository.pk)
    environment_tasks.check_application.work(application.pk)

    application.refresh_from_db()
    assert application.desired_sha == bench.project.tip("main")
    assert shown_version(application) == "2.0.0"
    Application.objects.filter(pk=application.pk).update(cluster=Cluster.objects.get())
    world.arrive()
    bench.turn(promotion)
    assert promotion.phase == "deployed"


@pytest.mark.parametrize("bench", ["gitea"], indirect=True)
def test_f62_the_page_says_until_when_the_forge_is_left_alone(bench: Bench) -> None:
    promotion = bench.opened()
    bench.forge.fail("*", r".", BUSY)
    before = timezone.now()

    assert bench.turn(promotion) == "FORGE_BUSY"

    until = [before + timedelta(seconds=120 + late) for late in range(10)]
    page = page_of(bench.world, promotion)
    assert any(f"asks us to wait until {one:%H:%M:%S} UTC" in page for one in until)


# --- F67, F68: webhooks ----------------------------------------------------------------------------------


def rest(repository: Repository) -> Job:
    """The repository was polled just now, by its job."""
    jobs.schedule(POLL, repository.pk, label="config", due_at=timezone.now())
    repository_tasks.poll_repository(repository.pk)
    return Job.objects.get(kind=POLL, subject_id=repository.pk)


def test_f67_a_push_without_its_webhook_is_found_by_the_next_regular_poll(world: World) -> None:
    job = rest(world.repository)
    assert job.due_at is not None
    assert job.every is not None
    assert job.due_at - timezone.now() <= job.every * 1.2
    pushed = world.seed.commit({"README.md": "x"}, "Nobody tells us")
    repository_tasks.poll_repository(world.repository.pk)
    with pytest.raises(GitError):
        mirror(world.repository).resolve(pushed)

    with time_machine.travel(job.due_at + timedelta(seconds=1), tick=True):
        assert jobs.due(POLL) == [world.repository.pk]
        repository_tasks.poll_repository(world.repository.pk)

    assert mirror(world.repository).resolve("refs/heads/main") == pushed
    world.repository.refresh_from_db()
    assert world.repository.recent_commits[0]["sha"] == pushed


def deliver(world: World, action: str, number: int) -> int:
    """What GitHub sends of a pull request; the status of the answer."""
    pull = {"number": 1, "merged": action == "closed", "state": "closed" if action == "closed" else "open"}
    body = json.dumps({"action": action, "number": 1, "pull_request": pull}).encode()
    mark = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": f"d-{number}",
        "X-Hub-Signature-256": f"sha256={mark}",
    }
    answer = Client().post(
        f"/hooks/{world.repository.pk}/", body, content_type="application/json", headers=headers
    )
    return answer.status_code


@pytest.mark.parametrize("bench", ["github"], indirect=True)
@pytest.mark.parametrize("is_true", [True, False], ids=["merged", "not merged at all"])
def test_f68_deliveries_out_of_order_lead_to_what_the_forge_says_and_never_back(
    bench: Bench, is_true: bool
) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here")
    connection = ForgeConnection.objects.get()
    assert connection.path == PATH
    connection.webhook_secret = SECRET
    connection.save()
    if is_true:
        bench.project.merge(bench.project.pulls[0], "By hand", PERSON)
    phases = []

    for number, action in enumerate(["closed", "opened", "synchronize"]):
        assert deliver(bench.world, action, number) == 202
        bench.turn(promotion)
        phases.append(promotion.phase)

    assert phases == ["merged" if is_true else "open"] * 3
    steps = [event.phase for event in promotion.events.filter(is_transition=True)]
    assert steps[-1] == phases[0]
    assert len(steps) == len(set(steps))
