"""The kinds the stand-in serves out of the box, and what discovery says of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Resource = tuple[str, str]  # (group, plural): what the store files objects under, whatever the version

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind at one version. `schema` is the OpenAPI schema of a custom kind, None for a built-in."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ("status",)
    has_generation: bool = False
    verbs: tuple[str, ...] = ALL_VERBS
    singular_name: str = ""
    list_kind: str = ""
    is_custom: bool = False
    schema: Mapping[str, Any] | None = field(default=None, compare=False)
    columns: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)

    @property
    def resource(self) -> Resource:
        return self.group, self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.singular_name or self.kind.lower()

    @property
    def list_name(self) -> str:
        return self.list_kind or f"{self.kind}List"

    @property
    def is_stored(self) -> bool:
        """False for a review, which is asked and answered but never kept."""
        return "get" in self.verbs


_SCALED = ("scale", "status")
_PLAIN = ()
_ALL = ("all",)


def _core(kind: str, plural: str, *short: str, **more: Any) -> Kind:
    return Kind("", "v1", kind, plural, short_names=short, **more)


def _apps(kind: str, plural: str, *short: str, **more: Any) -> Kind:
    given: dict[str, Any] = {"has_generation": True, "categories": _ALL} | more
    return Kind("apps", "v1", kind, plural, short_names=short, **given)


def _rbac(kind: str, plural: str, *, is_namespaced: bool) -> Kind:
    group = "rbac.authorization.k8s.io"
    return Kind(group, "v1", kind, plural, is_namespaced=is_namespaced, subresources=_PLAIN)


def _webhook(kind: str, plural: str) -> Kind:
    group = "admissionregistration.k8s.io"
    return Kind(
        group,
        "v1",
        kind,
        plural,
        is_namespaced=False,
        subresources=_PLAIN,
        has_generation=True,
        categories=("api-extensions",),
    )


def _review(group: str, kind: str, plural: str) -> Kind:
    return Kind(group, "v1", kind, plural, is_namespaced=False, subresources=_PLAIN, verbs=("create",))


NAMESPACE = _core("Namespace", "namespaces", "ns", is_namespaced=False)
CUSTOM_RESOURCE_DEFINITION = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    is_namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    has_generation=True,
)

BUILT_IN: tuple[Kind, ...] = (
    NAMESPACE,
    _core("Node", "nodes", "no", is_namespaced=False),
    _core("Pod", "pods", "po", categories=_ALL, has_generation=True),
    _core("Service", "services", "svc", categories=_ALL),
    _core("ConfigMap", "configmaps", "cm", subresources=_PLAIN),
    _core("Secret", "secrets", subresources=_PLAIN),
    _core("ServiceAccount", "serviceaccounts", "sa", subresources=_PLAIN),
    _core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc"),
    _core("PersistentVolume", "persistentvolumes", "pv", is_namespaced=False),
    _core("Event", "events", "ev", subresources=_PLAIN),
    _core(
        "Endpoints",
        "endpoints",
        "ep",
        subresources=_PLAIN,
        singular_name="endpoints",
        list_kind="EndpointsList",
    ),
    _core("LimitRange", "limitranges", "limits", subresources=_PLAIN),
    _core("ResourceQuota", "resourcequotas", "quota"),
    _apps("Deployment", "deployments", "deploy", subresources=_SCALED),
    _apps("ReplicaSet", "replicasets", "rs", subresources=_SCALED),
    _apps("StatefulSet", "statefulsets", "sts", subresources=_SCALED),
    _apps("DaemonSet", "daemonsets", "ds"),
    _apps(
        "ControllerRevision", "controllerrevisions", has_generation=False, categories=(), subresources=_PLAIN
    ),
    Kind("batch", "v1", "Job", "jobs", categories=_ALL, has_generation=True),
    Kind("batch", "v1", "CronJob", "cronjobs", short_names=("cj",), categories=_ALL, has_generation=True),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", short_names=("ing",), has_generation=True),
    Kind(
        "networking.k8s.io",
        "v1",
        "IngressClass",
        "ingressclasses",
        is_namespaced=False,
        subresources=_PLAIN,
        has_generation=True,
    ),
    Kind(
        "networking.k8s.io",
        "v1",
        "NetworkPolicy",
        "networkpolicies",
        short_names=("netpol",),
        subresources=_PLAIN,
        has_generation=True,
    ),
    Kind(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        short_names=("pdb",),
        has_generation=True,
    ),
    Kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        short_names=("hpa",),
        categories=_ALL,
    ),
    _rbac("Role", "roles", is_namespaced=True),
    _rbac("RoleBinding", "rolebindings", is_namespaced=True),
    _rbac("ClusterRole", "clusterroles", is_namespaced=False),
    _rbac("ClusterRoleBinding", "clusterrolebindings", is_namespaced=False),
    Kind(
        "storage.k8s.io",
        "v1",
        "StorageClass",
        "storageclasses",
        is_namespaced=False,
        short_names=("sc",),
        subresources=_PLAIN,
    ),
    Kind("coordination.k8s.io", "v1", "Lease", "leases", subresources=_PLAIN),
    Kind(
        "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", subresources=_PLAIN, has_generation=True
    ),
    Kind(
        "scheduling.k8s.io",
        "v1",
        "PriorityClass",
        "priorityclasses",
        is_namespaced=False,
        short_names=("pc",),
        subresources=_PLAIN,
        has_generation=True,
    ),
    _webhook("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    _webhook("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    CUSTOM_RESOURCE_DEFINITION,
    _review("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    _review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
)
