"""
Health of the kinds that many platforms install: certificates, external secrets, scaling, canaries, gateways.
Source: resource_customizations of https://github.com/argoproj/argo-cd
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitopsui.domain.health_status import (
    Health,
    Rule,
    by_condition,
    conditions_of,
    degraded,
    find_condition,
    healthy,
    metadata_of,
    progressing,
    status_of,
    suspended,
    unknown,
)
from gitopsui.domain.identity import Manifest
from gitopsui.domain.tree import number, objects, reach, text

_CANARY_PHASES: dict[str, Callable[[Any], Health]] = {
    "Failed": degraded,
    "Finalising": progressing,
    "Initialized": healthy,
    "Progressing": progressing,
    "Promoting": progressing,
    "Succeeded": healthy,
}


def _certificate(manifest: Manifest) -> Health | None:
    issuing = find_condition(manifest, "Issuing")
    if issuing is not None and issuing.get("status") == "True":
        return progressing(issuing.get("message"))
    return by_condition("Ready", "Waiting for certificate")(manifest)


def _cluster_external_secret(manifest: Manifest) -> Health:
    # New conditions are appended, so the last one speaks.
    last = (conditions_of(manifest) or [{}])[-1]
    if last.get("status") == "True" and last.get("type") == "Ready":
        return healthy(last.get("message"))
    if last.get("status") == "True" and last.get("type") in ("PartiallyReady", "NotReady"):
        return degraded(last.get("message"))
    return progressing("Waiting for ClusterExternalSecret")


def _scaled(failing: tuple[tuple[str, str], ...], waiting: str) -> Rule:
    def rule(manifest: Manifest) -> Health:
        message: Any = ""
        found: set[tuple[str, str]] = set()
        for condition in conditions_of(manifest):
            state = (text(condition.get("type")), text(condition.get("status")))
            if state in failing or state in (("Ready", "True"), ("Paused", "True")):
                found.add(state)
                message = condition.get("message")
        if found & set(failing):
            return degraded(message)
        if ("Ready", "True") not in found:
            return progressing(waiting)
        return suspended(message) if ("Paused", "True") in found else healthy(message)

    return rule


def _canary(manifest: Manifest) -> Health:
    status = status_of(manifest)
    if not status:
        return unknown("No status")
    parts = [text(condition.get("message")) for condition in conditions_of(manifest)]
    if number(status.get("canaryWeight")) > 0:
        parts.insert(0, f"Canary Weight: {number(status.get('canaryWeight'))} %")
    phase = text(status.get("phase"))
    return _CANARY_PHASES.get(phase, unknown)(" --- ".join([phase, *parts]))


def _refusal(conditions: list[dict[str, Any]]) -> str | None:
    """Why a gateway or a route was not taken; None when it was."""
    for kind in ("ResolvedRefs", "Accepted"):
        for condition in conditions:
            if condition.get("type") == kind and condition.get("status") == "False":
                return text(condition.get("message")) or f"Failed condition: {kind}"
    return None


def _programming(conditions: list[dict[str, Any]], noun: str) -> str | None:
    for condition in conditions:
        if condition.get("type") == "Programmed" and condition.get("status") != "True":
            return text(condition.get("message")) or f"{noun} is still being programmed"
    return None


def _judge(conditions: list[dict[str, Any]], noun: str, prefix: str = "") -> Health | None:
    refusal = _refusal(conditions)
    if refusal is not None:
        return degraded(f"{prefix}{refusal}")
    waiting = _programming(conditions, noun)
    return None if waiting is None else progressing(f"{prefix}{waiting}")


def _gateway(manifest: Manifest) -> Health:
    status = status_of(manifest)
    listeners = objects(status.get("listeners"))
    found = _judge(conditions_of(manifest), "Gateway")
    for listener in listeners:
        found = found or _judge(objects(listener.get("conditions")), "Listener", "Listener: ")
    if found is not None:
        return found
    is_reported = isinstance(status.get("conditions"), list) or listeners
    return healthy("Gateway is healthy") if is_reported else progressing("Waiting for Gateway status")


def _route(manifest: Manifest) -> Health:
    kind = text(manifest.get("kind"))
    parents = [item for item in objects(status_of(manifest).get("parents")) if item.get("conditions")]
    seen = [item for item in parents if _is_current(manifest, item)]
    for parent in seen:
        prefix = f"Parent {text(reach(parent, 'parentRef', 'name'))}: "
        found = _judge(objects(parent.get("conditions")), "Route", prefix)
        if found is not None:
            return found
    return healthy(f"{kind} is healthy") if seen else progressing(f"Waiting for {kind} status")


def _is_current(manifest: Manifest, parent: dict[str, Any]) -> bool:
    """Whether the conditions of a parent speak of the latest spec."""
    generation = metadata_of(manifest).get("generation")
    seen = (condition.get("observedGeneration") for condition in objects(parent.get("conditions")))
    return generation is None or all(item in (None, generation) for item in seen)


def _gateway_class(manifest: Manifest) -> Health:
    generation = metadata_of(manifest).get("generation")
    answers = {
        "True": (healthy, "GatewayClass is accepted"),
        "False": (degraded, "GatewayClass is not accepted"),
    }
    waiting = (progressing, "Waiting for GatewayClass status")
    for condition in conditions_of(manifest):
        is_stale = None not in (generation, condition.get("observedGeneration"))
        if condition.get("type") != "Accepted" or (
            is_stale and condition["observedGeneration"] != generation
        ):
            continue
        answer, default = answers.get(text(condition.get("status")), waiting)
        return answer(text(condition.get("message")) or default)
    return progressing("Waiting for GatewayClass status")


def _backend_policy(manifest: Manifest) -> Health:
    ancestors = objects(status_of(manifest).get("ancestors"))
    health = progressing("Waiting for BackendTLSPolicy status")
    for ancestor in ancestors:
        if not _is_current(manifest, ancestor):
            name = text(reach(ancestor, "ancestorRef", "name"))
            return progressing(f"Waiting for Ancestor {name} to update BackendTLSPolicy status")
    for ancestor in ancestors:
        for condition in objects(ancestor.get("conditions")):
            if condition.get("type") not in ("Accepted", "ResolvedRefs"):
                continue
            if condition.get("status") != "True":
                name = text(reach(ancestor, "ancestorRef", "name"))
                return degraded(f"Ancestor {name}: {text(condition.get('message'))}")
            if condition.get("type") == "Accepted":
                health = healthy("BackendTLSPolicy is healthy")
    return health


_SCALED_OBJECT = _scaled(
    (("Ready", "False"), ("Fallback", "True")), "Creating HorizontalPodAutoscaler Object"
)
_SCALED_JOB = _scaled((("Ready", "False"), ("Ready", "Unknown")), "Waiting for ScaledJob")
_GATEWAY = "gateway.networking.k8s.io"
_SECRETS = "external-secrets.io"

RULES: dict[tuple[str, str], Rule] = {
    ("cert-manager.io", "Certificate"): _certificate,
    ("cert-manager.io", "ClusterIssuer"): by_condition("Ready", "Initializing ClusterIssuer"),
    ("cert-manager.io", "Issuer"): by_condition("Ready", "Initializing issuer"),
    ("certmanager.k8s.io", "Certificate"): _certificate,
    (_SECRETS, "ClusterExternalSecret"): _cluster_external_secret,
    (_SECRETS, "ClusterSecretStore"): by_condition("Ready", "Waiting for ClusterSecretStore"),
    (_SECRETS, "ExternalSecret"): by_condition("Ready", "Waiting for ExternalSecret"),
    (_SECRETS, "PushSecret"): by_condition("Ready", "Waiting for PushSecret"),
    (_SECRETS, "SecretStore"): by_condition("Ready", "Waiting for SecretStore"),
    ("flagger.app", "Canary"): _canary,
    (_GATEWAY, "BackendTLSPolicy"): _backend_policy,
    (_GATEWAY, "GRPCRoute"): _route,
    (_GATEWAY, "Gateway"): _gateway,
    (_GATEWAY, "GatewayClass"): _gateway_class,
    (_GATEWAY, "HTTPRoute"): _route,
    ("keda.sh", "ScaledJob"): _SCALED_JOB,
    ("keda.sh", "ScaledObject"): _SCALED_OBJECT,
}
