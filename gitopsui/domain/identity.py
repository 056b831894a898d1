"""What a manifest is and how one is told from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.errors import InputError
from gitopsui.domain.tree import mapping, sequence, text

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class GroupKind:
    """A kind of object, whatever its version. The core group is the empty string."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}" if self.group else self.kind


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """The identity of one object, whatever its version. `namespace` is empty for cluster-wide objects."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.group_kind}:{name}"


_CLUSTER_WIDE = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}

# The built-in kinds that have no namespace, as `kubectl api-resources --namespaced=false` lists them.
CLUSTER_SCOPED = frozenset(
    GroupKind(group, kind) for group, kinds in _CLUSTER_WIDE.items() for kind in kinds.split()
)
_CLUSTER_SCOPED_PAIRS = frozenset((item.group, item.kind) for item in CLUSTER_SCOPED)


def group_of(manifest: Any) -> str:
    """The API group named by `apiVersion`; the core group is the empty string."""
    version = text(mapping(manifest).get("apiVersion"))
    return version.rpartition("/")[0]


def group_kind_of(manifest: Any) -> GroupKind:
    """Group and kind of an object of any shape; what cannot be read is empty."""
    return GroupKind(group_of(manifest), text(mapping(manifest).get("kind")))


def annotations_of(manifest: Any) -> Mapping[str, Any]:
    """The annotations of an object of any shape, as an object."""
    return mapping(mapping(mapping(manifest).get("metadata")).get("annotations"))


def labels_of(manifest: Any) -> Mapping[str, Any]:
    """The labels of an object of any shape, as an object."""
    return mapping(mapping(mapping(manifest).get("metadata")).get("labels"))


def key_of(manifest: Any) -> ResourceKey:
    """
    The identity of a manifest. A namespace on a built-in cluster-wide kind is dropped, since the
    API server does the same; an object with only a `generateName` gets that name with a star.

    Raises InputError with code NOT_MANIFEST when this is no Kubernetes object at all, and with
    MANIFEST_SHAPE when it means to be one and its identity cannot be read.
    """
    if not isinstance(manifest, dict) or not _is_text(manifest.get("kind")):
        raise InputError("This is no Kubernetes object: it has no kind.", code="NOT_MANIFEST", field="kind")
    kind, version = manifest["kind"], manifest.get("apiVersion")
    if not isinstance(version, str) or not version:
        raise _shape(f"The apiVersion of this {kind} is missing or no text.", "apiVersion")
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        raise _shape(f"The metadata of this {kind} is missing or no object.", "metadata")
    group = version.rpartition("/")[0]
    return ResourceKey(group, kind, _namespace(metadata, group, kind), _name(metadata, kind))


def find_key(manifest: Any) -> ResourceKey:
    """The identity of an object of any shape; parts that cannot be read are empty."""
    metadata = mapping(mapping(manifest).get("metadata"))
    found = group_kind_of(manifest)
    return ResourceKey(found.group, found.kind, text(metadata.get("namespace")), text(metadata.get("name")))


def _name(metadata: dict[str, Any], kind: str) -> str:
    name = metadata.get("name")
    if isinstance(name, str) and name:
        return name
    prefix = metadata.get("generateName")
    if name is None and isinstance(prefix, str) and prefix:
        return f"{prefix}*"
    raise _shape(f"The metadata.name of this {kind} is missing or no text.", "metadata.name")


def _namespace(metadata: dict[str, Any], group: str, kind: str) -> str:
    namespace = metadata.get("namespace")
    if namespace is not None and not isinstance(namespace, str):
        raise _shape(f"The metadata.namespace of this {kind} is no text.", "metadata.namespace")
    return "" if (group, kind) in _CLUSTER_SCOPED_PAIRS else namespace or ""


def _shape(message: str, field: str) -> InputError:
    return InputError(message, code="MANIFEST_SHAPE", field=field)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def flatten(manifests: Iterable[Any]) -> list[Any]:
    """The manifests with every list object (`kind: List`, `kind: SecretList` …) opened, in their order."""
    flat: list[Any] = []
    waiting = list(manifests)[::-1]
    while waiting:
        manifest = waiting.pop()
        if not is_list(manifest):
            flat.append(manifest)
            continue
        waiting.extend(_complete(item, manifest) for item in sequence(manifest["items"])[::-1])
    return flat


def is_list(manifest: Any) -> bool:
    """Whether this is a list of objects and no object of its own."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("items"), list):
        return False
    # A custom kind may well be called PriceList: a name makes it an object.
    return text(manifest.get("kind")).endswith("List") and not mapping(manifest.get("metadata")).get("name")


def _complete(item: Any, parent: Manifest) -> Any:
    # The API server leaves kind and apiVersion out of the items of a typed list.
    kind = text(parent.get("kind")).removesuffix("List")
    if not isinstance(item, dict) or not kind or "kind" in item:
        return item
    return {"apiVersion": parent.get("apiVersion"), "kind": kind, **item}


def find_duplicates(manifests: Iterable[Any]) -> tuple[ResourceKey, ...]:
    """The identities that occur more than once, sorted: only the last of each counts."""
    seen: set[ResourceKey] = set()
    twice: set[ResourceKey] = set()
    for manifest in flatten(manifests):
        try:
            key = key_of(manifest)
        except InputError:
            continue
        (twice if key in seen else seen).add(key)
    return tuple(sorted(twice))
