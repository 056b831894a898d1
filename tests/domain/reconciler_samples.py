"""Objects of Argo CD and Flux in the shapes that their controllers write, version by version."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gitopsui.domain.resource import Manifest

OLD, NEW = "3f2a1bc" + "0" * 33, "91bc0de" + "1" * 33
CONFIG = "https://git.example.org/shop/config"


def argo(
    name: str = "shop-cart",
    *,
    sync: str = "Synced",
    health: str = "Healthy",
    revision: str = OLD,
    namespace: str = "argocd",
    **spec: Any,
) -> Manifest:
    """An Application as Argo CD 2.x leaves it after a sync."""
    source = {"repoURL": f"{CONFIG}.git", "path": "apps/cart/overlays/dev", "targetRevision": "HEAD"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 214},
        "spec": {
            "project": "default",
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
            **spec,
        },
        "status": {
            "sync": {"status": sync, "revision": revision, "comparedTo": {"source": source}},
            "health": {"status": health, "lastTransitionTime": "2026-11-20T08:00:00Z"},
            "reconciledAt": "2026-11-23T09:58:31Z",
            "operationState": {
                "phase": "Succeeded",
                "message": "successfully synced (all tasks run)",
                "finishedAt": "2026-11-23T09:14:00Z",
                "syncResult": {"revision": revision, "source": source},
            },
            "resources": [{"kind": "Service", "name": "cart", "namespace": "shop", "status": "Synced"}],
            "sourceType": "Kustomize",
        },
    }


def argo_multi_source() -> Manifest:
    """Argo CD 3.x with two sources: a chart of a registry and values of the config repository."""
    manifest = argo("pricing")
    del manifest["spec"]["source"]
    manifest["spec"]["sources"] = [
        {"repoURL": "registry.example.org/charts", "chart": "pricing", "targetRevision": "1.4.2"},
        {"repoURL": CONFIG, "ref": "values", "path": "apps/pricing", "targetRevision": "main"},
    ]
    manifest["status"]["sync"] = {"status": "OutOfSync", "revisions": ["1.4.2", OLD]}
    return manifest


def argo_broken() -> Manifest:
    """One that cannot be compared."""
    manifest = argo(sync="Unknown", health="Unknown", revision="")
    manifest["status"]["conditions"] = [
        {"type": "OrphanedResourceWarning", "message": "Application has 1 orphaned resources"},
        {"type": "ComparisonError", "message": "Failed to load target state: app path does not exist"},
    ]
    return manifest


def argo_skipped() -> Manifest:
    """One that its controller was told to leave alone."""
    manifest = argo()
    skip = "argocd.argoproj.io/skip-reconcile"
    manifest["metadata"]["annotations"] = {skip: "true"}
    fields: Manifest = {"f:metadata": {"f:annotations": {f"f:{skip}": {}}}}
    manifest["metadata"]["managedFields"] = [
        {
            "manager": "kubectl-annotate",
            "operation": "Update",
            "time": "2026-11-21T10:00:00Z",
            "fieldsV1": fields,
        }
    ]
    return manifest


def argo_hydrated() -> Manifest:
    """Argo CD 3.x with a source hydrator."""
    hydrator = {
        "drySource": {"repoURL": CONFIG, "path": "dry/cart", "targetRevision": "HEAD"},
        "syncSource": {"targetBranch": "environments/dev", "path": "cart"},
    }
    manifest = argo(sourceHydrator=hydrator)
    del manifest["spec"]["source"]
    return manifest


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Manifest:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-23T09:00:00Z",
        "observedGeneration": 2,
    }


def flux(kind: str, group: str, version: str, name: str, spec: Manifest, status: Manifest) -> Manifest:
    return {
        "apiVersion": f"{group}.toolkit.fluxcd.io/{version}",
        "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "generation": 2},
        "spec": spec,
        "status": {"observedGeneration": 2, **status},
    }


def kustomization(*, version: str = "v1", revision: str = f"main@sha1:{OLD}", **status: Any) -> Manifest:
    applied = f"Applied revision: {revision}"
    return flux(
        "Kustomization",
        "kustomize",
        version,
        "cart",
        {
            "interval": "10m0s",
            "path": "./apps/cart/overlays/dev",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": "config"},
            "targetNamespace": "shop",
        },
        {
            "conditions": [condition("Ready", "True", "ReconciliationSucceeded", applied)],
            "lastAppliedRevision": revision,
            "lastAttemptedRevision": revision,
            "inventory": {"entries": [{"id": "shop_cart__Service", "v": "v1"}]},
            **status,
        },
    )


def suspended_kustomization() -> Manifest:
    manifest = kustomization()
    manifest["spec"]["suspend"] = True
    manifest["metadata"]["managedFields"] = [
        {
            "manager": "flux",
            "operation": "Update",
            "time": "2026-11-22T16:30:00Z",
            "fieldsV1": {"f:spec": {"f:suspend": {}}},
        },
        {
            "manager": "kustomize-controller",
            "operation": "Update",
            "subresource": "status",
            "time": "2026-11-23T09:00:00Z",
            "fieldsV1": {"f:status": {}},
        },
    ]
    return manifest


def helm_release(version: str = "v2", **status: Any) -> Manifest:
    """v2 keeps a history; v2beta1 kept the last applied revision."""
    history = [
        {
            "chartName": "pricing",
            "chartVersion": "1.4.2",
            "lastDeployed": "2026-11-22T11:00:00Z",
            "status": "deployed",
        }
    ]
    kept = {"lastAppliedRevision": "1.4.2"} if version == "v2beta1" else {"history": history}
    conditions = [
        condition("Ready", "True", "UpgradeSucceeded", "Helm upgrade succeeded for release shop/pricing.v3"),
        condition("Released", "True", "UpgradeSucceeded", "Helm upgrade succeeded"),
    ]
    chart = {
        "chart": "./charts/pricing",
        "version": "1.x",
        "sourceRef": {"kind": "GitRepository", "name": "config"},
    }
    return flux(
        "HelmRelease",
        "helm",
        version,
        "pricing",
        {"chart": {"spec": chart}, "interval": "5m", "targetNamespace": "shop"},
        {"conditions": conditions, "lastAttemptedRevision": "1.4.2", **kept, **status},
    )


def git_repository(*, ready: bool = True, message: str = "stored artifact", **spec: Any) -> Manifest:
    conditions = [condition("Ready", "True" if ready else "False", "", message)]
    return flux(
        "GitRepository",
        "source",
        "v1",
        "config",
        {"url": f"{CONFIG}.git", "interval": "1m", "ref": {"branch": "main"}, **spec},
        {"conditions": conditions, "artifact": {"revision": f"main@sha1:{NEW}"}},
    )


def changed(manifest: Manifest, *path: str, value: Any) -> Manifest:
    """A copy with another value at a path of keys."""
    copied = deepcopy(manifest)
    below = copied
    for key in path[:-1]:
        below = below[key]
    below[path[-1]] = value
    return copied
