"""Health of the other built-in kinds: storage, network, scaling, extensions of the API."""

from __future__ import annotations

import json
from typing import Any

from gitopsui.domain.health_status import (
    Health,
    Rule,
    conditions_of,
    degraded,
    find_condition,
    healthy,
    progressing,
    spec_of,
    status_of,
    unknown,
)
from gitopsui.domain.identity import Manifest, annotations_of
from gitopsui.domain.tree import mapping, objects, reach, text


def _claim(manifest: Manifest) -> Health:
    phases = {"Lost": degraded(), "Pending": progressing(), "Bound": healthy()}
    return phases.get(text(status_of(manifest).get("phase")), unknown())


def _has_address(manifest: Manifest) -> bool:
    return bool(reach(manifest, "status", "loadBalancer", "ingress"))


def _ingress(manifest: Manifest) -> Health:
    return healthy() if _has_address(manifest) else progressing()


def _service(manifest: Manifest) -> Health:
    needs_address = spec_of(manifest).get("type") == "LoadBalancer"
    return progressing() if needs_address and not _has_address(manifest) else healthy()


_CONDITIONS_V1 = "autoscaling.alpha.kubernetes.io/conditions"
_WAITING_TO_SCALE = "Waiting to Autoscale"
_SCALING_FAILURES = {
    "AbleToScale": {"FailedGetScale", "FailedUpdateScale"},
    "ScalingActive": {
        "FailedComputeMetricsReplicas",
        "FailedGetExternalMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetResourceMetric",
        "InvalidSelector",
    },
}


def _autoscaler(manifest: Manifest) -> Health:
    conditions = conditions_of(manifest)
    if text(manifest.get("apiVersion")).endswith("/v1"):
        # autoscaling/v1 has no field for conditions and keeps them as JSON in an annotation.
        conditions = _read_conditions(annotations_of(manifest).get(_CONDITIONS_V1))
    for condition in conditions:
        if condition.get("reason") in _SCALING_FAILURES.get(text(condition.get("type")), ()):
            return degraded(condition.get("message"))
    for condition in conditions:
        if condition.get("type") in ("AbleToScale", "ScalingLimited") and condition.get("status") == "True":
            return healthy(condition.get("message"))
    return progressing(_WAITING_TO_SCALE)


def _read_conditions(value: Any) -> list[dict[str, Any]]:
    try:
        return objects(json.loads(value)) if isinstance(value, str) else []
    except (ValueError, RecursionError):
        return []


def _api_service(manifest: Manifest) -> Health:
    condition = find_condition(manifest, "Available")
    if condition is None:
        return progressing("Waiting to be processed")
    message = f"{text(condition.get('reason'))}: {text(condition.get('message'))}"
    return healthy(message) if condition.get("status") == "True" else progressing(message)


def _definition(manifest: Manifest) -> Health:
    conditions = conditions_of(manifest)
    if not conditions:
        return progressing("Status conditions not found")
    for condition in conditions:
        found = _definition_trouble(condition)
        if found is not None:
            return found
    established = mapping(find_condition(manifest, "Established"))
    is_ready = established.get("status") == "True"
    return healthy("CRD is healthy") if is_ready else degraded("CRD is not established")


def _definition_trouble(condition: dict[str, Any]) -> Health | None:
    message = text(condition.get("message"))
    match (condition.get("type"), condition.get("status"), condition.get("reason")):
        case ("Terminating", "True", _):
            return progressing(f"CRD is terminating: {message}")
        case ("NamesAccepted", "False", _):
            return degraded(f"CRD names have not been accepted: {message}")
        case ("NonStructuralSchema", "True", _):
            return degraded(f"Schema violations found: {message}")
        case ("Established", status, "Installing") if status != "True":
            return progressing("CRD is being installed")
    return None


def _disruption_budget(manifest: Manifest) -> Health:
    health = progressing("Waiting for status")
    for condition in conditions_of(manifest):
        reason = text(condition.get("reason"))
        # Too few pods may well be meant: https://github.com/argoproj/argo-cd/issues/20171
        if condition.get("status") == "False" and reason != "InsufficientPods":
            return degraded(f"PodDisruptionBudget has {reason}")
        health = healthy(f"PodDisruptionBudget has {reason}")
    return health


# What these say while they are being deleted.
DELETIONS = {("apiextensions.k8s.io", "CustomResourceDefinition"): "CRD is terminating"}

RULES: dict[tuple[str, str], Rule] = {
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("extensions", "Ingress"): _ingress,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
}
