"""
The object of each kind that has nothing in it yet.

Whoever creates an object owns what differs from this: a struct that is always there (`spec` of a
Deployment) is owned by nobody, one that can be left out (`securityContext`) by whoever wrote it.
"""

from __future__ import annotations

from typing import Any

from .kinds import Kind

Manifest = dict[str, Any]

_TEMPLATE: Manifest = {"metadata": {}, "spec": {}}
_SPECS: dict[str, Manifest] = {
    "Deployment": {"template": _TEMPLATE, "strategy": {}},
    "ReplicaSet": {"template": _TEMPLATE},
    "StatefulSet": {"template": _TEMPLATE, "updateStrategy": {}},
    "DaemonSet": {"template": _TEMPLATE, "updateStrategy": {}},
    "Job": {"template": _TEMPLATE},
    "CronJob": {"jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
    "HorizontalPodAutoscaler": {"scaleTargetRef": {}},
    "CustomResourceDefinition": {"names": {}},
    "PersistentVolumeClaim": {"resources": {}},
}
_WITHOUT_SPEC = frozenset(
    {
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "Event",
        "Endpoints",
        "EndpointSlice",
        "StorageClass",
        "PriorityClass",
    }
    | {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ControllerRevision"}
    | {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}
)
_EXTRA: dict[str, Manifest] = {
    "RoleBinding": {"roleRef": {}},
    "ClusterRoleBinding": {"roleRef": {}},
    "Event": {"involvedObject": {}, "source": {}},
    "Service": {"status": {"loadBalancer": {}}},
    "Ingress": {"status": {"loadBalancer": {}}},
    "CustomResourceDefinition": {"status": {"acceptedNames": {}}},
}


def skeleton_of(kind: Kind) -> Manifest:
    """A custom resource has nothing that is always there but its metadata."""
    empty: Manifest = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {}}
    if kind.is_custom:
        return empty
    if kind.kind not in _WITHOUT_SPEC:
        empty["spec"] = _SPECS.get(kind.kind, {})
    if "status" in kind.subresources:
        empty["status"] = {}
    return empty | _EXTRA.get(kind.kind, {})
