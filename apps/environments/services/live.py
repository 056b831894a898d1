"""The live state of an application: what of the cluster is its own, and what hangs below that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from apps.environments.services.live_index import Found, ListingIndex, owner_uid_of, uid_of, without
from gitopsui.adapters.cluster import Listing, LiveState
from gitopsui.adapters.cluster_role import NAMESPACE
from gitopsui.domain.identity import GroupKind, Manifest, ResourceKey, find_key, group_kind_of
from gitopsui.domain.orphans import UnclaimedObjects
from gitopsui.domain.owner import Owner, owners_of
from gitopsui.domain.tree import mapping, text

__all__ = [
    "IndexingDoor",
    "Live",
    "LiveDoor",
    "owner_uid_of",
    "placed",
    "read_live",
    "uid_of",
    "versions_of",
]

POD = GroupKind("", "Pod")
# What workloads make: read beside the kinds that Git names, so that the tree and its pods can be shown.
MADE_BY_WORKLOADS = (POD, GroupKind("apps", "ReplicaSet"), GroupKind("batch", "Job"))
_SURE_TOOLS = ("Argo CD", "Flux")


class LiveDoor(Protocol):
    """What a service asks of a cluster."""

    def live(
        self, wanted: Iterable[GroupKind], *, namespace: str, versions: Mapping[GroupKind, str] | None = None
    ) -> LiveState: ...


@runtime_checkable
class IndexingDoor(LiveDoor, Protocol):
    """A door whose lists many applications share, each brought into order once."""

    def index(self, listing: Listing) -> ListingIndex: ...


@dataclass(frozen=True, slots=True)
class Live:
    """
    The objects that are the application's own, the ones these made, and the kinds that could not be read
    with the reason. Nothing may be concluded from the absence of an unreadable kind. `former` are the
    ReplicaSets of earlier roll-outs, which are not shown. `unclaimed` is what has no owner there, of the
    kinds that Git names and that could be read.
    """

    own: tuple[Manifest, ...]
    made: tuple[Manifest, ...]
    unreadable: Mapping[GroupKind, str]
    listings: Mapping[tuple[str, GroupKind], Listing]
    owner: Owner | None = None
    former: tuple[Manifest, ...] = ()
    unclaimed: Mapping[tuple[str, GroupKind], UnclaimedObjects] = field(default_factory=dict)

    @property
    def pods(self) -> list[Manifest]:
        return [manifest for manifest in (*self.own, *self.made) if group_kind_of(manifest) == POD]


def read_live(desired: Sequence[Manifest], *, namespace: str, cluster: LiveDoor) -> Live:
    """List every kind that Git names in every namespace it names, and pick what belongs to it."""
    keys = [find_key(manifest) for manifest in desired]
    namespaces = sorted({key.namespace or namespace for key in keys} or {namespace})
    kinds = {key.group_kind for key in keys if key.kind}
    versions = versions_of(desired)
    listings: dict[tuple[str, GroupKind], Listing] = {}
    for name in filter(NAMESPACE.fullmatch, namespaces):
        # What no namespace can be called holds nothing; the server is not asked for it.
        state = cluster.live(sorted({*kinds, *MADE_BY_WORKLOADS}), namespace=name, versions=versions)
        listings.update({(name, kind): listing for kind, listing in state.listings.items()})
    index = cluster.index if isinstance(cluster, IndexingDoor) else ListingIndex.of
    indexes = {place: index(listing) for place, listing in listings.items()}
    found = Found(list(indexes.values()))
    own, owner = _own(found, keys, namespace)
    unreadable = {kind: str(item.error) for (_, kind), item in listings.items() if item.error is not None}
    made = _made(found, own)
    former = tuple(manifest for manifest in made if _is_old_set(manifest))
    shown = tuple(manifest for manifest in made if not _is_old_set(manifest))
    alone = {
        place: one.unclaimed
        for place, one in indexes.items()
        if place[1] in kinds and listings[place].error is None
    }
    return Live(own, shown, unreadable, listings, owner, former, alone)


def versions_of(desired: Sequence[Manifest]) -> dict[GroupKind, str]:
    """The version Git speaks for each kind: read in the same one there are no differences of spelling."""
    versions: dict[GroupKind, str] = {}
    for manifest in desired:
        version = text(manifest.get("apiVersion")).rpartition("/")[2]
        if version:
            versions.setdefault(group_kind_of(manifest), version)
    return versions


def _own(
    found: Found, keys: Sequence[ResourceKey], namespace: str
) -> tuple[tuple[Manifest, ...], Owner | None]:
    """What Git names, and what carries the same mark of the same owner as most of that."""
    named = found.named({placed(key, namespace) for key in keys} | set(keys))
    owner = _common_owner(named)
    if owner is None:
        return tuple(named), None
    return (*named, *without(found.owned(owner), named)), owner


def placed(key: ResourceKey, namespace: str) -> ResourceKey:
    return ResourceKey(key.group, key.kind, key.namespace or namespace, key.name)


def _common_owner(manifests: Sequence[Manifest]) -> Owner | None:
    marks = Counter(
        owner for manifest in manifests for owner in owners_of(manifest) if owner.tool in _SURE_TOOLS
    )
    return marks.most_common(1)[0][0] if marks else None


def _made(found: Found, own: Sequence[Manifest]) -> list[Manifest]:
    """What own objects made, and what that made: by owner references, a few steps down."""
    picked, latest = list(own), list(own)
    for _ in range(4):
        latest = list(without(found.made_by({uid_of(manifest) for manifest in latest}), picked))
        if not latest:
            break
        picked += latest
    return picked[len(own) :]


def _is_old_set(manifest: Manifest) -> bool:
    """A ReplicaSet of an earlier roll-out that has no pods any more; it tells nobody anything."""
    if group_kind_of(manifest) != GroupKind("apps", "ReplicaSet"):
        return False
    return not mapping(manifest.get("spec")).get("replicas") and not mapping(manifest.get("status")).get(
        "replicas"
    )
