"""
What an object is given as it is created or updated and nobody owns: addresses, a first status, the
selector of a job, what admission adds to a pod.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from .kinds import Kind
from .store import Store

Manifest = dict[str, Any]

_SERVICES = ("", "services")
_STORAGE_CLASSES = ("storage.k8s.io", "storageclasses")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

_FIRST_STATUS: dict[str, Manifest] = {
    "Namespace": {"phase": "Active"},
    "Pod": {"phase": "Pending", "qosClass": "BestEffort"},
    "Service": {"loadBalancer": {}},
    "Ingress": {"loadBalancer": {}},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Pending"},
    "Deployment": {},
    "ReplicaSet": {"replicas": 0},
    "StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "DaemonSet": {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    },
    "Job": {},
    "CronJob": {},
    "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
    "PodDisruptionBudget": {
        "disruptionsAllowed": 0,
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "expectedPods": 0,
    },
    "ResourceQuota": {},
    "Node": {},
}


def allocate(kind: Kind, manifest: Manifest, store: Store, now: str) -> None:
    """Complete a new object in place; its metadata carries a uid by now."""
    if not kind.is_custom and "status" in kind.subresources:
        manifest["status"] = dict(_FIRST_STATUS.get(kind.kind, {}))
    if kind.is_custom and "status" in kind.subresources:
        manifest.pop("status", None)
    if step := _STEPS.get("" if kind.is_custom else kind.kind):
        step(manifest, store, now)


def carry_over(kind: Kind, old: Manifest, new: Manifest, store: Store, now: str) -> None:
    """Keep on an update what was allocated before and is left out now."""
    if kind.is_custom:
        return
    if kind.kind == "Service":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if name in old["spec"] and new["spec"].get("type") != "ExternalName":
                new["spec"].setdefault(name, old["spec"][name])
        _keep_node_ports(old["spec"], new["spec"])
        _allocate_service(new, store, now)
    if kind.kind == "CustomResourceDefinition":
        new["status"] = definition_status(new, now, before=old.get("status"))


def _allocate_namespace(manifest: Manifest, store: Store, now: str) -> None:
    manifest.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])


def _allocate_service(manifest: Manifest, store: Store, now: str) -> None:
    spec = manifest["spec"]
    if spec.get("type") == "ExternalName":
        return
    address = spec.get("clusterIP") or _free_address(manifest, store)
    spec["clusterIP"] = address
    spec.setdefault("clusterIPs", [address])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    wants_ports = spec["type"] == "NodePort" or spec.get("allocateLoadBalancerNodePorts")
    if wants_ports:
        taken = {port.get("nodePort") for port in _all_ports(store)}
        for port in spec.get("ports") or ():
            if not port.get("nodePort"):
                port["nodePort"] = _free_node_port(manifest, port, taken)
                taken.add(port["nodePort"])


def _free_address(manifest: Manifest, store: Store) -> str:
    services, _ = store.list_objects(_SERVICES)
    taken = {service.manifest["spec"].get("clusterIP") for service in services}
    start = _number_of(manifest, "") % 60_000
    numbers = (256 + (start + step) % 60_000 for step in range(60_000))
    return next(
        address for number in numbers if (address := f"10.96.{number // 256}.{number % 256}") not in taken
    )


def _free_node_port(manifest: Manifest, port: Manifest, taken: set[Any]) -> int:
    start = _number_of(manifest, str(port.get("port"))) % 2768
    numbers = (30_000 + (start + step) % 2768 for step in range(2768))
    return next(number for number in numbers if number not in taken)


def _number_of(manifest: Manifest, salt: str) -> int:
    metadata = manifest["metadata"]
    return zlib.crc32(f"{metadata.get('namespace')}/{metadata['name']}/{salt}".encode())


def _all_ports(store: Store) -> list[Manifest]:
    services, _ = store.list_objects(_SERVICES)
    return [port for service in services for port in service.manifest["spec"].get("ports") or ()]


def _keep_node_ports(old: Manifest, new: Manifest) -> None:
    if new.get("type") not in ("NodePort", "LoadBalancer"):
        return
    known = {(port["port"], port.get("protocol")): port.get("nodePort") for port in old.get("ports") or ()}
    for port in new.get("ports") or ():
        kept = known.get((port.get("port"), port.get("protocol")))
        if kept:
            port.setdefault("nodePort", kept)


def _admit_pod(manifest: Manifest, store: Store, now: str) -> None:
    spec = manifest["spec"]
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(item.get("key") in (key, None) for item in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            )


def _admit_claim(manifest: Manifest, store: Store, now: str) -> None:
    manifest["metadata"].setdefault("finalizers", ["kubernetes.io/pvc-protection"])
    if "storageClassName" not in manifest["spec"]:
        classes, _ = store.list_objects(_STORAGE_CLASSES)
        for stored in classes:
            if (stored.manifest["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true":
                manifest["spec"]["storageClassName"] = stored.name


def _select_job(manifest: Manifest, store: Store, now: str) -> None:
    """The generated selector and labels of a job (job-name, controller-uid, in the new and the old spelling)."""
    spec, metadata = manifest["spec"], manifest["metadata"]
    if spec.get("manualSelector"):
        return
    values = {"controller-uid": metadata["uid"], "job-name": metadata["name"]}
    marks = {f"batch.kubernetes.io/{key}": value for key, value in values.items()} | values
    template = spec["template"]["metadata"]
    template["labels"] = (template.get("labels") or {}) | marks
    metadata.setdefault("labels", dict(template["labels"]))
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": metadata["uid"]}})


def _establish(manifest: Manifest, store: Store, now: str) -> None:
    manifest["status"] = definition_status(manifest, now, before=None)


def definition_status(manifest: Manifest, now: str, *, before: Manifest | None) -> Manifest:
    """The status of a CustomResourceDefinition whose names are accepted, which is at once here."""
    spec = manifest["spec"]
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    kept = list((before or {}).get("storedVersions") or ())
    return {
        "conditions": (before or {}).get("conditions")
        or [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
        ],
        "acceptedNames": dict(spec["names"]),
        "storedVersions": kept + [name for name in stored if name not in kept],
    }


def _condition(kind: str, reason: str, message: str, now: str) -> Manifest:
    return {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}


_STEPS: dict[str, Callable[[Manifest, Store, str], None]] = {
    "Namespace": _allocate_namespace,
    "Service": _allocate_service,
    "Pod": _admit_pod,
    "PersistentVolumeClaim": _admit_claim,
    "Job": _select_job,
    "CustomResourceDefinition": _establish,
}
