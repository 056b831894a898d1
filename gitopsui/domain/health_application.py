"""The health of a whole application and who is to blame for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.health_pods import RULES as POD_RULES
from gitopsui.domain.health_pods import summarise_pods
from gitopsui.domain.health_status import Health, HealthStatus, is_worse
from gitopsui.domain.identity import Manifest, ResourceKey, find_key, labels_of
from gitopsui.domain.tree import mapping, objects, text

_MAX_CAUSES = 3
_CHILD_APPLICATION = ("argoproj.io", "Application")


@dataclass(frozen=True, slots=True)
class Member:
    """One object of an application. `health` is None where its kind has none; `trouble` is about its pods."""

    key: ResourceKey
    health: Health | None
    trouble: str = ""


def join_health(members: Iterable[Member]) -> Health:
    """
    The worst health wins and its objects are named. A missing object does not count, since the sync status
    tells that, unless nothing is there at all. Hooks must not be among the members.
    """
    known = list(members)
    present = [member for member in known if not _is_missing(member)]
    if known and not present:
        return Health(HealthStatus.MISSING, "Nothing of it is in the cluster.")
    worst, causes = HealthStatus.HEALTHY, list[Member]()
    for member in present:
        if member.health is None or _is_excused(member):
            continue
        if is_worse(member.health.status, worst):
            worst, causes = member.health.status, [member]
        elif member.health.status == worst and worst is not HealthStatus.HEALTHY:
            causes.append(member)
    return Health(worst, _blame(causes))


def _is_missing(member: Member) -> bool:
    return member.health is not None and member.health.status is HealthStatus.MISSING


def _is_excused(member: Member) -> bool:
    # A child application that is not there or does not know itself never pulls its parent down.
    is_child = (member.key.group, member.key.kind) == _CHILD_APPLICATION
    return is_child and member.health is not None and member.health.status is HealthStatus.UNKNOWN


def _blame(causes: Sequence[Member]) -> str:
    """`Caused by apps/Deployment:shop/cart: 1 of 3 pods CrashLoopBackOff, Job:shop/x and 2 more`."""
    if not causes:
        return ""
    shown = [f"{cause.key}: {cause.trouble}" if cause.trouble else str(cause.key) for cause in causes]
    more = f" and {len(causes) - _MAX_CAUSES} more" if len(causes) > _MAX_CAUSES else ""
    return f"Caused by {', '.join(shown[:_MAX_CAUSES])}{more}"


def with_pods(member: Member, pods: Sequence[Manifest]) -> Member:
    """
    The member with what its pods say. A workload that is still on its way while one of its pods fails
    over and over is degraded: its own status admits that only after the progress deadline.
    """
    trouble = summarise_pods(pods)
    if not trouble or member.health is None:
        return member
    health = member.health
    if health.status is HealthStatus.PROGRESSING and any(_is_degraded(pod) for pod in pods):
        health = Health(HealthStatus.DEGRADED, trouble)
    return Member(member.key, health, trouble)


def _is_degraded(pod: Manifest) -> bool:
    found = _POD_RULE(pod)
    return found is not None and found.status is HealthStatus.DEGRADED


_POD_RULE: Callable[[Manifest], Health | None] = POD_RULES["", "Pod"]


def group_pods(pods: Iterable[Manifest]) -> dict[ResourceKey, list[Manifest]]:
    """Pods by the workload they belong to: the Deployment of their ReplicaSet, the CronJob of their Job."""
    groups: dict[ResourceKey, list[Manifest]] = {}
    for pod in pods:
        if not isinstance(pod, dict):
            continue
        for owner in _workloads(pod):
            groups.setdefault(owner, []).append(pod)
    return groups


def _workloads(pod: Manifest) -> list[ResourceKey]:
    metadata = mapping(pod.get("metadata"))
    namespace = text(metadata.get("namespace"))
    found = []
    for owner in objects(metadata.get("ownerReferences")):
        group, kind, name = (
            text(owner.get("apiVersion")).rpartition("/")[0],
            text(owner.get("kind")),
            owner.get("name"),
        )
        found.append(ResourceKey(group, kind, namespace, text(name)))
        found += _parents(pod, found[-1])
    return found


def _parents(pod: Manifest, owner: ResourceKey) -> list[ResourceKey]:
    """Who made the owner of a pod, as far as its name tells."""
    if owner.kind == "ReplicaSet":
        base = owner.name.removesuffix(f"-{_template_hash(pod)}")
        return [
            ResourceKey("apps", "Deployment", owner.namespace, base),
            ResourceKey("argoproj.io", "Rollout", owner.namespace, base),
        ]
    if owner.kind == "Job":
        base, dash, count = owner.name.rpartition("-")
        return [ResourceKey("batch", "CronJob", owner.namespace, base)] if dash and count.isdigit() else []
    return []


def _template_hash(pod: Manifest) -> Any:
    labels = labels_of(pod)
    return labels.get("pod-template-hash") or labels.get("rollouts-pod-template-hash")


def missing_member(key: ResourceKey) -> Member:
    """An object that Git asks for and the cluster does not have."""
    return Member(key, Health(HealthStatus.MISSING))


def live_member(manifest: Manifest, health: Health | None, pods: Sequence[Manifest]) -> Member:
    """An object of the cluster with its health and the pods it owns."""
    return with_pods(Member(find_key(manifest), health), pods)
