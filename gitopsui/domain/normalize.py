"""What makes two spellings equal: values by unit, fields by default, kinds by their newest layout."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.mask import is_masked, secret_bytes
from gitopsui.domain.quantity import parse_quantity
from gitopsui.domain.schema import ABSENT, Field, Scalar, Struct, default_of
from gitopsui.domain.tree import mapping, objects, text

_DURATION = re.compile(r"-?(?:\d{1,18}(?:\.\d{0,18})?(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SECOND = 10**9
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_LONGEST_DURATION = 64


def is_empty(value: Any) -> bool:
    """Whether the API server leaves a field out when it holds this."""
    return value is None or value == "" or value == [] or value == {}


def same_value(want: Any, have: Any, field: Field) -> bool:
    """Whether two texts, numbers or booleans of one field mean the same."""
    if is_plainly_same(want, have):
        return True
    compare = _BY_SCALAR.get(field.scalar)
    return compare is not None and compare(want, have)


def is_plainly_same(want: Any, have: Any) -> bool:
    """Equality of JSON: 1 is 1.0, and true is not 1."""
    if type(want) is type(have):
        return bool(want == have or (want != want and have != have))
    if isinstance(want, bool) or isinstance(have, bool):
        return False
    return isinstance(want, int | float) and isinstance(have, int | float) and want == have


def _same_quantity(want: Any, have: Any) -> bool:
    try:
        return parse_quantity(want) == parse_quantity(have)
    except ValueError:
        return False


def _same_port(want: Any, have: Any) -> bool:
    kinds = {type(want), type(have)}
    return kinds == {int, str} and str(want) == str(have)


def _same_duration(want: Any, have: Any) -> bool:
    if not isinstance(want, str) or not isinstance(have, str):
        return False
    length = _nanoseconds(want)
    return length is not None and length == _nanoseconds(have)


def _nanoseconds(value: str) -> Fraction | None:
    if len(value) > _LONGEST_DURATION or not _DURATION.fullmatch(value):
        return None
    total = sum(Fraction(amount) * _NANOSECONDS[unit] for amount, unit in _DURATION_PART.findall(value))
    return Fraction(-total if value.startswith("-") else total)


def _same_bytes(want: Any, have: Any) -> bool:
    if not isinstance(want, str) or not isinstance(have, str) or is_masked(want) or is_masked(have):
        return False
    return secret_bytes(want, is_base64=True) == secret_bytes(have, is_base64=True)


_BY_SCALAR: dict[Scalar, Callable[[Any, Any], bool]] = {
    Scalar.QUANTITY: _same_quantity,
    Scalar.PORT: _same_port,
    Scalar.DURATION: _same_duration,
    Scalar.BYTES: _same_bytes,
}


def is_default(value: Any, field: Field, parent: Mapping[str, Any]) -> bool:
    """
    Whether a field that holds this says no more than one that is not there: it is empty, or it is what the
    server fills in. `parent` is the object without the field.
    """
    default = default_of(field, parent)
    if default is not ABSENT and same_tree(value, default, field):
        return True
    struct = field.struct
    if not isinstance(value, dict) or (struct is not None and struct.is_map):
        return is_empty(value) and default in (ABSENT, None, "", 0, False)
    if struct is None:
        return is_empty(value)
    return all(is_default(item, struct.fields.get(name, struct.rest), value) for name, item in value.items())


def same_tree(want: Any, have: Any, field: Field) -> bool:
    """Whether two values of any shape mean the same, to the last field."""
    if isinstance(want, dict) and isinstance(have, dict):
        struct = field.struct
        return want.keys() == have.keys() and all(
            same_tree(item, have[name], _child(struct, name)) for name, item in want.items()
        )
    if isinstance(want, list) and isinstance(have, list):
        return len(want) == len(have) and all(same_tree(a, b, field) for a, b in zip(want, have, strict=True))
    return same_value(want, have, field)


def _child(struct: Struct | None, name: str) -> Field:
    return Field() if struct is None else struct.fields.get(name, struct.rest)


def canonical(manifest: Manifest, group: str, kind: str) -> Manifest:
    """The manifest in the spelling that its kind is compared in; the given one is not changed."""
    rewrite = _KINDS.get((group, kind))
    return rewrite(manifest) if rewrite else manifest


def _secret(manifest: Manifest) -> Manifest:
    """`stringData` moved into `data`, where it wins, as the API server does it."""
    texts, data = manifest.get("stringData"), manifest.get("data")
    if texts is None and not isinstance(data, dict):
        return manifest
    moved = {name: "" if value is None else value for name, value in mapping(data).items()}
    for name, value in mapping(texts).items():
        moved[name] = _encoded(value)
    rest = {name: value for name, value in manifest.items() if name not in ("stringData", "data")}
    if not isinstance(texts, dict | None):
        rest["stringData"] = texts
    return {**rest, "data": moved if isinstance(data, dict | None) else data}


def _encoded(value: Any) -> Any:
    # What is no text stays as it is: the server refuses it, and so it must stay visible as a difference.
    if not isinstance(value, str) or is_masked(value):
        return "" if value is None else value
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()


def _role(manifest: Manifest) -> Manifest:
    """An aggregated role is filled by the cluster, so an empty list of rules asks for nothing."""
    if manifest.get("rules") or not manifest.get("aggregationRule"):
        return manifest
    return {name: value for name, value in manifest.items() if name != "rules"}


def _endpoints(manifest: Manifest) -> Manifest:
    """Subsets, addresses and ports in one order: the controller writes them as they come."""
    subsets = [_sorted_subset(subset) for subset in objects(manifest.get("subsets"))]
    return {**manifest, "subsets": sorted(subsets, key=_order)} if subsets else manifest


def _sorted_subset(subset: dict[str, Any]) -> dict[str, Any]:
    lists = {name: sorted(items, key=_order) for name, items in subset.items() if isinstance(items, list)}
    return {**subset, **lists}


def _order(item: Any) -> str:
    # The protocol is left out: the cluster fills it in.
    names = ("ip", "hostname", "port", "name", "addresses", "ports")
    return repr([mapping(item).get(name) for name in names])


def _autoscaler(manifest: Manifest) -> Manifest:
    """autoscaling/v1 in the layout of v2: one number becomes a list of one metric."""
    spec = mapping(manifest.get("spec"))
    if manifest.get("apiVersion") != "autoscaling/v1" or "metrics" in spec:
        return manifest
    target = {"type": "Utilization", "averageUtilization": spec.get("targetCPUUtilizationPercentage", 80)}
    rest = {name: value for name, value in spec.items() if name != "targetCPUUtilizationPercentage"}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    return {**manifest, "spec": {**rest, "metrics": [metric]}}


def _ingress(manifest: Manifest) -> Manifest:
    """Ingress of the beta versions in the layout of v1."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict) or not text(manifest.get("apiVersion")).endswith("v1beta1"):
        return manifest
    renamed = {("defaultBackend" if name == "backend" else name): value for name, value in spec.items()}
    moved = {name: _backend(value) if name == "defaultBackend" else value for name, value in renamed.items()}
    if isinstance(moved.get("rules"), list):
        moved["rules"] = [_ingress_rule(rule) for rule in moved["rules"]]
    return {**manifest, "spec": moved}


def _ingress_rule(rule: Any) -> Any:
    paths = mapping(mapping(rule).get("http")).get("paths")
    if not isinstance(paths, list):
        return rule
    moved = [
        {"pathType": "ImplementationSpecific", **path, "backend": _backend(path.get("backend"))}
        if isinstance(path, dict)
        else path
        for path in paths
    ]
    return {**rule, "http": {**rule["http"], "paths": moved}}


def _backend(backend: Any) -> Any:
    if not isinstance(backend, dict) or "serviceName" not in backend:
        return backend
    port = backend.get("servicePort")
    kind = "name" if isinstance(port, str) else "number"
    rest = {name: value for name, value in backend.items() if name not in ("serviceName", "servicePort")}
    return {**rest, "service": {"name": backend["serviceName"], "port": {kind: port}}}


_KINDS: dict[tuple[str, str], Callable[[Manifest], Manifest]] = {
    ("", "Endpoints"): _endpoints,
    ("", "Secret"): _secret,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("extensions", "Ingress"): _ingress,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("rbac.authorization.k8s.io", "ClusterRole"): _role,
}
