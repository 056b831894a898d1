"""
The defaults an API server adds to built-in kinds, as its API documentation gives them for each field
(https://kubernetes.io/docs/reference/kubernetes-api/).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import network, pods, rest, workloads

Manifest = dict[str, Any]

_BY_KIND: dict[str, Callable[[Manifest], None]] = {
    "Pod": pods.default_pod,
    "Deployment": workloads.default_deployment,
    "ReplicaSet": workloads.default_replica_set,
    "StatefulSet": workloads.default_stateful_set,
    "DaemonSet": workloads.default_daemon_set,
    "Job": workloads.default_job,
    "CronJob": workloads.default_cron_job,
    "Service": network.default_service,
    "NetworkPolicy": network.default_network_policy,
    "Endpoints": network.default_endpoints,
    "EndpointSlice": network.default_endpoint_slice,
    "HorizontalPodAutoscaler": rest.default_autoscaler,
    "LimitRange": rest.default_limit_range,
    "PersistentVolumeClaim": rest.default_volume_claim,
    "PersistentVolume": rest.default_volume,
    "StorageClass": rest.default_storage_class,
    "Namespace": rest.default_namespace,
    "Secret": rest.default_secret,
    "RoleBinding": rest.default_binding,
    "ClusterRoleBinding": rest.default_binding,
    "CustomResourceDefinition": rest.default_definition,
    "PriorityClass": rest.default_priority_class,
    "ValidatingWebhookConfiguration": rest.default_webhooks,
    "MutatingWebhookConfiguration": rest.default_webhooks,
}


def add_defaults(kind: str, manifest: Manifest) -> None:
    """Add what is left out, in place; a kind without defaults stays as it is."""
    if default := _BY_KIND.get(kind):
        default(manifest)
