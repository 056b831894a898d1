"""What is served: `/api`, `/apis`, each group and version, in the old form and the aggregated one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from .answers import NoSuchPath, service_unavailable
from .catalogue import Catalogue
from .exchange import Reply, Request, reply
from .kinds import Kind

Document = dict[str, Any]
VERSION = "v1.34.0+gitopsui-standin"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_SUBRESOURCE_VERBS = ["get", "patch", "update"]


def version_info() -> Document:
    return {
        "major": "1",
        "minor": "34",
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def discover(request: Request, catalogue: Catalogue, broken: Collection[str]) -> Reply:
    """Raises `NoSuchPath`; `broken` groups are listed but do not say what they serve."""
    parts = request.path.strip("/").split("/")
    offers = [set(offer.strip().split(";")) for offer in request.accept.split(",")]
    if len(parts) == 1 and any({"as=APIGroupDiscoveryList", "v=v2"} <= offer for offer in offers):
        return reply(_aggregated(catalogue, parts[0], broken), content_type=AGGREGATED)
    return reply(_plain(parts, catalogue.versions(), broken))


def _plain(parts: list[str], versions: dict[str, dict[str, list[Kind]]], broken: Collection[str]) -> Document:
    match parts:
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["api", "v1"]:
            return _resources("v1", versions[""]["v1"])
        case ["apis"]:
            groups = [_group(name, versions[name]) for name in versions if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", name] if name in versions and name:
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, versions[name])
        case ["apis", name, version] if version in versions.get(name, {}):
            if name in broken:
                raise service_unavailable()
            return _resources(f"{name}/{version}", versions[name][version])
    raise NoSuchPath


def _group(name: str, versions: Iterable[str]) -> Document:
    offers = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": offers, "preferredVersion": offers[0]}


def _resources(group_version: str, kinds: Iterable[Kind]) -> Document:
    resources = [entry for kind in kinds for entry in _entries(kind)]
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version}
    return head | {"resources": resources}


def _names(kind: Kind) -> Document:
    names = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {name: values for name, values in names.items() if values}


def _entries(kind: Kind) -> Iterable[Document]:
    entry = {"name": kind.plural, "singularName": kind.singular, "namespaced": kind.is_namespaced}
    yield entry | {"kind": kind.kind, "verbs": list(kind.verbs)} | _names(kind)
    for name in kind.subresources:
        below = _SCALE if name == "scale" else {"kind": kind.kind}
        place = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.is_namespaced}
        yield place | below | {"verbs": _SUBRESOURCE_VERBS}


def _aggregated(catalogue: Catalogue, root: str, broken: Collection[str]) -> Document:
    items = [
        _aggregated_group(name, versions, is_broken=name in broken)
        for name, versions in catalogue.versions().items()
        if (name == "") is (root == "api")
    ]
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}}
    return head | {"items": items}


def _aggregated_group(name: str, versions: dict[str, list[Kind]], *, is_broken: bool) -> Document:
    entries: list[Document] = []
    for version, kinds in versions.items():
        entry: Document = {"version": version, "freshness": "Stale" if is_broken else "Current"}
        if not is_broken:
            entry["resources"] = [_aggregated_resource(kind) for kind in kinds]
        entries.append(entry)
    return {"metadata": {"name": name} if name else {}, "versions": entries}


def _aggregated_resource(kind: Kind) -> Document:
    own = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    entry: Document = {
        "resource": kind.plural,
        "responseKind": own,
        "scope": "Namespaced" if kind.is_namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    below = [
        {
            "subresource": name,
            "responseKind": _SCALE if name == "scale" else own,
            "verbs": _SUBRESOURCE_VERBS,
        }
        for name in kind.subresources
    ]
    return entry | _names(kind) | ({"subresources": below} if below else {})
