"""Objects that nobody answers for: no mark of a tool, no maker, and nothing a cluster brings with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.identity import annotations_of, group_kind_of, labels_of
from gitopsui.domain.owner import is_hook, is_made_by_cluster, owners_of
from gitopsui.domain.tree import mapping, objects, text

MOST_KEPT = 1_000
_OF_KUBERNETES = frozenset({"kube-node-lease", "kube-public", "kube-system"})
# The first four are those that Argo CD never calls orphaned (isKnownOrphanedResourceExclusion in
# controller/appcontroller.go); the others come with OpenShift and Istio in every namespace.
_FURNITURE = frozenset(
    {
        ("ServiceAccount", "default"),
        ("ConfigMap", "kube-root-ca.crt"),
        ("Service", "kubernetes"),
        ("ServiceAccount", "builder"),
        ("ServiceAccount", "deployer"),
        ("ConfigMap", "openshift-service-ca.crt"),
        ("ConfigMap", "istio-ca-root-cert"),
    }
)
_SECRETS_OF_OTHERS = frozenset({"helm.sh/release.v1", "kubernetes.io/service-account-token"})
# Of a Secret whose values are not read the type is not known; these say the same of it.
_NOTES_OF_MAKERS = (
    "kubernetes.io/service-account.name",
    "cert-manager.io/certificate-name",
    "control-plane.alpha.kubernetes.io/leader",
)
_HELM_STORAGE = "sh.helm.release.v1."
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, order=True)
class Unclaimed:
    """An object without any owner, by its name; `created` is as the cluster writes it."""

    name: str
    created: str = ""


@dataclass(frozen=True, slots=True)
class UnclaimedObjects:
    """Those of one listing by name, at most MOST_KEPT; `rest_count` more were left out."""

    kept: tuple[Unclaimed, ...] = ()
    rest_count: int = 0
    digest: str = ""

    @classmethod
    def of(cls, found: Iterable[Unclaimed]) -> UnclaimedObjects:
        ordered = sorted(found)
        kept = tuple(ordered[:MOST_KEPT])
        total = hashlib.sha256(repr((len(ordered), kept)).encode("utf-8", "surrogatepass"))
        return cls(kept, len(ordered) - len(kept), total.hexdigest() if ordered else "")


def find_unclaimed(manifest: Any) -> Unclaimed | None:
    """
    The object if nothing in it says whose it is. Whether Git names it is for the caller to ask. What has an
    owner of any sort goes with that owner, so it is none either.
    """
    metadata = mapping(mapping(manifest).get("metadata"))
    name = text(metadata.get("name"))
    if (
        not name
        or not text(metadata.get("namespace"))
        or objects(metadata.get("ownerReferences"))
        or owners_of(manifest)
    ):
        return None
    if is_hook(manifest) or is_made_by_cluster(manifest) or comes_with_cluster(manifest):
        return None
    return Unclaimed(name, text(metadata.get("creationTimestamp")))


def comes_with_cluster(manifest: Any) -> bool:
    """Whether it is there because a cluster or a controller put it there, of a kind that Git may name too."""
    metadata, what = mapping(mapping(manifest).get("metadata")), group_kind_of(manifest)
    name = text(metadata.get("name"))
    if text(metadata.get("namespace")) in _OF_KUBERNETES:
        return True
    if any(note in annotations_of(manifest) for note in _NOTES_OF_MAKERS):
        return True
    if what.group == _RBAC:
        return name.startswith("system:") or "kubernetes.io/bootstrapping" in labels_of(manifest)
    if what.group:
        return False
    is_stored = what.kind in ("ConfigMap", "Secret") and name.startswith(_HELM_STORAGE)
    is_secret_of_others = what.kind == "Secret" and text(manifest.get("type")) in _SECRETS_OF_OTHERS
    return (what.kind, name) in _FURNITURE or is_stored or is_secret_of_others


def is_claim_of(name: str, stateful_sets: Iterable[str]) -> bool:
    """
    Whether a PersistentVolumeClaim is one of a StatefulSet: `<template>-<set>-<ordinal>`. Such a claim names
    no owner, so that it outlives the set.
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage
    """
    stem, _, ordinal = name.rpartition("-")
    return ordinal.isdecimal() and any(stem.endswith(f"-{one}") for one in stateful_sets)
