"""What the releases, deployments and lags of components are worked out from, as digests to compare."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from apps.environments.models import Application, Component, VersionObservation
from apps.releases.models import ComponentDigest


@dataclass(frozen=True, slots=True)
class Inputs:
    """As the fields of `ComponentDigest`."""

    tags: str
    versions: str
    observation_id: int


def read_inputs(components: Iterable[Component]) -> dict[int, Inputs]:
    """The inputs of these components as they stand now, by id; `source` should be at hand. Two queries."""
    wanted = list(components)
    versions: dict[int, list[list[Any]]] = defaultdict(list)
    applications = Application.objects.filter(component__in=wanted).order_by("pk")
    for row in applications.values_list(
        "component_id", "pk", "environment_id", "environment__position", "cluster_id", "checked_at",
        "live_version", "desired_version",
    ):  # fmt: skip
        component_id, *facts = row
        facts[4] = facts[4] is not None
        versions[component_id].append(facts)
    observed = VersionObservation.objects.filter(application__component__in=wanted)
    newest = dict(
        observed.values("application__component")
        .annotate(newest=Max("pk"))
        .values_list("application__component", "newest")
    )
    return {
        component.pk: Inputs(_tags(component), _hash(versions[component.pk]), newest.get(component.pk, 0))
        for component in wanted
    }


def find_moved() -> list[Component]:
    """The components whose inputs are others than those they were last worked out from."""
    components = list(Component.objects.select_related("source", "digest", "project"))
    now = read_inputs(components)
    return [component for component in components if now[component.pk] != _known(component)]


def _known(component: Component) -> Inputs | None:
    row: ComponentDigest | None = getattr(component, "digest", None)
    return Inputs(row.tags, row.versions, row.observation_id) if row else None


def record_inputs(component: Component, inputs: Inputs) -> None:
    ComponentDigest.objects.update_or_create(
        component=component,
        defaults={
            "tags": inputs.tags,
            "versions": inputs.versions,
            "observation_id": inputs.observation_id,
        },
    )


def _tags(component: Component) -> str:
    source = component.source
    if source is None:
        return _hash([component.name, component.tag_pattern])
    changed = source.changed_at.isoformat() if source.changed_at else ""
    return _hash([component.name, component.tag_pattern, source.pk, source.name, source.refs_digest, changed])


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
