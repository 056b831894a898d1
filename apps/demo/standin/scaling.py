"""The scale subresource: `autoscaling/v1` Scale in front of `spec.replicas`."""

from __future__ import annotations

from typing import Any

from .kinds import Kind
from .store import Manifest


def scale_of(kind: Kind, manifest: Manifest) -> Manifest:
    """The Scale of a workload."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    status: Manifest = {"replicas": (manifest.get("status") or {}).get("replicas", 0)}
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    if labels:
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in names if name in metadata},
        "spec": {"replicas": spec.get("replicas", 0)} if spec.get("replicas") else {},
        "status": status,
    }


def scaled(manifest: Manifest, scale: Manifest) -> Manifest:
    """The workload with the replicas of a Scale, under the condition of its resourceVersion."""
    replicas: Any = (scale.get("spec") or {}).get("replicas") or 0
    metadata = dict(manifest["metadata"])
    if version := (scale.get("metadata") or {}).get("resourceVersion"):
        metadata["resourceVersion"] = version
    return manifest | {"metadata": metadata, "spec": {**manifest["spec"], "replicas": replicas}}
