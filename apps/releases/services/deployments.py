"""Deployment records, worked out from what was observed of each application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, cast

from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from apps.environments.models import Application, Component
from apps.releases.models import DeploymentRecord
from gitopsui.domain.health import HealthStatus
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
    known = list(application.deployments.exclude(health=""))
    rows = [
        DeploymentRecord(
            application=application,
            version=record.version,
            from_at=record.from_at,
            to_at=record.to_at,
            sha=record.sha,
            author=record.author,
            source=record.source,
            **_health_of(record, known),
        )
        for record in reversed(list(records))
    ]
    with transaction.atomic():
        application.deployments.all().delete()
        DeploymentRecord.objects.bulk_create(rows, batch_size=200)


def _health_of(record: Deployment, known: Iterable[DeploymentRecord]) -> dict[str, Any]:
    """What was seen of it, kept when its row is written anew; an older look may move one of its ends."""
    for row in known:
        is_same = row.from_at == record.from_at or row.to_at == record.to_at
        if is_same and row.version == record.version:
            return {"health": row.health, "healthy_at": row.healthy_at}
    return {}


def record_health() -> None:
    """
    Write beside each version that runs how well it does, as its cluster was seen last. Two statements,
    however many there are; what has not changed is not written.
    """
    mine = Application.objects.filter(pk=OuterRef("application"))
    running = DeploymentRecord.objects.filter(
        to_at=None,
        version=F("application__live_version"),
        application__cluster__isnull=False,
        application__checked_at__gte=F("from_at"),
    )
    running.exclude(health=F("application__health")).update(health=Subquery(mine.values("health")[:1]))
    running.filter(application__health=HealthStatus.HEALTHY, healthy_at=None).update(
        healthy_at=Subquery(mine.values("checked_at")[:1])
    )
