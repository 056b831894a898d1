"""Config repositories with many components, source repositories with history, and their rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.adapters.git_http import Seed

PATH, TOKEN = "shop/config", "token-of-the-bot"
VERSIONS = {"staging": "2.0.0", "production": "1.0.0"}
SOURCE_COMMITS = 60  # between the two versions of a component
MANIFESTS = 12
IMAGE = "registry.example.org/shop/{}"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: {name}
          image: registry.example.org/shop/{name}:{version} # the bot bumps it
          ports: [{{containerPort: 8080}}]
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the servers of the measurement listen (`forge`: its API), and the folder of what it makes."""

    folder: Path
    git: str
    forge: str
    polled: str

    @property
    def remotes(self) -> Path:
        return self.folder / "remotes"


def name_of(number: int) -> str:
    return f"shop-{number:03}"


def build_remote(remotes: Path, count: int) -> None:
    """One config repository: `count` components, each with a folder in staging and in production."""
    files = {
        f"apps/{name_of(number)}/{environment}/deployment.yaml": DEPLOYMENT.format(
            name=name_of(number), version=version
        )
        for number in range(count)
        for environment, version in VERSIONS.items()
    }
    Seed.create(remotes / "config.git").commit(files, "Begin")


def build_polled(root: Path, count: int) -> None:
    """Remotes that are only polled: one small repository under `count` names."""
    Seed.create(root / "first.git").commit({"README.md": "first\n"}, "first")
    for number in range(count):
        (root / f"{number}.git").symlink_to("first.git")


def build_source(folder: Path) -> Seed:
    """The history of a component: SOURCE_COMMITS of all kinds between its two versions."""
    seed = Seed.create(folder / "source.git")
    seed.tag("v1.0.0", seed.commit(message="feat: begin"))
    kinds = ("feat(cart): sell thing", "fix: repair thing", "docs: explain thing", "perf: hasten thing")
    for number in range(SOURCE_COMMITS):
        sha = seed.commit(message=f"{kinds[number % 4]} {number} (#{number})\n\nBecause somebody asked.")
    seed.tag("v2.0.0", sha)
    return seed


def open_django(place: Place) -> None:
    """The same surroundings for this process and, through the environment, for the workers."""
    os.environ |= {
        "GITOPSUI_DATA": str(place.folder / "data"),
        "GITOPSUI_TRUSTED_ENDPOINTS": f"{place.git},{urlsplit(place.forge).netloc},{place.polled}",
        "GITOPSUI_MIN_FREE_MIB": "0",
        # What was checked when the rows were made is fresh to the end.
        "GITOPSUI_STALE_SECONDS": "86400",
        "DJANGO_SETTINGS_MODULE": "gitopsui.settings",
    }
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)


def fill(place: Place, slug: str, count: int, *, seed: Seed | None = None) -> Any:
    """
    A project with `count` components in staging (2.0.0) and production (1.0.0), read as polls and checks
    read them; with `seed` each has that history, and everything is asked of a promotion.
    """
    from apps.accounts.models import Project
    from apps.environments.models import Cluster, Environment
    from apps.promotions.models import EnvironmentPolicy

    project = Project.objects.create(name=slug, slug=slug)
    repository = _config(project, f"http://{place.git}/config.git")
    cluster = Cluster.objects.create(project=project, name="eu", server="https://eu.example.org")
    environments = [
        Environment.objects.create(project=project, name=name, position=position)
        for position, name in enumerate(VERSIONS)
    ]
    for number in range(count):
        component = _component(project, name_of(number), seed)
        for environment in environments:
            _application(component, environment, repository, cluster)
    asked = {"soak_minutes": 60, "needs_signature": True, "approvals": 2} if seed else {"merge": "auto"}
    EnvironmentPolicy.objects.create(environment=environments[1], **asked)
    _read(repository)
    return project


def connect_forge(project: Any, place: Place, kind: str) -> None:
    """Pull requests of the project are made at the forge."""
    from apps.promotions.models import ForgeConnection

    ForgeConnection.objects.create(
        repository=project.repositories.get(is_config=True), kind=kind, token=TOKEN, path=PATH,
        api_url=place.forge,
    )  # fmt: skip


def _config(project: Any, url: str) -> Any:
    from django.utils import timezone

    from apps.repositories.models import Repository

    return Repository.objects.create(
        project=project, name="config", url=url, same_as=f"{url}#{project.slug}", host="127.0.0.1",
        is_config=True, default_branch="main", polled_at=timezone.now(),
    )  # fmt: skip


def _component(project: Any, name: str, seed: Seed | None) -> Any:
    from django.utils import timezone

    from apps.environments.models import Component
    from apps.releases.services.tags import store_releases
    from apps.repositories.models import Repository
    from apps.repositories.services import store_commits, store_refs

    component = Component.objects.create(project=project, name=name, slug=name, image=IMAGE.format(name))
    if seed is not None:
        address = f"https://git.example.org/{name}"
        component.source = Repository.objects.create(
            project=project, name=name, url=address, same_as=address, host="x", refs_digest="x"
        )
        component.save()
        store_refs(component.source, seed.as_repository().refs(), now=timezone.now())
        store_commits(component.source, git=seed.as_repository())
        store_releases(component, now=timezone.now())
    return component


def _application(component: Any, environment: Any, repository: Any, cluster: Any) -> None:
    from django.utils import timezone

    from apps.environments.models import Application, DesiredState
    from apps.releases.models import DeploymentRecord

    version, now = VERSIONS[environment.name], timezone.now()
    digest = f"{component.project.slug}-{component.slug}-{environment.name}"
    application = Application.objects.create(
        component=component, environment=environment, repository=repository, cluster=cluster,
        path=f"apps/{component.slug}/{environment.name}", renderer="plain", desired_version=version,
        live_version=version, sync="Synced", health="Healthy", checked_at=now, desired_digest=digest,
        live_since=now - timedelta(days=2),
    )  # fmt: skip
    DesiredState.objects.create(digest=digest, manifests=_manifests(component.slug, version), used_at=now)
    DeploymentRecord.objects.create(
        application=application, version=version, from_at=now - timedelta(days=2), source="live"
    )


def _manifests(name: str, version: str) -> list[dict[str, Any]]:
    """A Deployment and what stands around it; one of the others is large."""
    container = {"name": name, "image": f"{IMAGE.format(name)}:{version}", "env": _variables(40)}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}},
    }  # fmt: skip
    others = [
        {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{number}"},
            "data": {one["name"]: one["value"] for one in _variables(200 if number == 0 else 10)},
        }
        for number in range(MANIFESTS - 1)
    ]  # fmt: skip
    return [deployment, *others]


def _variables(count: int) -> list[dict[str, str]]:
    return [{"name": f"SETTING_{number}", "value": f"value {number}"} for number in range(count)]


def _read(repository: Any) -> None:
    """What polls and checks store: the tip of main, and the files that say versions."""
    from apps.promotions.services.targets import store_targets
    from apps.repositories.connect import mirror

    git = mirror(repository)
    git.fetch()
    tip = git.resolve("refs/heads/main")
    for application in repository.applications.select_related("component", "environment"):
        application.desired_sha = tip
        application.save(update_fields=["desired_sha"])
        store_targets(application, git=git)


def queue_polls(project: Any, place: Place, count: int) -> None:
    """`count` repositories, each with a message for the workers that nobody has taken yet."""
    from apps.core import jobs
    from apps.repositories.models import POLL, Repository

    addresses = [f"http://{place.polled}/{number}.git" for number in range(count)]
    Repository.objects.bulk_create(
        Repository(project=project, name=f"polled-{number}", url=url, same_as=url, host="127.0.0.1")
        for number, url in enumerate(addresses)
    )
    rows = Repository.objects.filter(project=project, name__startswith="polled-")
    for pk, name in rows.values_list("pk", "name"):
        jobs.schedule(POLL, pk, label=name)
    while jobs.enqueue_due(POLL):
        pass
