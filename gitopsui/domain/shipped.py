"""The ignore rules that come with the program: what clusters change by themselves, told by detection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitopsui.domain.identity import Manifest, ResourceKey, group_kind_of
from gitopsui.domain.ignore import IgnoreRule, Level
from gitopsui.domain.tree import mapping, objects, reach, text

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_SCALED_BY = {("autoscaling", "HorizontalPodAutoscaler"): "", ("keda.sh", "ScaledObject"): "Deployment"}


def _shipped(
    group: str, kind: str, *pointers: str, reason: str, name: str | None = None, namespace: str | None = None
) -> IgnoreRule:
    return IgnoreRule(group, kind, name, namespace, pointers, reason=reason, level=Level.SHIPPED)


# What every cluster changes by itself: the certificate that an injector writes into webhooks, and the chart
# label, which changes with each chart version and says nothing about the object.
_INJECTED = "a certificate is injected"
RESTARTED_RULE = _shipped(
    "apps",
    "*",
    f"/spec/template/metadata/annotations/{RESTARTED_AT.replace('/', '~1')}",
    reason="its pods were restarted by hand",
)
BUILT_IN_RULES = (
    _shipped("admissionregistration.k8s.io", "*", "/webhooks/*/clientConfig/caBundle", reason=_INJECTED),
    _shipped("apiregistration.k8s.io", "APIService", "/spec/caBundle", reason=_INJECTED),
    _shipped(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "/spec/conversion/webhook/clientConfig/caBundle",
        reason=_INJECTED,
    ),
    _shipped("*", "*", "/metadata/labels/helm.sh~1chart", reason="it names the chart version"),
    RESTARTED_RULE,
)


def scaled_rules(manifests: Iterable[Any]) -> tuple[IgnoreRule, ...]:
    """One rule for the replicas of each workload that an autoscaler among these objects looks after."""
    return tuple(rule for manifest in manifests if (rule := _scaled_rule(manifest)) is not None)


def _scaled_rule(manifest: Any) -> IgnoreRule | None:
    # Asked of every object of a check: the cheap question comes first.
    if mapping(manifest).get("kind") not in ("HorizontalPodAutoscaler", "ScaledObject"):
        return None
    found = group_kind_of(manifest)
    target = mapping(reach(manifest, "spec", "scaleTargetRef"))
    default = _SCALED_BY.get((found.group, found.kind))
    kind, name = text(target.get("kind")) or default, text(target.get("name"))
    if default is None or not kind or not name:
        return None
    group = text(target.get("apiVersion")).rpartition("/")[0] or ("apps" if kind == "Deployment" else "*")
    namespace = text(reach(manifest, "metadata", "namespace")) or None
    reason = f"{found.kind} {text(reach(manifest, 'metadata', 'name'))} sets the replicas"
    return _shipped(group, kind, "/spec/replicas", reason=reason, name=name, namespace=namespace)


def aggregated_rules(manifests: Iterable[Manifest]) -> tuple[IgnoreRule, ...]:
    """One rule for each ClusterRole whose rules the cluster collects from others; for who wants it."""
    return tuple(
        _shipped(
            "rbac.authorization.k8s.io",
            "ClusterRole",
            "/rules",
            reason="the cluster aggregates the rules",
            name=text(reach(manifest, "metadata", "name")),
        )
        for manifest in manifests
        if mapping(manifest).get("kind") == "ClusterRole" and mapping(manifest).get("aggregationRule")
    )


# Containers that service meshes and injectors put into pods, by the names their own documentation gives them.
_SIDECARS = {
    "istio-proxy": "Istio",
    "istio-init": "Istio",
    "istio-validation": "Istio",
    "linkerd-proxy": "Linkerd",
    "linkerd-init": "Linkerd",
    "linkerd-network-validator": "Linkerd",
    "consul-dataplane": "Consul",
    "consul-connect-inject-init": "Consul",
    "kuma-sidecar": "Kuma",
    "kuma-init": "Kuma",
    "vault-agent": "Vault",
    "vault-agent-init": "Vault",
    "daprd": "Dapr",
}
_POD_AT = {
    ("", "Pod"): ("spec",),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("argoproj.io", "Rollout"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}


def sidecar_rules(key: ResourceKey, have: Manifest) -> tuple[IgnoreRule, ...]:
    """One rule for each container of a live object that an injector put there, told by its name."""
    place = _POD_AT.get((key.group, key.kind))
    return _sidecar_rules(key, place, have) if place is not None else ()


def _sidecar_rules(key: ResourceKey, place: tuple[str, ...], have: Manifest) -> tuple[IgnoreRule, ...]:
    pod = mapping(reach(have, *place))
    found = [
        (f"/{'/'.join(place)}/{listing}/name={name}", injector)
        for listing in ("containers", "initContainers")
        for container in objects(pod.get(listing))
        # What Git asks for and the cluster lacks stays drift: only a container that runs was injected.
        if (injector := _SIDECARS.get(name := text(container.get("name"))))
    ]
    return tuple(
        _shipped(key.group, key.kind, pointer, reason=f"{injector} injects the container")
        for pointer, injector in found
    )
