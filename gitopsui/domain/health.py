"""How well an object or a whole application is. Sync is another question, answered in `drift`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitopsui.domain import (
    health_argo,
    health_cluster,
    health_flux,
    health_platform,
    health_pods,
    health_promoter,
    health_workloads,
)
from gitopsui.domain.health_application import (
    Member,
    group_pods,
    join_health,
    live_member,
    missing_member,
)
from gitopsui.domain.health_argo import child_health
from gitopsui.domain.health_custom import custom_health
from gitopsui.domain.health_pods import summarise_pods, trouble_of
from gitopsui.domain.health_status import Health, HealthStatus, Rule, is_worse, metadata_of, worst_of
from gitopsui.domain.identity import Manifest, ResourceKey, annotations_of, find_key, group_of
from gitopsui.domain.owner import is_hook
from gitopsui.domain.schema_kinds import is_built_in
from gitopsui.domain.tree import sequence, text

__all__ = [
    "Health",
    "HealthStatus",
    "Member",
    "application_health",
    "child_health",
    "health_of",
    "is_worse",
    "join_health",
    "summarise_pods",
    "trouble_of",
    "worst_of",
]

_RULES: dict[tuple[str, str], Rule] = {
    **health_argo.RULES,
    **health_cluster.RULES,
    **health_flux.RULES,
    **health_platform.RULES,
    **health_pods.RULES,
    **health_promoter.RULES,
    **health_workloads.RULES,
}
_DELETIONS = {**health_cluster.DELETIONS, **health_promoter.DELETIONS}
_HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"
_IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
# Custom resources of the tools themselves: their status tells of other objects, which have their own health.
_WITHOUT_HEALTH = frozenset({("argoproj.io", "Application"), ("argoproj.io", "AppProject")})


def health_of(manifest: Manifest) -> Health | None:
    """The health of one live object; None for a kind that has none, such as a ConfigMap. Never raises."""
    if not isinstance(manifest, dict):
        return None
    identity = (group_of(manifest), text(manifest.get("kind")))
    if _is_being_deleted(manifest):
        message = _DELETIONS.get(identity, "Pending deletion")
        return Health(HealthStatus.PROGRESSING, message + health_promoter.finalizer_notes(manifest))
    rule = _RULES.get(identity)
    if rule is not None:
        return rule(manifest)
    if identity in _WITHOUT_HEALTH or not identity[1] or is_built_in(identity[0]):
        return None
    return custom_health(manifest)


def _is_being_deleted(manifest: Manifest) -> bool:
    metadata = metadata_of(manifest)
    if metadata.get("deletionTimestamp") is None:
        return False
    # A hook is deleted as soon as it has done its work; until then its own health counts.
    return _HOOK_FINALIZER not in sequence(metadata.get("finalizers"))


def application_health(
    live: Iterable[Manifest],
    pods: Iterable[Manifest] = (),
    *,
    missing: Iterable[ResourceKey] = (),
) -> Health:
    """
    The health of one application from its live objects, the pods these own, and the keys of what
    Git asks for and the cluster lacks. The message names who is to blame:
    `Caused by apps/Deployment:shop/cart: 1 of 3 pods CrashLoopBackOff`.
    """
    owned = group_pods(pods)
    members = [missing_member(key) for key in missing]
    for manifest in live:
        if isinstance(manifest, dict) and not is_hook(manifest):
            health = None if _is_ignored(manifest) else health_of(manifest)
            members.append(live_member(manifest, health, owned.get(find_key(manifest), [])))
    return join_health(members)


def _is_ignored(manifest: Any) -> bool:
    return annotations_of(manifest).get(_IGNORE_HEALTH) == "true"
