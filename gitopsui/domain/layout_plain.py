"""Folders of plain manifests: which of them is an application, when nothing but the folder says so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from gitopsui.domain.layout_files import ROOT, Document, Files, folders_above, segments_of
from gitopsui.domain.layout_names import words

_WORKLOADS = words(
    """
    Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Job CronJob Pod Rollout
    DeploymentConfig CloneSet
    """
)
# Folders by kind (cart/rbac, cart/crds) are parts of the folder they lie in.
_KINDS = words(
    """
    rbac crd crds deployments services configmaps configmap secrets secret ingress ingresses network
    networking networkpolicies policies jobs cronjobs hpa pvc storage roles rolebindings namespaces
    namespace serviceaccounts volumes monitoring-rules
    """
)
# What lies there is shown or tried, not deployed.
ASIDE = words(
    """
    examples example samples sample docs doc documentation test tests e2e hack fixtures schemas schema
    tutorials workshop images scripts snippets
    """
)

# Of these even what declares an application declares none.
EXAMPLE_FOLDERS = words(
    """
    examples example samples sample docs testdata fixtures e2e snippets
    """
)


def is_workload(document: Document) -> bool:
    """Whether it runs containers; a Knative Service does, a Service of the core does not."""
    return document.kind in _WORKLOADS or (document.kind, document.group) == (
        "Service",
        "serving.knative.dev",
    )


def is_aside(folder: str, names: Collection[str] = ASIDE) -> bool:
    """Whether a folder of examples, documents or tests holds it (below the root of a repository)."""
    return any(segment.lower() in names for segment in segments_of(folder))


def plain_roots(files: Files, manifests: Callable[[str], Iterable[Document]]) -> tuple[list[str], list[str]]:
    """
    The folders that are an application each, none inside another, and those that only lie above some.

    `manifests(folder)` are the documents directly in it that nothing else has claimed. A folder with
    a workload takes all below it; one without is a heading if workloads lie below, and an application
    of its own otherwise. Folders by kind belong to the one above.
    """
    holding: set[str] = set()
    working: set[str] = set()
    for folder in files.folders:
        documents = list(manifests(folder))
        holding |= {_lifted(folder)} if documents else set()
        working |= {_lifted(folder)} if any(map(is_workload, documents)) else set()
    above_working = {above for folder in working for above in folders_above(folder)}
    roots: set[str] = set()
    headings: list[str] = []
    for folder in sorted(holding, key=segments_of):
        if roots.isdisjoint(folders_above(folder)):
            if folder in working or folder not in above_working:
                roots.add(folder)
            else:
                headings.append(folder)
    return sorted(roots), headings


def _lifted(folder: str) -> str:
    """The folder, or the one above a folder by kind."""
    segments = segments_of(folder)
    while len(segments) > 1 and segments[-1].lower() in _KINDS:
        segments = segments[:-1]
    return "/".join(segments) or ROOT
