"""
How a value merges: what server-side apply, strategic merge patch and managedFields must know of a field.

A built-in field is known by its name and the name of its parent, since the API uses each of these names
one way only (https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy). A custom
field is known by the OpenAPI schema of its definition. What neither mentions is deduced: a mapping merges
key by key, a list is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol


class Form(StrEnum):
    """How two values of a field become one."""

    GRANULAR = "granular"  # a mapping: key by key
    KEYED = "keyed"  # a list: element by element, paired by its keys
    SET = "set"  # a list of scalars: the union
    ATOMIC = "atomic"  # replaced as a whole


class Shape(Protocol):
    """The shape of one value; `keys` and `patch_key` speak of a keyed list only."""

    def form_of(self, value: Any) -> Form: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def patch_key(self) -> str: ...
    def key_default(self, key: str) -> Any: ...
    def field(self, name: str) -> Shape: ...
    def element(self) -> Shape: ...
    def declares(self, name: str) -> bool: ...


_CONTAINER_LISTS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "claims": ("name",),
    "secrets": ("name",),
    "conditions": ("type",),
    "podIPs": ("ip",),
    "ownerReferences": ("uid",),
    "webhooks": ("name",),
    "matchConditions": ("name",),
}
_ATOMIC_MAPS = frozenset(
    {
        "selector",
        "labelSelector",
        "namespaceSelector",
        "podSelector",
        "objectSelector",
        "nodeSelector",
        "fieldRef",
        "resourceFieldRef",
        "configMapKeyRef",
        "secretKeyRef",
        "secretRef",
        "roleRef",
        "dataSource",
        "involvedObject",
    }
)
_ATOMIC_ELEMENTS = frozenset({"imagePullSecrets", "secrets", "ownerReferences"})
_ATOMIC = "(atomic)"
_MERGED_BY_PATCH_ONLY = {"hostIPs": "ip", "addresses": "type"}


@dataclass(frozen=True, slots=True)
class NamedShape:
    """A built-in field, known by its name, that of its parent, and the kind it is in."""

    kind: str = ""
    name: str = ""
    parent: str = ""

    def form_of(self, value: Any) -> Form:
        if isinstance(value, list):
            if self.keys:
                return Form.KEYED
            return Form.SET if self.name == "finalizers" and self.parent == "metadata" else Form.ATOMIC
        if isinstance(value, dict):
            is_port = (self.parent, self.name) == ("service", "port")  # the backend of an Ingress
            is_whole = is_port or self.name in _ATOMIC_MAPS or self.name == _ATOMIC
            return Form.ATOMIC if is_whole else Form.GRANULAR
        return Form.ATOMIC

    @property
    def keys(self) -> tuple[str, ...]:
        if self.name == "ports":
            if self.parent in _CONTAINER_LISTS:
                return "containerPort", "protocol"
            return ("port", "protocol") if self.kind == "Service" else ()
        if self.name == "conditions" and self.kind == "Job":
            return ()
        if self.name == "addresses" and self.kind == "Node":
            return ("type",)
        return _KEYS.get(self.name, ())

    @property
    def patch_key(self) -> str:
        """The one key a strategic merge patch pairs by: the first of `keys`, beside two exceptions."""
        if self.keys:
            return self.keys[0]
        if self.name == "conditions":
            return "type"
        return _MERGED_BY_PATCH_ONLY.get(self.name, "") if self.kind in ("Pod", "Node") else ""

    def key_default(self, key: str) -> Any:
        return "TCP" if key == "protocol" else None

    def field(self, name: str) -> Shape:
        return _named(self.kind, name, self.name)

    def element(self) -> Shape:
        return _named(self.kind, _ATOMIC, "") if self.name in _ATOMIC_ELEMENTS else self

    def declares(self, name: str) -> bool:
        return True


@lru_cache(maxsize=4096)
def _named(kind: str, name: str, parent: str) -> NamedShape:
    return NamedShape(kind, name, parent)


@dataclass(frozen=True, slots=True)
class SchemaShape:
    """A field of a custom resource; an empty schema is a value nobody described."""

    schema: Mapping[str, Any]

    def form_of(self, value: Any) -> Form:
        if isinstance(value, list):
            given = self.schema.get("x-kubernetes-list-type", "atomic")
            return {"map": Form.KEYED, "set": Form.SET}.get(given, Form.ATOMIC)
        if isinstance(value, dict):
            return Form.ATOMIC if self.schema.get("x-kubernetes-map-type") == "atomic" else Form.GRANULAR
        return Form.ATOMIC

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.schema.get("x-kubernetes-list-map-keys") or ())

    @property
    def patch_key(self) -> str:
        return ""

    def key_default(self, key: str) -> Any:
        described = (self.schema.get("items") or {}).get("properties") or {}
        return (described.get(key) or {}).get("default")

    def field(self, name: str) -> Shape:
        properties = self.schema.get("properties") or {}
        if name in properties:
            return SchemaShape(properties[name])
        more = self.schema.get("additionalProperties")
        return SchemaShape(more if isinstance(more, dict) else {})

    def element(self) -> Shape:
        return SchemaShape(self.schema.get("items") or {})

    def declares(self, name: str) -> bool:
        return name in (self.schema.get("properties") or {})


@dataclass(frozen=True, slots=True)
class CustomObjectShape:
    """A whole custom resource: its metadata is built in, the rest follows its schema."""

    schema: Mapping[str, Any]

    def form_of(self, value: Any) -> Form:
        return Form.GRANULAR

    keys: tuple[str, ...] = ()
    patch_key: str = ""

    def key_default(self, key: str) -> Any:
        return None

    def field(self, name: str) -> Shape:
        return _named("", "metadata", "") if name == "metadata" else SchemaShape(self.schema).field(name)

    def element(self) -> Shape:
        return SchemaShape({})

    def declares(self, name: str) -> bool:
        return name in ("apiVersion", "kind", "metadata") or SchemaShape(self.schema).declares(name)


def shape_of(kind: str, schema: Mapping[str, Any] | None) -> Shape:
    """The shape of a whole object; `schema` is None for a built-in kind."""
    return NamedShape(kind) if schema is None else CustomObjectShape(schema)
