"""`manage.py demo_seed`: build the demo's world and connect it through the ordinary doors. Safe to repeat."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts.models import Person, Project, Role, RoleBinding
from apps.accounts.services import find_or_make_project
from apps.core import jobs
from apps.demo import telling, world
from apps.environments import connect as environment_connect
from apps.environments import tasks as environment_tasks
from apps.environments.models import Application, Cluster, Component, Silence
from apps.environments.services import clusters, layouts
from apps.releases.tasks import update_component
from apps.repositories import connect as repository_connect
from apps.repositories import services as repositories
from apps.repositories.models import Repository
from gitopsui.adapters.kubeconfig import parse_kubeconfig
from gitopsui.adapters.render import Tools, find_tools
from gitopsui.domain.errors import InputError
from gitopsui.domain.layout import Proposal

PROJECT = "shop"
SILENCED_FOR = timedelta(days=5)
PASSWORD = "gitopsui-demo"  # noqa: S105 - the demo prints it; it opens nothing but the demo
ACCOUNTS = {
    "admin": Role.ADMIN,
    "approver": Role.APPROVER,
    "proposer": Role.PROMOTER,
    "viewer": Role.VIEWER,
}


class Command(BaseCommand):
    """Everything a visitor sees on the first page is read from Git and the stand-ins, nothing is made up."""

    help = "Build the demo and connect it."

    def handle(self, *args: Any, **options: Any) -> None:
        data = Path(settings.GITOPSUI_DATA) / "world"
        tools = find_tools(os.environ, Path(settings.GITOPSUI_TOOLS))
        _prepare_world(data, tools)
        _make_accounts()
        if not Application.objects.filter(component__project__name=PROJECT).exists():
            stop = threading.Event()
            serving = threading.Thread(target=world.run, args=(data, stop), kwargs={"tools": tools})
            serving.start()
            try:
                _connect(json.loads((data / world.WORLD_FILE).read_text()), data)
            finally:
                stop.set()
                serving.join()
        names = ", ".join(ACCOUNTS)
        self.stdout.write(f"Sign in as {names}; the password of each is {PASSWORD}")


def _prepare_world(data: Path, tools: Tools) -> None:
    git_port, cluster_port = settings.GITOPSUI_DEMO_GIT_PORT, settings.GITOPSUI_DEMO_CLUSTER_PORT
    try:
        world.prepare(data, datetime.now(UTC), tools=tools, git_port=git_port, cluster_port=cluster_port)
    except InputError as error:
        raise CommandError(f"{error.message} Add --reset to begin a new one.") from error


def _make_accounts() -> None:
    for name, role in ACCOUNTS.items():
        person, is_new = Person.objects.get_or_create(username=name)
        if is_new:
            person.set_password(PASSWORD)
            person.save()
        RoleBinding.objects.get_or_create(person=person, project=None, defaults={"role": role})


def _connect(facts: dict[str, Any], data: Path) -> None:
    """Repositories, clusters, what was recognised; then one look at everything, so that the page is full."""
    jobs.load_tasks()
    project = find_or_make_project(PROJECT)
    config = _connect_repository(project, facts["config_url"], is_config=True)
    sources = {
        part["name"]: _connect_repository(project, part["repository_url"], is_source=True)
        for part in facts["components"]
    }
    placed = _connect_clusters(project, facts, data)
    git = repository_connect.mirror(config)
    layout = layouts.recognise_repository(config, git=git)
    layouts.store_layout(config, layout)
    namespaces = {one["name"]: one["namespace"] for one in facts["environments"]}
    proposals = [_placed(proposal, namespaces) for proposal in layout.proposals]
    layouts.take_layout(config, proposals, environments=layout.environments, clusters=placed)
    for part in facts["components"]:
        for component in Component.objects.filter(project=project, name=part["name"]):
            layouts.connect_source(component, sources[part["name"]], image=part["image"])
    _silence_drift(project)
    for cluster in Cluster.objects.filter(project=project):
        environment_tasks.check_cluster(cluster.pk)
    environment_tasks.check_cluster(0)
    telling.open_public_notes(project)
    for component in Component.objects.filter(project=project):
        update_component.work(component.pk)
    telling.tell_releases(project)


def _silence_drift(project: Project) -> None:
    """The one thing somebody changed by hand that is meant to stay for a while."""
    application = Application.objects.get(
        component__project=project, component__name="catalog", environment__name="production-uk"
    )
    Silence.objects.get_or_create(
        project=project,
        application=application,
        group="apps",
        kind="Deployment",
        name="catalog",
        json_pointers=["/spec/replicas"],
        defaults={
            "reason": "One of the two nodes is being replaced, so there is room for one replica only.",
            "created_by": "approver",
            "expires_at": timezone.now() + SILENCED_FOR,
        },
    )


def _placed(proposal: Proposal, namespaces: Mapping[str, str]) -> Proposal:
    """A chart says nothing of its namespace; the controller of the demo puts it into the environment's."""
    if proposal.namespace or proposal.renderer != "helm":
        return proposal
    return replace(proposal, namespace=namespaces.get(proposal.environment, ""))


def _connect_repository(
    project: Project, url: str, *, is_config: bool = False, is_source: bool = False
) -> Repository:
    repository = repositories.connect_repository(
        project,
        url,
        policy=repository_connect.git_policy(),
        by=None,
        is_config=is_config,
        is_source=is_source,
    )
    repositories.poll_repository(repository, git=repository_connect.mirror(repository))
    return repository


def _connect_clusters(project: Project, facts: dict[str, Any], data: Path) -> dict[str, Cluster]:
    """The cluster of each environment, connected by the kubeconfig of the stand-in."""
    placed = {}
    for one in facts["clusters"]:
        text = (data / Path(one["kubeconfig"]).name).read_text()
        found = parse_kubeconfig(text, policy=environment_connect.http_policy())
        cluster = clusters.connect_cluster(project, one["name"], found.access, by=None)
        placed.update(dict.fromkeys(one["environments"], cluster))
    return placed
