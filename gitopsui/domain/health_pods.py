"""Health of a pod, and what the pods of a workload say in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from gitopsui.domain.health_status import (
    Health,
    HealthStatus,
    Rule,
    degraded,
    find_condition,
    healthy,
    metadata_of,
    progressing,
    spec_of,
    status_of,
    unknown,
)
from gitopsui.domain.identity import Manifest, annotations_of
from gitopsui.domain.owner import is_hook
from gitopsui.domain.tree import mapping, number, objects, reach, text

_IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"


def _pod(manifest: Manifest) -> Health:
    is_long_running = _is_long_running(manifest)
    if is_long_running:
        waiting = _failed_waits(manifest)
        if waiting:
            return degraded(", ".join(text(item.get("message")) for item in waiting))
    status = status_of(manifest)
    phase, message = status.get("phase"), text(status.get("message"))
    if phase == "Pending":
        return progressing(message)
    if phase == "Succeeded":
        return healthy(message)
    if phase == "Failed":
        return degraded(message or _first_failure(manifest))
    if phase == "Running":
        return _running(manifest, message) if is_long_running else progressing(message)
    return unknown(message)


def _is_long_running(manifest: Manifest) -> bool:
    # A pod that may end is a job; while it is a hook, a passing failure must not count.
    if spec_of(manifest).get("restartPolicy", "Always") == "Always":
        return True
    return annotations_of(manifest).get(_IGNORE_RESTART_POLICY) == "true" and not is_hook(manifest)


def _running(manifest: Manifest, message: str) -> Health:
    if mapping(find_condition(manifest, "Ready")).get("status") == "True":
        return healthy(message)
    ended = any(reach(item, "lastState", "terminated") for item in _containers(manifest, "containerStatuses"))
    return degraded(message) if ended else progressing(message)


def _containers(manifest: Manifest, *fields: str) -> list[dict[str, Any]]:
    return [item for field in fields for item in objects(status_of(manifest).get(field))]


def _failed_waits(manifest: Manifest) -> list[dict[str, Any]]:
    """
    What containers wait for that will not come by itself. Init containers count too, otherwise
    a pod whose init container crashes in a loop would look as if it were starting for ever.
    """
    containers = _containers(manifest, "initContainerStatuses", "containerStatuses")
    waits = (mapping(reach(container, "state", "waiting")) for container in containers)
    return [dict(wait) for wait in waits if _is_failure(text(wait.get("reason")))]


def _is_failure(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def _first_failure(manifest: Manifest) -> str:
    for container in _containers(manifest, "initContainerStatuses", "containerStatuses"):
        ended = mapping(reach(container, "state", "terminated"))
        if text(ended.get("message")):
            return text(ended["message"])
        if ended.get("reason") == "OOMKilled":
            return "OOMKilled"
        if number(ended.get("exitCode")):
            name = text(container.get("name"))
            return f'container "{name}" failed with exit code {number(ended["exitCode"])}'
    return ""


def trouble_of(pod: Manifest) -> str:
    """One word for what is wrong with a pod, such as `CrashLoopBackOff`; empty when it is well."""
    health = _pod(pod)
    if health.status not in (HealthStatus.DEGRADED, HealthStatus.UNKNOWN):
        return ""
    reasons = [text(item.get("reason")) for item in _failed_waits(pod)]
    reasons += [text(status_of(pod).get("reason"))]
    for container in _containers(pod, "initContainerStatuses", "containerStatuses"):
        for state in ("state", "lastState"):
            reasons.append(text(reach(container, state, "terminated", "reason")))
    return next((reason for reason in reasons if reason and reason != "Completed"), "NotReady")


def summarise_pods(pods: Iterable[Manifest]) -> str:
    """`1 of 3 pods CrashLoopBackOff`, the most frequent trouble first; empty when all are well."""
    alive = [pod for pod in pods if not _is_over(pod)]
    troubles = Counter(filter(None, map(trouble_of, alive)))
    ranked = sorted(troubles.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return ""
    (first, count), *others = ranked
    rest = "".join(f", {number_of} {trouble}" for trouble, number_of in others)
    return f"{count} of {len(alive)} pod{'' if len(alive) == 1 else 's'} {first}{rest}"


def _is_over(pod: Manifest) -> bool:
    return "deletionTimestamp" in metadata_of(pod) or status_of(pod).get("phase") == "Succeeded"


RULES: dict[tuple[str, str], Rule] = {("", "Pod"): _pod}
