"""What the controllers of a cluster say of single objects, as `kubectl describe` shows it, for an hour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.demo.cluster_client import Cluster
from gitopsui.domain.resource import Manifest

# https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ (--event-ttl)
LIFETIME = timedelta(hours=1)
BETWEEN_CLEANINGS = timedelta(minutes=5)
NODE = "node-1"
SCHEDULER, KUBELET = "default-scheduler", "kubelet"


class EventLog:
    """
    Writes events into a cluster whose time `clock` tells, and takes the old ones away. While the clock tells
    of a time whose events would be gone by now (`wall`), none are written.
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Callable[[], datetime],
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._wall = wall
        self._cleaned_at = wall()

    def scaled(self, deployment: Manifest, name: str, before: int, after: int) -> None:
        if before != after:
            word = "up" if after > before else "down"
            text = f"Scaled {word} replica set {name} from {before} to {after}"
            self.say(deployment, "ScalingReplicaSet", text, source="deployment-controller")

    def created_pod(self, owner: Manifest, pod: str) -> None:
        self.say(owner, "SuccessfulCreate", f"Created pod: {pod}", source="replicaset-controller")

    def started(self, pod: Manifest) -> None:
        """Everything that comes before a container runs."""
        metadata, container = pod["metadata"], pod["spec"]["containers"][0]
        place = f"{metadata['namespace']}/{metadata['name']}"
        self.say(pod, "Scheduled", f"Successfully assigned {place} to {NODE}", source=SCHEDULER)
        image, name = container["image"], container["name"]
        present = f'Container image "{image}" already present on machine'
        for reason, text in (
            ("Pulled", present),
            ("Created", f"Created container: {name}"),
            ("Started", f"Started container {name}"),
        ):
            self.say(pod, reason, text, source=KUBELET)

    def crashed(self, pod: Manifest, *, count: int) -> None:
        """A container that ends again and again."""
        self.started(pod)
        metadata, name = pod["metadata"], pod["spec"]["containers"][0]["name"]
        where = f"{metadata['name']}_{metadata['namespace']}({metadata.get('uid', '')})"
        text = f"Back-off restarting failed container {name} in pod {where}"
        self.say(pod, "BackOff", text, source=KUBELET, kind="Warning", count=count)

    def say(
        self,
        about: Manifest,
        reason: str,
        message: str,
        *,
        source: str,
        kind: str = "Normal",
        count: int = 1,
    ) -> None:
        """One event. The same one said again is the same object. Raises ClusterError."""
        now = self._clock()
        if now < self._wall() - LIFETIME:
            return
        metadata = about["metadata"]
        digest = hashlib.sha256(f"{metadata.get('uid')} {reason} {message}".encode()).hexdigest()[:16]
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": metadata["namespace"]},
            "involvedObject": _reference(about),
        }
        said = {"type": kind, "reason": reason, "message": message, "count": count}
        times = {"firstTimestamp": moment, "lastTimestamp": moment}
        sources = {"source": {"component": source}, "reportingComponent": source, "reportingInstance": ""}
        self._cluster.apply(body | said | times | sources, manager=source)

    def clean(self) -> None:
        """Take away what is older than an hour. Raises ClusterError."""
        if self._wall() - self._cleaned_at < BETWEEN_CLEANINGS:
            return
        self._cleaned_at = self._wall()
        oldest = (self._clock() - LIFETIME).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for event in self._cluster.list("v1", "Event", ""):
            if str(event.get("lastTimestamp", "")) < oldest:
                metadata = event["metadata"]
                self._cluster.delete("v1", "Event", metadata["namespace"], metadata["name"])


def _reference(about: Manifest) -> dict[str, Any]:
    metadata = about["metadata"]
    place = {"namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata.get("uid", "")}
    return {"apiVersion": about["apiVersion"], "kind": about["kind"], **place}
