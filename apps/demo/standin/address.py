"""Which objects a path speaks of: `/apis/apps/v1/namespaces/shop/deployments/cart/status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .answers import NoSuchPath
from .catalogue import Catalogue
from .kinds import Kind


@dataclass(frozen=True, slots=True)
class Target:
    """A collection when `name` is empty; `namespace` is "" across all and for cluster-scoped kinds."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def locate(path: str, catalogue: Catalogue) -> Target:
    """Raises `NoSuchPath`."""
    group, version, rest = _split(path)
    if len(rest) > 2 and rest[0] == "namespaces" and (group, rest[2]) != ("", "status"):
        return _target(catalogue.find(group, version, rest[2]), rest[1], rest[3:])
    if not rest:
        raise NoSuchPath
    return _target(catalogue.find(group, version, rest[0]), "", rest[1:])


def _split(path: str) -> tuple[str, str, list[str]]:
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 1:
        return "", parts[1], parts[2:]
    if parts[0] == "apis" and len(parts) > 2:
        return parts[1], parts[2], parts[3:]
    raise NoSuchPath


def _target(kind: Kind | None, namespace: str, rest: Sequence[str]) -> Target:
    if kind is None or len(rest) > 2:
        raise NoSuchPath
    name, subresource = (*rest, "", "")[:2]
    if (namespace and not kind.is_namespaced) or (name and kind.is_namespaced and not namespace):
        raise NoSuchPath
    if subresource and subresource not in kind.subresources:
        raise NoSuchPath
    return Target(kind, namespace, name, subresource)
