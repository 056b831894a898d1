"""
Whose a job is: that of the project of its subject.

It is looked up when it is asked for, not stored: a job of an older release has a project too, and one whose
subject moved or went never shows to the wrong people. A job of no project is the installation's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Model, Q, QuerySet

from apps.accounts.models import Person, Project
from apps.core.models import Job
from apps.environments.models import Application, Component, Environment
from apps.promotions.models import ForgeConnection, Promotion, Subscription
from apps.releases.models import ReleaseCut
from apps.repositories.models import Repository


@dataclass(frozen=True, slots=True)
class Subject:
    """What the jobs of some kinds are about, and the path from there to its project."""

    model: type[Model]
    path: str
    kinds: tuple[str, ...]

    def ids(self, projects: QuerySet[Project]) -> QuerySet[Model, int]:
        found = self.model._default_manager.filter(**{f"{self.path}__in": projects})
        return found.order_by().values_list("pk", flat=True)


_REPOSITORY = ("poll", "commits", "patches", "tidy")
_APPLICATION = ("check", "history", "refresh_reconciler", "deep_check")
SUBJECTS = (
    Subject(
        Repository,
        "project",
        (
            *(f"repositories.{one}" for one in _REPOSITORY),
            "environments.recognise",
            "promotions.detect_forge",
        ),
    ),
    Subject(
        Application,
        "component__project",
        (*(f"environments.{one}" for one in _APPLICATION), "promotions.prepare"),
    ),
    Subject(Component, "project", ("releases.update", "releases.registry")),
    Subject(ReleaseCut, "component__project", ("releases.cut",)),
    Subject(Promotion, "project", ("promotions.advance", "promotions.render", "promotions.gates")),
    Subject(Environment, "project", ("promotions.auto",)),
    Subject(ForgeConnection, "repository__project", ("promotions.check_forge",)),
    Subject(Subscription, "project", ("promotions.send",)),
)
SUBJECT_OF: Mapping[str, Subject] = {kind: subject for subject in SUBJECTS for kind in subject.kinds}


def visible_jobs(person: Person) -> QuerySet[Job]:
    """Jobs of the projects that `person` may see; all of them for who administers all projects."""
    if person.keeps_accounts:
        return Job.objects.all()
    projects = Project.objects.visible_to(person)
    theirs = (Q(kind__in=one.kinds, subject_id__in=one.ids(projects)) for one in SUBJECTS)
    return Job.objects.filter(reduce(or_, theirs))


def project_of(job: Job) -> Project | None:
    """The project that a job works for; None for one of the installation, or whose subject is gone."""
    subject = SUBJECT_OF.get(job.kind)
    if subject is None:
        return None
    rows = subject.model._default_manager.filter(pk=job.subject_id)
    return Project.objects.filter(pk__in=rows.order_by().values(subject.path)).first()
