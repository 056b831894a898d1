"""Jobs are of the project of their subject: who sees one, who may try it again, and whom it alarms."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Person, Project, Role, RoleBinding
from apps.core import jobs
from apps.core.models import AuditEvent, Job, JobState
from apps.dashboard.job_scope import SUBJECT_OF, project_of, visible_jobs
from apps.environments.models import Application, Component, Environment
from apps.promotions.models import ForgeConnection, Promotion
from apps.releases.models import ReleaseCut
from apps.repositories.models import POLL, Repository
from tests.accounts import make_people, make_person


def make_subjects(project: Project) -> dict[str, int]:
    """The number of a row of each model that jobs are about, all of one project, by the name of the model."""
    address = f"https://git.example.org/{project.slug}/config"
    repository = Repository.objects.create(
        project=project, name="config", url=address, same_as=address, host="git.example.org"
    )
    environment = Environment.objects.create(project=project, name="dev")
    component = Component.objects.create(project=project, name="cart", slug="cart")
    application = Application.objects.create(
        component=component, environment=environment, repository=repository, path="cart", renderer="plain"
    )
    when = "2026-11-01T00:00:00Z"
    promotion = Promotion.objects.create(
        project=project, environment=environment, repository=repository, title="cart: 1 to 2 in dev",
        proposer_name="x", planned_at=when, phase_at=when, base_branch="main", base_sha="a" * 40,
    )  # fmt: skip
    cut = ReleaseCut.objects.create(
        component=component, tag="v1", commit_sha="a" * 40, message="m", asked_at=when
    )
    connection = ForgeConnection.objects.create(repository=repository, kind="github")
    subscription = Person.objects.first().subscriptions.create(project=project, channel="webhook")  # type: ignore[union-attr]
    rows = (repository, environment, component, application, promotion, cut, connection, subscription)
    return {type(row).__name__: row.pk for row in rows}


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    """The people of `shop`; the stranger administers `other`."""
    project = Project.objects.create(name="Shop", slug="shop")
    found = {"project": project, **make_people(project)}
    return found | {"other": Project.objects.get(slug="other")}


def job_of(project: Project, **more: Any) -> Job:
    """A job that failed, of a repository of `project`."""
    address = f"https://git.example.org/{project.slug}/config"
    row, _ = Repository.objects.get_or_create(
        same_as=address,
        defaults={"project": project, "name": "config", "url": address, "host": "git.example.org"},
    )
    told: dict[str, Any] = {"kind": POLL, "state": JobState.FAILED, "last_error": f"no way to {project.slug}"}
    return Job.objects.create(
        subject_id=row.pk, subject_label=f"config of {project.slug}", **{**told, **more}
    )


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_every_kind_of_job_says_what_it_is_about() -> None:
    jobs.load_tasks()
    assert set(SUBJECT_OF) == set(jobs.REGISTRY)


def test_a_job_of_each_kind_is_of_the_project_of_its_subject(people: dict[str, Any]) -> None:
    projects = {name: make_subjects(people[name]) for name in ("project", "other")}
    for kind, subject in SUBJECT_OF.items():
        for name, rows in projects.items():
            job = Job.objects.create(kind=kind, subject_id=rows[subject.model.__name__])
            assert project_of(job) == people[name], kind
            seen = {
                who: visible_jobs(people[who]).filter(pk=job.pk).exists() for who in ("viewer", "stranger")
            }
            assert seen == {"viewer": name == "project", "stranger": name == "other"}, kind


def test_the_list_shows_and_counts_only_jobs_of_projects_one_sees(people: dict[str, Any]) -> None:
    job_of(people["other"])
    client = signed_in(people["viewer"])
    text = client.get("/jobs/").content.decode()
    assert "no way to other" not in text
    assert "config of other" not in text
    assert "All jobs are well" in text
    job_of(people["project"])
    text = client.get("/jobs/?state=failed").content.decode()
    assert "config of shop" in text
    assert "1 failed" in text


def test_a_job_of_another_project_is_not_found(people: dict[str, Any]) -> None:
    job = job_of(people["project"])
    client = signed_in(people["stranger"])
    assert client.get(f"/jobs/{job.pk}/").status_code == 404
    assert client.post(f"/jobs/{job.pk}/retry/").status_code == 404
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_who_promotes_elsewhere_and_only_looks_here_tries_nothing_again(people: dict[str, Any]) -> None:
    job = job_of(people["project"])
    RoleBinding.objects.create(person=people["stranger"], project=people["project"], role=Role.VIEWER)
    client = signed_in(people["stranger"])
    assert client.get(f"/jobs/{job.pk}/").status_code == 200
    assert client.post(f"/jobs/{job.pk}/retry/").status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_who_promotes_in_its_project_has_a_job_tried_again_and_the_project_knows(
    people: dict[str, Any],
) -> None:
    job = job_of(people["project"])
    assert signed_in(people["proposer"]).post(f"/jobs/{job.pk}/retry/").status_code == 302
    job.refresh_from_db()
    assert job.state == JobState.WAITING
    event = AuditEvent.objects.get(verb="asked to try again")
    assert event.project_id == people["project"].pk


@pytest.mark.parametrize("kind", ["program.sweep", POLL])
def test_a_job_of_no_project_shows_to_administrators_of_all_projects_alone(
    people: dict[str, Any], kind: str
) -> None:
    """Of no project is also one whose subject is gone."""
    job = Job.objects.create(kind=kind, subject_id=987654, state=JobState.QUARANTINED)
    everywhere = {
        "admin": make_person("all-admin", Role.ADMIN), "viewer": make_person("all-viewer", Role.VIEWER)
    }  # fmt: skip
    assert signed_in(everywhere["admin"]).get(f"/jobs/{job.pk}/").status_code == 200
    assert signed_in(everywhere["admin"]).post(f"/jobs/{job.pk}/retry/").status_code == 302
    for person in (everywhere["viewer"], people["admin"], people["stranger"]):
        assert signed_in(person).get(f"/jobs/{job.pk}/").status_code == 404


def test_a_job_that_is_held_back_alarms_only_those_who_may_see_it(people: dict[str, Any]) -> None:
    job_of(people["project"], state=JobState.QUARANTINED)
    assert b"1 job is held back" in signed_in(people["viewer"]).get("/jobs/").content
    assert b"held back" not in signed_in(people["stranger"]).get("/jobs/").content


def test_the_list_of_some_projects_takes_few_queries(
    people: dict[str, Any], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job_of(people["project"])
    client = signed_in(people["viewer"])
    with django_assert_max_num_queries(8):
        assert b"config of shop" in client.get("/jobs/").content
