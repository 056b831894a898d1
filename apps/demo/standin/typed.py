"""
What becomes of a built-in object when a server reads it into its types and writes it back: nulls and
empty optional fields vanish, quantities get their canonical form, `stringData` becomes `data`.
"""

from __future__ import annotations

import base64
from typing import Any

from .quantities import canonical_quantity

Manifest = dict[str, Any]

_STRING_MAPS = frozenset(
    {"labels", "annotations", "matchLabels", "nodeSelector", "data", "binaryData", "stringData", "parameters"}
)
_QUANTITY_MAPS = frozenset(
    {"limits", "requests", "capacity", "allocatable", "hard", "used", "overhead"}
    | {"default", "defaultRequest", "max", "min", "maxLimitRequestRatio"}
)
_QUANTITIES = frozenset({"divisor", "sizeLimit", "averageValue"})
_OPTIONAL_STRINGS = frozenset(
    [
        "namespace",
        "generateName",
        "serviceAccountName",
        "serviceAccount",
        "nodeName",
        "hostname",
        "subdomain",
        "priorityClassName",
        "workingDir",
        "subPath",
        "subPathExpr",
        "externalName",
        "loadBalancerIP",
        "schedulerName",
        "image",
        "volumeName",
        "imagePullPolicy",
        "protocol",
        "host",
        "path",
        "secretName",
        "fsType",
        "medium",
        "sessionAffinity",
        "reason",
        "message",
        "dnsPolicy",
        "restartPolicy",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "externalTrafficPolicy",
        "clusterIP",
        "apiGroup",
    ]
)
_OPTIONAL_FLAGS = frozenset(
    [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "stdin",
        "stdinOnce",
        "tty",
        "readOnly",
        "paused",
        "publishNotReadyAddresses",
        "unschedulable",
    ]
)
_OPTIONAL_NUMBERS = frozenset(
    [
        "minReadySeconds",
        "hostPort",
        "nodePort",
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ]
)
_OPTIONAL_BY_PARENT = {("env", "value"), ("tolerations", "value"), ("ports", "name"), ("tolerations", "key")}


def retyped(manifest: Manifest) -> Manifest:
    """A deep copy of a built-in object as a server would write it back. Raises ValueError on a bad quantity."""
    typed: Manifest = _mapping(manifest, "", top=True)
    if typed.get("kind") == "Secret":
        _encode_secret(typed)
    if typed.get("kind") in ("Role", "ClusterRole"):
        typed["rules"] = typed.get("rules") or None
    return typed


def _mapping(given: Manifest, parent: str, *, top: bool = False) -> Manifest:
    kept: Manifest = {}
    for name, value in given.items():
        if name in ("status", "managedFields", "schema") and (top or parent in ("metadata", "versions")):
            kept[name] = value
            continue
        typed = _value(name, value, parent)
        if not _is_left_out(name, typed, parent):
            kept[name] = typed
    return kept


def _value(name: str, value: Any, parent: str) -> Any:
    if name in _QUANTITIES or (name == "value" and parent == "target"):
        return canonical_quantity(value) if value is not None else None
    if isinstance(value, dict):
        if name in _QUANTITY_MAPS:
            return {key: canonical_quantity(item) for key, item in value.items()}
        if name in _STRING_MAPS:
            return {key: "" if item is None else item for key, item in value.items()}
        return _mapping(value, name)
    if isinstance(value, list):
        return [_mapping(item, name) if isinstance(item, dict) else item for item in value]
    return value


def _is_left_out(name: str, value: Any, parent: str) -> bool:
    if value is None or value == []:
        return True
    if value == {}:
        return name in _STRING_MAPS or name in _QUANTITY_MAPS
    if value == "":
        return name in _OPTIONAL_STRINGS or (parent, name) in _OPTIONAL_BY_PARENT
    if value is False:
        return name in _OPTIONAL_FLAGS
    return type(value) is int and value == 0 and name in _OPTIONAL_NUMBERS


def _encode_secret(secret: Manifest) -> None:
    data = dict(secret.get("data") or {})
    for key, text in (secret.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(str(text).encode()).decode()
    if data:
        secret["data"] = data
