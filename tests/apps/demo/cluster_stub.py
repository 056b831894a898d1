"""Clusters of the demo in memory: objects, who wrote last, and roll-outs that are over at once."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from apps.demo.cluster_host import HostPlan
from gitopsui.domain.errors import ClusterError

Key = tuple[str, str, str]  # kind, namespace, name


class ClusterStub:
    """A `Cluster` that remembers its objects by kind, namespace and name."""

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.writers: dict[Key, list[str]] = {}
        self.is_silent = False
        self.applied_count = 0

    def apply(self, manifest: dict[str, Any], *, manager: str) -> None:
        self._listen()
        metadata = manifest["metadata"]
        key = (manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        self.applied_count += 1
        self.objects[key] = _merged(self.objects.get(key, {}), manifest)
        self.writers.setdefault(key, []).append(manager)

    def edit(
        self, api_version: str, kind: str, namespace: str, name: str, patch: dict[str, Any], *, manager: str
    ) -> None:
        self._listen()
        key = (kind.partition("/")[0], namespace, name)
        if key not in self.objects:
            raise ClusterError("The stand-in answered 404.", code="CLUSTER_ERROR")
        self.objects[key] = _merged(self.objects[key], patch)
        self.writers[key].append(manager)

    def list(self, api_version: str, kind: str, namespace: str) -> list[dict[str, Any]]:
        self._listen()
        return [deepcopy(item) for key, item in sorted(self.objects.items()) if key[:2] == (kind, namespace)]

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        self._listen()
        self.objects.pop((kind, namespace, name), None)

    def _listen(self) -> None:
        if self.is_silent:
            raise ClusterError("The stand-in answered 503.", code="CLUSTER_ERROR")


def _merged(old: Any, new: Any) -> Any:
    """As a strategic merge does it; lists of named things by their names."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            **old,
            **{
                key: _merged(old[key], value) if key in old else deepcopy(value) for key, value in new.items()
            },
        }
    if _is_named(old) and _is_named(new):
        by_name = {item["name"]: item for item in old}
        for item in new:
            by_name[item["name"]] = _merged(by_name.get(item["name"], {}), item)
        return list(by_name.values())
    return deepcopy(new)


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)


class HostStub:
    """A `ClusterHost` around a `ClusterStub` that outlives it, as a saved state would."""

    clusters: dict[Path, ClusterStub] = {}

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self.looks: list[Any] = []
        self.is_closed = False
        if not plan.state.exists():
            self.clusters[plan.state] = ClusterStub()
        self.client = self.clusters[plan.state]
        self.port = plan.port or 40_000
        self.url = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = f"kind: Config  # {plan.tokens.reader}\n"

    @property
    def is_silent(self) -> bool:
        return self.client.is_silent

    @is_silent.setter
    def is_silent(self, value: bool) -> None:
        self.client.is_silent = value

    def look(self) -> bool:
        self.looks.append(self.plan.clock())
        return False

    def save(self) -> None:
        self.plan.state.write_text("{}")

    def close(self) -> None:
        self.save()
        self.is_closed = True
