"""Who put an object into the cluster: the marks that GitOps tools leave on what they apply."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.errors import InputError
from gitopsui.domain.identity import Manifest, annotations_of, find_key, group_of, labels_of
from gitopsui.domain.tree import mapping, text

TRACKING_ID = "argocd.argoproj.io/tracking-id"
INSTANCE_LABEL = "app.kubernetes.io/instance"
LABEL_LIMIT = 63

_ARGO_HOOK = "argocd.argoproj.io/hook"
_HELM_HOOK = "helm.sh/hook"
_TRACKING = re.compile(
    r"(?P<application>[^:]+):(?P<group>[^/]*)/(?P<kind>[^:]*):(?P<namespace>[^/]*)/(?P<name>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """One application of a tool, as named by a mark on an object."""

    # "Argo CD", "Flux" or "Helm"; "label" where only app.kubernetes.io/instance speaks.
    tool: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class TrackingId:
    """
    What Argo CD writes into its tracking annotation: `<application>:<group>/<kind>:<namespace>/<name>`.
    https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
    """

    application: str
    group: str
    kind: str
    namespace: str
    name: str


def parse_tracking_id(value: str) -> TrackingId:
    """The parts of a tracking id; a name may hold colons. Raises InputError with code TRACKING_ID."""
    match = _TRACKING.fullmatch(value)
    if match is None:
        raise InputError("This is no Argo CD tracking id.", code="TRACKING_ID")
    return TrackingId(**match.groupdict())


def is_foreign_copy(manifest: Any) -> bool:
    """
    Whether the tracking id on an object describes another object. Operators copy annotations from
    parent to child; such a copy belongs to no application and has no sync status.
    """
    value = annotations_of(manifest).get(TRACKING_ID)
    if not isinstance(value, str):
        return False
    try:
        mark = parse_tracking_id(value)
    except InputError:
        return False
    key = find_key(manifest)
    # The id of a cluster-wide object carries the namespace of its application.
    is_here = not key.namespace or mark.namespace == key.namespace
    return not (is_here and (mark.group, mark.kind, mark.name) == (key.group, key.kind, key.name))


def instance_label(application: str) -> str:
    """
    An application name as a label value: cut at 63 characters, then at the last letter or digit.
    Raises InputError with code LABEL when nothing is left.
    """
    cut = application if len(application) <= LABEL_LIMIT else _cut(application)
    if not cut:
        raise InputError("This name cannot be shortened to a label.", code="LABEL")
    return cut


def _cut(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+\Z", "", value[:LABEL_LIMIT])


def owners_of(manifest: Any) -> tuple[Owner, ...]:
    """Every owner an object is marked with, the surest first; empty when it carries no mark."""
    annotations, labels = annotations_of(manifest), labels_of(manifest)
    found = (
        *_argo(manifest, annotations),
        *_flux(labels, "kustomize.toolkit.fluxcd.io"),
        *_flux(labels, "helm.toolkit.fluxcd.io"),
        *_named("Helm", annotations, "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"),
    )
    return found or _named("label", labels, INSTANCE_LABEL)


def _argo(manifest: Any, annotations: Any) -> tuple[Owner, ...]:
    if is_foreign_copy(manifest):
        return ()
    try:
        application = parse_tracking_id(text(annotations.get(TRACKING_ID))).application
    except InputError:
        return ()
    # Applications outside the namespace of Argo CD are written <namespace>_<name>.
    namespace, _, name = application.rpartition("_")
    return (Owner("Argo CD", name, namespace),)


def _flux(labels: Any, prefix: str) -> tuple[Owner, ...]:
    return _named("Flux", labels, f"{prefix}/name", f"{prefix}/namespace")


def _named(tool: str, marks: Any, name: str, namespace: str = "") -> tuple[Owner, ...]:
    value = text(mapping(marks).get(name))
    return (Owner(tool, value, text(mapping(marks).get(namespace))),) if value else ()


def is_hook(manifest: Any) -> bool:
    """
    Whether an object is run around a deployment and is no part of what should stay: an Argo CD hook
    (`Skip` included: it is never applied) or a Helm hook, tests included. Helm marks CRDs with
    `crd-install`; those are objects like any other.
    """
    annotations = annotations_of(manifest)
    if _ARGO_HOOK in annotations:
        return True
    hook = annotations.get(_HELM_HOOK)
    return hook is not None and hook != "crd-install"


def is_extraneous(manifest: Any) -> bool:
    """Whether an object says of itself that it may stay in the cluster without being in Git."""
    annotations = annotations_of(manifest)
    options = text(annotations.get("argocd.argoproj.io/compare-options")).replace(" ", "").split(",")
    return "IgnoreExtraneous" in options or annotations.get("helm.sh/resource-policy") == "keep"


def has_controller(manifest: Manifest) -> bool:
    """Whether another object of the cluster made this one: a ReplicaSet of a Deployment, an EndpointSlice."""
    owners = mapping(manifest.get("metadata")).get("ownerReferences")
    return isinstance(owners, list) and any(mapping(owner).get("controller") is True for owner in owners)


# High-volume objects that the cluster makes for itself, often with the labels of what they serve. The list is
# the default exclusion list of Argo CD: manifests/base/config/argocd-cm.yaml, resource.exclusions.
_MADE_BY_CLUSTER = {
    "": "Endpoints Event",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview "
    "SubjectAccessReview",
    "cert-manager.io": "CertificateRequest",
    "certificates.k8s.io": "CertificateSigningRequest",
    "cilium.io": "CiliumEndpoint CiliumEndpointSlice CiliumIdentity",
    "coordination.k8s.io": "Lease",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "metrics.k8s.io": "NodeMetrics PodMetrics",
}
_REPORT_GROUPS = frozenset({"reports.kyverno.io", "wgpolicyk8s.io"})


def is_made_by_cluster(manifest: Any) -> bool:
    """Whether this kind is never declared in Git, so that one more of it is no finding."""
    group = group_of(manifest)
    kinds = _MADE_BY_CLUSTER.get(group, "").split()
    return group in _REPORT_GROUPS or text(mapping(manifest).get("kind")) in kinds
