"""A project with a component, its environments, and a real source repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import Project
from apps.environments.models import Application, Component, Environment, VersionObservation
from apps.releases import rendering
from apps.releases.models import Lag, Release
from apps.releases.services.components import update_component
from apps.repositories.models import Repository
from apps.repositories.services import store_commits, store_refs
from tests.adapters.git_http import Seed
from tests.adapters.signing import dev as dev
from tests.adapters.signing import robot as robot

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass
class Shop:
    """`cart` in dev, staging and production, and the repository its versions are tagged in."""

    project: Project
    component: Component
    source: Repository
    config: Repository
    seed: Seed
    environments: dict[str, Environment] = field(default_factory=dict)

    def release(self, version: str, *messages: str, tag: str = "") -> str:
        """Commits with these messages and a tag on the last of them."""
        sha = ""
        for message in messages or (f"feat: work for {version}",):
            sha = self.seed.commit(message=message)
        self.seed.tag(tag or f"v{version}", sha)
        return sha

    def poll(self) -> None:
        """What a poll of the source repository stores."""
        now = timezone.now()
        store_refs(self.source, self.seed.as_repository().refs(), now=now)
        self.source.refs_digest, self.source.changed_at = now.isoformat(), now
        self.source.save()
        store_commits(self.source, git=self.seed.as_repository())

    def update(self) -> bool:
        component = Component.objects.select_related("source", "project").get(pk=self.component.pk)
        git = self.seed.as_repository() if component.source else None
        return update_component(component, git=git, sanitise=rendering.sanitise)

    def run(self, environment: str, version: str, *, path: str = "") -> Application:
        """`version` is asked for in `environment`, where no cluster is connected."""
        application, _ = Application.objects.update_or_create(
            component=self.component,
            environment=self.environments[environment],
            repository=self.config,
            path=path or f"cart/{environment}",
            defaults={"renderer": "plain", "desired_version": version},
        )
        return application

    def observe(self, application: Application, version: str, days: float, source: str = "git") -> None:
        """`version` was seen so many days ago."""
        at = timezone.now() - timedelta(days=days)
        sha = "c" * 40 if source == "git" else ""
        VersionObservation.objects.create(
            application=application, at=at, source=source, version=version, sha=sha, author="Ada"
        )

    def get(self, tag: str) -> Release:
        return Release.objects.get(component=self.component, tag=tag)

    def get_commit(self, tag: str) -> str:
        return self.seed.git("rev-parse", f"refs/tags/{tag}^{{commit}}")

    def lag(self, environment: str) -> Lag:
        return Lag.objects.get(component=self.component, environment=self.environments[environment])


def _repository(project: Project, name: str) -> Repository:
    address = f"https://git.example.org/{name}"
    return Repository.objects.create(
        project=project, name=name, url=address, same_as=address, host="git.example.org"
    )


@pytest.fixture
def shop(db: None, tmp_path: Path) -> Shop:
    project = Project.objects.create(name="shop", slug="shop")
    source, config = _repository(project, "shop/cart"), _repository(project, "shop/config")
    component = Component.objects.create(project=project, name="cart", slug="cart", source=source)
    made = Shop(project, component, source, config, Seed.create(tmp_path / "cart.git"))
    for position, name in enumerate(("dev", "staging", "production")):
        made.environments[name] = Environment.objects.create(project=project, name=name, position=position)
    return made
