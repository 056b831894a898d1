"""The world of the tests with the stand-in for its cluster: it applies, patches and answers dry runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.demo.standin import StandIn, TokenRole
from apps.demo.standin.exchange import Request
from apps.environments.models import Application
from gitopsui.adapters.yaml_reader import read_text
from tests.adapters.git_http import Seed
from tests.apps.environments.world import World

WRITER, READER = "token-of-the-writer", "token-of-the-reader"
ROLES = {TokenRole.WRITER: WRITER, TokenRole.READER: READER}
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(slots=True)
class StandInWorld:
    """`seed` is the repository once there is one; objects live in namespace `n`."""

    world: World
    standin: StandIn
    seed: Seed

    def application(
        self,
        files: dict[str, bytes],
        *,
        role: TokenRole = TokenRole.WRITER,
        reads_secrets: bool = False,
        may_dry_run: bool = True,
    ) -> Application:
        """The folder `app` of a new repository as an application of this cluster, not yet checked."""
        cluster = self.world.cluster
        cluster.server, cluster.ca_data, cluster.token = self.standin.url, self.standin.ca_pem, ROLES[role]
        cluster.reads_secrets, cluster.may_dry_run = reads_secrets, may_dry_run
        cluster.save()
        self.seed = self.world.seed("config", files)
        repository = self.world.connect("config")
        self.world.poll(repository)
        return self.world.application(repository, "app")

    def send(self, method: str, path: str, body: Any = None, *, kind: str = "", manager: str = "") -> Any:
        """The answer of the API, None for what is not there."""
        query = {"fieldManager": manager, "force": "true"} if manager else {}
        if kind != APPLY:
            query.pop("force", None)
        data = json.dumps(body).encode() if body is not None else b""
        request = Request(method, path, query, TokenRole.WRITER, content_type=kind, body=data)
        reply = self.standin.service.answer(request)
        assert reply.code < 300 or reply.code == 404, reply.body
        return json.loads(reply.body) if reply.code < 300 else None

    def apply(self, *files: bytes) -> None:
        """As a GitOps controller does."""
        self.namespace()
        for manifest in (one for data in files for one in read_text(data)):
            group = manifest["apiVersion"]
            root = f"/apis/{group}" if "/" in group else f"/api/{group}"
            path = f"{root}/namespaces/n/{manifest['kind'].lower()}s/{manifest['metadata']['name']}"
            body = {**manifest, "metadata": {**manifest["metadata"], "namespace": "n"}}
            self.send("PATCH", path, body, kind=APPLY, manager="kustomize-controller")

    def namespace(self) -> None:
        if self.find("/api/v1/namespaces/n") is None:
            self.send("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})

    def patch(self, path: str, patch: Any, *, strategic: bool = False) -> None:
        """As `kubectl edit` does."""
        self.send("PATCH", path, patch, kind=STRATEGIC if strategic else MERGE, manager="kubectl-edit")

    def find(self, path: str) -> Any:
        return self.send("GET", path)

    def colour(self) -> str:
        return str(self.find("/api/v1/namespaces/n/configmaps/settings")["data"]["colour"])


def standing_world(world: World, settings: Any) -> Iterator[StandInWorld]:
    tokens = {WRITER: TokenRole.WRITER, READER: TokenRole.READER}
    with StandIn(tokens=tokens) as standin:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = (*settings.GITOPSUI_TRUSTED_ENDPOINTS, standin.host_port)
        there = StandInWorld(world, standin, world.hub.create("unused"))
        there.namespace()
        yield there
