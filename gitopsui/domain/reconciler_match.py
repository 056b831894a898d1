"""Which reconcilers manage an application: by the marks on its objects, else by folder and place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gitopsui.domain.identity import GroupKind, Manifest, find_key, labels_of
from gitopsui.domain.layout_origin import address_of
from gitopsui.domain.owner import INSTANCE_LABEL, owners_of
from gitopsui.domain.reconciler import ARGO_CD, ReconcilerState
from gitopsui.domain.reconciler_objects import APPLICATION, HELM_RELEASE, KUSTOMIZATION, RECONCILERS
from gitopsui.domain.tree import text

ARGO_NAMESPACE = "argocd"
# How Argo CD writes "the cluster I run in": https://argo-cd.readthedocs.io/en/stable/user-guide/external-url/
_HERE = ("", "https://kubernetes.default.svc", "in-cluster")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """
    A reconciler as an object names it; without a namespace it is in that of the tool. A weak mark is one
    that others leave too, and counts only where the reconciler applies to `destination`.
    """

    kind: GroupKind
    namespace: str
    name: str
    is_weak: bool = False
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of an application of ours: where its manifests lie, and where they are applied to."""

    url: str
    path: str
    namespace: str
    release_name: str = ""
    # The address and the name of its cluster.
    clusters: tuple[str, ...] = ()


def marks_of(manifest: Manifest) -> tuple[Mark, ...]:
    """The reconcilers an object is marked with."""
    labels = labels_of(manifest)
    found = [
        Mark(APPLICATION, owner.namespace, owner.name)
        for owner in owners_of(manifest)
        if owner.tool == ARGO_CD
    ]
    for kind in (KUSTOMIZATION, HELM_RELEASE):
        name = text(labels.get(f"{kind.group}/name"))
        if name:
            found.append(Mark(kind, text(labels.get(f"{kind.group}/namespace")), name))
    instance = text(labels.get(INSTANCE_LABEL))
    if instance and not found:
        namespace = find_key(manifest).namespace
        found.append(Mark(APPLICATION, "", instance, is_weak=True, destination=namespace))
    return tuple(found)


def common_marks(manifests: Iterable[Manifest]) -> list[Mark]:
    """The marks of many objects, without those on a few of them only: a shared object is no shared work."""
    counted = Counter(mark for manifest in manifests for mark in marks_of(manifest))
    most = max(counted.values(), default=0)
    return sorted(mark for mark, count in counted.items() if 2 * count >= most)


def find_managers(
    states: Sequence[ReconcilerState], marks: Sequence[Mark], target: Target
) -> list[ReconcilerState]:
    """Those that manage what carries `marks`; without a sure mark, those that apply the same folder there."""
    marked = [state for mark in marks for state in _bearers(states, mark)]
    if marked or any(not mark.is_weak for mark in marks):
        return list(dict.fromkeys(marked))
    return [state for state in states if state.key.group_kind in RECONCILERS and _applies(state, target)]


def _bearers(states: Sequence[ReconcilerState], mark: Mark) -> list[ReconcilerState]:
    found = [
        state
        for state in states
        if state.key.group_kind == mark.kind
        and state.key.name == mark.name
        and mark.namespace in ("", state.key.namespace)
        and (not mark.is_weak or state.namespace == mark.destination)
    ]
    at_home = [state for state in found if state.key.namespace == ARGO_NAMESPACE]
    return at_home if len(found) > 1 and at_home and not mark.namespace else found


def _applies(state: ReconcilerState, target: Target) -> bool:
    is_there = state.namespace in ("", target.namespace) and state.cluster in (*_HERE, *target.clusters)
    if state.key.group_kind == HELM_RELEASE and target.release_name not in ("", state.key.name):
        return False
    own = _address(target.url)
    return is_there and any(
        place.url and _address(place.url) == own and _folder(place.path) == _folder(target.path)
        for place in state.places
    )


# Every application of a cluster is held against every reconciler of it, and they name few repositories.
_address = lru_cache(maxsize=1024)(address_of)


def _folder(path: str) -> str:
    return path.strip().removeprefix("./").strip("/") or "."
