"""
What discovery says: the kinds by group and version, one path at a time or all in two answers
(https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .catalogue import Catalogue
from .kinds import Kind

Manifest = dict[str, Any]
Versions = Mapping[str, Mapping[str, list[Kind]]]
BrokenGroups = Iterable[tuple[str, str]]

GIT_VERSION = "v1.34.0+gitopsui-standin"
_CLIENTS = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]
_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def version() -> Manifest:
    """It says in every place where a version is shown that this is a stand-in."""
    return {
        "major": "1",
        "minor": "34",
        "gitVersion": GIT_VERSION,
        "gitCommit": "stand-in",
        "gitTreeState": "clean",
        "buildDate": "2025-08-27T00:00:00Z",
        "goVersion": "none",
        "compiler": "python",
        "platform": "linux/amd64",
    }


def core_versions() -> Manifest:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": _CLIENTS}


def group_list(catalogue: Catalogue, broken: BrokenGroups) -> Manifest:
    groups = [_group(name, versions) for name, versions in _served(catalogue, broken).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(catalogue: Catalogue, broken: BrokenGroups, name: str) -> Manifest | None:
    versions = _served(catalogue, broken).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, versions) if versions and name else None


def _served(catalogue: Catalogue, broken: BrokenGroups) -> dict[str, dict[str, list[Kind]]]:
    found = catalogue.versions()
    for name, number in broken:
        found.setdefault(name, {}).setdefault(number, [])
    return found


def _group(name: str, versions: Mapping[str, list[Kind]]) -> Manifest:
    entries = [{"groupVersion": f"{name}/{number}", "version": number} for number in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def resource_list(catalogue: Catalogue, name: str, number: str) -> Manifest | None:
    """The kinds of one version of one group; None when there is no such thing."""
    kinds = catalogue.versions().get(name, {}).get(number)
    if kinds is None:
        return None
    rows = [row for kind in sorted(kinds, key=lambda item: item.plural) for row in _classic_rows(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{number}" if name else number,
        "resources": rows,
    }


def _classic_rows(kind: Kind) -> list[Manifest]:
    row: Manifest = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.is_namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    rows = [row]
    for name in kind.subresources:
        answered = _SCALE if name == "scale" else {"kind": kind.kind}
        rows.append(
            {
                "name": f"{kind.plural}/{name}",
                "singularName": "",
                "namespaced": kind.is_namespaced,
                "verbs": ["get", "patch", "update"],
            }
            | answered
        )
    return rows


def aggregated(catalogue: Catalogue, broken: BrokenGroups, *, is_core: bool, api_version: str) -> Manifest:
    """`/api` or `/apis` in one piece; a group that does not answer is stale and empty."""
    stale = set(broken)
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [
                _aggregated_version(number, kinds, is_stale=(name, number) in stale)
                for number, kinds in versions.items()
            ],
        }
        for name, versions in _served(catalogue, stale).items()
        if bool(name) is not is_core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{api_version}",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(number: str, kinds: list[Kind], *, is_stale: bool) -> Manifest:
    if is_stale:
        return {"version": number, "freshness": "Stale"}
    rows = [_aggregated_row(kind) for kind in sorted(kinds, key=lambda item: item.plural)]
    return {"version": number, "resources": rows, "freshness": "Current"}


def _aggregated_row(kind: Kind) -> Manifest:
    own = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    row: Manifest = {
        "resource": kind.plural,
        "responseKind": own,
        "scope": "Namespaced" if kind.is_namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if kind.subresources:
        row["subresources"] = [
            {
                "subresource": name,
                "responseKind": _SCALE if name == "scale" else own,
                "verbs": ["get", "patch", "update"],
            }
            for name in kind.subresources
        ]
    return row
