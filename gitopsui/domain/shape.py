"""What is wrong with the shape of a manifest, in sentences that name the field. Nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gitopsui.domain.identity import group_of
from gitopsui.domain.tree import mapping, objects, reach, text

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME_LIMIT = 253
_INT32 = 2**31 - 1

_POD_TEMPLATES = {
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): ("spec", "template", "spec"),
}
_COUNTS = (
    "replicas",
    "revisionHistoryLimit",
    "minReadySeconds",
    "parallelism",
    "completions",
    "backoffLimit",
)
# Where an object of a GitOps tool names a folder of its repository.
_FOLDERS = {
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): ("spec", "path"),
    ("argoproj.io", "Application"): ("spec", "source", "path"),
}


def check_shape(manifest: Any) -> tuple[str, ...]:
    """
    One sentence for each field that has the wrong type or an impossible value, in the order of the
    manifest; empty when nothing is wrong. An object with findings is still shown.
    """
    if not isinstance(manifest, dict):
        return ("This is no object.",)
    return tuple(_findings(manifest))


def _findings(manifest: dict[str, Any]) -> Iterator[str]:
    for field in ("apiVersion", "kind"):
        if not text(manifest.get(field)):
            yield f"{field} is missing or no text."
    if not isinstance(manifest.get("metadata"), dict):
        yield "metadata is missing or no object."
    yield from _check_names(manifest)
    for field in ("labels", "annotations"):
        yield from _check_strings(reach(manifest, "metadata", field), f"metadata.{field}")
    yield from _check_spec(manifest)


def _check_names(manifest: dict[str, Any]) -> Iterator[str]:
    metadata = mapping(manifest.get("metadata"))
    if not metadata:
        return
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if name is None and not text(metadata.get("generateName")):
        yield "metadata.name is missing."
    elif name is not None and not _is_name(name, group_of(manifest)):
        yield "metadata.name is no valid name: lower-case letters, digits, '-' and '.' only."
    if namespace not in (None, "") and not (isinstance(namespace, str) and _LABEL.fullmatch(namespace)):
        yield "metadata.namespace is no valid name: lower-case letters, digits and '-' only."


def _is_name(name: Any, group: str) -> bool:
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_LIMIT:
        return False
    if group == "rbac.authorization.k8s.io":
        # Roles may be called system:node; only what would break a path is refused.
        return name not in (".", "..") and name.isprintable() and not set(name) & set("/%<>\"' ")
    return _SUBDOMAIN.fullmatch(name) is not None


def _check_strings(value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield f"{path} is no object."
        return
    for key, item in value.items():
        if item is not None and not isinstance(item, str):
            yield f"{path}[{_short(key)}] is no text: write it in quotes."


def _check_spec(manifest: dict[str, Any]) -> Iterator[str]:
    identity = (group_of(manifest), text(manifest.get("kind")))
    spec = manifest.get("spec")
    if spec is not None and not isinstance(spec, dict):
        yield "spec is no object."
        return
    yield from _check_folder(manifest, identity)
    if identity not in _POD_TEMPLATES:
        return
    if spec is None:
        yield "spec is missing."
        return
    yield from _check_counts(spec)
    path = _POD_TEMPLATES[identity]
    yield from _check_pod(reach(manifest, *path), ".".join(path))


def _check_folder(manifest: dict[str, Any], identity: tuple[str, str]) -> Iterator[str]:
    path = _FOLDERS.get(identity)
    folder = reach(manifest, *path) if path else None
    if path and isinstance(folder, str) and _leaves_root(folder):
        yield f"{'.'.join(path)} leads out of the repository."


def _leaves_root(path: str) -> bool:
    depth = 0
    for part in path.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def _check_counts(spec: dict[str, Any]) -> Iterator[str]:
    for field in _COUNTS:
        value = spec.get(field)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"spec.{field} is no whole number."
        elif not 0 <= value <= _INT32:
            yield f"spec.{field} is out of range."


def _check_pod(pod: Any, path: str) -> Iterator[str]:
    if not isinstance(pod, dict):
        yield f"{path} is missing or no object."
        return
    if not isinstance(pod.get("containers"), list) or not pod["containers"]:
        yield f"{path}.containers is missing or no list."
    for field in ("initContainers", "volumes", "imagePullSecrets"):
        if pod.get(field) is not None and not isinstance(pod[field], list):
            yield f"{path}.{field} is no list."
    for field in ("containers", "initContainers"):
        yield from _check_containers(pod.get(field), f"{path}.{field}")


def _check_containers(containers: Any, path: str) -> Iterator[str]:
    if not isinstance(containers, list):
        return
    for index, container in enumerate(containers):
        if not isinstance(container, dict):
            yield f"{path}[{index}] is no object."
            continue
        yield from _check_container(container, f"{path}[{_short(container.get('name') or index)}]")
    yield from _check_twice(containers, path)


def _check_container(container: dict[str, Any], path: str) -> Iterator[str]:
    for field in ("name", "image"):
        if not text(container.get(field)):
            yield f"{path}.{field} is missing or no text."
    for field in ("env", "ports", "args", "command", "volumeMounts"):
        if container.get(field) is not None and not isinstance(container[field], list):
            yield f"{path}.{field} is no list."
    for variable in objects(container.get("env")):
        value = variable.get("value")
        if value is not None and not isinstance(value, str):
            yield f"{path}.env[{_short(variable.get('name'))}].value is no text: write it in quotes."
    # At run time the last one wins, which is rarely what the writer had in mind.
    yield from _check_twice(container.get("env"), f"{path}.env")


def _check_twice(items: Any, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for item in objects(items):
        name = text(item.get("name"))
        if name and name in seen:
            yield f"{path} names {_short(name)} twice."
        seen.add(name)


def _short(value: Any) -> str:
    shown = str(value)
    return shown if len(shown) <= 63 else f"{shown[:60]}..."
