"""Deployment records, worked out from what was observed of each application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from django.db import transaction

from apps.environments.models import Application, Component
from apps.releases.models import DeploymentRecord
from gitopsui.domain.history import Deployment, Observation, deployments_of


def update_deployments(component: Component) -> None:
    """Replace the records of each application that has other ones now."""
    applications = component.applications.prefetch_related("observations", "deployments")
    for application in applications:
        records = deployments_of(_observations(application))
        if records != [_value(row) for row in application.deployments.all()]:
            _replace(application, records)


def _observations(application: Application) -> list[Observation]:
    rows = sorted(application.observations.all(), key=lambda row: (row.at, row.pk))
    return [
        Observation(row.at, row.version, cast(Literal["git", "live"], row.source), row.sha, row.author)
        for row in rows
    ]


def _value(row: DeploymentRecord) -> Deployment:
    source = cast(Literal["git", "live"], row.source)
    return Deployment(row.version, row.from_at, row.to_at, row.sha, row.author, source)


def _replace(application: Application, records: Iterable[Deployment]) -> None:
    # Oldest first, so that of two at one moment the later one has the higher id and comes first on a page.
    rows = [
        DeploymentRecord(
            application=application,
            version=record.version,
            from_at=record.from_at,
            to_at=record.to_at,
            sha=record.sha,
            author=record.author,
            source=record.source,
        )
        for record in reversed(list(records))
    ]
    with transaction.atomic():
        application.deployments.all().delete()
        DeploymentRecord.objects.bulk_create(rows, batch_size=200)
