"""The pages of jobs, in each state a job can be in, and the pages that wait for one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Project
from apps.core import jobs
from apps.core.models import Job, JobState
from apps.dashboard.job_rows import row_of
from apps.repositories.models import POLL, Repository
from tests.accounts import make_people


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    project = Project.objects.create(name="Shop", slug="shop")
    return {"project": project, **make_people(project)}


def page(people: dict[str, Any], address: str, who: str = "viewer") -> str:
    client = Client()
    client.force_login(people[who])
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_every_job_says_what_it_does() -> None:
    jobs.load_tasks()
    for kind in sorted(jobs.REGISTRY):
        row = row_of(Job(kind=kind, subject_id=1))
        assert row.kind_label != kind, kind


def repository(people: dict[str, Any], name: str = "config", **more: Any) -> Repository:
    address = f"https://git.example.org/shop/{name}"
    return Repository.objects.create(
        project=people["project"], name=name, url=address, same_as=address, host="git.example.org", **more
    )


def make_job(state: str, subject: int = 1, **more: Any) -> Job:
    """Of the repository of that number; a viewer sees it where there is one."""
    times = {"started_at": timezone.now() - timedelta(seconds=20)} if state != JobState.WAITING else {}
    return Job.objects.create(kind=POLL, subject_id=subject, state=state, **{**times, **more})


@pytest.mark.parametrize("state", JobState.values)
def test_the_page_of_a_job_opens_in_each_state(people: dict[str, Any], state: str) -> None:
    job = make_job(
        state, repository(people).pk, progress_done=3, progress_total=4, progress_text="3 of 4 objects"
    )
    assert "Reading the repository" in page(people, f"/jobs/{job.pk}/")
    assert "Reading the repository" in page(people, "/jobs/")


def test_the_page_of_a_running_job_shows_how_far_it_is(people: dict[str, Any]) -> None:
    row = repository(people)
    job = make_job(
        JobState.RUNNING, row.pk, progress_done=3, progress_total=4, progress_text="3 of 4 objects"
    )
    text = page(people, f"/jobs/{job.pk}/")
    assert "3 of 4 objects" in text
    assert "75 %" in text


@pytest.mark.parametrize("state", JobState.values)
def test_the_pages_that_wait_for_the_first_clone_open_in_each_state(
    people: dict[str, Any], state: str
) -> None:
    row = repository(people)
    make_job(state, row.pk, progress_done=1, progress_total=2)
    page(people, f"/repositories/{row.pk}/")
    page(people, f"/set-up/{row.pk}/", "admin")


def test_what_was_cloned_long_ago_does_not_wait_for_its_first_clone(people: dict[str, Any]) -> None:
    row = repository(people, polled_at=timezone.now() - timedelta(days=3))
    make_job(JobState.WAITING, row.pk)
    text = page(people, f"/set-up/{row.pk}/", "admin")
    assert "first clone" not in text
    assert "is being looked through" in text


def test_a_first_clone_says_that_it_can_take_a_while(people: dict[str, Any]) -> None:
    row = repository(people)
    make_job(JobState.WAITING, row.pk)
    assert "The first clone can take a minute or two" in page(people, f"/set-up/{row.pk}/", "admin")


def test_what_is_overdue_is_due_now(people: dict[str, Any]) -> None:
    soon, later = repository(people), repository(people, "source")
    make_job(JobState.WAITING, soon.pk, due_at=timezone.now() - timedelta(seconds=2))
    make_job(JobState.WAITING, later.pk, due_at=timezone.now() + timedelta(minutes=5))
    text = page(people, "/jobs/")
    assert " now " in text
    assert "0 s" not in text
    assert "in 4 min" in text


@pytest.mark.parametrize(
    ("state", "more", "due"),
    [
        (JobState.WAITING, {}, True),
        (JobState.FAILED, {}, True),
        (JobState.RUNNING, {}, False),
        (JobState.QUARANTINED, {}, False),
        (JobState.WAITING, {"paused": True}, False),
    ],
)
def test_a_job_is_due_only_where_somebody_waits_for_it(
    db: None, state: JobState, more: dict[str, Any], due: bool
) -> None:
    row = row_of(make_job(state, due_at=timezone.now(), **more))
    assert (row.is_due, row.due_at is not None) == (due, due)


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        (JobState.DONE, {}, ""),
        (JobState.FAILED, {"failures": 1}, "once"),
        (JobState.FAILED, {"failures": 7}, "7 times in a row"),
        (JobState.RUNNING, {"attempts": 1}, ""),
        (JobState.QUARANTINED, {"attempts": 3}, "3 starts without an end"),
    ],
)
def test_a_job_says_how_often_it_went_wrong(
    db: None, state: JobState, more: dict[str, Any], words: str
) -> None:
    assert row_of(make_job(state, **more)).trouble == words
