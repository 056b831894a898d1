"""From a remote to rows: a poll, the job it asks for, and the one after that, over a real Git server."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Project
from apps.core.jobs import job_of
from apps.core.models import Job, JobState
from apps.repositories import connect, services, tasks
from apps.repositories.models import COMMITS, PATCHES, POLL, Repository
from apps.repositories.selectors.commits import commits_between, has_whole_history
from tests.adapters.git_http import LONG_AGO, Hub, Seed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def repository(hub: Hub) -> Repository:
    hub.create().commit({"a": "1"}, "feat: begin")
    project = Project.objects.create(name="shop", slug="shop")
    return services.connect_repository(project, hub.url(), policy=connect.git_policy(), by=None)


def run(kind: str, repository: Repository) -> Job:
    task = {POLL: tasks.poll_repository, COMMITS: tasks.store_commits, PATCHES: tasks.read_patches}[kind]
    Job.objects.filter(kind=kind, subject_id=repository.pk).update(due_at=LONG_AGO)
    task(repository.pk)
    row = job_of(kind, repository.pk)
    assert row is not None
    return row


def test_a_commit_that_is_pushed_is_stored_and_looked_into(hub: Hub, repository: Repository) -> None:
    assert run(POLL, repository).state == JobState.DONE
    assert run(COMMITS, repository).state == JobState.DONE
    assert run(PATCHES, repository).state == JobState.DONE
    first = repository.commits.get()
    assert (first.subject, first.signature, len(first.patch_id)) == ("feat: begin", "unsigned", 40)

    sha = Seed(hub.server.root / "shop.git").commit({"a": "2"}, "fix: it", parents=[first.sha])
    run(POLL, repository)
    repository.refresh_from_db()
    assert not has_whole_history(repository)
    run(COMMITS, repository)
    assert has_whole_history(repository)
    assert [commit.sha for commit in commits_between(repository, first.sha, sha)] == [sha]


def test_the_clock_asks_for_what_is_due(repository: Repository) -> None:
    run(POLL, repository)
    tasks.poll_due_repositories()
    row = job_of(COMMITS, repository.pk)
    assert row is not None
    assert row.queued_at is not None


def test_a_poll_that_finds_nothing_new_asks_for_nothing(repository: Repository) -> None:
    run(POLL, repository)
    run(COMMITS, repository)
    run(POLL, repository)
    row = job_of(COMMITS, repository.pk)
    assert row is not None
    assert row.due_at is None


def test_nothing_is_fetched_where_less_is_free_than_the_operator_wants(
    repository: Repository, settings: Any
) -> None:
    settings.GITOPSUI_MIN_FREE_BYTES = 1 << 62
    row = run(POLL, repository)
    assert (row.state, row.last_error_code) == (JobState.FAILED, "GIT_NO_SPACE")


def test_only_one_repository_at_a_time_is_looked_into(hub: Hub, repository: Repository) -> None:
    run(POLL, repository)
    run(COMMITS, repository)
    hub.create("other").commit()
    other = services.connect_repository(
        repository.project, hub.url("other"), policy=connect.git_policy(), by=None
    )
    run(POLL, other)
    run(COMMITS, other)
    tasks.poll_due_repositories()
    assert Job.objects.filter(kind=PATCHES, queued_at__isnull=False).count() == 1
