"""
Write into a stand-in API server over HTTP, as kubectl and the controllers do: apply, edit, list, delete.

The program itself never writes to a cluster; only the people and the controllers of the demo do.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from gitopsui.domain.errors import ClusterError
from gitopsui.domain.resource import Manifest

TIMEOUT_SECONDS = 5
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
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
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


@dataclass(frozen=True, slots=True)
class ClusterClient:
    """The cluster at `server`; `ca_pem` is the certificate it is trusted by, "" for plain HTTP."""

    server: str
    token: str
    ca_pem: str = ""

    def apply(self, manifest: Manifest, *, manager: str) -> None:
        metadata = manifest["metadata"]
        path = _path(
            manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"]
        )
        query = urlencode({"fieldManager": manager, "force": "true"})
        self._call("PATCH", f"{path}?{query}", manifest, APPLY)

    def edit(
        self, api_version: str, kind: str, namespace: str, name: str, patch: Manifest, *, manager: str
    ) -> None:
        kind, _, subresource = kind.partition("/")
        path = _path(api_version, kind, namespace, name) + (f"/{subresource}" if subresource else "")
        content_type = MERGE if subresource else STRATEGIC
        self._call("PATCH", f"{path}?{urlencode({'fieldManager': manager})}", patch, content_type)

    def list(self, api_version: str, kind: str, namespace: str) -> list[Manifest]:
        answer = self._call("GET", _path(api_version, kind, namespace))
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"]]

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        self._call("DELETE", _path(api_version, kind, namespace, name), allowed=404)

    def _call(
        self, verb: str, path: str, body: Any = None, content_type: str = "", *, allowed: int = 200
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        headers |= {"Content-Type": content_type} if content_type else {}
        connection = self._connect()
        try:
            connection.request(verb, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError("The stand-in does not answer.", code="CLUSTER_UNREACHABLE") from error
        finally:
            connection.close()
        if answer.status >= 300 and answer.status != allowed:
            text = content.decode("utf-8", "replace")[:300]
            raise ClusterError(f"The stand-in answered {answer.status}: {text}", code="CLUSTER_ERROR")
        return json.loads(content)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context(cadata=self.ca_pem)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)


def decode_ca(data: str) -> str:
    """The `certificate-authority-data` of a kubeconfig as PEM text."""
    return base64.b64decode(data).decode("ascii")


def _path(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [root, *(("namespaces", namespace) if namespace else ()), PLURALS[api_version, kind]]
    return "/".join([*parts, *((name,) if name else ())])
