"""A board in the database: components × environments, every cell watched, with what a real one carries."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from apps.accounts.models import Project
from apps.environments.models import Application, Cluster, Component, Environment, VersionObservation
from apps.releases.models import Lag
from apps.repositories.models import Repository

ENVIRONMENTS = ("dev", "test", "qa", "staging", "production")
HEALTHS = ("Healthy",) * 16 + ("Progressing", "Degraded", "Missing", "Suspended")
BATCH = 1000


def fill_board(component_count: int, *, now: datetime | None = None) -> Project:
    """One project with `component_count` components in five environments on ten clusters."""
    now = now or timezone.now()
    project = Project.objects.create(name="Shop", slug="shop")
    config = Repository.objects.create(
        project=project,
        name="config",
        url="https://git.example.com/shop/config.git",
        same_as="https://git.example.com/shop/config",
        host="git.example.com",
        is_config=True,
    )
    components = Component.objects.bulk_create(
        [
            Component(
                project=project,
                name=f"service-{number:04d}",
                slug=f"service-{number:04d}",
                labels=[f"team-{number % 12}"],
            )
            for number in range(component_count)
        ],
        batch_size=BATCH,
    )
    environments = [
        Environment.objects.create(project=project, name=name, position=position)
        for position, name in enumerate(ENVIRONMENTS)
    ]
    _fill_cells(components, environments, config, now)
    _fill_lags(components, environments)
    return project


def _fill_cells(
    components: list[Component], environments: list[Environment], config: Repository, now: datetime
) -> None:
    clusters = {
        (environment.pk, half): Cluster.objects.create(
            project=config.project,
            name=f"{environment.name}-{half + 1}",
            server=f"https://{environment.name}-{half + 1}.example.com",
            version="v1.34.1",
            checked_at=now,
        )
        for environment in environments
        for half in range(2)
    }
    applications = Application.objects.bulk_create(
        [
            _application(component, environment, clusters[environment.pk, number % 2], config, number, now)
            for number, component in enumerate(components)
            for environment in environments
        ],
        batch_size=BATCH,
    )
    VersionObservation.objects.bulk_create(
        [
            VersionObservation(
                application=application,
                at=now - timedelta(days=age),
                source=source,
                version=application.desired_version if age < 5 else f"1.{age}.0",
                sha=f"{application.pk:039d}{age % 10}",
                author="Ada Okafor",
            )
            for application in applications
            for source in ("git", "live")
            for age in (2, 9, 16)
        ],
        batch_size=BATCH,
    )


def _application(
    component: Component,
    environment: Environment,
    cluster: Cluster,
    config: Repository,
    number: int,
    now: datetime,
) -> Application:
    health = HEALTHS[(number + environment.position) % len(HEALTHS)]
    is_behind = (number + environment.position) % 7 == 0
    version = f"1.{number % 40}.{9 - environment.position}"
    return Application(
        component=component,
        environment=environment,
        cluster=cluster,
        repository=config,
        path=f"apps/{component.slug}/overlays/{environment.name}",
        renderer="kustomize",
        namespace="shop",
        desired_version=f"1.{number % 40 + 1}.0" if is_behind else version,
        live_version=version,
        live_since=now - timedelta(hours=number % 400 + 1),
        desired_sha=f"{number:040d}",
        desired_at=now,
        sync="OutOfSync" if is_behind else "Synced",
        sync_reason="",
        drift_count=3 if is_behind else 0,
        health=health,
        health_reason="" if health == "Healthy" else "2 of 3 pods are ready.",
        health_note="" if health == "Healthy" else "2 of 3 ready",
        checked_at=now,
        changed_at=now,
    )


def _fill_lags(components: list[Component], environments: list[Environment]) -> None:
    pairs = list(pairwise(environments))
    Lag.objects.bulk_create(
        [
            Lag(component=component, environment=here, behind=left, commit_count=(number * 7) % 23)
            for number, component in enumerate(components)
            for left, here in pairs
        ],
        batch_size=BATCH,
    )
