"""Health of what runs pods. Source: https://github.com/argoproj/argo-cd/tree/master/gitops-engine/pkg/health"""

from __future__ import annotations

from typing import Any

from gitopsui.domain.health_status import (
    Health,
    Rule,
    conditions_of,
    degraded,
    find_condition,
    healthy,
    metadata_of,
    progressing,
    spec_of,
    status_of,
    suspended,
)
from gitopsui.domain.identity import Manifest
from gitopsui.domain.tree import mapping, number, text


def is_behind(manifest: Manifest) -> bool:
    """Whether the controller has not seen the latest spec yet."""
    return number(metadata_of(manifest).get("generation")) > number(
        status_of(manifest).get("observedGeneration")
    )


def _deployment(manifest: Manifest) -> Health:
    if spec_of(manifest).get("paused") is True:
        return suspended("Deployment is paused")
    if is_behind(manifest):
        return progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation"
        )
    condition = mapping(find_condition(manifest, "Progressing"))
    if condition.get("reason") == "ProgressDeadlineExceeded":
        return degraded(
            f'Deployment "{text(metadata_of(manifest).get("name"))}" exceeded its progress deadline'
        )
    return _rollout(manifest)


def _rollout(manifest: Manifest) -> Health:
    status = status_of(manifest)
    wanted = number(spec_of(manifest).get("replicas"))
    total, updated = number(status.get("replicas")), number(status.get("updatedReplicas"))
    available = number(status.get("availableReplicas"))
    waiting = "Waiting for rollout to finish: "
    if updated < wanted:
        return progressing(f"{waiting}{updated} out of {wanted} new replicas have been updated...")
    if total > updated:
        return progressing(f"{waiting}{total - updated} old replicas are pending termination...")
    if available < updated:
        return progressing(f"{waiting}{available} of {updated} updated replicas are available...")
    return healthy()


def _replica_set(manifest: Manifest) -> Health:
    if is_behind(manifest):
        return progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation"
        )
    failure = mapping(find_condition(manifest, "ReplicaFailure"))
    if failure.get("status") == "True":
        return degraded(failure.get("message"))
    available = number(status_of(manifest).get("availableReplicas"))
    wanted = number(spec_of(manifest).get("replicas"))
    if available < wanted:
        return progressing(
            f"Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        )
    return healthy()


def _stateful_set(manifest: Manifest) -> Health:
    spec, status = spec_of(manifest), status_of(manifest)
    if number(status.get("observedGeneration")) == 0 or is_behind(manifest):
        return progressing("Waiting for statefulset spec update to be observed...")
    wanted, ready = number(spec.get("replicas")), number(status.get("readyReplicas"))
    if ready < wanted:
        return progressing(f"Waiting for {wanted - ready} pods to be ready...")
    strategy = mapping(spec.get("updateStrategy"))
    updated = number(status.get("updatedReplicas"))
    if strategy.get("type") == "RollingUpdate" and isinstance(strategy.get("rollingUpdate"), dict):
        return _partition(wanted, updated, strategy["rollingUpdate"].get("partition"))
    if strategy.get("type") == "OnDelete":
        return healthy(f"statefulset has {ready} ready pods")
    return _revision(status, updated)


def _partition(wanted: int, updated: int, partition: Any) -> Health:
    target = wanted - number(partition)
    if partition is not None and updated < target:
        waiting = "Waiting for partitioned roll out to finish"
        return progressing(f"{waiting}: {updated} out of {target} new pods have been updated...")
    return healthy(f"partitioned roll out complete: {updated} new pods have been updated...")


def _revision(status: Any, updated: int) -> Health:
    new, current = text(status.get("updateRevision")), text(status.get("currentRevision"))
    if new != current:
        waiting = "waiting for statefulset rolling update to complete"
        return progressing(f"{waiting} {updated} pods at revision {new}...")
    count = number(status.get("currentReplicas"))
    return healthy(f"statefulset rolling update complete {count} pods at revision {current}...")


def _daemon_set(manifest: Manifest) -> Health:
    if is_behind(manifest):
        return progressing(
            "Waiting for rollout to finish: observed daemon set generation less than desired generation"
        )
    status = status_of(manifest)
    wanted, updated = (
        number(status.get("desiredNumberScheduled")),
        number(status.get("updatedNumberScheduled")),
    )
    if mapping(spec_of(manifest).get("updateStrategy")).get("type") == "OnDelete":
        return healthy(f"daemon set {updated} out of {wanted} new pods have been updated")
    waiting = f'Waiting for daemon set "{text(metadata_of(manifest).get("name"))}" rollout to finish: '
    if updated < wanted:
        return progressing(f"{waiting}{updated} out of {wanted} new pods have been updated...")
    available = number(status.get("numberAvailable"))
    if available < wanted:
        return progressing(f"{waiting}{available} of {wanted} updated pods are available...")
    return healthy()


def _job(manifest: Manifest) -> Health:
    failure: Any = None
    message: Any = ""
    is_done = is_suspended = False
    for condition in conditions_of(manifest):
        if condition.get("type") == "Failed":
            failure, is_done = text(condition.get("message")), True
        elif condition.get("type") in ("Complete", "Suspended"):
            message, is_done = condition.get("message"), True
            is_suspended |= condition["type"] == "Suspended" and condition.get("status") == "True"
    if not is_done:
        return progressing(message)
    if failure is not None:
        return degraded(failure)
    return suspended(message) if is_suspended else healthy(message)


def _cron_job(manifest: Manifest) -> Health:
    if spec_of(manifest).get("suspend") is True:
        # Healthy and not Suspended: https://github.com/argoproj/argo-cd/issues/24428
        return healthy("CronJob is Suspended")
    if not isinstance(manifest.get("status"), dict):
        return progressing("Waiting for CronJob")
    status = status_of(manifest)
    scheduled, succeeded = status.get("lastScheduleTime"), status.get("lastSuccessfulTime")
    if scheduled is None:
        return healthy("CronJob has not been scheduled yet")
    if succeeded is None:
        return healthy("The CronJob never completed successfully. It may not be healthy")
    if status.get("active"):
        return healthy("The job is running. Its last execution may not have been successful")
    # Both are RFC 3339 in UTC to the second, so they compare as texts.
    if str(succeeded) < str(scheduled):
        return degraded("CronJob has not completed its last execution successfully")
    return healthy("CronJob has completed its last execution successfully")


RULES: dict[tuple[str, str], Rule] = {
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "CronJob"): _cron_job,
    ("batch", "Job"): _job,
    ("extensions", "Deployment"): _deployment,
}
