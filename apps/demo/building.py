"""Build the world of the demo in its data folder, and open what lies there; `world.py` says what it holds."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.demo import config_repository
from apps.demo.cluster_host import Clock, ClusterHost, HostPlan, OpenHost, Tokens
from apps.demo.config_files import NAMESPACES, REGISTRY
from apps.demo.config_repository import ConfigRepository, build_config_history
from apps.demo.reconciler import APPLICATIONS, CLUSTER_OF, NONPROD, PROD, UK, Application, Reconciler
from apps.demo.releases import COMPONENTS, ENVIRONMENTS
from apps.demo.repositories import create_repository
from apps.demo.seeding import seed_clusters
from apps.demo.source_repository import build_source_history
from apps.demo.story import is_broken_image
from gitopsui.adapters.render import Renderer, Tools

NOTICE = (
    "Stand-ins: the Git server and the clusters of this demo run on this machine alone and hold nothing real."
)
VERSION = 2
WORLD_FILE, TOKENS_FILE = "world.json", "tokens.json"
REPOSITORIES, APPLIED_FILE = "repositories", "reconciler.json"
STORY_FILE, OUTAGES_FILE = "story.json", "outages.json"
CLUSTERS = (NONPROD, PROD, UK)


def build(
    data: Path, now: datetime, *, tools: Tools, open_host: OpenHost, git_port: int, cluster_port: int
) -> None:
    """As `world.prepare`, whatever was there before."""
    data.mkdir(parents=True, exist_ok=True)
    memories = [data / name for name in (APPLIED_FILE, STORY_FILE, OUTAGES_FILE)]
    for path in (*memories, *(_state_file(data, name) for name in CLUSTERS)):
        path.unlink(missing_ok=True)
    _build_repositories(data / REPOSITORIES, now)
    tokens = {name: Tokens(secrets.token_hex(20), secrets.token_hex(20)) for name in CLUSTERS}
    shown = {name: token.as_dict() for name, token in tokens.items()}
    _write_private(data / TOKENS_FILE, json.dumps(shown, indent=2))
    ports = {name: cluster_port and cluster_port + number for number, name in enumerate(CLUSTERS)}
    with open_clusters(data, ports, tokens, open_host) as hosts:
        clocks = {name: clock for name, (_, clock) in hosts.items()}
        running = {name: host for name, (host, _) in hosts.items()}
        clients = {name: host.client for name, host in running.items()}
        reconciler = build_reconciler(data, running, tools)
        seed_clusters(_Past(clocks, running), clients, reconciler, now=now)
        for name, host in running.items():
            _write_private(data / _kubeconfig_file(name), host.kubeconfig)
        world = _describe(now, git_port or _free_port(), running)
    _write_private(data / WORLD_FILE, json.dumps(world, indent=2))


def read_world(data: Path) -> dict[str, Any]:
    """What `build` wrote down. Raises FileNotFoundError before that."""
    world: dict[str, Any] = json.loads((data / WORLD_FILE).read_text())
    return world


def read_tokens(data: Path) -> dict[str, Tokens]:
    """By the name of the cluster."""
    return {name: Tokens(**pair) for name, pair in json.loads((data / TOKENS_FILE).read_text()).items()}


def build_reconciler(data: Path, hosts: Mapping[str, ClusterHost], tools: Tools) -> Reconciler:
    scratch = data / "scratch"
    scratch.mkdir(exist_ok=True)
    clients = {name: host.client for name, host in hosts.items()}
    return Reconciler(config_of(data), Renderer(tools, scratch), clients, data / APPLIED_FILE)


def config_of(data: Path) -> ConfigRepository:
    return ConfigRepository(data / REPOSITORIES / f"{config_repository.NAME}.git")


@contextmanager
def open_clusters(
    data: Path, ports: Mapping[str, int], tokens: Mapping[str, Tokens], open_host: OpenHost
) -> Iterator[dict[str, tuple[ClusterHost, Clock]]]:
    """The clusters with what an earlier world saved of them, each with its clock; closed in the end."""
    with ExitStack() as stack:
        hosts = {}
        for name, port in ports.items():
            clock = Clock()
            host = open_host(
                HostPlan(name, port, tokens[name], clock, _state_file(data, name), is_broken_image)
            )
            stack.callback(host.close)
            hosts[name] = (host, clock)
        yield hosts


@dataclass(frozen=True, slots=True)
class _Past:
    """The clusters while they are seeded."""

    clocks: Mapping[str, Clock]
    hosts: Mapping[str, ClusterHost]

    def set_time(self, at: datetime) -> None:
        for clock in self.clocks.values():
            clock.fixed_at = at

    def look(self, cluster: str) -> bool:
        return self.hosts[cluster].look()


def _build_repositories(folder: Path, now: datetime) -> None:
    for component in COMPONENTS:
        create_repository(folder / f"{component}.git", build_source_history(component, until=now))
    create_repository(folder / f"{config_repository.NAME}.git", build_config_history(until=now))


def _describe(now: datetime, git_port: int, hosts: Mapping[str, ClusterHost]) -> dict[str, Any]:
    git = f"http://127.0.0.1:{git_port}"
    return {
        "version": VERSION,
        "notice": NOTICE,
        "seeded_at": now.isoformat(),
        "git": {"url": git, "port": git_port, "host_port": f"127.0.0.1:{git_port}"},
        "config_name": config_repository.NAME,
        "config_url": f"{git}/{config_repository.NAME}.git",
        "components": [
            {
                "name": name,
                "repository_url": f"{git}/{name}.git",
                "image": f"{REGISTRY}/{name}",
                "tag_prefix": "v",
            }
            for name in COMPONENTS
        ],
        "environments": [
            {"name": name, "cluster": CLUSTER_OF[name], "namespace": NAMESPACES[name]}
            for name in ENVIRONMENTS
        ],
        "clusters": [_describe_cluster(name, host) for name, host in hosts.items()],
        "applications": [_describe_application(application) for application in APPLICATIONS],
        "tokens": TOKENS_FILE,
    }


def _describe_cluster(name: str, host: ClusterHost) -> dict[str, Any]:
    return {
        "name": name,
        "url": host.url,
        "port": host.port,
        "host_port": f"127.0.0.1:{host.port}",
        "kubeconfig": _kubeconfig_file(name),
        "environments": [environment for environment in ENVIRONMENTS if CLUSTER_OF[environment] == name],
    }


def _describe_application(application: Application) -> dict[str, Any]:
    source = application.source
    return {
        "name": application.name,
        "component": application.component,
        "environment": application.environment,
        "cluster": application.cluster,
        "namespace": application.namespace,
        "path": source.path,
        "renderer": source.renderer,
        "values_files": list(source.values_files),
        "release_name": source.release_name,
    }


def _state_file(data: Path, cluster: str) -> Path:
    return data / f"{cluster}.json"


def _kubeconfig_file(cluster: str) -> str:
    return f"kubeconfig-{cluster}.yaml"


def _write_private(path: Path, text: str) -> None:
    """Put a file in place that nobody else may read."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
