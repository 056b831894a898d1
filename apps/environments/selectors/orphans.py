"""What lies in the namespaces of an application and belongs to none: shown apart, it never counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from apps.environments.models import Application, Cluster, KindListing, KindOrphans, ResourceState
from gitopsui.domain.orphans import is_claim_of
from gitopsui.domain.tree import mapping, objects, text

MOST_SHOWN = 50
_DEFAULT = "default"
Place = tuple[str, str, str]  # namespace, group, kind


@dataclass(frozen=True, slots=True)
class Orphan:
    kind: str
    namespace: str
    name: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Orphans:
    """
    `rows` are the first of `count`. `as_of` is set where the cluster was not read again since. Some may
    belong to the `unknown_count` applications of which nobody knows yet what they own.
    """

    rows: list[Orphan]
    count: int
    is_cut: bool
    as_of: datetime | None
    unknown_count: int
    namespaces: list[str]

    @property
    def rest(self) -> int:
        return self.count - len(self.rows)


def orphans_of(
    application: Application, resources: Sequence[ResourceState], *, now: datetime
) -> Orphans | None:
    """None where there are none. `resources` are the objects of the application: they say where it lies."""
    if application.cluster is None:
        return None
    namespaces = {row.namespace for row in resources if row.namespace}
    namespaces.add(application.namespace or _DEFAULT)
    stored = list(KindOrphans.objects.filter(cluster=application.cluster, namespace__in=namespaces))
    if not any(row.objects_there for row in stored):
        return None
    owned = _owned(application.cluster, namespaces)
    shown = [row for row in stored if _place(row) in owned]
    found = [orphan for row in shown for orphan in _unowned(row, owned)]
    if not found:
        return None
    found.sort(key=lambda one: (one.kind, one.namespace, one.name))
    return Orphans(
        found[:MOST_SHOWN],
        len(found),
        any(row.rest_count for row in shown),
        _as_of(application, {_place(row) for row in shown}, now=now),
        _unknown_count(application.cluster, namespaces),
        sorted({one.namespace for one in found}),
    )


def _owned(cluster: Cluster, namespaces: set[str]) -> dict[Place, set[str]]:
    """
    What applications name in Git or own, by place: a kind that is not there is none that Git uses there. A
    server that is connected twice holds the objects of both.
    """
    rows = ResourceState.objects.filter(
        application__cluster__server=cluster.server, namespace__in=namespaces
    ).exclude(sync="owned")
    owned: dict[Place, set[str]] = defaultdict(set)
    for namespace, group, kind, name in rows.values_list("namespace", "group", "kind", "name"):
        owned[namespace, group, kind].add(name)
    return dict(owned)


def _unowned(row: KindOrphans, owned: dict[Place, set[str]]) -> Iterator[Orphan]:
    names = owned[_place(row)]
    is_claim = (row.group, row.kind) == ("", "PersistentVolumeClaim")
    sets = owned.get((row.namespace, "apps", "StatefulSet"), set()) if is_claim else set()
    for one in objects(row.objects_there):
        name = text(mapping(one).get("name"))
        if name not in names and not is_claim_of(name, sets):
            yield Orphan(row.kind, row.namespace, name, _moment(text(one.get("created_at"))))


def _place(row: KindOrphans | KindListing) -> Place:
    return row.namespace, row.group, row.kind


def _moment(raw: str) -> datetime | None:
    try:
        moment = parse_datetime(raw)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None


def _as_of(application: Application, places: set[Place], *, now: datetime) -> datetime | None:
    """The time of the oldest of these lists, where the cluster is silent or one could not be read again."""
    rows = KindListing.objects.filter(
        cluster=application.cluster, namespace__in={namespace for namespace, _, _ in places}
    )
    listed = [row for row in rows if _place(row) in places]
    if not application.is_stale(now) and not any(row.error_code for row in listed):
        return None
    times = [row.complete_at for row in listed if row.complete_at is not None]
    return min(times, default=application.checked_at)


def _unknown_count(cluster: Cluster, namespaces: set[str]) -> int:
    """Applications placed here that were never compared: nobody knows what Git names for them."""
    places = {*namespaces, ""} if _DEFAULT in namespaces else namespaces
    rows = Application.objects.filter(cluster__server=cluster.server, namespace__in=places, compared_sha="")
    return rows.count()
