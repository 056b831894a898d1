"""Defaults of the kinds that run and route nothing: storage, access, scaling, definitions, webhooks."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_ANY_PERCENT = {"type": "Percent", "value": 100, "periodSeconds": 15}


def default_autoscaler(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if "behavior" in spec:
        _default_behavior(spec["behavior"])


def _default_behavior(behavior: Manifest) -> None:
    up = behavior.setdefault("scaleUp", {})
    up.setdefault("stabilizationWindowSeconds", 0)
    up.setdefault("selectPolicy", "Max")
    up.setdefault("policies", [{"type": "Pods", "value": 4, "periodSeconds": 15}, dict(_ANY_PERCENT)])
    down = behavior.setdefault("scaleDown", {})
    down.setdefault("selectPolicy", "Max")
    down.setdefault("policies", [dict(_ANY_PERCENT)])


def default_limit_range(manifest: Manifest) -> None:
    """Of containers: what is the most is the default, and what is the default is the request."""
    for item in manifest.setdefault("spec", {}).get("limits") or ():
        if item.get("type") != "Container":
            continue
        default = (item.get("max") or {}) | (item.get("default") or {})
        request = (item.get("min") or {}) | default | (item.get("defaultRequest") or {})
        item |= {name: value for name, value in (("default", default), ("defaultRequest", request)) if value}


def default_volume_claim(manifest: Manifest) -> None:
    manifest.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def default_volume(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")


def default_storage_class(manifest: Manifest) -> None:
    manifest.setdefault("reclaimPolicy", "Delete")
    manifest.setdefault("volumeBindingMode", "Immediate")


def default_namespace(manifest: Manifest) -> None:
    metadata = manifest["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata.get("name", "")


def default_secret(manifest: Manifest) -> None:
    manifest.setdefault("type", "Opaque")


def default_binding(manifest: Manifest) -> None:
    manifest.setdefault("roleRef", {}).setdefault("apiGroup", _RBAC)
    for subject in manifest.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", _RBAC)


def default_definition(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    names = spec.setdefault("names", {})
    names.setdefault("singular", str(names.get("kind", "")).lower())
    names.setdefault("listKind", f"{names.get('kind', '')}List")
    conversion = spec.setdefault("conversion", {})
    conversion.setdefault("strategy", "None")
    service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
    if service:
        service.setdefault("port", 443)


def default_priority_class(manifest: Manifest) -> None:
    manifest.setdefault("preemptionPolicy", "PreemptLowerPriority")


def default_webhooks(manifest: Manifest) -> None:
    for webhook in manifest.get("webhooks") or ():
        webhook.setdefault("failurePolicy", "Fail")
        webhook.setdefault("matchPolicy", "Equivalent")
        webhook.setdefault("namespaceSelector", {})
        webhook.setdefault("objectSelector", {})
        webhook.setdefault("timeoutSeconds", 10)
        if manifest.get("kind") == "MutatingWebhookConfiguration":
            webhook.setdefault("reinvocationPolicy", "Never")
        for rule in webhook.get("rules") or ():
            rule.setdefault("scope", "*")
        service = (webhook.get("clientConfig") or {}).get("service")
        if service:
            service.setdefault("port", 443)
