"""A project of two applications whose checks are told what Git and the cluster hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.environments.models import Application, Cluster, Component, Environment, Silence
from apps.environments.services.checks import Verdict, judge, record_check
from apps.environments.services.desired import Desired
from apps.environments.services.live import Live
from apps.environments.services.silences import start_silence
from apps.repositories.models import Repository
from gitopsui.domain.ignore import IgnoreRule
from tests.accounts import make_people


def deployment(
    name: str, *, replicas: int = 3, paused: bool = False, image: str = "cart:1", chart: str = "cart-1.0.0"
) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "n", "labels": labels | {"helm.sh/chart": chart}},
        "spec": {
            "replicas": replicas,
            "paused": paused,
            "selector": {"matchLabels": labels},
            "template": pod,
        },
    }


@dataclass(frozen=True, slots=True)
class Shop:
    project: Project
    people: dict[str, Person]
    cart: Application
    till: Application

    def check(self, application: Application, *, now: datetime | None = None, **live: Any) -> Verdict:
        """A check that finds the deployment of Git in the cluster with these changes."""
        name = application.component.name
        return self.check_objects(application, [deployment(name)], [deployment(name, **live)], now=now)

    def check_objects(
        self,
        application: Application,
        git: Sequence[dict[str, Any]],
        live: Sequence[dict[str, Any]],
        *,
        now: datetime | None = None,
    ) -> Verdict:
        moment = now or timezone.now()
        desired = Desired("a" * 40, manifests=tuple(git))
        verdict = judge(application, desired, Live(tuple(live), (), {}, {}), now=moment)
        record_check(application, verdict, now=moment)
        application.refresh_from_db(fields=["sync", "drift_count", "checked_at"])
        return verdict

    def silence(self, rule: IgnoreRule, application: Application | None, *, who: str = "proposer") -> Silence:
        return start_silence(rule, self.project, application, by=self.people[who])


def make_shop() -> Shop:
    project = Project.objects.create(name="Shop", slug="shop")
    address = "https://git.example.org/shop/config"
    repository = Repository.objects.create(
        project=project, name="shop/config", url=address, same_as=address, host="git.example.org"
    )
    cluster = Cluster.objects.create(project=project, name="eu", server="https://eu.example.org:6443")
    stage = Environment.objects.create(project=project, name="prod")
    applications = []
    for name in ("cart", "till"):
        component = Component.objects.create(project=project, name=name, slug=name)
        applications.append(
            Application.objects.create(
                component=component,
                environment=stage,
                repository=repository,
                cluster=cluster,
                path=f"apps/{name}",
                renderer="plain",
                namespace="n",
            )
        )
    return Shop(project, make_people(project), *applications)
