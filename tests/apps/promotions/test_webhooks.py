"""Webhooks in: who is believed, how much is taken, and that all of it only makes something due."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Project
from apps.core import jobs
from apps.core.models import AuditEvent, Job, JobState
from apps.environments.models import Environment
from apps.promotions.models import ForgeConnection, Promotion, WebhookDelivery
from apps.promotions.services.webhooks import BODY_LIMIT, RATE, forget_old_deliveries
from apps.repositories.models import POLL, Repository
from tests.domain.samples import CONFORMANCE, load_bad_input, needs_samples

SECRET = "s3cr3t-for-tests-only"
PUSH = json.dumps({"ref": "refs/heads/main", "repository": {"default_branch": "main"}}).encode()
LOCK = "LOCK TABLE promotions_webhookdelivery IN ACCESS EXCLUSIVE MODE"
CASES = load_bad_input("webhook")


@pytest.fixture
def repository(db: None) -> Repository:
    return make_repository()


def make_repository(secret: str = SECRET, kind: str = "github", name: str = "config") -> Repository:
    project, _ = Project.objects.get_or_create(name="shop", slug="shop")
    url = f"https://git.example.org/{name}"
    row = Repository.objects.create(project=project, name=name, url=url, same_as=url, host="git.example.org")
    ForgeConnection.objects.create(repository=row, kind=kind, webhook_secret=secret)
    jobs.schedule(POLL, row.pk, label=name)
    rest(POLL)
    return row


def rest(kind: str) -> None:
    """Nothing is due by itself, and the last look is long ago."""
    long_ago = timezone.now() - timedelta(hours=1)
    later = timezone.now() + timedelta(hours=1)
    Job.objects.filter(kind=kind).update(
        state=JobState.DONE, due_at=later, started_at=long_ago, ended_at=long_ago, queued_at=None
    )


def signature(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def send(
    repository: Repository | int,
    body: bytes = PUSH,
    *,
    event: str = "push",
    delivery: str = "d-1",
    kind: str = "github",
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    pk = repository if isinstance(repository, int) else repository.pk
    sent = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": signature(body)}
    client = Client(enforce_csrf_checks=True)
    answer: Any = client.post(
        f"/hooks/{pk}/{kind}/", body, content_type="application/json", headers=sent | (headers or {})
    )
    return answer  # type: ignore[no-any-return]


def is_due(kind: str, subject: int) -> bool:
    return subject in jobs.due(kind)


def promotion_of(repository: Repository, base: str = "main") -> Promotion:
    environment, _ = Environment.objects.get_or_create(project=repository.project, name="production")
    promotion = Promotion.objects.create(
        project=repository.project, environment=environment, repository=repository, title="cart",
        proposer_name="proposer", planned_at=timezone.now(), phase_at=timezone.now(), base_branch=base,
        base_sha="a" * 40, phase="open", number="7",
    )  # fmt: skip
    jobs.schedule("promotions.advance", promotion.pk, label="cart")
    rest("promotions.advance")
    return promotion


# --- who is believed --------------------------------------------------------------------------------------


def test_a_signed_push_has_the_repository_read_at_once(repository: Repository) -> None:
    answer = send(repository)

    assert answer.status_code == 202
    assert is_due(POLL, repository.pk)
    assert WebhookDelivery.objects.get().event == "push"


def test_nothing_tells_whether_a_repository_exists(repository: Repository) -> None:
    closed = make_repository(secret="", name="closed")
    wrong = {"X-Hub-Signature-256": signature(b"another")}
    answers = [send(pk, headers=wrong) for pk in (repository.pk, closed.pk, 999_999, 2**70)]
    answers.append(send(closed, headers={"X-Hub-Signature-256": signature(PUSH, "")}))

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert not WebhookDelivery.objects.exists()
    assert not is_due(POLL, repository.pk)


def test_a_refusal_costs_as_many_queries_whether_the_repository_exists_or_not(
    repository: Repository,
) -> None:
    wrong = {"X-Hub-Signature-256": "sha256=0"}
    counts = set()
    for pk in (repository.pk, 999_999):
        with CaptureQueriesContext(connection) as queries:
            send(pk, headers=wrong)
        counts.add(len(queries))

    assert len(counts) == 1


def test_the_secret_of_another_repository_opens_nothing(repository: Repository) -> None:
    other = make_repository(secret="another secret", name="other")

    assert send(other).status_code == 401


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("gitea", {"X-Gitea-Event": "push", "X-Gitea-Signature": signature(PUSH).removeprefix("sha256=")}),
        ("gitlab", {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET}),
    ],
)
@pytest.mark.parametrize("path", ["/hooks/{pk}/", "/hooks/{pk}/{kind}/"])
def test_each_forge_signs_in_its_way(db: None, kind: str, headers: dict[str, str], path: str) -> None:
    repository = make_repository(kind=kind)
    body = PUSH if kind == "gitea" else b'{"object_kind": "push", "ref": "refs/heads/main"}'
    answer = Client().post(
        path.format(pk=repository.pk, kind=kind), body, content_type="application/json", headers=headers
    )

    assert answer.status_code == 202
    assert is_due(POLL, repository.pk)


def test_a_bitbucket_server_is_heard_where_the_review_is_built_in(db: None) -> None:
    repository = make_repository(kind="builtin")
    headers = {"X-Event-Key": "repo:refs_changed", "X-Hub-Signature": signature(b"{}")}

    assert send(repository, b"{}", kind="bitbucket", headers=headers).status_code == 202


def test_a_sender_does_not_choose_the_weakest_way_to_sign(repository: Repository) -> None:
    headers = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET, "X-Hub-Signature-256": ""}

    assert send(repository, kind="gitlab", headers=headers).status_code == 401
    assert send(repository, headers=headers).status_code == 401


def test_only_post_and_known_forges_are_answered(repository: Repository, client: Client) -> None:
    assert client.get(f"/hooks/{repository.pk}/github/").status_code == 405
    assert client.post(f"/hooks/{repository.pk}/sourceforge/").status_code == 404


# --- how much is taken ------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_not_read(repository: Repository) -> None:
    body = b" " * (BODY_LIMIT + 1)

    assert send(repository, body).status_code == 413
    assert send(repository, PUSH + b" " * (BODY_LIMIT - len(PUSH))).status_code == 202


def test_f66_the_same_delivery_twice_is_one_poll(repository: Repository) -> None:
    first = send(repository)
    rest(POLL)
    second = send(repository)

    assert (first.status_code, second.status_code) == (202, 200)
    assert not is_due(POLL, repository.pk)
    assert WebhookDelivery.objects.count() == 1


def test_f66_a_delivery_that_comes_again_ten_days_later_is_at_most_one_poll(repository: Repository) -> None:
    send(repository)
    rest(POLL)
    with time_machine.travel(timezone.now() + timedelta(days=10), tick=False):
        rest(POLL)
        forget_old_deliveries(now=timezone.now())
        answer = send(repository)

        assert answer.status_code == 200
        assert not is_due(POLL, repository.pk)


def test_f66_three_hundred_deliveries_in_ten_seconds_are_at_most_two_polls(repository: Repository) -> None:
    polls = 0
    statuses: dict[int, int] = {}
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(300):
            answer = send(repository, delivery=f"d-{number}")
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            if answer.status_code == 429:
                assert 1 <= int(answer["Retry-After"]) <= 61
            if is_due(POLL, repository.pk):
                polls += 1
                Job.objects.filter(kind=POLL).update(
                    state=JobState.DONE, started_at=timezone.now(), queued_at=None,
                    due_at=timezone.now() + timedelta(hours=1),
                )  # fmt: skip
            clock.shift(timedelta(seconds=10 / 300))
        clock.shift(timedelta(seconds=10))
        polls += is_due(POLL, repository.pk)

    assert statuses == {202: RATE, 429: 300 - RATE}
    assert polls == 2


def test_after_a_minute_deliveries_are_taken_again(repository: Repository) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(RATE):
            send(repository, delivery=f"d-{number}")
        full = send(repository, delivery="one too many")
        clock.shift(timedelta(seconds=int(full["Retry-After"])))

        assert full.status_code == 429
        assert send(repository, delivery="later").status_code == 202


def test_a_flood_without_signatures_is_turned_away_unread(repository: Repository) -> None:
    wrong = {"X-Hub-Signature-256": "sha256=0"}
    with time_machine.travel(timezone.now(), tick=False):
        statuses = [send(repository, headers=wrong).status_code for _ in range(605)]

    assert set(statuses[:600]) == {401}
    assert set(statuses[600:]) == {429}


def test_deliveries_of_last_month_are_forgotten(repository: Repository) -> None:
    send(repository)
    WebhookDelivery.objects.update(at=timezone.now() - timedelta(days=31))
    send(repository, delivery="d-2")

    forget_old_deliveries(now=timezone.now())

    assert [row.delivery_id for row in WebhookDelivery.objects.all()] == ["d-2"]


def test_an_answer_is_quick(repository: Repository) -> None:
    """A large one costs what a small one does: some queries, and nothing else that is waited for."""
    promotion_of(repository)
    large = json.dumps({"ref": "refs/heads/main", "commits": ["x" * 1000] * 800}).encode()
    counts = []
    for number, body in enumerate([PUSH, large]):
        with CaptureQueriesContext(connection) as queries:
            assert send(repository, body, delivery=f"d-{number}").status_code == 202
        counts.append(len(queries))

    assert counts[1] <= counts[0] <= 30


# --- it only makes things due -----------------------------------------------------------------------------


def test_f67_a_delivery_that_is_lost_is_made_up_by_the_next_regular_poll(repository: Repository) -> None:
    row = jobs.job_of(POLL, repository.pk)

    assert row is not None
    assert row.every is not None
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        assert is_due(POLL, repository.pk)


def test_f68_deliveries_out_of_order_move_nothing_backwards(repository: Repository) -> None:
    promotion = promotion_of(repository)
    audited = AuditEvent.objects.count()
    pull = {"number": 7, "merged": True, "state": "closed"}
    for number, action in enumerate(["closed", "opened", "reopened"]):
        body = json.dumps({"action": action, "number": 7, "pull_request": pull}).encode()
        send(repository, body, event="pull_request", delivery=f"d-{number}")

    promotion.refresh_from_db()
    assert (promotion.phase, promotion.events.count()) == ("open", 0)
    assert is_due("promotions.advance", promotion.pk)
    assert AuditEvent.objects.count() == audited


def test_a_push_wakes_the_promotions_of_its_branch_alone(repository: Repository) -> None:
    ours, other = promotion_of(repository), promotion_of(repository, base="release")

    send(repository)

    assert is_due("promotions.advance", ours.pk)
    assert not is_due("promotions.advance", other.pk)


def test_a_review_wakes_promotions_and_no_poll(repository: Repository) -> None:
    promotion = promotion_of(repository)

    send(repository, b'{"action": "submitted"}', event="pull_request_review")

    assert is_due("promotions.advance", promotion.pk)
    assert not is_due(POLL, repository.pk)


def test_a_ping_is_answered_and_does_nothing(repository: Repository) -> None:
    assert send(repository, b"{}", event="ping").status_code == 202
    assert not is_due(POLL, repository.pk)


def test_a_paused_repository_stays_paused(repository: Repository) -> None:
    jobs.pause(POLL, repository.pk)

    assert send(repository).status_code == 202
    assert not is_due(POLL, repository.pk)


@pytest.mark.django_db(transaction=True)
def test_f69_a_locked_database_is_answered_in_time_and_nothing_is_half_written() -> None:
    repository = make_repository()
    other = connections.create_connection("default")
    lock = "BEGIN IMMEDIATE" if other.vendor == "sqlite" else LOCK
    try:
        other.set_autocommit(other.vendor == "sqlite")
        with other.cursor() as cursor:
            cursor.execute(lock)
        with CaptureQueriesContext(connection) as queries:
            answer = send(repository)
    finally:
        other.close()

    assert answer.status_code == 503
    assert answer["Retry-After"]
    waits = [query["sql"] for query in queries if re.search("busy_timeout|lock_timeout", query["sql"])]
    assert int(waits[0].split()[-1]) < 5_000, "milliseconds"
    assert not WebhookDelivery.objects.exists()
    assert not is_due(POLL, repository.pk)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 20_000
    assert send(repository).status_code == 202


def test_f69_a_database_that_is_down_is_answered_with_503(repository: Repository) -> None:
    def refuse(*ignored: Any) -> None:
        raise OperationalError("connection refused")

    with connection.execute_wrapper(refuse):
        answer = send(repository)

    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert b"refused" not in answer.content


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_bad_deliveries_are_answered_as_they_must_be(case: dict[str, Any], repository: Repository) -> None:
    folder = CONFORMANCE / "badinput"
    headers = json.loads((folder / case["headers"]).read_text())
    body = (folder / case["file"]).read_bytes()
    answer = Client().post(
        f"/webhooks/{case['forge']}/{repository.pk}/",
        body,
        content_type=headers.pop("Content-Type", "application/json"),
        headers=headers,
    )

    assert answer.status_code in case.get("any_of", [case["status"]])
    if answer.status_code != 202:
        assert not WebhookDelivery.objects.exists()
