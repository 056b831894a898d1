"""Defaults of a pod and of its template: containers, probes, volumes."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

_OF_VOLUMES: dict[str, Manifest] = {
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"},
    "scaleIO": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod(pod: Manifest) -> None:
    """A template's defaults and the two that only a pod itself gets."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        if spec.get("hostNetwork"):
            _default_host_ports(container)
        limits = container["resources"].get("limits")
        if limits:
            container["resources"]["requests"] = limits | container["resources"].get("requests", {})


def default_template(owner: Manifest) -> None:
    template = owner.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Manifest) -> None:
    for volume in spec.get("volumes") or ():
        _default_volume(volume)
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _default_container(container)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")


def _default_host_ports(container: Manifest) -> None:
    """Of a pod alone: since 1.28 a template does not get them."""
    for port in container.get("ports") or ():
        if "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])


def _default_container(container: Manifest) -> None:
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        _default_references(variable.get("valueFrom") or {})
    container.setdefault("resources", {})
    for name in _PROBES:
        if name in container:
            _default_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        _default_action(hook)
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", pull_policy(str(container.get("image", ""))))


def pull_policy(image: str) -> str:
    """`Always` for the tag latest, given or meant, without a digest."""
    if "@" in image:
        return "IfNotPresent"
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _default_probe(probe: Manifest) -> None:
    _default_action(probe)
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)


def _default_action(action: Manifest) -> None:
    if "httpGet" in action:
        action["httpGet"].setdefault("path", "/")
        action["httpGet"].setdefault("scheme", "HTTP")
    if "grpc" in action:
        action["grpc"].setdefault("service", "")


def _default_references(source: Manifest) -> None:
    if "fieldRef" in source:
        source["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in source:
        source["resourceFieldRef"].setdefault("divisor", "0")


def _default_volume(volume: Manifest) -> None:
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}
    for name in ("configMap", "secret", "downwardAPI", "projected"):
        if name in volume:
            volume[name].setdefault("defaultMode", 420)
    for name, defaults in _OF_VOLUMES.items():
        if name in volume:
            volume[name] = defaults | volume[name]
    if "image" in volume:
        volume["image"].setdefault("pullPolicy", pull_policy(str(volume["image"].get("reference", ""))))
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_references(item)
    for source in (volume.get("projected") or {}).get("sources") or ():
        _default_projection(source)
    if "ephemeral" in volume:
        claim = volume["ephemeral"].setdefault("volumeClaimTemplate", {})
        claim.setdefault("metadata", {})
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _default_projection(source: Manifest) -> None:
    if "serviceAccountToken" in source:
        source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
    for item in (source.get("downwardAPI") or {}).get("items") or ():
        _default_references(item)
