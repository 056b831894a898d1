"""Rules for fields that never count, named by JSON pointer or by their writer. There is no jq."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from gitopsui.domain.errors import InputError
from gitopsui.domain.identity import Manifest, ResourceKey, group_kind_of
from gitopsui.domain.tree import mapping, reach, text

_SCALED_BY = {("autoscaling", "HorizontalPodAutoscaler"): "", ("keda.sh", "ScaledObject"): "Deployment"}


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """
    Fields of some objects that are no drift. `group` and `kind` are globs (`*`), `name` and `namespace` exact
    or None for all. A pointer is RFC 6901 (`/spec/replicas`, `~1` for a slash); a part that is `*` stands for
    every item of a list. `managers` are field managers whose writings are accepted.
    """

    group: str = "*"
    kind: str = "*"
    name: str | None = None
    namespace: str | None = None
    json_pointers: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    reason: str = ""
    expires_at: datetime | None = None

    def is_for(self, key: ResourceKey) -> bool:
        """Whether the rule speaks of this object."""
        return (
            fnmatchcase(key.group, self.group)
            and fnmatchcase(key.kind, self.kind)
            and self.name in (None, key.name)
            and self.namespace in (None, key.namespace)
        )


def active_rules(rules: Iterable[IgnoreRule], now: datetime) -> tuple[IgnoreRule, ...]:
    """The rules that have not expired."""
    return tuple(rule for rule in rules if rule.expires_at is None or rule.expires_at > now)


def check_pointer(pointer: str) -> None:
    """Raises InputError with code JSON_POINTER when this is no address inside an object."""
    if not pointer.startswith("/") or pointer == "/":
        raise InputError("A JSON pointer starts with a slash: /spec/replicas.", code="JSON_POINTER")
    rest = pointer.replace("~0", "").replace("~1", "")
    if "~" in rest:
        raise InputError("In a JSON pointer ~ is written ~0 and / is written ~1.", code="JSON_POINTER")


def split_pointer(pointer: str) -> tuple[str, ...]:
    """The parts of a JSON pointer; empty for one that addresses nothing."""
    if not pointer.startswith("/"):
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def without(value: Any, pointers: Sequence[tuple[str, ...]]) -> Any:
    """A copy of the value without what the pointers address; a missing path is no error."""
    for parts in pointers:
        value = _without(value, parts) if parts else value
    return value


def _without(value: Any, parts: tuple[str, ...]) -> Any:
    head, rest = parts[0], parts[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {name: item for name, item in value.items() if name != head}
        return {**value, head: _without(value[head], rest)}
    if isinstance(value, list):
        hit = [head == "*" or head == str(position) for position in range(len(value))]
        if not rest:
            return [item for item, is_hit in zip(value, hit, strict=True) if not is_hit]
        return [_without(item, rest) if is_hit else item for item, is_hit in zip(value, hit, strict=True)]
    return value


# What every cluster changes by itself: the certificate that an injector writes into webhooks, and the chart
# label, which changes with each chart version and says nothing about the object.
_INJECTED = "a certificate is injected"
BUILT_IN_RULES = (
    IgnoreRule(
        group="admissionregistration.k8s.io",
        json_pointers=("/webhooks/*/clientConfig/caBundle",),
        reason=_INJECTED,
    ),
    IgnoreRule(
        group="apiregistration.k8s.io", kind="APIService", json_pointers=("/spec/caBundle",), reason=_INJECTED
    ),
    IgnoreRule(
        group="apiextensions.k8s.io",
        kind="CustomResourceDefinition",
        json_pointers=("/spec/conversion/webhook/clientConfig/caBundle",),
        reason=_INJECTED,
    ),
    IgnoreRule(json_pointers=("/metadata/labels/helm.sh~1chart",), reason="it names the chart version"),
)


def scaled_rules(manifests: Iterable[Any]) -> tuple[IgnoreRule, ...]:
    """One rule for the replicas of each workload that an autoscaler among these objects looks after."""
    return tuple(rule for manifest in manifests if (rule := _scaled_rule(manifest)) is not None)


def _scaled_rule(manifest: Any) -> IgnoreRule | None:
    # Asked of every object of a check: the cheap question comes first.
    if mapping(manifest).get("kind") not in ("HorizontalPodAutoscaler", "ScaledObject"):
        return None
    found = group_kind_of(manifest)
    target = mapping(reach(manifest, "spec", "scaleTargetRef"))
    default = _SCALED_BY.get((found.group, found.kind))
    kind, name = text(target.get("kind")) or default, text(target.get("name"))
    if default is None or not kind or not name:
        return None
    group = text(target.get("apiVersion")).rpartition("/")[0] or ("apps" if kind == "Deployment" else "*")
    namespace = text(reach(manifest, "metadata", "namespace")) or None
    reason = f"{found.kind} {text(reach(manifest, 'metadata', 'name'))} sets the replicas"
    return IgnoreRule(group, kind, name, namespace, ("/spec/replicas",), reason=reason)


def aggregated_rules(manifests: Iterable[Manifest]) -> tuple[IgnoreRule, ...]:
    """One rule for each ClusterRole whose rules the cluster collects from others; for who wants it."""
    return tuple(
        IgnoreRule(
            group="rbac.authorization.k8s.io",
            kind="ClusterRole",
            name=text(reach(manifest, "metadata", "name")),
            json_pointers=("/rules",),
            reason="the cluster aggregates the rules",
        )
        for manifest in manifests
        if mapping(manifest).get("kind") == "ClusterRole" and mapping(manifest).get("aggregationRule")
    )


def suggest_rule(
    key: ResourceKey, pointer: str, *, manager: str | None = None, reason: str = ""
) -> IgnoreRule:
    """The narrowest rule that silences a field of one object; a manager, if given, stands for the pointer."""
    pointers, managers = ((), (manager,)) if manager else ((pointer,), ())
    return IgnoreRule(key.group, key.kind, key.name, key.namespace or None, pointers, managers, reason)
