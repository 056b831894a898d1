"""The usual kinds as people write them in Git: what the API fills in is left out, values in odd spellings."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.resource import Manifest

LABELS = {"app": "shop"}
RBAC = "rbac.authorization.k8s.io"
PASSWORD = "canary-of-the-contract"


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One kind: how its manifest is built from the name of the test's namespace, and one edit of it by hand as
    an expression of sed on the YAML of `kubectl edit`, with the path of the field it changes.
    """

    build: Callable[[str], Manifest]
    edit: str
    path: str
    is_global: bool = False


def make(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "labels": dict(LABELS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def _web() -> dict[str, Any]:
    http = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5}
    return {
        "name": "web",
        "image": "registry.example.org/shop:1.0.0",
        "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 8080, "protocol": "UDP"}],
        "env": [
            {"name": "COLOUR", "value": "green"},
            {"name": "EMPTY", "value": ""},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "SIZE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "size"}}},
            {
                "name": "DB",
                "valueFrom": {"secretKeyRef": {"name": "login", "key": "user", "optional": False}},
            },
        ],
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"prefix": "S_", "secretRef": {"name": "login"}}],
        "resources": {
            "requests": {"cpu": 0.5, "memory": "1024Mi"},
            "limits": {"cpu": "1000m", "memory": "2048Mi"},
        },
        "livenessProbe": http,
        "readinessProbe": {"tcpSocket": {"port": 8080}},
        "startupProbe": {"exec": {"command": ["true"]}, "failureThreshold": 30},
        "lifecycle": {"preStop": {"httpGet": {"port": 8080}}, "postStart": {"exec": {"command": ["true"]}}},
        "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "settings", "mountPath": "/etc/shop", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp", "readOnly": False},
        ],
    }


def _volumes() -> list[dict[str, Any]]:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
    fields = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    return [
        {"name": "settings", "configMap": {"name": "settings", "items": [{"key": "size", "path": "size"}]}},
        {"name": "login", "secret": {"secretName": "login", "optional": True}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "cache", "emptyDir": {"medium": "Memory", "sizeLimit": "0.5Gi"}},
        {"name": "host", "hostPath": {"path": "/var/log"}},
        {"name": "about", "downwardAPI": {"items": fields}},
        {
            "name": "all",
            "projected": {
                "sources": [
                    {"serviceAccountToken": {"path": "token"}},
                    {"configMap": {"name": "settings"}},
                    {"downwardAPI": {"items": fields}},
                ]
            },
        },
        {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "share", "nfs": {"server": "files.example.org", "path": "/"}},
        {
            "name": "disk",
            "iscsi": {"targetPortal": "192.0.2.9", "iqn": "iqn.2001-04.org.example:a", "lun": 0},
        },
    ]


def pod_template(labels: dict[str, str]) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    spec = {
        "initContainers": [
            {"name": "prepare", "image": "busybox", "command": ["true"]},
            {"name": "proxy", "image": "proxy:2", "restartPolicy": "Always"},
        ],
        "containers": [
            _web(),
            {"name": "rpc", "image": "rpc@sha256:" + "0" * 64, "livenessProbe": {"grpc": {"port": 9090}}},
        ],
        "volumes": _volumes(),
        "serviceAccountName": "shop",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "securityContext": {"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]
            }
        },
        "topologySpreadConstraints": [spread],
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "imagePullSecrets": [{"name": "registry"}],
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["db"]}],
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
    }
    return {"metadata": {"labels": labels, "annotations": {"note": "by git"}}, "spec": spec}


def deployment(_: str) -> Manifest:
    spec = {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": pod_template(dict(LABELS))}
    return make(
        "apps/v1", "Deployment", "shop", spec={**spec, "strategy": {"rollingUpdate": {"maxSurge": 1}}}
    )


def stateful_set(_: str) -> Manifest:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
    }
    spec = {
        "replicas": 0,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": pod_template({"app": "db"}),
        "volumeClaimTemplates": [claim],
    }
    return make("apps/v1", "StatefulSet", "db", spec=spec)


def daemon_set(_: str) -> Manifest:
    # No node has this label, so nothing is started.
    template = pod_template({"app": "agent"})
    template["spec"]["nodeSelector"] = {"gitopsui.example/none": "true"}
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": template}
    return make("apps/v1", "DaemonSet", "agent", spec=spec)


def cron_job(_: str) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "night", "image": "busybox:1.36"}]}
    job = {"backoffLimit": 2, "ttlSecondsAfterFinished": 600, "template": {"spec": pod}}
    spec = {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": job}}
    return make("batch/v1", "CronJob", "night", spec=spec)


def job(_: str) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "once", "image": "busybox:1.36"}]}
    return make("batch/v1", "Job", "once", spec={"suspend": True, "template": {"spec": pod}})


def service(_: str) -> Manifest:
    ports = [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "dns", "port": 53},
        {"name": "dns-udp", "port": 53, "protocol": "UDP"},
    ]
    return make("v1", "Service", "shop", spec={"selector": LABELS, "ports": ports})


def node_port(_: str) -> Manifest:
    ports = [{"port": 443, "targetPort": 8443}]
    return make("v1", "Service", "door", spec={"type": "NodePort", "selector": LABELS, "ports": ports})


def headless(_: str) -> Manifest:
    affinity = {
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 600}},
    }
    spec = {"clusterIP": "None", "selector": LABELS, "ports": [{"port": 5432}], **affinity}
    return make("v1", "Service", "db", spec=spec)


def ingress(namespace: str) -> Manifest:
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    paths = [
        {"path": "/", "pathType": "Prefix", "backend": backend},
        {"pathType": "ImplementationSpecific", "backend": {"service": {"name": "a", "port": {"name": "b"}}}},
    ]
    host = f"{namespace}.example.org"
    spec = {
        "tls": [{"hosts": [host], "secretName": "tls"}],
        "rules": [{"host": host, "http": {"paths": paths}}],
    }
    return make("networking.k8s.io/v1", "Ingress", "shop", spec={**spec, "ingressClassName": "gitopsui-none"})


def network_policy(_: str) -> Manifest:
    entry = {
        "from": [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": {"team": "a"}}}],
        "ports": [{"port": 8080}, {"port": 9000, "endPort": 9010}],
    }
    spec = {"podSelector": {"matchLabels": LABELS}, "ingress": [entry], "egress": []}
    return make("networking.k8s.io/v1", "NetworkPolicy", "shop", spec=spec)


def budget(_: str) -> Manifest:
    spec = {"minAvailable": 1, "selector": {"matchLabels": LABELS}}
    return make("policy/v1", "PodDisruptionBudget", "shop", spec=spec)


def autoscaler(_: str) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": 70}
    metrics = [
        {"type": "Resource", "resource": {"name": "cpu", "target": target}},
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1024Mi"}},
        },
    ]
    spec = {
        "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "absent"},
        "metrics": metrics,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
    }
    return make("autoscaling/v2", "HorizontalPodAutoscaler", "shop", spec=spec)


def config_map(_: str) -> Manifest:
    data = {"colour": "green", "size": "3", "script": "#!/bin/sh\necho one\n", "empty": ""}
    return make("v1", "ConfigMap", "settings", data=data)


def secret(_: str) -> Manifest:
    data = {"password": base64.b64encode(PASSWORD.encode()).decode()}
    return make("v1", "Secret", "login", data=data, stringData={"user": "shop"})


def volume_claim(_: str) -> Manifest:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gitopsui-none",
        "resources": {"requests": {"storage": "1024Mi"}},
    }
    return make("v1", "PersistentVolumeClaim", "data", spec=spec)


def service_account(_: str) -> Manifest:
    return make("v1", "ServiceAccount", "shop", automountServiceAccountToken=False)


def role(_: str) -> Manifest:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    return make(f"{RBAC}/v1", "Role", "shop", rules=rules)


def role_binding(_: str) -> Manifest:
    subjects = [
        {"kind": "ServiceAccount", "name": "shop", "namespace": "shops"},
        {"kind": "Group", "name": "shopkeepers"},
    ]
    reference = {"kind": "Role", "name": "shop", "apiGroup": RBAC}
    return make(f"{RBAC}/v1", "RoleBinding", "shop", subjects=subjects, roleRef=reference)


def cluster_role(namespace: str) -> Manifest:
    rules = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]},
        {"nonResourceURLs": ["/version"], "verbs": ["get"]},
    ]
    return make(f"{RBAC}/v1", "ClusterRole", namespace, rules=rules)


def cluster_role_binding(namespace: str) -> Manifest:
    subjects = [{"kind": "User", "name": "nobody@example.org"}]
    reference = {"kind": "ClusterRole", "name": namespace, "apiGroup": RBAC}
    return make(f"{RBAC}/v1", "ClusterRoleBinding", namespace, subjects=subjects, roleRef=reference)


def limit_range(_: str) -> Manifest:
    limits = [{"type": "Container", "max": {"cpu": "2000m"}, "default": {"memory": "1024Mi"}}]
    return make("v1", "LimitRange", "limits", spec={"limits": limits})


def quota(_: str) -> Manifest:
    return make("v1", "ResourceQuota", "quota", spec={"hard": {"requests.cpu": 4, "pods": "100"}})


def definition(namespace: str) -> Manifest:
    group = f"{namespace}.example"
    size = {"type": "integer", "default": 1, "description": "How many."}
    parts = {
        "type": "array",
        "items": {"type": "object", "properties": {"name": {"type": "string"}, "cpu": {"type": "string"}}},
    }
    inner = {"type": "object", "properties": {"size": size, "mode": {"type": "string"}, "parts": parts}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": inner}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return make(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"widgets.{group}",
        spec={
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [version],
        },
    )


def widget(namespace: str) -> Manifest:
    spec = {"mode": "fast", "parts": [{"name": "a", "cpu": "0.5"}, {"name": "b"}]}
    return make(f"{namespace}.example/v1", "Widget", "one", spec=spec)


LABEL = ("s/app: shop/app: till/", "metadata.labels.app")
KINDS: dict[str, Kind] = {
    "Deployment": Kind(
        deployment,
        "s/periodSeconds: 5$/periodSeconds: 7/",
        "spec.template.spec.containers[web].livenessProbe.periodSeconds",
    ),
    "StatefulSet": Kind(stateful_set, "s/shop:1.0.0/shop:1.0.1/", "spec.template.spec.containers[web].image"),
    "DaemonSet": Kind(
        daemon_set, "s/value: green/value: blue/", "spec.template.spec.containers[web].env[COLOUR].value"
    ),
    "CronJob": Kind(cron_job, "s/0 3 /0 4 /", "spec.schedule"),
    "Job": Kind(job, *LABEL),
    "Service": Kind(service, "s/targetPort: http/targetPort: web/", "spec.ports[80/TCP].targetPort"),
    "NodePort": Kind(node_port, "s/targetPort: 8443/targetPort: 9443/", "spec.ports[443/TCP].targetPort"),
    "Headless": Kind(
        headless,
        "s/timeoutSeconds: 600/timeoutSeconds: 700/",
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
    ),
    "Ingress": Kind(
        ingress, "s/number: 80$/number: 81/", "spec.rules[0].http.paths[0].backend.service.port.number"
    ),
    "NetworkPolicy": Kind(network_policy, "s/port: 8080/port: 8081/", "spec.ingress[0].ports[0].port"),
    "PodDisruptionBudget": Kind(budget, "s/minAvailable: 1/minAvailable: 2/", "spec.minAvailable"),
    "HorizontalPodAutoscaler": Kind(autoscaler, "s/maxReplicas: 3/maxReplicas: 4/", "spec.maxReplicas"),
    "ConfigMap": Kind(config_map, "s/colour: green/colour: blue/", "data.colour"),
    "Secret": Kind(secret, "s/password: .*/password: YmxhY2sgaG9sZQ==/", "data.password"),
    "PersistentVolumeClaim": Kind(volume_claim, *LABEL),
    "ServiceAccount": Kind(
        service_account,
        "s/automountServiceAccountToken: false/automountServiceAccountToken: true/",
        "automountServiceAccountToken",
    ),
    "Role": Kind(role, "s/- list$/- watch/", "rules[0].verbs"),
    "RoleBinding": Kind(role_binding, "s/name: shopkeepers/name: burglars/", "subjects[1].name"),
    "ClusterRole": Kind(cluster_role, "s/- list$/- watch/", "rules[0].verbs", is_global=True),
    "ClusterRoleBinding": Kind(
        cluster_role_binding, "s/name: nobody@/name: somebody@/", "subjects[0].name", is_global=True
    ),
    "LimitRange": Kind(limit_range, *LABEL),
    "ResourceQuota": Kind(quota, 's/pods: "100"/pods: "90"/', "spec.hard.pods"),
    "CustomResourceDefinition": Kind(
        definition,
        "s/description: How many/description: How few/",
        "spec.versions[v1].schema.openAPIV3Schema.properties.spec.properties.size.description",
        is_global=True,
    ),
    "Widget": Kind(widget, "s/mode: fast/mode: slow/", "spec.mode"),
}
