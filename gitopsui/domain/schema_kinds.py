"""The type of each built-in kind, by group and kind; every other kind is a custom one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.domain.schema import (
    ASSIGNED,
    ATOMIC_TEXTS,
    BYTES,
    EMPTY,
    METADATA,
    OFF,
    OPEN,
    PLAIN,
    PORT,
    QUANTITIES,
    QUANTITY,
    SELECTOR,
    SET,
    TEXTS,
    ZERO,
    Field,
    Struct,
    atomic,
    inside,
    keyed,
    map_of,
    struct,
    value,
)
from gitopsui.domain.schema_pod import CUSTOM, POD_SPEC, PVC_SPEC, TEMPLATE
from gitopsui.domain.tree import text

RBAC = "rbac.authorization.k8s.io"


def _target_port(port: Mapping[str, Any]) -> Any:
    return port.get("port")


def _subject_group(subject: Mapping[str, Any]) -> str:
    return "" if subject.get("kind") == "ServiceAccount" else RBAC


def _singular(names: Mapping[str, Any]) -> str:
    return text(names.get("kind")).lower()


def _list_kind(names: Mapping[str, Any]) -> str:
    return f"{text(names.get('kind'))}List"


def _policy_types(policy: Mapping[str, Any]) -> list[str]:
    return ["Ingress", "Egress"] if policy.get("egress") else ["Ingress"]


def _completions(job: Mapping[str, Any]) -> Any:
    return 1 if job.get("parallelism") is None else None


_SELECTED = {"selector": SELECTOR, "template": inside(TEMPLATE), "minReadySeconds": ZERO}
_QUARTER = struct(maxUnavailable=value("25%"), maxSurge=value("25%"))
_DEPLOYMENT = struct(
    **_SELECTED,
    replicas=value(1),
    revisionHistoryLimit=value(10),
    progressDeadlineSeconds=value(600),
    paused=OFF,
    strategy=inside(struct(type=value("RollingUpdate"), rollingUpdate=inside(_QUARTER))),
)
_ONE_BY_ONE = struct(maxUnavailable=value(1), maxSurge=value(0))
_RETENTION = struct(whenDeleted=value("Retain"), whenScaled=value("Retain"))
_CLAIM = struct(
    apiVersion=value("v1"),
    kind=value("PersistentVolumeClaim"),
    metadata=inside(METADATA),
    spec=inside(PVC_SPEC),
    status=ASSIGNED,
)
_STATEFUL_SET = struct(
    **_SELECTED,
    replicas=value(1),
    revisionHistoryLimit=value(10),
    podManagementPolicy=value("OrderedReady"),
    persistentVolumeClaimRetentionPolicy=inside(_RETENTION),
    updateStrategy=inside(
        struct(type=value("RollingUpdate"), rollingUpdate=inside(struct(partition=value(0))))
    ),
    volumeClaimTemplates=inside(_CLAIM),
)
_DAEMON_SET = struct(
    **_SELECTED,
    revisionHistoryLimit=value(10),
    updateStrategy=inside(struct(type=value("RollingUpdate"), rollingUpdate=inside(_ONE_BY_ONE))),
)
_JOB = struct(
    template=inside(TEMPLATE),
    selector=SELECTOR,
    backoffLimit=value(6),
    completionMode=value("NonIndexed"),
    completions=value(_completions),
    manualSelector=OFF,
    parallelism=value(1),
    podReplacementPolicy=value("TerminatingOrFailed"),
    suspend=OFF,
)
_CRON_JOB = struct(
    concurrencyPolicy=value("Allow"),
    failedJobsHistoryLimit=value(1),
    jobTemplate=inside(struct(metadata=inside(METADATA), spec=inside(_JOB))),
    successfulJobsHistoryLimit=value(3),
    suspend=OFF,
)
_SERVICE_PORT = struct(
    protocol=value("TCP"),
    targetPort=Field(scalar=PORT.scalar, default=_target_port),
    nodePort=ASSIGNED,
    name=EMPTY,
)
_SERVICE = struct(
    allocateLoadBalancerNodePorts=value(default=True),
    clusterIP=ASSIGNED,
    clusterIPs=ASSIGNED,
    externalTrafficPolicy=value("Cluster"),
    externalIPs=SET,
    healthCheckNodePort=ASSIGNED,
    internalTrafficPolicy=value("Cluster"),
    ipFamilies=ASSIGNED,
    ipFamilyPolicy=ASSIGNED,
    loadBalancerIP=EMPTY,
    ports=keyed(_SERVICE_PORT, "port", "protocol", protocol="TCP"),
    publishNotReadyAddresses=OFF,
    selector=ATOMIC_TEXTS,
    sessionAffinity=value("None"),
    type=value("ClusterIP"),
)
_ENDPOINT_PORT = struct(protocol=value("TCP"), name=EMPTY)
_SUBSET = struct(ports=inside(_ENDPOINT_PORT))
# Filled up from the other limits, name by name.
_DERIVED = Field(Struct({}, Field(scalar=QUANTITY.scalar, is_assigned=True)), is_assigned=True)
_LIMIT = struct(
    default=_DERIVED, defaultRequest=_DERIVED, max=QUANTITIES, maxLimitRequestRatio=QUANTITIES, min=QUANTITIES
)
_POLICY_PORT = struct(protocol=value("TCP"))
_PEER = struct(namespaceSelector=SELECTOR, podSelector=SELECTOR)
_POLICY_RULE = {"ports": inside(_POLICY_PORT), "from": inside(_PEER), "to": inside(_PEER)}
_NETWORK_POLICY = struct(
    podSelector=SELECTOR,
    ingress=inside(struct(**_POLICY_RULE)),
    egress=inside(struct(**_POLICY_RULE)),
    policyTypes=Field(listing=SET.listing, default=_policy_types),
)
_METRIC_TARGET = inside(struct(value=QUANTITY, averageValue=QUANTITY))
_METRIC = struct(
    **dict.fromkeys(
        ("resource", "containerResource", "pods", "object", "external"), inside(struct(target=_METRIC_TARGET))
    )
)
_UP = [
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
]
_DOWN = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
_BEHAVIOR = struct(
    scaleUp=inside(struct(policies=value(_UP), selectPolicy=value("Max"), stabilizationWindowSeconds=ZERO)),
    scaleDown=inside(struct(policies=value(_DOWN), selectPolicy=value("Max"))),
)
_AUTOSCALER = struct(
    behavior=inside(_BEHAVIOR),
    metrics=inside(_METRIC),
    minReplicas=value(1),
    targetCPUUtilizationPercentage=value(80),
)
_WEBHOOK = struct(
    clientConfig=inside(struct(caBundle=BYTES, service=inside(struct(port=value(443))))),
    failurePolicy=value("Fail"),
    matchPolicy=value("Equivalent"),
    namespaceSelector=SELECTOR,
    objectSelector=SELECTOR,
    reinvocationPolicy=value("Never"),
    rules=inside(struct(scope=value("*"))),
    timeoutSeconds=value(10),
)
_WEBHOOKS = struct(webhooks=keyed(_WEBHOOK, "name"))
_SCHEMA_MAP = map_of(OPEN)
_CRD_VERSION = struct(
    additionalPrinterColumns=inside(struct(priority=ZERO, description=EMPTY)),
    deprecated=OFF,
    schema=_SCHEMA_MAP,
)
_CRD = struct(
    conversion=inside(struct(strategy=value("None"))),
    names=inside(struct(singular=value(_singular), listKind=value(_list_kind))),
    preserveUnknownFields=OFF,
    versions=keyed(_CRD_VERSION, "name"),
)
_ROLE_REF = atomic(apiGroup=value(RBAC))
_BINDING = struct(roleRef=_ROLE_REF, subjects=inside(struct(apiGroup=value(_subject_group))))
_ROLLOUT = struct(
    **_SELECTED,
    replicas=value(1),
    revisionHistoryLimit=value(10),
    progressDeadlineSeconds=value(600),
    paused=OFF,
)
_CONFIG_MAP = struct(data=TEXTS, binaryData=map_of(BYTES), immutable=OFF)
_SECRET = struct(data=map_of(BYTES), immutable=OFF, type=value("Opaque"))
_ACCOUNT = struct(secrets=keyed(struct(), "name"), imagePullSecrets=keyed(struct(), "name"))
_VOLUME_SPEC = struct(
    capacity=QUANTITIES,
    persistentVolumeReclaimPolicy=value("Retain"),
    volumeMode=value("Filesystem"),
    claimRef=PLAIN,
)
_STORAGE_CLASS = struct(
    parameters=TEXTS,
    reclaimPolicy=value("Delete"),
    volumeBindingMode=value("Immediate"),
    allowVolumeExpansion=OFF,
)


def _spec(kind: Struct) -> Struct:
    return struct(spec=inside(kind))


_KINDS: dict[tuple[str, str], Struct] = {
    ("", "ConfigMap"): _CONFIG_MAP,
    ("", "Endpoints"): struct(subsets=inside(_SUBSET)),
    ("", "LimitRange"): _spec(struct(limits=inside(_LIMIT))),
    ("", "Namespace"): _spec(struct(finalizers=SET)),
    ("", "PersistentVolume"): _spec(_VOLUME_SPEC),
    ("", "PersistentVolumeClaim"): _spec(PVC_SPEC),
    ("", "Pod"): _spec(POD_SPEC),
    ("", "PodTemplate"): struct(template=inside(TEMPLATE)),
    ("", "ReplicationController"): _spec(
        struct(selector=ATOMIC_TEXTS, template=inside(TEMPLATE), replicas=value(1))
    ),
    ("", "ResourceQuota"): _spec(struct(hard=QUANTITIES, scopes=SET)),
    ("", "Secret"): _SECRET,
    ("", "Service"): _spec(_SERVICE),
    ("", "ServiceAccount"): _ACCOUNT,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _spec(_CRD),
    ("apiregistration.k8s.io", "APIService"): _spec(
        struct(caBundle=BYTES, insecureSkipTLSVerify=OFF, service=inside(struct(port=value(443))))
    ),
    ("apps", "DaemonSet"): _spec(_DAEMON_SET),
    ("apps", "Deployment"): _spec(_DEPLOYMENT),
    ("apps", "ReplicaSet"): _spec(struct(**_SELECTED, replicas=value(1))),
    ("apps", "StatefulSet"): _spec(_STATEFUL_SET),
    ("argoproj.io", "Rollout"): _spec(_ROLLOUT),
    ("autoscaling", "HorizontalPodAutoscaler"): _spec(_AUTOSCALER),
    ("batch", "CronJob"): _spec(_CRON_JOB),
    ("batch", "Job"): _spec(_JOB),
    ("networking.k8s.io", "Ingress"): _spec(struct()),
    ("networking.k8s.io", "IngressClass"): _spec(struct()),
    ("networking.k8s.io", "NetworkPolicy"): _spec(_NETWORK_POLICY),
    ("policy", "PodDisruptionBudget"): _spec(struct(selector=SELECTOR)),
    (RBAC, "ClusterRole"): struct(),
    (RBAC, "ClusterRoleBinding"): _BINDING,
    (RBAC, "Role"): struct(),
    (RBAC, "RoleBinding"): _BINDING,
    ("scheduling.k8s.io", "PriorityClass"): struct(
        globalDefault=OFF, preemptionPolicy=value("PreemptLowerPriority"), description=EMPTY
    ),
    ("storage.k8s.io", "StorageClass"): _STORAGE_CLASS,
}
_PLAIN = struct()

# Groups that Kubernetes itself serves; a dot-free group or any other *.k8s.io of these is no custom resource.
BUILT_IN_GROUPS = frozenset(group for group, _ in _KINDS if group != "argoproj.io") | frozenset(
    {
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "node.k8s.io",
        "resource.k8s.io",
    }
)


def type_of(group: str, kind: str) -> Struct:
    """The fields below the top of an object of this kind, `metadata` and `status` apart."""
    known = _KINDS.get((group, kind))
    if known is not None:
        return known
    return _PLAIN if group in BUILT_IN_GROUPS else CUSTOM


def fallback_of(group: str) -> Struct:
    """The type of an object nobody described: a custom resource may borrow parts of the pod."""
    return _PLAIN if group in BUILT_IN_GROUPS else CUSTOM


def is_built_in(group: str) -> bool:
    """Whether Kubernetes itself serves this group."""
    return group in BUILT_IN_GROUPS
