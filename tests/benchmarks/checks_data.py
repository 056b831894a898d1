"""
500 applications of twenty live objects each, five in a namespace: twelve that Git names, and their
ReplicaSets and pods. They are applied as kubectl does, with its annotation, and have gone through the
defaults of the server.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]
APPLICATIONS_IN_NAMESPACE = 5
LIVE_OBJECTS = 20
COMMIT_ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


def namespace_of(number: int) -> str:
    return f"team-{number // APPLICATIONS_IN_NAMESPACE}"


def manifests_of(number: int) -> list[Manifest]:
    """What Git asks for in the folder of one application."""
    name = f"shop-{number}"
    parts = [part for side in ("web", "jobs") for part in _workload(f"{name}-{side}", number)]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    account = {"kind": "ServiceAccount", "name": name}
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    more = [
        _object("v1", "ServiceAccount", name),
        _object("v1", "Secret", name, stringData={"password": f"not real {number}"}),
        _object("rbac.authorization.k8s.io/v1", "Role", name, rules=[rule]),
        _object("rbac.authorization.k8s.io/v1", "RoleBinding", name, roleRef=role, subjects=[account]),
        _ingress(name),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            name,
            spec={"minAvailable": 1, "selector": {"matchLabels": {"app": f"{name}-web"}}},
        ),
    ]
    for manifest in (*parts, *more):
        manifest["metadata"]["namespace"] = namespace_of(number)
    return [*parts, *more]


def _object(version: str, kind: str, name: str, **fields: Any) -> Manifest:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}, **fields}


def _ingress(name: str) -> Manifest:
    service = {"service": {"name": f"{name}-web", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": service}
    rule = {"host": f"{name}.example.com", "http": {"paths": [path]}}
    return _object("networking.k8s.io/v1", "Ingress", name, spec={"rules": [rule]})


def _workload(name: str, number: int) -> list[Manifest]:
    pod = {"containers": [_container(name, number)], "volumes": [{"name": "c", "configMap": {"name": name}}]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    port = {"name": "http", "port": 80, "targetPort": "http"}
    data = {f"key-{key}": f"value {key} of {number}" for key in range(10)}
    return [
        _object("apps/v1", "Deployment", name, spec=spec),
        _object("v1", "Service", name, spec={"selector": labels, "ports": [port]}),
        _object("v1", "ConfigMap", name, data=data),
    ]


def _container(name: str, number: int) -> Manifest:
    return {
        "name": "app",
        "image": f"registry.example.com/shop/{name}:1.4.{number}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"OPTION_{key}", "value": f"value {key}"} for key in range(8)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}},
        "volumeMounts": [{"name": "c", "mountPath": "/etc/app", "readOnly": True}],
    }


def build_remote(folder: Path, count: int) -> Path:
    """A bare repository with a folder of manifests for each application, as JSON, which is YAML."""
    seed, remote = folder / "seed", folder / "config.git"
    for number in range(count):
        place = seed / "apps" / str(number)
        place.mkdir(parents=True)
        for position, manifest in enumerate(manifests_of(number)):
            (place / f"{position}.yaml").write_text(json.dumps(manifest, indent=1))
    run_git(folder, "init", "-q", "-b", "main", str(seed))
    commit_all(seed, "Begin")
    run_git(folder, "clone", "-q", "--bare", str(seed), str(remote))
    return remote


def run_git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=COMMIT_ENVIRONMENT)


def commit_all(seed: Path, message: str) -> None:
    run_git(seed, "add", "-A")
    run_git(seed, "commit", "-q", "-m", message)


def fill(standin: Any, count: int) -> None:
    """Put all live objects into a stand-in, with what controllers and kubelets would have written."""
    for namespace in sorted({namespace_of(number) for number in range(count)}):
        _create(
            standin, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, "kubectl"
        )
    for number in range(count):
        for manifest in manifests_of(number):
            stored = _apply(standin, manifest)
            if stored["kind"] == "Deployment":
                _roll_out(standin, stored)


def _apply(standin: Any, manifest: Manifest) -> Manifest:
    text = json.dumps(manifest, separators=(",", ":"))
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": text}
    applied = copy.deepcopy(manifest)
    applied["metadata"]["annotations"] = annotations
    return _create(standin, applied, "kubectl-client-side-apply")


def _create(standin: Any, manifest: Manifest, manager: str) -> Manifest:
    from apps.demo.standin.address import Target
    from apps.demo.standin.registry import Intent

    group = manifest["apiVersion"].rpartition("/")[0]
    kind = standin.registry.catalogue.find_kind(group, manifest["kind"])
    target = Target(kind, manifest["metadata"].get("namespace", ""))
    created: Manifest = standin.registry.create(target, manifest, Intent(manager))
    return created


def _roll_out(standin: Any, deployment: Manifest) -> None:
    """One ReplicaSet, three ready pods, and a Deployment that says so."""
    name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
    replica_set = _child(deployment, "apps/v1", "ReplicaSet", f"{name}-5d4f8b9c7d")
    replica_set["spec"] = {"replicas": 3, "selector": deployment["spec"]["selector"], "template": template}
    stored = _create(standin, replica_set, "kube-controller-manager")
    counts = {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "observedGeneration": 1}
    _say(standin, "replicasets", stored, {**counts, "fullyLabeledReplicas": 3})
    condition = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
    _say(standin, "deployments", deployment, {**counts, "updatedReplicas": 3, "conditions": [condition]})
    for number in range(3):
        pod = _child(stored, "v1", "Pod", f"{name}-5d4f8b9c7d-{number}")
        pod["metadata"]["labels"] = template["metadata"]["labels"]
        pod["spec"] = {**template["spec"], "nodeName": f"node-{number}"}
        created = _create(standin, pod, "kube-controller-manager")
        ready = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")]
        container = {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}}
        status = {"phase": "Running", "conditions": ready, "containerStatuses": [container]}
        _say(standin, "pods", created, status)


def _child(parent: Manifest, version: str, kind: str, name: str) -> Manifest:
    child = _object(version, kind, name)
    owner = {"apiVersion": parent["apiVersion"], "kind": parent["kind"], "controller": True}
    owner |= {"name": parent["metadata"]["name"], "uid": parent["metadata"]["uid"]}
    child["metadata"] |= {"namespace": parent["metadata"]["namespace"], "ownerReferences": [owner]}
    return child


def _say(standin: Any, plural: str, manifest: Manifest, status: Manifest) -> None:
    group = manifest["apiVersion"].rpartition("/")[0]
    standin.store.put((group, plural), {**manifest, "status": status})
