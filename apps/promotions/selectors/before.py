"""What a version has to have been in before it comes into an environment, and how it is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from apps.environments.models import Application, Environment
from apps.promotions.selectors.rollback import spell_like
from apps.releases.models import DeploymentRecord
from apps.releases.selectors.versions import bare_version, shown_version
from gitopsui.domain.gate_facts import PlaceFacts

Wanted = tuple[Application, str]
Version = tuple[int, str]  # of a component, bare


def facts_before(environment: Environment, wanted: Sequence[Wanted], now: datetime) -> dict[str, Any]:
    """
    Of `PromotionFacts` what is about the environment before, wherever the versions are taken from. Of a
    component that no environment before has, nothing is asked.
    """
    rows = applications_before(environment, [application.component_id for application, _ in wanted])
    if not rows:
        return {}
    found = {row.component_id for row in rows}
    asked = {
        (one.component_id, bare_version(text)): text for one, text in wanted if one.component_id in found
    }
    since, ran = _runs(rows, list(asked))
    never_ran = {text for version, text in asked.items() if version[1] and version not in ran}
    return {
        "source_environment": " and ".join(dict.fromkeys(row.environment.name for row in rows)),
        "source_since": max(since.values()) if since.keys() == asked.keys() else None,
        "ran_for": None if since.keys() == asked.keys() else _ran_for(rows, list(asked), now),
        "never_ran": tuple(sorted(never_ran)),
        "sources": tuple(place_of(row, now) for row in rows),
    }


def applications_before(environment: Environment, components: Iterable[int]) -> list[Application]:
    """Those of each component in the nearest environment before that has it, in the order of environments."""
    earlier = Q(environment__position__lt=environment.position) | Q(
        environment__position=environment.position, environment__name__lt=environment.name
    )
    rows = Application.objects.filter(
        earlier, environment__project=environment.project_id, component__in=list(components)
    ).select_related("component", "environment")
    nearest: dict[int, list[Application]] = {}
    for row in rows.order_by("environment__position", "environment__name", "pk"):
        there = nearest.get(row.component_id, [])
        is_same = bool(there) and there[0].environment_id == row.environment_id
        nearest[row.component_id] = [*there, row] if is_same else [row]
    return [row for there in nearest.values() for row in there]


def place_of(application: Application, now: datetime) -> PlaceFacts:
    """An application as it was last seen."""
    return PlaceFacts(
        name=str(application),
        health=application.health,
        sync=application.sync,
        is_stale=application.is_stale(now),
        has_cluster=application.cluster_id is not None,
        drift=application.sync_reason.rstrip(".") if application.sync == "OutOfSync" else "",
    )


def _runs(
    rows: Sequence[Application], asked: Sequence[Version]
) -> tuple[dict[Version, datetime], set[Version]]:
    """Since when each of these versions runs in these applications, and which ever ran or run there."""
    records = DeploymentRecord.objects.filter(
        application__in=[row.pk for row in rows],
        version__in={one for _, bare in asked for one in _spelled(bare)},
    ).values_list("application__component", "version", "from_at", "to_at")
    since: dict[Version, datetime] = {}
    ran = {(row.component_id, bare_version(shown_version(row))) for row in rows}
    for component, text, from_at, to_at in records.order_by():
        version = (component, bare_version(text))
        ran.add(version)
        if to_at is None and version in asked:
            since[version] = max(from_at, since.get(version, from_at))
    return since, ran


def _ran_for(rows: Sequence[Application], asked: Sequence[Version], now: datetime) -> timedelta | None:
    """The longest time at a stretch each of these versions ran in each application; the least."""
    longest: dict[tuple[int, Version], timedelta] = {}
    records = DeploymentRecord.objects.filter(
        application__in=[row.pk for row in rows],
        version__in={one for _, bare in asked for one in _spelled(bare)},
    ).values_list("application", "application__component", "version", "from_at", "to_at")
    for application, component, text, from_at, to_at in records.order_by():
        key = application, (component, bare_version(text))
        longest[key] = max((to_at or now) - from_at, longest.get(key, timedelta(0)))
    keys = [(row.pk, version) for row in rows for version in asked if version[0] == row.component_id]
    return min(longest[key] for key in keys) if keys and all(key in longest for key in keys) else None


def _spelled(bare: str) -> set[str]:
    """How an image tag or a chart may write a version."""
    return {
        bare,
        f"v{bare}",
        f"V{bare}",
        spell_like(bare, ""),
        spell_like(bare, "v0"),
        spell_like(bare, "V0"),
    }
