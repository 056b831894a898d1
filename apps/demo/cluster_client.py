"""
Write into a stand-in API server, as kubectl and the controllers do: apply, edit, list, delete.

The program itself never writes to a cluster; only the people and the controllers of the demo do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gitopsui.domain.errors import ClusterError
from gitopsui.domain.resource import Manifest

APPLY = "application/apply-patch+yaml"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
# (API version, kind) → the word in the path, in the order things are applied; Git holds no other kinds.
PLURALS: Mapping[tuple[str, str], str] = {
    ("v1", "Namespace"): "namespaces",
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Service"): "services",
    ("apps/v1", "Deployment"): "deployments",
    ("apps/v1", "ReplicaSet"): "replicasets",
    ("v1", "Pod"): "pods",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
}
# What the tools that reconcile bring with them; Git holds none of these here.
TOOL_PLURALS: Mapping[tuple[str, str], str] = {
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): "customresourcedefinitions",
    ("argoproj.io/v1alpha1", "Application"): "applications",
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): "kustomizations",
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"): "helmreleases",
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): "gitrepositories",
}


class Cluster(Protocol):
    """What the demo does to a cluster. Every method may raise ClusterError."""

    def apply(self, manifest: Manifest, *, manager: str) -> None:
        """Server-side apply, which takes the fields it names from whoever had them."""

    def edit(
        self, api_version: str, kind: str, namespace: str, name: str, patch: Manifest, *, manager: str
    ) -> None:
        """Change some fields, as `kubectl edit` does; `kind` may end in `/scale`."""

    def list(self, api_version: str, kind: str, namespace: str) -> list[Manifest]:
        """All objects of a kind in a namespace."""

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        """Take an object away; it may be gone already."""


# Verb, path, query, content type, body → status and body.
Send = Callable[[str, str, Mapping[str, str], str, bytes], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class ClusterClient:
    """The cluster that `send` hands a request to."""

    send: Send

    def apply(self, manifest: Manifest, *, manager: str) -> None:
        metadata = manifest["metadata"]
        path = _path(
            manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"]
        )
        self._call("PATCH", path, {"fieldManager": manager, "force": "true"}, APPLY, manifest)

    def edit(
        self, api_version: str, kind: str, namespace: str, name: str, patch: Manifest, *, manager: str
    ) -> None:
        kind, _, subresource = kind.partition("/")
        path = _path(api_version, kind, namespace, name) + (f"/{subresource}" if subresource else "")
        is_merged = subresource or (api_version, kind) in TOOL_PLURALS
        self._call("PATCH", path, {"fieldManager": manager}, MERGE if is_merged else STRATEGIC, patch)

    def list(self, api_version: str, kind: str, namespace: str) -> list[Manifest]:
        answer = self._call("GET", _path(api_version, kind, namespace))
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"]]

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        self._call("DELETE", _path(api_version, kind, namespace, name), allowed=404)

    def _call(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None = None,
        content_type: str = "",
        body: Manifest | None = None,
        *,
        allowed: int = 200,
    ) -> Any:
        given = json.dumps(body).encode() if body is not None else b""
        status, content = self.send(verb, path, query or {}, content_type, given)
        if status >= 300 and status != allowed:
            text = content.decode("utf-8", "replace")[:300]
            raise ClusterError(f"The stand-in answered {status}: {text}", code="CLUSTER_ERROR")
        return json.loads(content)


def _path(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    plural = {**PLURALS, **TOOL_PLURALS, ("v1", "Event"): "events"}[api_version, kind]
    parts = [root, *(("namespaces", namespace) if namespace else ()), plural]
    return "/".join([*parts, *((name,) if name else ())])
