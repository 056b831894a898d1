"""
Which kinds a cluster serves. Two requests where the server can say it in one piece, one for each version of
each group where it cannot. A group that does not answer is named as failed: its kinds are unknown, not gone.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.errors import ClusterError
from gitopsui.domain.resource import GroupKind

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)

# These become parts of a path, and an aggregated API server may be anybody's.
PATH_PART = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)

# What reads one object, `/api` say; the second argument is the Accept header.
GetJson = Callable[[str, str], dict[str, Any]]
GetAll = Callable[[list[str]], list[dict[str, Any] | ClusterError]]


@dataclass(frozen=True, slots=True, order=True)
class ApiKind:
    """One kind in one version, and where it is listed."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool
    verbs: tuple[str, ...]

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def path(self, namespace: str) -> str:
        """Where it is listed; without a namespace, or where it has none, in the whole cluster."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        middle = f"/namespaces/{namespace}" if namespace and self.is_namespaced else ""
        return f"{base}{middle}/{self.plural}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """
    `kinds` come in the server's order of preference; `failed_groups` maps a group to a sentence on why
    nothing or not everything is known of it.
    """

    kinds: tuple[ApiKind, ...]
    failed_groups: Mapping[str, str]

    def find(self, wanted: GroupKind, *, version: str = "") -> ApiKind | None:
        """The kind in `version` if that is served, else in the preferred one."""
        found = [kind for kind in self.kinds if kind.group_kind == wanted and "list" in kind.verbs]
        return next((kind for kind in found if kind.version == version), found[0] if found else None)


def discover(get_json: GetJson, get_all: GetAll) -> Discovery:
    """
    `get_all` reads several paths at once and answers each with its object or its error, in order.
    Raises ClusterError when `/api` or `/apis` itself cannot be read.
    """
    kinds: list[ApiKind] = []
    failed: dict[str, str] = {}
    for root in ("/api", "/apis"):
        document = get_json(root, AGGREGATED)
        if document.get("kind") == "APIGroupDiscoveryList":
            add_aggregated(document, kinds, failed)
        else:
            add_classic(versions_of(document), get_all, kinds, failed)
    return Discovery(tuple(kinds), failed)


def add_aggregated(document: Mapping[str, Any], kinds: list[ApiKind], failed: dict[str, str]) -> None:
    for item in dicts_in(document, "items"):
        group = text(mapping(item.get("metadata")).get("name"))
        for version in dicts_in(item, "versions"):
            name = text(version.get("version"))
            if version.get("freshness") == "Stale":
                failed[group] = f"The API group {group} does not answer."
            kinds.extend(aggregated_kinds(group, name, version))


def aggregated_kinds(group: str, version: str, body: Mapping[str, Any]) -> Iterator[ApiKind]:
    for resource in dicts_in(body, "resources"):
        answered = mapping(resource.get("responseKind"))
        yield from build_kind(
            group=text(answered.get("group")) or group,
            version=text(answered.get("version")) or version,
            kind=text(answered.get("kind")),
            plural=text(resource.get("resource")),
            is_namespaced=resource.get("scope") == "Namespaced",
            verbs=resource.get("verbs"),
        )


def versions_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Group and version of each, the preferred version of a group first."""
    if document.get("kind") == "APIVersions":
        return [("", version) for version in strings(document.get("versions"))]
    found: list[tuple[str, str]] = []
    for group in dicts_in(document, "groups"):
        name = text(group.get("name"))
        preferred = text(mapping(group.get("preferredVersion")).get("version"))
        versions = [text(version.get("version")) for version in dicts_in(group, "versions")]
        found.extend((name, version) for version in sorted(versions, key=lambda other: other != preferred))
    return [pair for pair in found if all(PATH_PART.fullmatch(part) for part in pair)]


def add_classic(
    versions: list[tuple[str, str]], get_all: GetAll, kinds: list[ApiKind], failed: dict[str, str]
) -> None:
    paths = [f"/apis/{group}/{version}" if group else f"/api/{version}" for group, version in versions]
    for (group, version), answer in zip(versions, get_all(paths), strict=True):
        if isinstance(answer, ClusterError):
            failed[group] = f"The API group {group or 'core'} could not be read: {answer.message}"
        else:
            kinds.extend(classic_kinds(group, version, answer))


def classic_kinds(group: str, version: str, document: Mapping[str, Any]) -> Iterator[ApiKind]:
    for resource in dicts_in(document, "resources"):
        yield from build_kind(
            group=text(resource.get("group")) or group,
            version=text(resource.get("version")) or version,
            kind=text(resource.get("kind")),
            plural=text(resource.get("name")),
            is_namespaced=resource.get("namespaced") is True,
            verbs=resource.get("verbs"),
        )


def build_kind(
    *, group: str, version: str, kind: str, plural: str, is_namespaced: bool, verbs: object
) -> Iterator[ApiKind]:
    """Nothing for a subresource (`pods/log`) and for what could not stand in a path."""
    parts = (version, plural, group) if group else (version, plural)
    if kind and all(PATH_PART.fullmatch(part) for part in parts):
        yield ApiKind(group, version, kind, plural, is_namespaced, tuple(strings(verbs)))


def dicts_in(body: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    items = body.get(key)
    return (item for item in (items if isinstance(items, list) else []) if isinstance(item, dict))


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def strings(value: object) -> Iterable[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
