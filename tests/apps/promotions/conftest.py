"""A config repository on a real Git server with staging and production in it, and people with roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.demo.git_server import GitServer
from apps.environments.models import Application, Cluster, Component, Environment
from apps.promotions import connect
from apps.promotions.models import EnvironmentPolicy, Promotion
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.advance import advance_promotion
from apps.promotions.services.planning import Plan, plan_promotion, wishes_from
from apps.promotions.services.propose import Request, start_promotion
from apps.promotions.services.targets import store_targets
from apps.repositories.connect import mirror
from apps.repositories.models import Repository
from tests.accounts import make_people
from tests.adapters.git_http import Seed
from tests.apps.promotions.forge_bench import KINDS, Bench, on_forge

IMAGE = "registry.example.org/shop/{}"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers:
        - name: {name}
          image: registry.example.org/shop/{name}:{version} # the bot bumps it
"""
HEADS = "refs/heads/"


@dataclass
class World:
    """`cart` and `web` in staging (2.0.0) and production (1.0.0)."""

    project: Project
    people: dict[str, Person]
    seed: Seed
    server: GitServer
    repository: Repository
    environments: dict[str, Environment] = field(default_factory=dict)
    applications: dict[tuple[str, str], Application] = field(default_factory=dict)

    def path(self, name: str, environment: str) -> str:
        return f"apps/{name}/{environment}/deployment.yaml"

    def prepare(self) -> None:
        """What polls and checks store: the tip of main, and the files that say versions."""
        git = mirror(self.repository)
        git.fetch()
        tip = git.resolve(f"{HEADS}main")
        for application in self.applications.values():
            application.desired_sha = tip
            application.save(update_fields=["desired_sha"])
            store_targets(application, git=git)

    def plan(self, *names: str) -> Plan:
        staging, production = self.environments["staging"], self.environments["production"]
        return plan_promotion(production, wishes_from(staging, production, names))

    def propose(self, *names: str, by: str = "proposer", **values: Any) -> Promotion:
        staging, production = self.environments["staging"], self.environments["production"]
        request = Request(production, staging, wishes_from(staging, production, names), **values)
        return start_promotion(request, by=self.people[by])

    def advance(self, promotion: Promotion, turns: int = 1) -> Promotion:
        for _ in range(turns):
            row = Promotion.objects.select_related("repository__credential", "proposer").get(pk=promotion.pk)
            advance_promotion(promotion.pk, connect.doors(row))
        promotion.refresh_from_db()
        return promotion

    def remote_heads(self) -> dict[str, str]:
        lines = self.seed.git("for-each-ref", "--format=%(refname) %(objectname)", HEADS).splitlines()
        return dict(line.split(" ") for line in lines)

    def read(self, name: str, environment: str = "production", ref: str = "main") -> str:
        return self.seed.git("show", f"{ref}:{self.path(name, environment)}") + "\n"

    def allow(self, **values: Any) -> EnvironmentPolicy:
        """The rules of production; without values none at all."""
        rules = {"approvals": 0, "needs_healthy_source": False, "needs_synced_target": False} | values
        policy, _ = EnvironmentPolicy.objects.update_or_create(
            environment=self.environments["production"], defaults=rules
        )
        return policy

    def sign_in(self, client: Client, name: str) -> Client:
        """The client, as the person of that name from now on."""
        client.force_login(self.people[name])
        return client

    def become(self, files: dict[str, Any], **values: object) -> Application:
        """cart in production is made of these files now, and its row has these values."""
        self.seed.commit(files, "Move things")
        application = self.applications["cart", "production"]
        for name, value in values.items():
            setattr(application, name, value)
        application.save()
        self.prepare()
        return application

    def arrive(self, name: str = "cart", version: str = "2.0.0") -> None:
        """The controller has done its part: the cluster runs what main asks for."""
        git = mirror(self.repository)
        git.fetch()
        Application.objects.filter(pk=self.applications[name, "production"].pk).update(
            desired_sha=git.resolve(f"{HEADS}main"),
            desired_version=version,
            live_version=version,
            sync="Synced",
            health="Healthy",
            checked_at=timezone.now(),
        )


@pytest.fixture
def world(db: None, tmp_path: Path, settings: Any) -> Iterator[World]:
    with _serving(tmp_path, settings) as made:
        yield made


@pytest.fixture
def shared_world(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[World]:
    """The same, where other processes and threads see what is stored."""
    with _serving(tmp_path, settings) as made:
        yield made


@pytest.fixture(params=list(KINDS))
def bench(request: pytest.FixtureRequest, world: World, tmp_path: Path, settings: Any) -> Iterator[Bench]:
    """The world on the stand-in of each forge."""
    with on_forge(request.param, world, tmp_path, settings) as made:
        yield made


def seen(promotion: Promotion) -> dict[str, str]:
    """What somebody decides on, as a page sends it."""
    found = seen_of(promotion)
    return {"base": found.base_sha, "head": found.head_sha, "diff": found.diff_hash}


@contextmanager
def _serving(tmp_path: Path, settings: Any) -> Iterator[World]:
    seed = Seed.create(tmp_path / "remotes" / "config.git")
    versions = {"staging": "2.0.0", "production": "1.0.0"}
    files = {
        f"apps/{name}/{environment}/deployment.yaml": DEPLOYMENT.format(name=name, version=version)
        for name in ("cart", "web")
        for environment, version in versions.items()
    }
    seed.commit(files, "Begin")
    settings.GITOPSUI_MIRRORS = tmp_path / "mirrors"
    with GitServer(tmp_path / "remotes") as server:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = frozenset({urlsplit(server.url).netloc})
        yield _build(seed, server, versions)


def _build(seed: Seed, server: GitServer, versions: dict[str, str]) -> World:
    project = Project.objects.create(name="shop", slug="shop")
    url = f"{server.url}/config.git"
    repository = Repository.objects.create(
        project=project, name="config", url=url, same_as=url, host=urlsplit(url).netloc,
        is_config=True, default_branch="main", polled_at=timezone.now(),
    )  # fmt: skip
    made = World(project, make_people(project), seed, server, repository)
    cluster = Cluster.objects.create(project=project, name="eu", server="https://eu.example.org")
    for position, (environment, version) in enumerate(versions.items()):
        made.environments[environment] = Environment.objects.create(
            project=project, name=environment, position=position
        )
        for name in ("cart", "web"):
            component, _ = Component.objects.get_or_create(
                project=project, name=name, slug=name, image=IMAGE.format(name)
            )
            made.applications[name, environment] = Application.objects.create(
                component=component, environment=made.environments[environment], repository=repository,
                cluster=cluster, path=f"apps/{name}/{environment}", renderer="plain",
                desired_version=version, live_version=version, sync="Synced", health="Healthy",
                checked_at=timezone.now(), live_since=timezone.now() - timedelta(days=2),
            )  # fmt: skip
    made.prepare()
    return made
