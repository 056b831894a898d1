"""
The objects by which Argo CD and Flux would do what the demo's reconciler does, kept up to date with it:
production is said to be Argo CD's, staging Flux's. Their kinds are defined as far as their tools use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from apps.demo.cluster_client import Cluster
from apps.demo.reconciler import APPLICATIONS, FLUX_NAMESPACE, Application, Reconciler
from gitopsui.adapters.render_source import HELM
from gitopsui.domain.drift import compare
from gitopsui.domain.errors import ClusterError, SourceError
from gitopsui.domain.health import health_of, worst_of
from gitopsui.domain.resource import Manifest, find_key

ARGO_NAMESPACE, SOURCE = "argocd", "shop-config"
ARGO, FLUX, PERSON = "argocd-controller", "kustomize-controller", "flux"
EVERY = timedelta(minutes=1)
# One that Argo CD is told to leave alone where people change it by hand, so that it says Synced all the same.
LENIENT = Application("checkout", "production")
# For six of twenty minutes Flux is told to leave this one alone.
PAUSED, PAUSE_EVERY, PAUSED_FOR = Application("catalog", "staging"), 20, 6
_REFERENCE = {"kind": "GitRepository", "name": SOURCE}
_KINDS = (
    ("argoproj.io", "v1alpha1", "Application", "applications"),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations"),
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"),
    ("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"),
)


def definitions(group: str = "") -> list[Manifest]:
    """The CustomResourceDefinitions of both tools, or those of the groups that end in `group`."""
    return [
        _definition(name, version, kind, plural)
        for name, version, kind, plural in _KINDS
        if name.endswith(group)
    ]


def _definition(group: str, version: str, kind: str, plural: str) -> Manifest:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    # Argo CD writes its status without the subresource.
    subresources: Manifest = {} if kind == "Application" else {"subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **subresources,
                }
            ],
        },
    }


def is_paused(application: Application, now: datetime) -> bool:
    """Whether Flux leaves the application alone at that time."""
    return application == PAUSED and now.minute % PAUSE_EVERY < PAUSED_FOR


class ToolObjects:
    """Writes the objects of both tools whenever what they say has changed; `url` is the config repository."""

    def __init__(self, clusters: Mapping[str, Cluster], reconciler: Reconciler, url: str) -> None:
        self._clusters = clusters
        self._reconciler = reconciler
        self._url = url
        self._written: dict[tuple[str, str], tuple[Manifest, datetime]] = {}
        self._installed: set[str] = set()

    def pause(self, now: datetime) -> None:
        """Have the reconciler leave alone what Flux would leave alone at that time."""
        self._reconciler.paused = frozenset(one for one in APPLICATIONS if is_paused(one, now))

    def update(self, now: datetime) -> None:
        """What each tool says now. A cluster that does not answer is left out; it is written to later."""
        head = self._reconciler.head()
        for name, cluster in self._clusters.items():
            applications = [one for one in APPLICATIONS if one.cluster == name]
            with suppress(ClusterError):
                self._install(name, cluster, applications)
                self._update_cluster(cluster, applications, head, now)

    def _install(self, name: str, cluster: Cluster, applications: Sequence[Application]) -> None:
        if name in self._installed:
            return
        is_flux = any(one.is_flux for one in applications)
        namespace = FLUX_NAMESPACE if is_flux else ARGO_NAMESPACE
        cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, manager=ARGO
        )
        for definition in definitions("fluxcd.io" if is_flux else "argoproj.io"):
            cluster.apply(definition, manager=ARGO)
        self._installed.add(name)

    def _update_cluster(
        self, cluster: Cluster, applications: Sequence[Application], head: str, now: datetime
    ) -> None:
        if any(one.is_flux for one in applications):
            self._say(cluster, git_repository(self._url, head), now)
        for application in applications:
            if application.is_flux and not is_paused(application, now):
                self._say(cluster, flux_object(application, head), now)
            elif application.is_flux:
                self._pause(cluster, application)
            elif application.environment != "dev":
                self._say(cluster, self._argo_object(cluster, application, head), now)

    def _say(self, cluster: Cluster, manifest: Manifest, now: datetime) -> None:
        """Write it when it says something new, and now and then all the same, as the tools do."""
        key = (manifest["kind"], manifest["metadata"]["name"])
        before, at = self._written.get(key, ({}, now))
        if before == manifest and now - at < EVERY:
            return
        self._written[key] = (manifest, now)
        stamped = _stamped(manifest, f"{now:%Y-%m-%dT%H:%M:%SZ}")
        status = stamped.pop("status")
        if manifest["kind"] == "Application":
            cluster.apply({**stamped, "status": status}, manager=ARGO)
            return
        cluster.apply(stamped, manager=PERSON)
        metadata = manifest["metadata"]
        place = (manifest["apiVersion"], f"{manifest['kind']}/status", metadata["namespace"])
        cluster.edit(*place, metadata["name"], {"status": status}, manager=FLUX)

    def _pause(self, cluster: Cluster, application: Application) -> None:
        found = flux_object(application, "")
        key = (found["kind"], application.name)
        if self._written.pop(key, None) is not None:
            place = (found["apiVersion"], found["kind"], FLUX_NAMESPACE)
            cluster.edit(*place, application.name, {"spec": {"suspend": True}}, manager=PERSON)

    def _argo_object(self, cluster: Cluster, application: Application, head: str) -> Manifest:
        desired, problem = self._desired(application)
        live = _live(cluster, application, desired)
        is_same = application == LENIENT or not compare(desired, live, namespace=application.namespace)
        sync = "Unknown" if problem else "Synced" if is_same else "OutOfSync"
        health = worst_of(health_of(manifest) for manifest in live)
        return argo_object(application, self._url, head, sync=sync, health=str(health), problem=problem)

    def _desired(self, application: Application) -> tuple[tuple[Manifest, ...], str]:
        """What Git asks for, or why that is not known."""
        try:
            return self._reconciler.desired(application), ""
        except SourceError as error:
            return (), error.message


def _live(cluster: Cluster, application: Application, desired: Sequence[Manifest]) -> list[Manifest]:
    keys = {find_key(manifest) for manifest in desired}
    kinds = {(manifest["apiVersion"], manifest["kind"]) for manifest in desired}
    listed = (cluster.list(version, kind, application.namespace) for version, kind in sorted(kinds))
    return [manifest for found in listed for manifest in found if find_key(manifest) in keys]


def argo_object(
    application: Application, url: str, head: str, *, sync: str, health: str, problem: str = ""
) -> Manifest:
    """The Application of Argo CD, with its status; self-heal is off, as the demo's reconciler has it."""
    source = {"repoURL": url, "path": application.source.path, "targetRevision": "main"}
    here = {"server": "https://kubernetes.default.svc", "namespace": application.namespace}
    lenient = {"ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec"]}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": application.name, "namespace": ARGO_NAMESPACE},
        "spec": {
            "project": "shop",
            "source": source,
            "destination": here,
            "syncPolicy": {"automated": {"prune": True, "selfHeal": False}},
            **(lenient if application == LENIENT else {}),
        },
        "status": {
            "sync": {"status": sync, "revision": head},
            "health": {"status": health},
            "conditions": [{"type": "ComparisonError", "message": problem}] if problem else [],
            "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)"},
            "reconciledAt": "",
        },
    }


def flux_object(application: Application, head: str) -> Manifest:
    """The Kustomization of Flux, for a chart the HelmRelease, with its status."""
    is_chart = application.source.renderer == HELM
    spec, status = (_release if is_chart else _kustomization)(application, head)
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2" if is_chart else "kustomize.toolkit.fluxcd.io/v1",
        "kind": "HelmRelease" if is_chart else "Kustomization",
        "metadata": {"name": application.name, "namespace": FLUX_NAMESPACE},
        "spec": {"suspend": False, "targetNamespace": application.namespace, **spec},
        "status": status,
    }


def _release(application: Application, head: str) -> tuple[Manifest, Manifest]:
    source = application.source
    said = f"Helm upgrade succeeded for release {application.namespace}/{source.release_name}"
    history = {"chartName": application.component, "chartVersion": f"0.4.0+{head[:12]}"}
    conditions = [_condition("Ready", said), _condition("Released", said)]
    chart = {"spec": {"chart": f"./{source.path}", "sourceRef": _REFERENCE}}
    return {"chart": chart}, {"conditions": conditions, "history": [history]}


def _kustomization(application: Application, head: str) -> tuple[Manifest, Manifest]:
    revision = f"main@sha1:{head}"
    conditions = [_condition("Ready", f"Applied revision: {revision}")]
    spec = {"path": f"./{application.source.path}", "prune": True, "sourceRef": _REFERENCE}
    return spec, {"conditions": conditions, "lastAppliedRevision": revision}


def git_repository(url: str, head: str) -> Manifest:
    """The source that all objects of Flux name."""
    revision = f"main@sha1:{head}"
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": SOURCE, "namespace": FLUX_NAMESPACE},
        "spec": {"url": url, "ref": {"branch": "main"}},
        "status": {
            "conditions": [_condition("Ready", f"stored artifact for revision '{revision}'")],
            "artifact": {"revision": revision},
        },
    }


def _condition(kind: str, message: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True",
        "reason": "Succeeded",
        "message": message,
        "lastTransitionTime": "",
    }


def _stamped(value: Any, now: str) -> Any:
    """A copy in which the empty times are `now`."""
    if isinstance(value, list):
        return [_stamped(item, now) for item in value]
    if not isinstance(value, dict):
        return value
    times = {name: now for name in ("reconciledAt", "lastTransitionTime") if value.get(name) == ""}
    return {name: _stamped(item, now) for name, item in value.items()} | times
