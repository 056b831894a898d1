"""Stores what lies in the namespaces of applications without an owner, when it is not what it was."""

from __future__ import annotations

from collections.abc import Mapping

from apps.environments.models import Cluster, KindOrphans
from gitopsui.domain.identity import GroupKind
from gitopsui.domain.orphans import UnclaimedObjects
from gitopsui.domain.text import clean_text

Place = tuple[str, str, str]


def record_unclaimed(cluster: Cluster, found: Mapping[tuple[str, GroupKind], UnclaimedObjects]) -> None:
    """
    Bring the rows of these kinds and namespaces level with what was listed: one question, and a statement
    only where something came or went. A round in which no list moved has nothing to bring and asks nothing.
    """
    namespaces = {namespace for namespace, _ in found}
    known = {
        (row.namespace, row.group, row.kind): row.digest
        for row in KindOrphans.objects.filter(cluster=cluster, namespace__in=namespaces).defer(
            "objects_there"
        )
    }
    rows: dict[Place, KindOrphans] = {}
    for (namespace, kind), unclaimed in found.items():
        row = _row(cluster, namespace, kind, unclaimed)
        place = row.namespace, row.group, row.kind
        if known.get(place, "") != row.digest:
            rows[place] = row
    if rows:
        KindOrphans.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            update_fields=["objects_there", "rest_count", "digest"],
            unique_fields=["cluster", "namespace", "group", "kind"],
        )


def _row(cluster: Cluster, namespace: str, kind: GroupKind, unclaimed: UnclaimedObjects) -> KindOrphans:
    return KindOrphans(
        cluster=cluster,
        namespace=clean_text(namespace, limit=253),
        group=clean_text(kind.group, limit=253),
        kind=clean_text(kind.kind, limit=100),
        objects_there=[
            {"name": clean_text(one.name, limit=300), "created_at": clean_text(one.created, limit=40)}
            for one in unclaimed.kept
        ],
        rest_count=unclaimed.rest_count,
        digest=unclaimed.digest,
    )
