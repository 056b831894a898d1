"""
What the controllers of a cluster do, as far as the demo shows it: Deployments make ReplicaSets and Pods,
roll out one pod at a time, and say how far they are. Nothing runs; an image that `is_broken` crashes.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.demo.cluster_client import Cluster
from apps.demo.cluster_events import EventLog
from gitopsui.domain.resource import Manifest
from gitopsui.domain.tree import mapping, objects

MANAGER = "kube-controller-manager"
KUBELET = "kubelet"
HASH = "pod-template-hash"
ADDRESS = "192.0.2.10"  # of the range for documentation
DEADLINE_SECONDS = 600
RESTARTS = 6  # of a container that crashes
Owned = Mapping[str, list[Manifest]]


class Controllers:
    """The controllers of one cluster. Each `look` moves it one step and writes only what changed."""

    def __init__(
        self, cluster: Cluster, clock: Callable[[], datetime], is_broken: Callable[[str], bool]
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._is_broken = is_broken
        self._events = EventLog(cluster, clock)

    def look(self) -> None:
        """One step of everything. Raises ClusterError."""
        deployments = self._cluster.list("apps/v1", "Deployment", "")
        sets = self._by_owner("apps/v1", "ReplicaSet", {_uid(one) for one in deployments})
        uids = {_uid(one) for owned in sets.values() for one in owned}
        pods = self._by_owner("v1", "Pod", uids)
        for deployment in deployments:
            self._roll_out(deployment, sets.get(_uid(deployment), []), pods)
        for ingress in self._cluster.list("networking.k8s.io/v1", "Ingress", ""):
            if not mapping(mapping(ingress.get("status")).get("loadBalancer")).get("ingress"):
                self._say(ingress, {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}})
        self._judge_autoscalers(deployments)
        self._events.clean()

    def _by_owner(self, api_version: str, kind: str, owners: set[str]) -> Owned:
        """The objects of a kind by owner; those whose owner is gone are deleted, as the collector does."""
        found: dict[str, list[Manifest]] = defaultdict(list)
        for one in self._cluster.list(api_version, kind, ""):
            owner = next((str(ref["uid"]) for ref in objects(one["metadata"].get("ownerReferences"))), "")
            if owner in owners:
                found[owner].append(one)
            elif owner:
                self._delete(one)
        return found

    def _roll_out(self, deployment: Manifest, sets: list[Manifest], pods: Owned) -> None:
        wanted = int(deployment["spec"].get("replicas", 1))
        digest = _template_hash(deployment)
        current = next((one for one in sets if one["metadata"]["labels"].get(HASH) == digest), None)
        new = list(pods.get(_uid(current), [])) if current else []
        old = [pod for one in sets if one is not current for pod in pods.get(_uid(one), [])]
        self._start_pods(new, deployment)
        ready = sum(_is_ready(pod) for pod in new)
        is_surging = bool(old)
        room = max(0, min(wanted - len(new), wanted + int(is_surging) - len(new) - len(old)))
        self._apply_set(deployment, digest, min(wanted, len(new) + room), current)
        current_uid = _uid(current) if current else self._uid_of_set(deployment, digest)
        for _ in range(room):
            self._create_pod(deployment, digest, current_uid, taken=new)
        for pod in old[: max(0, len(old) - max(0, wanted - ready))]:
            self._delete(pod)
            old.remove(pod)
        for pod in new[wanted:]:
            self._delete(pod)
        self._empty_old_sets(deployment, sets, current, pods, old)
        self._report(deployment, new[:wanted], old, current)

    def _start_pods(self, pods: list[Manifest], deployment: Manifest) -> None:
        for pod in pods:
            image = pod["spec"]["containers"][0]["image"]
            status = self._crashed(pod) if self._is_broken(image) else self._running(pod)
            if status is not None:
                self._say(pod, status, manager=KUBELET)
                pod["status"] = status
                if _is_ready(pod):
                    self._events.started(pod)
                else:
                    self._events.crashed(pod, count=RESTARTS)

    def _running(self, pod: Manifest) -> Manifest | None:
        if _is_ready(pod):
            return None
        now = _time(self._clock())
        name = pod["spec"]["containers"][0]["name"]
        return {
            "phase": "Running",
            "startTime": now,
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": now} for kind in _CONDITIONS
            ],
            "containerStatuses": [
                {"name": name, "ready": True, "restartCount": 0, "state": {"running": {"startedAt": now}}}
            ],
        }

    def _crashed(self, pod: Manifest) -> Manifest | None:
        known = objects(mapping(pod.get("status")).get("containerStatuses"))
        if known:
            return None
        now = _time(self._clock())
        name = pod["spec"]["containers"][0]["name"]
        waiting = {
            "reason": "CrashLoopBackOff",
            "message": f"back-off 5m0s restarting failed container={name}",
        }
        return {
            "phase": "Running",
            "startTime": now,
            "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
            "containerStatuses": [
                {
                    "name": name,
                    "ready": False,
                    "restartCount": RESTARTS,
                    "state": {"waiting": waiting},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                }
            ],
        }

    def _apply_set(self, deployment: Manifest, digest: str, replicas: int, current: Manifest | None) -> None:
        if current and current["spec"].get("replicas") == replicas:
            return
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        labels = {**mapping(mapping(template.get("metadata")).get("labels")), HASH: digest}
        before = int(current["spec"].get("replicas", 0)) if current else 0
        self._events.scaled(deployment, f"{metadata['name']}-{digest}", before, replicas)
        self._cluster.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{metadata['name']}-{digest}",
                    "namespace": metadata["namespace"],
                    "labels": labels,
                    "ownerReferences": [_owner(deployment)],
                },
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
                },
            },
            manager=MANAGER,
        )

    def _uid_of_set(self, deployment: Manifest, digest: str) -> str:
        metadata = deployment["metadata"]
        name = f"{metadata['name']}-{digest}"
        found = self._cluster.list("apps/v1", "ReplicaSet", metadata["namespace"])
        return next(_uid(one) for one in found if one["metadata"]["name"] == name)

    def _create_pod(self, deployment: Manifest, digest: str, owner: str, *, taken: list[Manifest]) -> None:
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        names = {pod["metadata"]["name"] for pod in taken}
        base = f"{metadata['name']}-{digest}"
        name = next(n for i in range(1000) if (n := f"{base}-{_suffix(base, i)}") not in names)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": {**mapping(mapping(template.get("metadata")).get("labels")), HASH: digest},
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "ReplicaSet",
                        "name": base,
                        "uid": owner,
                        "controller": True,
                    }
                ],
            },
            "spec": template["spec"],
        }
        self._cluster.apply(pod, manager=MANAGER)
        about = {"name": base, "namespace": metadata["namespace"], "uid": owner}
        self._events.created_pod({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": about}, name)
        taken.append(pod | {"status": {}})

    def _empty_old_sets(
        self,
        deployment: Manifest,
        sets: list[Manifest],
        current: Manifest | None,
        pods: Owned,
        left: list[Manifest],
    ) -> None:
        kept = {pod["metadata"]["name"] for pod in left}
        for one in sets:
            alive = sum(pod["metadata"]["name"] in kept for pod in pods.get(_uid(one), []))
            if one is not current and one["spec"].get("replicas") != alive:
                patch = {"spec": {"replicas": alive}}
                meta = one["metadata"]
                self._events.scaled(deployment, meta["name"], int(one["spec"].get("replicas", 0)), alive)
                self._cluster.edit(
                    "apps/v1", "ReplicaSet", meta["namespace"], meta["name"], patch, manager=MANAGER
                )
                counts = {"replicas": alive, "readyReplicas": alive, "availableReplicas": alive}
                # The change of its size is the next generation.
                self._say(one, {"observedGeneration": _generation(one) + 1, **counts})

    def _report(
        self,
        deployment: Manifest,
        new: list[Manifest],
        old: list[Manifest],
        current: Manifest | None,
    ) -> None:
        ready = sum(_is_ready(pod) for pod in new)
        wanted = int(deployment["spec"].get("replicas", 1))
        available = ready + sum(_is_ready(pod) for pod in old)
        status = {
            "observedGeneration": deployment["metadata"].get("generation", 1),
            "replicas": len(new) + len(old),
            "updatedReplicas": len(new),
            "readyReplicas": available,
            "availableReplicas": available,
            "unavailableReplicas": max(0, wanted - available),
            "conditions": self._conditions(deployment, current, is_done=ready >= wanted and not old),
        }
        if _without_times(status) != _without_times(mapping(deployment.get("status"))):
            self._say(deployment, status)
        counts = {
            "observedGeneration": _generation(current),
            "replicas": len(new),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        if current and _without_times(counts) != _without_times(mapping(current.get("status"))):
            self._say(current, counts)

    def _conditions(
        self, deployment: Manifest, current: Manifest | None, *, is_done: bool
    ) -> list[dict[str, Any]]:
        now = _time(self._clock())
        made = mapping(mapping(current).get("metadata")).get("creationTimestamp") if current else None
        age = (self._clock() - datetime.fromisoformat(str(made))).total_seconds() if made else 0.0
        deadline = int(deployment["spec"].get("progressDeadlineSeconds", DEADLINE_SECONDS))
        reason = "NewReplicaSetAvailable" if is_done else "ReplicaSetUpdated"
        is_late = not is_done and age > deadline
        return [
            {
                "type": "Progressing",
                "status": "False" if is_late else "True",
                "reason": "ProgressDeadlineExceeded" if is_late else reason,
                "lastTransitionTime": now,
            },
            {
                "type": "Available",
                "status": "True",
                "reason": "MinimumReplicasAvailable",
                "lastTransitionTime": now,
            },
        ]

    def _judge_autoscalers(self, deployments: list[Manifest]) -> None:
        replicas = {_place(one): int(one["spec"].get("replicas", 1)) for one in deployments}
        for scaler in self._cluster.list("autoscaling/v2", "HorizontalPodAutoscaler", ""):
            target = (scaler["metadata"]["namespace"], scaler["spec"]["scaleTargetRef"]["name"])
            count = replicas.get(target, 0)
            status = {
                "currentReplicas": count,
                "desiredReplicas": count,
                "conditions": [
                    {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
                    {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
                ],
            }
            if _without_times(status) != _without_times(mapping(scaler.get("status"))):
                self._say(scaler, status)

    def _say(self, manifest: Manifest, status: Mapping[str, Any], *, manager: str = MANAGER) -> None:
        meta = manifest["metadata"]
        kind = f"{manifest['kind']}/status"
        self._cluster.edit(
            manifest["apiVersion"],
            kind,
            meta["namespace"],
            meta["name"],
            {"status": dict(status)},
            manager=manager,
        )

    def _delete(self, manifest: Manifest) -> None:
        meta = manifest["metadata"]
        self._cluster.delete(manifest["apiVersion"], manifest["kind"], meta["namespace"], meta["name"])


_CONDITIONS = ("Initialized", "ContainersReady", "Ready", "PodScheduled")


def _uid(manifest: Manifest | None) -> str:
    return str(mapping(mapping(manifest).get("metadata")).get("uid", ""))


def _generation(manifest: Manifest | None) -> int:
    return int(mapping(mapping(manifest).get("metadata")).get("generation", 1))


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _owner(deployment: Manifest) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
        "uid": _uid(deployment),
        "controller": True,
    }


def _template_hash(deployment: Manifest) -> str:
    text = json.dumps(deployment["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:9]


def _suffix(base: str, number: int) -> str:
    """Five letters as Kubernetes makes them, the same each time."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    digest = hashlib.sha256(f"{base} {number}".encode()).digest()
    return "".join(letters[byte % len(letters)] for byte in digest[:5])


def _is_ready(pod: Manifest) -> bool:
    conditions = objects(mapping(pod.get("status")).get("conditions"))
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_times(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """As it is compared: the time of a condition alone is no change, and 0 is as good as absent."""
    conditions = [
        {key: value for key, value in one.items() if key != "lastTransitionTime"}
        for one in objects(status.get("conditions"))
    ]
    rest = {key: value for key, value in status.items() if key != "conditions" and value not in (0, None)}
    return {**rest, "conditions": conditions}
