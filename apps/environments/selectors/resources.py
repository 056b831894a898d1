"""The objects of an application as a tree of what made what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from apps.environments.models import Application, ResourceState


@dataclass(slots=True)
class Node:
    """An object of the resource tree with what it made."""

    kind: str
    name: str
    namespace: str
    health: str
    health_reason: str
    sync: str
    created_at: datetime | None
    images: list[str]
    children: list[Node] = field(default_factory=list)


def resource_tree(application: Application) -> tuple[list[Node], int]:
    """The objects as a tree by owner; the number of all of them."""
    rows = list(application.resources.all())
    by_owner: dict[str, list[ResourceState]] = defaultdict(list)
    uids = {row.uid for row in rows if row.uid}
    for row in rows:
        by_owner[row.owner_uid if row.owner_uid in uids else ""].append(row)
    return _nodes(by_owner, "", set()), len(rows)


def _nodes(by_owner: dict[str, list[ResourceState]], owner: str, above: set[str]) -> list[Node]:
    return [
        Node(
            kind=row.kind,
            name=row.name,
            namespace=row.namespace,
            health=row.health,
            health_reason=" ".join([row.health_reason, *row.notes]).strip(),
            sync=row.sync,
            created_at=row.created_at,
            images=row.images if row.kind != "ReplicaSet" else [],
            # Owner references are foreign text: a circle must not go round for ever.
            children=_nodes(by_owner, row.uid, above | {row.uid}) if row.uid and row.uid not in above else [],
        )
        for row in by_owner.get(owner, [])
    ]
