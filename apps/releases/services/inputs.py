"""What the releases, deployments and lags of components are worked out from, as digests to compare."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from apps.environments.models import Application, Component, VersionObservation
from apps.releases.models import ComponentDigest, ImageTag
from apps.releases.selectors.trusted_keys import trust_digests
from apps.repositories.models import CommitGraph, StoredCommit
from gitopsui.adapters.git_verify import find_programs


@dataclass(frozen=True, slots=True)
class Inputs:
    """As the fields of `ComponentDigest`."""

    tags: str
    versions: str
    observation_id: int


def read_inputs(components: Iterable[Component]) -> dict[int, Inputs]:
    """The inputs of these components as they stand now, by id; `source` should be at hand. Six queries."""
    wanted = list(components)
    history, images = _history(wanted), _images(wanted)
    projects = {component.project_id for component in wanted}
    trust = trust_digests(projects, programs=find_programs(), now=timezone.now())
    versions: dict[int, list[list[Any]]] = defaultdict(list)
    applications = Application.objects.filter(component__in=wanted).order_by("pk")
    for row in applications.values_list(
        "component_id", "pk", "environment_id", "environment__position", "cluster_id", "checked_at",
        "live_version", "desired_version", "live_digest",
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
        component.pk: Inputs(
            _tags(component, history.get(component.source_id), trust[component.project_id]),
            _hash([versions[component.pk], images.get(component.pk)]),
            newest.get(component.pk, 0),
        )
        for component in wanted
    }


def _history(components: Iterable[Component]) -> dict[int | None, list[Any]]:
    """Of each source repository how much of its history is stored, and whether all changes were read."""
    sources = {component.source_id for component in components if component.source_id}
    graphs = CommitGraph.objects.filter(repository__in=sources)
    unread = StoredCommit.objects.filter(StoredCommit.unread(), repository__in=sources).order_by()
    waiting = set(unread.values_list("repository_id", flat=True).distinct())
    return {pk: [digest, pk in waiting] for pk, digest in graphs.values_list("repository_id", "refs_digest")}


def _images(components: Iterable[Component]) -> dict[int, list[Any]]:
    """How many images of each component say which commit they were built from, and when one came last."""
    rows = ImageTag.objects.filter(component__in=list(components)).exclude(revision="").order_by()
    counted = rows.values("component").annotate(count=Count("pk"), newest=Max("seen_at"))
    return {
        pk: [count, newest.isoformat()]
        for pk, count, newest in counted.values_list("component", "count", "newest")
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


def _tags(component: Component, history: list[Any] | None, trust: str) -> str:
    source = component.source
    if source is None:
        return _hash([component.name, component.tag_pattern])
    changed = source.changed_at.isoformat() if source.changed_at else ""
    place = [source.pk, source.name, source.refs_digest, changed]
    return _hash([component.name, component.tag_pattern, place, history, trust])


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
