"""The pod: its containers, volumes and probes, as they stand in every workload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.domain.schema import (
    ATOMIC_TEXTS,
    EMPTY,
    METADATA,
    OFF,
    OPEN,
    PORT,
    QUANTITIES,
    QUANTITY,
    SELECTOR,
    TEXTS,
    ZERO,
    Field,
    Scalar,
    Struct,
    atomic,
    inside,
    keyed,
    struct,
    value,
)
from gitopsui.domain.tree import text


def _pull_policy(container: Mapping[str, Any]) -> str:
    return _policy_for(text(container.get("image")))


def _volume_pull_policy(volume: Mapping[str, Any]) -> str:
    return _policy_for(text(volume.get("reference")))


def _policy_for(image: str) -> str:
    """`Always` for the tag latest, given or meant, without a digest."""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if (at or tag not in ("", "latest")) else "Always"


def _requests(resources: Mapping[str, Any]) -> Any:
    # Limits are copied to requests that are not there.
    return resources.get("limits") or {}


_HTTP_GET = struct(path=value("/"), port=PORT, scheme=value("HTTP"), host=EMPTY)
_TCP = struct(port=PORT, host=EMPTY)
_HANDLER = {"httpGet": inside(_HTTP_GET), "tcpSocket": inside(_TCP), "grpc": inside(struct(service=EMPTY))}
_PROBE = struct(
    **_HANDLER,
    initialDelaySeconds=ZERO,
    timeoutSeconds=value(1),
    periodSeconds=value(10),
    successThreshold=value(1),
    failureThreshold=value(3),
)
_LIFECYCLE = struct(postStart=inside(struct(**_HANDLER)), preStop=inside(struct(**_HANDLER)))
_FIELD_REF = atomic(apiVersion=value("v1"))
_RESOURCE_REF = atomic(divisor=Field(scalar=Scalar.QUANTITY, default="0"), containerName=EMPTY)
_OPTIONAL = atomic(optional=OFF)
_ENV = struct(
    value=EMPTY,
    valueFrom=inside(
        struct(
            fieldRef=_FIELD_REF,
            resourceFieldRef=_RESOURCE_REF,
            configMapKeyRef=_OPTIONAL,
            secretKeyRef=_OPTIONAL,
        )
    ),
)
_ENV_FROM = struct(prefix=EMPTY, configMapRef=_OPTIONAL, secretRef=_OPTIONAL)
RESOURCES = struct(
    limits=QUANTITIES,
    requests=Field(QUANTITIES.struct, default=_requests),
    claims=keyed(struct(request=EMPTY), "name"),
)
_CONTAINER_PORT = struct(protocol=value("TCP"), hostPort=ZERO, name=EMPTY)
CONTAINER = struct(
    env=keyed(_ENV, "name"),
    envFrom=inside(_ENV_FROM),
    imagePullPolicy=value(_pull_policy),
    lifecycle=inside(_LIFECYCLE),
    livenessProbe=inside(_PROBE),
    ports=keyed(_CONTAINER_PORT, "containerPort", "protocol", protocol="TCP"),
    readinessProbe=inside(_PROBE),
    resources=inside(RESOURCES),
    startupProbe=inside(_PROBE),
    stdin=OFF,
    stdinOnce=OFF,
    terminationMessagePath=value("/dev/termination-log"),
    terminationMessagePolicy=value("File"),
    tty=OFF,
    volumeDevices=keyed(struct(), "devicePath"),
    volumeMounts=keyed(struct(readOnly=OFF, subPath=EMPTY, subPathExpr=EMPTY), "mountPath"),
    workingDir=EMPTY,
)

PVC_SPEC = struct(
    resources=inside(RESOURCES),
    selector=SELECTOR,
    volumeMode=value("Filesystem"),
    volumeName=Field(is_assigned=True),
)
_ITEM = struct(fieldRef=_FIELD_REF, resourceFieldRef=_RESOURCE_REF)
_MODE = value(420)
_PROJECTED = struct(
    configMap=_OPTIONAL,
    downwardAPI=inside(struct(items=inside(_ITEM))),
    secret=_OPTIONAL,
    serviceAccountToken=inside(struct(expirationSeconds=value(3600), audience=EMPTY)),
)
_VOLUME = struct(
    azureDisk=inside(
        struct(cachingMode=value("ReadWrite"), fsType=value("ext4"), kind=value("Shared"), readOnly=OFF)
    ),
    configMap=inside(struct(defaultMode=_MODE, optional=OFF)),
    csi=inside(struct(readOnly=OFF)),
    downwardAPI=inside(struct(defaultMode=_MODE, items=inside(_ITEM))),
    emptyDir=inside(struct(medium=EMPTY, sizeLimit=QUANTITY)),
    ephemeral=inside(
        struct(volumeClaimTemplate=inside(struct(metadata=inside(METADATA), spec=inside(PVC_SPEC))))
    ),
    hostPath=inside(struct(type=EMPTY)),
    image=inside(struct(pullPolicy=value(_volume_pull_policy))),
    iscsi=inside(struct(iscsiInterface=value("default"), readOnly=OFF)),
    nfs=inside(struct(readOnly=OFF)),
    persistentVolumeClaim=inside(struct(readOnly=OFF)),
    projected=inside(struct(defaultMode=_MODE, sources=inside(_PROJECTED))),
    rbd=inside(
        struct(keyring=value("/etc/ceph/keyring"), pool=value("rbd"), readOnly=OFF, user=value("admin"))
    ),
    scaleIO=inside(struct(fsType=value("xfs"), readOnly=OFF, storageMode=value("ThinProvisioned"))),
    secret=inside(struct(defaultMode=_MODE, optional=OFF)),
)
_SPREAD = struct(labelSelector=SELECTOR)
POD_SPEC = struct(
    containers=keyed(CONTAINER, "name"),
    dnsPolicy=value("ClusterFirst"),
    enableServiceLinks=value(default=True),
    ephemeralContainers=keyed(CONTAINER, "name"),
    hostAliases=keyed(struct(), "ip"),
    hostIPC=OFF,
    hostNetwork=OFF,
    hostPID=OFF,
    imagePullSecrets=keyed(struct(), "name"),
    initContainers=keyed(CONTAINER, "name", is_ordered=True),
    nodeSelector=ATOMIC_TEXTS,
    overhead=QUANTITIES,
    priorityClassName=EMPTY,
    restartPolicy=value("Always"),
    schedulerName=value("default-scheduler"),
    serviceAccount=value(lambda pod: pod.get("serviceAccountName", "")),
    serviceAccountName=EMPTY,
    setHostnameAsFQDN=OFF,
    terminationGracePeriodSeconds=value(30),
    topologySpreadConstraints=keyed(_SPREAD, "topologyKey", "whenUnsatisfiable"),
    volumes=keyed(_VOLUME, "name"),
)
TEMPLATE = struct(metadata=inside(METADATA), spec=inside(POD_SPEC))

# What a custom resource borrows from the pod, recognised by the name of its field.
_BORROWED: dict[str, Field] = {
    "containers": keyed(CONTAINER, "name"),
    "initContainers": keyed(CONTAINER, "name", is_ordered=True),
    "resources": inside(RESOURCES),
    "nodeSelector": TEXTS,
    "labels": TEXTS,
    "annotations": TEXTS,
    "matchLabels": TEXTS,
}
CUSTOM = Struct(_BORROWED, OPEN)
