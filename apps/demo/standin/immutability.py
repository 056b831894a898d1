"""Fields that may not change once an object is there, and how an API server words its refusal."""

from __future__ import annotations

import json
from typing import Any

from .answers import Cause
from .kinds import Kind

Manifest = dict[str, Any]

_IMMUTABLE: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec.selector",),
    "ReplicaSet": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "Job": ("spec.selector", "spec.completions", "spec.template"),
    "Service": ("spec.clusterIP",),
    "Secret": ("type",),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    "CustomResourceDefinition": ("spec.group", "spec.scope"),
}
_STATEFUL_SET_CHANGES = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_POD_CHANGES = frozenset(
    {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"}
)


def find_immutable_changes(kind: Kind, old: Manifest, new: Manifest) -> list[Cause]:
    """The refusals of an update; empty when it may pass."""
    if kind.is_custom:
        return []
    causes = [
        Cause(path, f"Invalid value: {json.dumps(_at(new, path), separators=(',', ':'))}: field is immutable")
        for path in _IMMUTABLE.get(kind.kind, ())
        if _at(old, path) != _at(new, path) and _at(old, path) is not None
    ]
    if kind.kind in _SPECIAL:
        causes += _SPECIAL[kind.kind](old, new)
    return causes


def _stateful_set(old: Manifest, new: Manifest) -> list[Cause]:
    if _without(old["spec"], _STATEFUL_SET_CHANGES) == _without(new["spec"], _STATEFUL_SET_CHANGES):
        return []
    text = (
        "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' "
        "are forbidden"
    )
    return [Cause("spec", text, "FieldValueForbidden")]


def _pod(old: Manifest, new: Manifest) -> list[Cause]:
    if _frozen_pod(old["spec"]) == _frozen_pod(new["spec"]):
        return []
    text = (
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
        "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    return [Cause("spec", text, "FieldValueForbidden")]


def _frozen_pod(spec: Manifest) -> Manifest:
    frozen = _without(spec, _POD_CHANGES)
    for name in ("containers", "initContainers"):
        if name in frozen:
            frozen[name] = [_without(container, frozenset({"image"})) for container in frozen[name]]
    return frozen


def _claim(old: Manifest, new: Manifest) -> list[Cause]:
    binding = () if old["spec"].get("volumeName") else ("volumeName",)
    loose = frozenset({"resources", "volumeAttributesClassName", *binding})
    if _without(old["spec"], loose) == _without(new["spec"], loose):
        return []
    text = (
        "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName "
        "for bound claims"
    )
    return [Cause("spec", text, "FieldValueForbidden")]


def _keyed_data(old: Manifest, new: Manifest) -> list[Cause]:
    if not old.get("immutable") or all(
        old.get(name) == new.get(name) for name in ("data", "binaryData", "immutable")
    ):
        return []
    return [Cause("data", "Forbidden: field is immutable when `immutable` is set", "FieldValueForbidden")]


def _binding(old: Manifest, new: Manifest) -> list[Cause]:
    if old.get("roleRef") == new.get("roleRef"):
        return []
    return [Cause("roleRef", f"Invalid value: {json.dumps(new.get('roleRef'))}: cannot change roleRef")]


_SPECIAL = {
    "StatefulSet": _stateful_set,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "ConfigMap": _keyed_data,
    "Secret": _keyed_data,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}


def _at(manifest: Manifest, path: str) -> Any:
    value: Any = manifest
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _without(value: Manifest, names: frozenset[str]) -> Manifest:
    return {name: item for name, item in value.items() if name not in names}
