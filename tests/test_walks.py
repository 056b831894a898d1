"""The walks of docs/architecture.md, end to end: real Git over HTTP, the stand-in of a cluster over HTTPS."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Project
from apps.core import jobs
from apps.core.models import Job
from apps.demo.git_server import GitServer
from apps.demo.standin import StandIn, TokenRole
from apps.environments import connect, tasks
from apps.environments.models import Application, Cluster, DriftedResource
from apps.environments.services import clusters, layouts
from apps.promotions import tasks as promotion_tasks
from apps.promotions.models import EnvironmentPolicy, Promotion
from apps.repositories import services as repositories
from apps.repositories import tasks as repository_tasks
from apps.repositories.connect import git_policy, mirror
from apps.repositories.models import Repository
from gitopsui.adapters.kubeconfig import parse_kubeconfig
from tests.accounts import make_people
from tests.adapters.git_http import Seed

pytestmark = pytest.mark.django_db(transaction=True)

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: cart}}
  template:
    metadata:
      labels: {{app: cart}}
    spec:
      containers:
        - name: cart
          image: registry.example.org/shop/cart:{version}
"""
FOLDER = "apps/cart/production"


class World:
    """One config repository, one cluster, and what a controller would do between them."""

    def __init__(self, seed: Seed, server: GitServer, cluster: StandIn) -> None:
        self.seed = seed
        self.server = server
        self.cluster = cluster

    def commit(self, version: str, *, replicas: int = 2) -> str:
        text = DEPLOYMENT.format(version=version, replicas=replicas)
        return self.seed.commit({f"{FOLDER}/deployment.yaml": text}, f"Deploy cart {version}")

    def apply(
        self, version: str, *, replicas: int = 2, manager: str = "controller", namespace: str = "shop"
    ) -> None:
        """Server-side apply, as a controller or a person with kubectl does it."""
        text = DEPLOYMENT.format(version=version, replicas=replicas)
        body = text.replace("namespace: shop", f"namespace: {namespace}").encode()
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/cart"
        self._send("PATCH", f"{path}?fieldManager={manager}&force=true", body, "application/apply-patch+yaml")

    def roll_out(self, *, replicas: int = 2) -> None:
        """What the deployment controller says when all pods of the newest version are there."""
        counts = dict.fromkeys(
            ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas
        )
        body = json.dumps({"status": counts | {"observedGeneration": 99}}).encode()
        path = "/apis/apps/v1/namespaces/shop/deployments/cart/status"
        self._send("PATCH", path, body, "application/merge-patch+json")

    def make_namespace(self, name: str = "shop") -> None:
        body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).encode()
        self._send("POST", "/api/v1/namespaces", body, "application/json")

    def _send(self, verb: str, path: str, body: bytes, content_type: str) -> None:
        headers = {"Authorization": "Bearer writer", "Content-Type": content_type}
        request = urllib.request.Request(self.cluster.url + path, data=body, method=verb, headers=headers)
        trust = ssl._create_unverified_context()
        with urllib.request.urlopen(request, timeout=60, context=trust) as answer:
            assert answer.status in (200, 201)


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> Iterator[World]:
    seed = Seed.create(tmp_path / "remotes" / "config.git")
    tokens = {"reader": TokenRole.READER, "writer": TokenRole.WRITER}
    server = GitServer(tmp_path / "remotes")
    cluster = StandIn(tokens=tokens)
    server.start()
    cluster.start()
    settings.GITOPSUI_MIRRORS = tmp_path / "mirrors"
    settings.GITOPSUI_SCRATCH = tmp_path / "scratch"
    settings.GITOPSUI_TRUSTED_ENDPOINTS = frozenset(
        {urlsplit(server.url).netloc, urlsplit(cluster.url).netloc}
    )
    connect.renderer.cache_clear()
    try:
        yield World(seed, server, cluster)
    finally:
        cluster.stop()
        server.stop()
        connect.renderer.cache_clear()


def _connected(world: World, *, count: int = 1) -> Application:
    """What a person does in the set-up: repository, what was recognised, cluster."""
    project = Project.objects.create(name="shop", slug="shop")
    repository = repositories.connect_repository(
        project, f"{world.server.url}/config.git", policy=git_policy(), by=None, is_config=True
    )
    repositories.poll_repository(repository, git=mirror(repository))
    layout = layouts.recognise_repository(repository, git=mirror(repository))
    found = parse_kubeconfig(world.cluster.kubeconfig("reader"), policy=connect.http_policy())
    cluster = clusters.connect_cluster(project, "eu", found.access, by=None)
    layouts.take_layout(
        repository, layout.proposals, environments=layout.environments, clusters={"": cluster}
    )
    assert Application.objects.count() == count
    return Application.objects.get(environment__name="production")


def _turn() -> None:
    """One turn of the clock: everything is due, and the workers do it."""
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    repository_tasks.poll_due_repositories()
    tasks.check_due_applications()
    for cluster in Cluster.objects.all():
        tasks.check_cluster(cluster.pk)


def test_a_commit_becomes_drift_in_the_browser(world: World, client: Client) -> None:
    jobs.load_tasks()
    world.make_namespace()
    world.commit("1.4.0")
    world.apply("1.4.0")
    application = _connected(world)
    people = make_people(application.component.project)
    client.force_login(people["viewer"])
    assert (application.component.name, application.environment.name) == ("cart", "production")

    _turn()
    application.refresh_from_db()
    assert (application.sync, application.live_version) == ("Synced", "1.4.0")

    # Somebody changes the cluster by hand: one field, with its author.
    world.apply("1.4.0", replicas=5, manager="kubectl-edit")
    _turn()
    drift = DriftedResource.objects.get(application=application, resolved_at=None)
    assert [(c["path"], c["desired"], c["live"], c["manager"]) for c in drift.changes] == [
        ("spec.replicas", "2", "5", "kubectl-edit")
    ]
    page = client.get(f"/applications/{application.pk}/").content.decode()
    assert "spec" in page
    assert "kubectl-edit" in page

    # Git moves on, the cluster does not: the board shows what runs and what is asked for.
    world.commit("1.5.0", replicas=5)
    _turn()
    board = client.get("/projects/shop/board-table/").content.decode()
    assert "1.4.0" in board
    assert "1.5.0" in board
    assert "OutOfSync" in board

    # The controller arrives: in sync again, and the drift has an end.
    world.apply("1.5.0", replicas=5)
    _turn()
    application.refresh_from_db()
    assert (application.sync, application.live_version) == ("Synced", "1.5.0")
    assert not application.drifts.filter(resolved_at=None).exists()


def _settle(promotion: Promotion) -> str:
    """The worker's turn of a promotion; its phase then."""
    promotion_tasks.advance_promotion.work(promotion.pk)
    promotion.refresh_from_db()
    return promotion.phase


def test_one_click_brings_a_version_into_production(world: World, client: Client) -> None:
    """Promote by one click, approve as somebody else, merge by a worker, watch it arrive in the cluster."""
    jobs.load_tasks()
    world.make_namespace()
    world.make_namespace("staging")
    world.apply("1.5.0", namespace="staging")
    staging = DEPLOYMENT.format(version="1.5.0", replicas=2).replace("namespace: shop", "namespace: staging")
    world.seed.commit({"apps/cart/staging/deployment.yaml": staging}, "Deploy cart 1.5.0 to staging")
    world.commit("1.4.0")
    world.apply("1.4.0")
    _connected(world, count=2)
    project = Project.objects.get()
    people = make_people(project)
    EnvironmentPolicy.objects.create(
        environment=project.environments.get(name="production"), needs_healthy_source=False
    )
    _turn()
    for application in Application.objects.all():
        promotion_tasks.prepare_application.work(application.pk)

    client.force_login(people["proposer"])
    asked = {"from": "staging", "into": "production", "component": "cart"}
    page = client.get("/projects/shop/promotions/new/", asked).content.decode()
    assert "cart: 1.4.0 to 1.5.0 in production" in page
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    client.post("/projects/shop/promotions/new/", asked | {"seen": seen})
    promotion = Promotion.objects.get()
    assert _settle(promotion) == "open"

    client.force_login(people["approver"])
    bound = {"base": promotion.base_sha, "head": promotion.head_sha, "diff": promotion.diff_hash}
    client.post(f"/promotions/{promotion.pk}/approve/", bound)
    client.force_login(people["proposer"])
    client.post(f"/promotions/{promotion.pk}/merge/")
    assert _settle(promotion) == "merged"
    assert world.seed.git("show", f"main:{FOLDER}/deployment.yaml").endswith("shop/cart:1.5.0")

    # Git asks for it, the cluster has the old one still: it is on its way and not there.
    _turn()
    assert _settle(promotion) == "merged"
    world.apply("1.5.0")
    world.roll_out()
    _turn()
    assert _settle(promotion) == "deployed"
    steps = promotion.events.filter(is_transition=True).values_list("phase", flat=True)
    assert list(steps) == ["planned", "pushing", "opening", "open", "merging", "merged", "deployed"]
    assert "cart 1.5.0 is deployed" in client.get(f"/promotions/{promotion.pk}/").content.decode()


def test_a_silent_cluster_is_stale_and_never_gone(world: World, client: Client) -> None:
    jobs.load_tasks()
    world.make_namespace()
    world.commit("1.4.0")
    world.apply("1.4.0")
    application = _connected(world)
    client.force_login(make_people(application.component.project)["viewer"])
    _turn()

    world.cluster.stop()
    _turn()
    application.refresh_from_db()
    assert application.error
    assert application.live_version == "1.4.0"
    Application.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    board = client.get("/projects/shop/").content.decode()
    assert "stale" in board
    assert "was " in board
    assert "All " not in board.partition("<h1>")[2].partition("</h1>")[0]
    assert application.resources.filter(kind="Deployment").exists()


def test_an_unchanged_remote_is_asked_once_and_fetched_never(world: World) -> None:
    jobs.load_tasks()
    world.commit("1.4.0")
    application = _connected(world)
    before = len(world.server.requests)
    repository = Repository.objects.get(pk=application.repository_id)
    assert not repositories.poll_repository(repository, git=mirror(repository))
    asked = [line for line in world.server.requests[before:] if "git-upload-pack" in line]
    assert len(asked) <= 2  # the greeting and the list of refs
