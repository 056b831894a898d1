"""
Asking Argo CD or Flux to look again: one annotation on the object that reconciles, nothing else is written.
Only connections that were granted it may ask.

https://argo-cd.readthedocs.io/en/stable/user-guide/annotations-and-labels/ (`argocd.argoproj.io/refresh`)
https://fluxcd.io/flux/components/kustomize/kustomizations/#triggering-a-reconcile
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

from gitopsui.adapters.cluster import ClusterReader, absent
from gitopsui.adapters.cluster_call import read_object, unexpected_status
from gitopsui.adapters.cluster_discovery import ApiKind
from gitopsui.adapters.cluster_role import ACCOUNT, NAMESPACE, binding, role_head, rule
from gitopsui.adapters.http_socket import Deadline
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.reconciler import ARGO_CD, ReconcilerState
from gitopsui.domain.reconciler_objects import parse_reconciler

MERGE = "application/merge-patch+json"
MANAGER = "gitopsui"
ARGO_REFRESH = "argocd.argoproj.io/refresh"
FLUX_REQUEST = "reconcile.fluxcd.io/requestedAt"
PATCHED = (
    ("argoproj.io", ("applications",)),
    ("helm.toolkit.fluxcd.io", ("helmreleases",)),
    ("kustomize.toolkit.fluxcd.io", ("kustomizations",)),
    (
        "source.toolkit.fluxcd.io",
        ("buckets", "gitrepositories", "helmcharts", "helmrepositories", "ocirepositories"),
    ),
)


class ClusterRefresher(ClusterReader):
    """A reader that may also ask reconcilers to look again."""

    def refresh(self, key: ResourceKey, *, at: datetime) -> None:
        """
        Ask the reconciler `key` to look at Git and the cluster now; `at` is when somebody wished for it. Of
        Flux the source is asked too, else it would apply what it has. Asking twice does no harm.

        Raises ClusterError: permanent REFRESH_FORBIDDEN, REFRESH_GONE and KIND_UNKNOWN, and those of `live`.
        """
        deadline = self._deadline()
        state = self._read(key, deadline)
        is_argo = state.tool == ARGO_CD
        annotations = {ARGO_REFRESH: "normal"} if is_argo else {FLUX_REQUEST: at.astimezone(UTC).isoformat()}
        self._annotate(key, annotations, deadline)
        if state.source is not None:
            self._annotate(state.source, annotations, deadline)

    def _read(self, key: ResourceKey, deadline: Deadline) -> ReconcilerState:
        kind = self._kind(key, deadline)
        answer = self._call.get(path_of(kind, key), deadline)
        if answer.status == 403:
            raise forbidden(kind, key, "get")
        if answer.status == 404:
            raise gone(key)
        if answer.status != 200:
            raise unexpected_status(answer.status)
        state = parse_reconciler({**read_object(answer), "apiVersion": kind.api_version, "kind": kind.kind})
        if state is None:
            raise gone(key)
        return state

    def _annotate(self, key: ResourceKey, annotations: dict[str, str], deadline: Deadline) -> None:
        kind = self._kind(key, deadline)
        answer = self._call.patch(
            path_of(kind, key),
            deadline,
            query={"fieldManager": MANAGER},
            content_type=MERGE,
            body=json.dumps({"metadata": {"annotations": annotations}}).encode(),
        )
        if answer.status == 403:
            raise forbidden(kind, key, "patch")
        if answer.status == 404:
            raise gone(key)
        if answer.status != 200:
            raise unexpected_status(answer.status)

    def _kind(self, key: ResourceKey, deadline: Deadline) -> ApiKind:
        discovery = self._discover(deadline)
        kind = discovery.find(key.group_kind)
        if kind is None:
            raise absent(key.group_kind, discovery)
        return kind


def refresh_role() -> str:
    """What refreshing needs beside reading. The verb patch cannot be held to annotations."""
    name = f"{ACCOUNT}-refresh"
    lines = role_head(name)
    for group, resources in PATCHED:
        lines += rule(group, resources, ("patch",))
    return "\n".join([*lines, "---", *binding(name)]) + "\n"


def path_of(kind: ApiKind, key: ResourceKey) -> str:
    """Raises ClusterError for names that would leave their part of the path."""
    if not NAMESPACE.fullmatch(key.namespace) or key.name in ("", ".", ".."):
        raise gone(key)
    return f"{kind.path(key.namespace)}/{quote(key.name, safe='')}"


def forbidden(kind: ApiKind, key: ResourceKey, verb: str) -> ClusterError:
    return ClusterError(
        f"The cluster does not let our account {verb} the {key.kind} {key.namespace}/{key.name}.",
        code="REFRESH_FORBIDDEN",
        permanent=True,
        hint=f'Grant "{verb}" on {kind.plural} of the API group "{kind.group}" in namespace {key.namespace} '
        "to our service account.",
    )


def gone(key: ResourceKey) -> ClusterError:
    return ClusterError(
        f"There is no {key.kind} {key.namespace}/{key.name} any more.", code="REFRESH_GONE", permanent=True
    )
