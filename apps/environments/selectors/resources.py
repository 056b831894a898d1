"""The objects of an application as a tree of what made what."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.utils.dateparse import parse_datetime

from apps.environments.models import Application, ResourceState
from gitopsui.domain.health import HealthStatus
from gitopsui.domain.tree import mapping, number, sequence, text

MOST_ROWS = 2_000
MOST_DEPTH = 20
MOST_EVENTS = 20
_FEW = 5  # well siblings of one base name that are shown before the rest is folded
_WELL = ("", HealthStatus.HEALTHY)
# What the cluster and kustomize put behind the name of what they make: Pods, ReplicaSets, Jobs, ConfigMaps.
_GENERATED = re.compile(
    r"(?P<base>.+?)-(?:[0-9a-z]{5,10}-[2456789bcdfghjklmnpqrstvwxz]{5}|[2456789bcdfghjklmnpqrstvwxz]{5,10}|\d{1,12})"
)


@dataclass(frozen=True, slots=True)
class Event:
    """What the cluster said of an object."""

    is_warning: bool
    reason: str
    message: str
    count: int
    last_at: datetime | None


@dataclass(slots=True)
class Node:
    """An object of the resource tree with what it made; `well` are children that are folded away."""

    uid: str
    kind: str
    name: str
    namespace: str
    health: str
    health_reason: str
    sync: str
    created_at: datetime | None
    images: list[str]
    events: list[Event]
    children: list[Node] = field(default_factory=list)
    folds: list[Fold] = field(default_factory=list)

    @property
    def is_unwell(self) -> bool:
        """Whether somebody should look: not well, not as Git asks, or a warning about it."""
        return self.health not in (*_WELL, HealthStatus.SUSPENDED) or self.sync == "OutOfSync"

    @property
    def warnings(self) -> list[Event]:
        return [event for event in self.events if event.is_warning]

    @property
    def is_open(self) -> bool:
        """Whether its events are to be seen without a click."""
        return self.is_unwell and bool(self.warnings)

    @property
    def has_more(self) -> bool:
        return bool(self.events or self.images)


@dataclass(frozen=True, slots=True)
class Fold:
    """Siblings that are all well and named alike."""

    kind: str
    is_healthy: bool
    nodes: list[Node]


@dataclass(frozen=True, slots=True)
class Resources:
    """The stored objects of an application, and how many there are."""

    rows: list[ResourceState]
    count: int


@dataclass(frozen=True, slots=True)
class ResourceTree:
    """`count` is all objects; `rest` are those that were not read, all of them well."""

    nodes: list[Node]
    folds: list[Fold]
    count: int
    unwell_count: int
    rest: int


def resource_tree(resources: Resources, *, only_unwell: bool = False) -> ResourceTree:
    """The objects by owner; with `only_unwell` those to look at, under what owns them."""
    rows, count = resources.rows, resources.count
    by_owner: dict[str, list[ResourceState]] = defaultdict(list)
    uids = {row.uid for row in rows if row.uid}
    for row in rows:
        by_owner[row.owner_uid if row.owner_uid in uids else ""].append(row)
    nodes = _nodes(by_owner, "", set())
    unwell = sum(node.is_unwell for node in _walk(nodes))
    nodes, folds = (_pruned(nodes), []) if only_unwell else _folded(nodes)
    return ResourceTree(nodes, folds, count, unwell, count - len(rows))


def read_resources(application: Application) -> Resources:
    """The rows in their order and the number of all; where there are too many, the unwell are kept."""
    rows = list(application.resources.all()[: MOST_ROWS + 1])
    if len(rows) <= MOST_ROWS:
        return Resources(rows, len(rows))
    is_well = When(health__in=_WELL, sync__in=["", "Synced", "owned"], then=Value(1))
    ranked = application.resources.annotate(rank=Case(is_well, default=Value(0), output_field=IntegerField()))
    first: list[Any] = list(ranked.order_by("rank", "kind", "name")[:MOST_ROWS])
    first.sort(key=lambda row: (row.kind, row.name))
    return Resources(first, application.resources.count())


def digest_of_resources(resources: Resources) -> str:
    """Changes when anything does that the tree shows."""
    facts = [
        (r.kind, r.name, r.uid, r.owner_uid, r.health, r.health_reason, r.sync, r.images, r.notes, r.events)
        for r in resources.rows
    ]
    return hashlib.sha256(f"{resources.count} {facts!r}".encode()).hexdigest()


def _nodes(by_owner: dict[str, list[ResourceState]], owner: str, above: set[str]) -> list[Node]:
    return [
        Node(
            uid=row.uid,
            kind=row.kind,
            name=row.name,
            namespace=row.namespace,
            health=row.health,
            health_reason=" ".join([row.health_reason, *row.notes]).strip(),
            sync=row.sync,
            created_at=row.created_at,
            images=row.images if row.kind != "ReplicaSet" else [],
            events=list(_events(row.events)),
            # Owner references are foreign text: neither a circle nor a long chain may go on for ever.
            children=_nodes(by_owner, row.uid, above | {row.uid})
            if row.uid and row.uid not in above and len(above) < MOST_DEPTH
            else [],
        )
        for row in by_owner.get(owner, [])
    ]


def _events(stored: Any) -> Iterator[Event]:
    for raw in sequence(stored)[:MOST_EVENTS]:
        event = mapping(raw)
        yield Event(
            is_warning=event.get("type") == "Warning",
            reason=text(event.get("reason")),
            message=text(event.get("message")),
            count=number(event.get("count"), 1),
            last_at=parse_datetime(text(event.get("last_at"))),
        )


def _walk(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _walk(node.children)


def _pruned(nodes: Iterable[Node]) -> list[Node]:
    """Those that are unwell or own something that is."""
    kept = []
    for node in nodes:
        node.children = _pruned(node.children)
        if node.is_unwell or node.children:
            kept.append(node)
    return kept


def _folded(nodes: Sequence[Node], *, is_owned: bool = False) -> tuple[list[Node], list[Fold]]:
    """
    The nodes with the many alike that are well folded, at every depth. What one owner made is alike by its
    kind, anything else by its name without what was made up behind it.
    """
    shown: list[Node] = []
    folds: list[Fold] = []
    for node in nodes:
        node.children, node.folds = _folded(node.children, is_owned=True)
    groups: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in nodes:
        groups[node.kind, "" if is_owned else base_name(node.name)].append(node)
    for (kind, _), alike in groups.items():
        quiet = [node for node in alike if _is_quiet(node)]
        hidden = quiet[_FEW:] if len(quiet) > _FEW + 1 else []
        away = {id(node) for node in hidden}
        shown += [node for node in alike if id(node) not in away]
        if hidden:
            folds.append(Fold(kind, all(node.health for node in hidden), hidden))
    return shown, folds


def _is_quiet(node: Node) -> bool:
    return not node.is_unwell and not node.warnings and not node.children and not node.folds


def base_name(name: str) -> str:
    """The name without what was made up behind it: `cart` of `cart-6d9f7c4b5d-2xkqp`."""
    match = _GENERATED.fullmatch(name)
    return match["base"] if match else name
