"""What an API server refuses about a built-in object (422) or cannot even read (400). A minimum, not all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .answers import Cause, bad_request
from .kinds import Kind
from .selectors import matches_selector

Manifest = dict[str, Any]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SERVICE_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME_RULES = {
    "label": (
        _LABEL,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
        "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        f"'{_LABEL}')",
        63,
    ),
    "subdomain": (
        _SUBDOMAIN,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
        "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        f"'{_SUBDOMAIN}')",
        253,
    ),
    "service": (
        _SERVICE_NAME,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
        f"validation is '{_SERVICE_NAME}')",
        63,
    ),
}
_STRING_MAPS = (("metadata", "labels"), ("metadata", "annotations"), ("data",))


def check_readable(kind: Kind, manifest: Mapping[str, Any]) -> None:
    """Raises `ApiError` 400 when fields that must be strings or mappings are something else."""
    for path in _STRING_MAPS if not kind.is_custom else _STRING_MAPS[:2]:
        value: Any = manifest
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict):
            raise _unreadable(kind, value, ".".join(path), "map[string]string")
        for key, item in (value or {}).items():
            if item is not None and not isinstance(item, str):
                raise _unreadable(kind, item, ".".join((*path, key)), "string")
    spec = manifest.get("spec")
    if spec is not None and not isinstance(spec, dict) and not kind.is_custom:
        raise _unreadable(kind, spec, "spec", f"{kind.version}.{kind.kind}Spec")


def _unreadable(kind: Kind, value: Any, path: str, wanted: str) -> Exception:
    names: dict[type[Any], str] = {bool: "bool", str: "string", dict: "object", list: "array"}
    name = names.get(type(value), "number")
    return bad_request(
        f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: json: cannot unmarshal '
        f"{name} into Go struct field .{path} of type {wanted}"
    )


def find_causes(kind: Kind, manifest: Manifest) -> list[Cause]:
    """Everything that is wrong with a built-in object that has its defaults."""
    causes = list(_name_causes(kind, str(manifest["metadata"].get("name", ""))))
    if rule := _RULES.get("" if kind.is_custom else kind.kind):
        causes += rule(manifest)
    return causes


def _name_causes(kind: Kind, name: str) -> Iterator[Cause]:
    if kind.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield Cause("metadata.name", f"Invalid value: {json.dumps(name)}: may not contain '/' or '%'")
        return
    rule = {"Namespace": "label", "Service": "service"}.get(kind.kind, "subdomain")
    pattern, message, longest = _NAME_RULES[rule]
    if len(name) > longest:
        yield Cause(
            "metadata.name", f"Invalid value: {json.dumps(name)}: must be no more than {longest} characters"
        )
    if not re.fullmatch(pattern, name):
        yield Cause("metadata.name", f"Invalid value: {json.dumps(name)}: {message}")


def required(field: str, message: str = "") -> Cause:
    return Cause(field, f"Required value: {message}" if message else "Required value", "FieldValueRequired")


def _workload_causes(manifest: Manifest) -> list[Cause]:
    spec = manifest["spec"]
    causes: list[Cause] = []
    selector = spec.get("selector")
    labels = spec["template"]["metadata"].get("labels") or {}
    if not selector:
        causes.append(required("spec.selector"))
    elif not matches_selector(selector, labels):
        text = json.dumps(labels, separators=(",", ":"))
        causes.append(
            Cause(
                "spec.template.metadata.labels",
                f"Invalid value: {text}: `selector` does not match template `labels`",
            )
        )
    replicas = spec.get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        causes.append(
            Cause("spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")
        )
    return causes + _pod_causes(spec["template"]["spec"], "spec.template.spec")


def _pod_causes(spec: Manifest, path: str) -> list[Cause]:
    if not spec.get("containers"):
        return [required(f"{path}.containers")]
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, container in enumerate(spec["containers"]):
        here = f"{path}.containers[{index}]"
        name = container.get("name")
        if not name:
            causes.append(required(f"{here}.name"))
        elif name in seen:
            causes.append(
                Cause(f"{here}.name", f"Duplicate value: {json.dumps(name)}", "FieldValueDuplicate")
            )
        if not container.get("image"):
            causes.append(required(f"{here}.image"))
        seen.add(str(name))
    return causes


def _job_causes(manifest: Manifest, path: str = "spec") -> list[Cause]:
    spec: Any = manifest
    for step in path.split("."):
        spec = spec[step]
    pod = spec["template"]["spec"]
    causes = _pod_causes(pod, f"{path}.template.spec")
    if pod["restartPolicy"] not in ("OnFailure", "Never"):
        causes.append(
            Cause(
                f"{path}.template.spec.restartPolicy",
                f'Unsupported value: "{pod["restartPolicy"]}": supported values: "OnFailure", "Never"',
                "FieldValueNotSupported",
            )
        )
    return causes


def _cron_job_causes(manifest: Manifest) -> list[Cause]:
    missing = [] if manifest["spec"].get("schedule") else [required("spec.schedule")]
    return missing + _job_causes(manifest, "spec.jobTemplate.spec")


def _service_causes(manifest: Manifest) -> list[Cause]:
    spec = manifest["spec"]
    ports = spec.get("ports") or []
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        return [required("spec.ports")]
    if len(ports) < 2:
        return []
    return [required(f"spec.ports[{index}].name") for index, port in enumerate(ports) if not port.get("name")]


def _ingress_causes(manifest: Manifest) -> list[Cause]:
    return [
        required(f"spec.rules[{rule_index}].http.paths[{index}].pathType", "pathType must be specified")
        for rule_index, rule in enumerate(manifest.get("spec", {}).get("rules") or ())
        for index, path in enumerate((rule.get("http") or {}).get("paths") or ())
        if not path.get("pathType")
    ]


def _definition_causes(manifest: Manifest) -> list[Cause]:
    spec = manifest["spec"]
    wanted = f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
    causes: list[Cause] = []
    if manifest["metadata"].get("name") != wanted:
        given = json.dumps(manifest["metadata"].get("name"))
        text = f'Invalid value: {given}: must be spec.names.plural+"."+spec.group'
        causes.append(Cause("metadata.name", text))
    if not spec.get("versions"):
        causes.append(required("spec.versions"))
    return causes


def _claim_causes(manifest: Manifest) -> list[Cause]:
    spec = manifest["spec"]
    causes = (
        []
        if spec.get("accessModes")
        else [required("spec.accessModes", "at least 1 access mode is required")]
    )
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        causes.append(required("spec.resources[storage]"))
    return causes


def _autoscaler_causes(manifest: Manifest) -> list[Cause]:
    spec = manifest["spec"]
    if not spec.get("maxReplicas"):
        return [Cause("spec.maxReplicas", "Invalid value: 0: must be greater than 0")]
    return [] if (spec.get("scaleTargetRef") or {}).get("name") else [required("spec.scaleTargetRef.name")]


_RULES: dict[str, Callable[[Manifest], list[Cause]]] = {
    "Deployment": _workload_causes,
    "ReplicaSet": _workload_causes,
    "StatefulSet": _workload_causes,
    "DaemonSet": _workload_causes,
    "Pod": lambda manifest: _pod_causes(manifest["spec"], "spec"),
    "Job": _job_causes,
    "CronJob": _cron_job_causes,
    "Service": _service_causes,
    "Ingress": _ingress_causes,
    "CustomResourceDefinition": _definition_causes,
    "PersistentVolumeClaim": _claim_causes,
    "HorizontalPodAutoscaler": _autoscaler_causes,
}
