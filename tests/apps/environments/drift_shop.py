"""One application with the rows a test of its page gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from apps.accounts.models import Person, Project
from apps.environments.models import (
    Application,
    Cluster,
    Component,
    DesiredState,
    DriftedResource,
    Environment,
    ResourceState,
)
from apps.repositories.models import Repository
from tests.accounts import make_people

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SHA = "5e" * 20
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "cart"},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "web", "image": "cart:1"}]}}},
}


@dataclass(frozen=True, slots=True)
class DriftShop:
    application: Application
    people: dict[str, Person]

    def drift(
        self, kind: str, verdict: str = "MODIFIED", *changes: Mapping[str, Any], **more: Any
    ) -> DriftedResource:
        values = {"namespace": "shop", "name": "cart", "first_seen_at": NOW, "last_seen_at": NOW, **more}
        group = "apps" if kind == "Deployment" else ""
        return DriftedResource.objects.create(
            application=self.application,
            group=group,
            kind=kind,
            verdict=verdict,
            changes=list(changes),
            desired_sha=SHA,
            **values,
        )

    def closed(self, kind: str, days_ago: int, **more: Any) -> DriftedResource:
        since = NOW - timedelta(days=days_ago)
        return self.drift(
            kind, "MODIFIED", change("spec.replicas", "2", "5"),
            first_seen_at=since, resolved_at=since + timedelta(hours=3), **more,
        )  # fmt: skip

    def desire(self, *manifests: dict[str, Any], volatile: list[dict[str, str]] | None = None) -> None:
        DesiredState.objects.create(
            digest="d" * 64, manifests=list(manifests), used_at=NOW, volatile=volatile or []
        )
        self.application.desired_digest = "d" * 64
        self.application.save()

    def resource(self, kind: str, name: str, uid: str = "", owner: str = "", **more: Any) -> ResourceState:
        values = {"health": "Healthy", "sync": "owned" if owner else "Synced", **more}
        return ResourceState.objects.create(
            application=self.application, kind=kind, name=name, uid=uid, owner_uid=owner, **values
        )

    def page(self, query: str = "", name: str = "application-detail", who: str = "viewer") -> str:
        client = Client()
        client.force_login(self.people[who])
        answer = client.get(f"{reverse(name, args=[self.application.pk])}?{query}")
        assert answer.status_code == 200
        return answer.content.decode()


def change(path: str, desired: str | None, live: str | None, manager: str = "kubectl-edit") -> dict[str, Any]:
    at = NOW.isoformat() if live is not None else None
    return {"path": path, "desired": desired, "live": live, "manager": manager, "changed_at": at}


def make_shop() -> DriftShop:
    project = Project.objects.create(name="shop", slug="shop")
    address = "https://github.com/shop/config"
    repository = Repository.objects.create(
        project=project, name="config", url=f"{address}.git", same_as=address, host="github.com",
        recent_commits=[
            {"sha": SHA, "subject": "Give cart more memory", "author": "proposer", "at": NOW.isoformat()}
        ],
    )  # fmt: skip
    application = Application.objects.create(
        component=Component.objects.create(project=project, name="cart", slug="cart"),
        environment=Environment.objects.create(project=project, name="production"),
        cluster=Cluster.objects.create(project=project, name="eu", server="https://eu.example.org"),
        repository=repository,
        path="apps/cart",
        renderer="plain",
        namespace="shop",
        desired_sha=SHA,
        sync="OutOfSync",
        health="Healthy",
    )
    return DriftShop(application, make_people(project))
