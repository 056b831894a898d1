"""Brings all that is told about a component's versions up to date, and changes where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.environments.models import Component
from apps.releases.services.deployments import update_deployments
from apps.releases.services.inputs import read_inputs, record_inputs
from apps.releases.services.lags import update_lags
from apps.releases.services.notes import History, Report, Sanitiser, write_notes
from apps.releases.services.tags import store_releases
from apps.repositories.models import Repository

UPDATE = "releases.update"


def update_component(
    component: Component, *, git: History | None, sanitise: Sanitiser, report: Report | None = None
) -> bool:
    """
    Deployment records, releases, lags and notes of `component`; whether notes are left for another run.

    `git` is None without a source repository. Raises GitError when the mirror cannot be read, and
    InputError (TAG_PATTERN). The inputs are recorded first: what moves meanwhile is found to have moved,
    and a run that fails is the job's to repeat.
    """
    record_inputs(component, read_inputs([component])[component.pk])
    update_deployments(component)
    store_releases(component, now=timezone.now())
    update_lags(component, git=git, now=timezone.now())
    if git is None or not git.exists():
        return False
    return write_notes(component, git=git, sanitise=sanitise, report=report)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the versions of a component come from, as somebody typed it."""

    source: Repository | None
    tag_pattern: str
    image: str


def edit_component(component: Component, origin: Origin, *, by: Person) -> None:
    """Change where its versions come from. The releases of another repository are forgotten."""
    before = _told(component)
    with transaction.atomic():
        if component.source != origin.source:
            component.releases.all().delete()
        component.source, component.image = origin.source, origin.image
        component.tag_pattern = origin.tag_pattern
        component.save(update_fields=["source", "tag_pattern", "image"])
        audit.record(by, "changed component", component, before=before, after=_told(component))
        row = jobs.schedule(UPDATE, component.pk, label=f"versions of {component}")
        # A pattern that was refused has set the job aside; it has another one now.
        jobs.retry(row)
    jobs.enqueue_due(UPDATE)


def _told(component: Component) -> dict[str, str]:
    return {
        "source": str(component.source or ""),
        "tags": component.tag_pattern,
        "image": component.image,
    }
