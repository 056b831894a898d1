"""The words of health, and how the rule of a kind is written. Sync is another question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.tree import mapping, objects, text


class HealthStatus(StrEnum):
    """How well something is, from best to worst."""

    HEALTHY = "Healthy"  # does what it should
    SUSPENDED = "Suspended"  # somebody paused it
    PROGRESSING = "Progressing"  # not there yet, and may well arrive
    MISSING = "Missing"  # not in the cluster
    DEGRADED = "Degraded"  # failed, or will not arrive by itself
    UNKNOWN = "Unknown"  # cannot be told


_ORDER = {status: rank for rank, status in enumerate(HealthStatus)}


@dataclass(frozen=True, slots=True)
class Health:
    """A status and, where there is one, the sentence of the cluster on it."""

    status: HealthStatus
    message: str = ""


Rule = Callable[[Manifest], Health | None]


def is_worse(status: HealthStatus, than: HealthStatus) -> bool:
    """Whether the first status is worse than the second."""
    return _ORDER[status] > _ORDER[than]


def worst_of(items: Iterable[Health | HealthStatus | str | None]) -> HealthStatus:
    """The worst status of many; None has no health and does not count. Healthy when nothing is left."""
    statuses = (item.status if isinstance(item, Health) else item for item in items if item is not None)
    return max(
        (HealthStatus(status) for status in statuses), key=_ORDER.__getitem__, default=HealthStatus.HEALTHY
    )


def healthy(message: Any = "") -> Health:
    return Health(HealthStatus.HEALTHY, text(message))


def suspended(message: Any = "") -> Health:
    return Health(HealthStatus.SUSPENDED, text(message))


def progressing(message: Any = "") -> Health:
    return Health(HealthStatus.PROGRESSING, text(message))


def degraded(message: Any = "") -> Health:
    return Health(HealthStatus.DEGRADED, text(message))


def unknown(message: Any = "") -> Health:
    return Health(HealthStatus.UNKNOWN, text(message))


def metadata_of(manifest: Manifest) -> Mapping[str, Any]:
    return mapping(manifest.get("metadata"))


def spec_of(manifest: Manifest) -> Mapping[str, Any]:
    return mapping(manifest.get("spec"))


def status_of(manifest: Manifest) -> Mapping[str, Any]:
    return mapping(manifest.get("status"))


def conditions_of(manifest: Manifest) -> list[dict[str, Any]]:
    """The conditions of the status in their order."""
    return objects(status_of(manifest).get("conditions"))


def find_condition(manifest: Manifest, kind: str) -> dict[str, Any] | None:
    """The first condition of a type, or None."""
    return next((item for item in conditions_of(manifest) if item.get("type") == kind), None)


def by_condition(kind: str, waiting: str) -> Rule:
    """The rule of many controllers: True is healthy, False degraded, anything else still on its way."""

    def rule(manifest: Manifest) -> Health:
        for condition in conditions_of(manifest):
            if condition.get("type") == kind and condition.get("status") == "False":
                return degraded(condition.get("message"))
            if condition.get("type") == kind and condition.get("status") == "True":
                return healthy(condition.get("message"))
        return progressing(waiting)

    return rule


def by_phase(phases: Mapping[str, Health], waiting: str) -> Rule:
    """The rule of controllers that write one word, `status.phase`."""

    def rule(manifest: Manifest) -> Health:
        status = status_of(manifest)
        return phases.get(text(status.get("phase")), unknown()) if status else progressing(waiting)

    return rule
