"""A small world for the apps: repositories behind a real Git server, a cluster, rows, jobs and pages."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Person, Project
from apps.core.models import Job
from apps.environments import tasks
from apps.environments.models import Application, Cluster, Environment
from apps.environments.services import layouts
from apps.repositories import connect, services
from apps.repositories.models import Repository
from apps.repositories.tasks import poll_repository
from gitopsui.domain.errors import SourceError
from tests.adapters.fault_server import FaultServer, Request
from tests.adapters.git_http import LONG_AGO, File, Hub, Seed
from tests.adapters.small_cluster import resource, version
from tests.apps.environments.samples import MARKER

KINDS = (
    "v1/Pod v1/ConfigMap v1/Secret v1/Service apps/v1/Deployment apps/v1/ReplicaSet batch/v1/Job "
    "source.toolkit.fluxcd.io/v1/GitRepository kustomize.toolkit.fluxcd.io/v1/Kustomization "
    "kustomize.config.k8s.io/v1beta1/Kustomization evil.example/v1/Secret"
)
GOOD = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: well, namespace: "n"}
spec:
  replicas: 1
  selector: {matchLabels: {app: well}}
  template:
    metadata: {labels: {app: well}}
    spec: {containers: [{name: c, image: "registry.example.org/well:1.2.3"}]}
"""


class SmallCluster(FaultServer):
    """Serves `objects` as they are, in namespace `n` where they name none; `is_silent` answers 503."""

    def __init__(self) -> None:
        super().__init__({}, default=self._answer)
        self.objects: list[dict[str, Any]] = []
        self.is_silent = False

    def _answer(self, request: Request) -> None:
        if self.is_silent:
            request.reply({"kind": "Status", "code": 503}, status=503)
        elif request.path == "/version":
            request.reply({"gitVersion": "v1.36.1"})
        elif request.path in ("/api", "/apis"):
            request.reply(self._discovery(is_core=request.path == "/api"))
        else:
            request.reply(self._list(request.path))

    def _discovery(self, *, is_core: bool) -> dict[str, Any]:
        items = []
        for entry in KINDS.split():
            api, _, kind = entry.rpartition("/")
            group, _, number = api.rpartition("/")
            if (group == "") == is_core:
                served = version(number, resource(_plural(kind), kind))
                items.append({"metadata": {"name": group} if group else {}, "versions": [served]})
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "items": items,
        }

    def _list(self, path: str) -> dict[str, Any]:
        found = []
        for manifest in self.objects:
            api = "/apis" if "/" in manifest["apiVersion"] else "/api"
            place = f"{api}/{manifest['apiVersion']}/namespaces/n/{_plural(manifest['kind'])}"
            if path == place or path == place.replace("/namespaces/n", ""):
                found.append(_placed(manifest))
        return {"kind": "List", "metadata": {}, "items": found}


def _plural(kind: str) -> str:
    return f"{kind.lower()}s"


def _placed(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = {"namespace": "n", "uid": f"uid-{id(manifest)}", **manifest["metadata"]}
    return {**manifest, "metadata": metadata}


@dataclass(slots=True)
class World:
    """What a test builds and looks at. `logged` is every line that was logged, as it is written."""

    hub: Hub
    server: SmallCluster
    project: Project
    cluster: Cluster
    people: dict[str, Person]
    logged: list[str] = field(default_factory=list)

    def connect(self, name: str, **options: Any) -> Repository:
        return services.connect_repository(
            self.project, self.hub.url(name), policy=connect.git_policy(), by=None, **options
        )

    def seed(self, name: str, files: Mapping[str, bytes], message: str = "Begin") -> Seed:
        """A new remote with these files in its first commit."""
        seed = self.hub.create(name)
        commit(seed, files, message)
        return seed

    def application(self, repository: Repository, path: str, **changes: Any) -> Application:
        """A plain folder as an application of its own, in environment `prod` on the cluster."""
        stage, _ = Environment.objects.get_or_create(project=self.project, name="prod")
        component = layouts.take_component(self.project, path.rpartition("/")[2])
        values = {"cluster": self.cluster, "renderer": "plain", "namespace": "n", **changes}
        application = Application.objects.create(
            component=component, environment=stage, repository=repository, path=path, **values
        )
        layouts.watch_application(application)
        return application

    def poll(self, repository: Repository) -> Job:
        """One job of the queue, as a worker runs it; its row."""
        Job.objects.filter(kind=services.POLL, subject_id=repository.pk).update(due_at=LONG_AGO)
        with suppress(SourceError):
            poll_repository(repository.pk)
        repository.refresh_from_db()
        return Job.objects.get(kind=services.POLL, subject_id=repository.pk)

    def check(self, *applications: Application) -> None:
        """Check these through their jobs, as a worker does; an error is the job's to keep."""
        for application in applications:
            Job.objects.filter(kind=layouts.CHECK, subject_id=application.pk).update(due_at=LONG_AGO)
            with suppress(SourceError):
                tasks.check_application(application.pk)
            application.refresh_from_db()

    def page(self, name: str, *arguments: Any, who: str = "admin") -> str:
        """The text of a page that must be there."""
        answer = self.client(who).get(reverse(name, args=arguments))
        assert answer.status_code == 200, (name, arguments, answer.status_code)
        return answer.content.decode()

    def client(self, who: str = "admin") -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(self.people[who])
        return client

    def every_page(self) -> Iterator[tuple[str, str]]:
        """Every page there is, as an administrator and as a viewer, with its address."""
        for who in ("admin", "viewer"):
            client = self.client(who)
            for address in self.addresses():
                answer = client.get(address)
                allowed = (200, 302, 304) if who == "admin" else (200, 302, 304, 403, 404)
                assert answer.status_code in allowed, (who, address, answer.status_code)
                yield f"{who} {address}", answer.content.decode()

    def addresses(self) -> list[str]:
        slug = self.project.slug
        found = [reverse(name) for name in _PLAIN_PAGES]
        found += [reverse(name, args=[slug]) for name in ("board", "board-table", "release-list")]
        found += [f"{reverse('board', args=[slug])}?{query}" for query in _QUERIES]
        for model, names in _PAGES.items():
            for row in apps.get_model(model).objects.all():
                found += [reverse(name, args=[row.pk]) for name in names]
        for component in self.project.components.all():
            found.append(reverse("component-detail", args=[slug, component.slug]))
        return found


_PLAIN_PAGES = (
    "repository-list", "cluster-list", "job-list", "set-up", "set-up-cluster", "set-up-done",
)  # fmt: skip
_QUERIES = ("q=%3Cscript%3E", "sort=attention", "attention=1&page=2", "health=Unknown&label=x")
_PAGES = {
    "repositories.Repository": (
        "repository-detail", "repository-edit", "repository-remove", "set-up-repository",
    ),
    "environments.Application": (
        "application-detail", "application-facts", "drift-table", "resource-tree", "deep-check",
        "reconcilers",
    ),
    "environments.Cluster": ("cluster-detail", "cluster-edit", "cluster-remove"),
    "releases.Release": ("release-detail",),
    "core.Job": ("job-detail",),
}  # fmt: skip


def commit(seed: Seed, files: Mapping[str, bytes | None], message: str = "Change") -> str:
    return seed.commit({path: None if data is None else File(data) for path, data in files.items()}, message)


def dump_tables() -> Iterator[tuple[str, str]]:
    """Every row of every table as text, with the name of its table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield table, " ".join(_text(value) for value in row)


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def data_files() -> Iterator[tuple[Path, str]]:
    """Every file we keep, but the mirrors (Git's own objects hold what Git holds) and the database."""
    mirrors = Path(settings.GITOPSUI_MIRRORS)
    for path in Path(settings.GITOPSUI_DATA).rglob("*"):
        if path.is_file() and mirrors not in path.parents and "sqlite3" not in path.name:
            yield path, path.read_bytes().decode("utf-8", "replace")


def check_nothing_leaks(world: World, words: Sequence[str]) -> None:
    """No word of `words` in any page, table, log line or file; no program was started."""
    places = [
        *world.every_page(),
        *dump_tables(),
        *((str(path), text) for path, text in data_files()),
        *(("log", line) for line in world.logged),
    ]
    leaks = [(place, word) for place, text in places for word in words if word in text]
    assert leaks == []
    assert not MARKER.exists()


class LineKeeper(logging.Handler):
    """Keeps each line as the formatter of the program writes it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
