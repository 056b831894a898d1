"""A listing that many applications share, looked up instead of walked: by key, by owner and by maker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gitopsui.adapters.cluster import Listing
from gitopsui.domain.identity import Manifest, ResourceKey, find_key
from gitopsui.domain.orphans import UnclaimedObjects, find_unclaimed
from gitopsui.domain.owner import Owner, owners_of
from gitopsui.domain.tree import mapping, objects, text


@dataclass(slots=True)
class ListingIndex:
    """The objects of one listing, in its order. What names no maker is in `by_maker` nowhere."""

    by_key: dict[ResourceKey, list[Manifest]] = field(default_factory=dict)
    by_owner: dict[Owner, list[Manifest]] = field(default_factory=dict)
    by_maker: dict[str, list[Manifest]] = field(default_factory=dict)
    unclaimed: UnclaimedObjects = field(default_factory=UnclaimedObjects)

    @classmethod
    def of(cls, listing: Listing) -> ListingIndex:
        index = cls()
        for manifest in listing.manifests:
            index.add(manifest)
        alone = map(find_unclaimed, listing.manifests)
        index.unclaimed = UnclaimedObjects.of(one for one in alone if one is not None)
        return index

    def add(self, manifest: Manifest) -> None:
        self.by_key.setdefault(find_key(manifest), []).append(manifest)
        for owner in owners_of(manifest):
            self.by_owner.setdefault(owner, []).append(manifest)
        maker = owner_uid_of(manifest)
        if maker:
            self.by_maker.setdefault(maker, []).append(manifest)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the namespaces of one application. No object is answered twice by one question."""

    indexes: Sequence[ListingIndex]

    def named(self, keys: Iterable[ResourceKey]) -> list[Manifest]:
        wanted = sorted(keys)
        return _once(one for index in self.indexes for key in wanted for one in index.by_key.get(key, ()))

    def owned(self, owner: Owner) -> list[Manifest]:
        return _once(one for index in self.indexes for one in index.by_owner.get(owner, ()))

    def made_by(self, uids: Iterable[str]) -> list[Manifest]:
        makers = sorted(uids)
        return _once(one for index in self.indexes for uid in makers for one in index.by_maker.get(uid, ()))


def _once(manifests: Iterable[Manifest]) -> list[Manifest]:
    return list(_by_identity(manifests).values())


def _by_identity(manifests: Iterable[Manifest]) -> dict[tuple[str, ResourceKey], Manifest]:
    """A kind without a namespace is listed again for each namespace; the first answer counts."""
    seen: dict[tuple[str, ResourceKey], Manifest] = {}
    for manifest in manifests:
        seen.setdefault(identity_of(manifest), manifest)
    return seen


def without(manifests: Iterable[Manifest], known: Iterable[Manifest]) -> Iterator[Manifest]:
    """Those of `manifests` that are not among `known`."""
    seen = {identity_of(manifest) for manifest in known}
    return (manifest for manifest in manifests if identity_of(manifest) not in seen)


def identity_of(manifest: Manifest) -> tuple[str, ResourceKey]:
    return uid_of(manifest), find_key(manifest)


def uid_of(manifest: Manifest) -> str:
    return text(mapping(manifest.get("metadata")).get("uid"))


def owner_uid_of(manifest: Manifest) -> str:
    """The uid of the controller, else of the first that the object says it belongs to."""
    references = objects(mapping(manifest.get("metadata")).get("ownerReferences"))
    controllers = [reference for reference in references if reference.get("controller")] or references
    return text(controllers[0].get("uid")) if controllers else ""
