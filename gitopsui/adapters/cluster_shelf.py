"""
What one round has listed, shared by all applications of it. Objects take ten times the memory of their
text and a hundred times that of their compressed text, so only those in use stay objects.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gitopsui.adapters.cluster_call import ClusterCall
from gitopsui.adapters.cluster_discovery import ApiKind
from gitopsui.adapters.cluster_known import Known, cut, sealed
from gitopsui.adapters.cluster_listing import (
    Glance,
    Listing,
    ListRequest,
    Mask,
    begin_again,
    ingest,
    read_pages,
)
from gitopsui.domain.resource import Manifest

# Of text that is let go page by page: a cluster with 150,000 pods.
PACKED_LISTING_BYTES = 1 << 30


@dataclass(slots=True)
class Stack:
    """What was listed in one namespace, compressed; `seal` is as that of `Glance`."""

    seal: str
    count: int = 0
    runs: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class PackedListing:
    """A complete listing, compressed, by namespace. `first_seal` is that of an empty one."""

    complete_at: datetime | None = None
    first_seal: str = ""
    stacks: dict[str, Stack] = field(default_factory=dict)

    def add(self, place: str, items: Sequence[Any], run: bytes) -> None:
        """`items`, packed as `run`, come next in `place`."""
        stack = self.stacks.setdefault(place, Stack(self.first_seal))
        stack.seal = sealed(items, stack.seal)
        stack.count += len(items)
        stack.runs.append(run)

    def listing_of(self, place: str) -> Listing:
        stack = self._stack(place)
        manifests = [item for run in stack.runs for item in unpack(run)]
        return Listing(tuple(manifests), complete_at=self.complete_at, seal=stack.seal)

    def glance_of(self, place: str) -> Glance:
        stack = self._stack(place)
        return Glance(stack.count, None, self.complete_at, stack.seal)

    def _stack(self, place: str) -> Stack:
        return self.stacks.get(place) or Stack(self.first_seal)


class Shelf:
    """Listings by kind and namespace ("" for the whole cluster, and for kinds that have none)."""

    def __init__(self) -> None:
        self._listings: dict[tuple[ApiKind, str], Listing | PackedListing] = {}
        self._parts: dict[tuple[ApiKind, str], Listing] = {}

    def find(self, kind: ApiKind, namespace: str) -> Listing | None:
        part = self._parts.get((kind, namespace))
        if part is not None:
            return part
        kept = self._listings.get((kind, namespace))
        if isinstance(kept, PackedListing):
            kept = kept.listing_of(namespace)
            self._listings[kind, namespace] = kept
        return kept

    def has(self, kind: ApiKind, namespace: str) -> bool:
        return (kind, namespace) in self._listings or (kind, namespace) in self._parts

    def glance(self, kind: ApiKind, namespace: str) -> Glance | None:
        """How it was listed; nothing is opened for that."""
        kept = self._listings.get((kind, namespace))
        if isinstance(kept, PackedListing):
            return kept.glance_of(namespace)
        kept = kept or self._parts.get((kind, namespace))
        return Glance(kept.count, kept.error, kept.complete_at, kept.seal) if kept else None

    def put(self, kind: ApiKind, namespace: str, listing: Listing | PackedListing) -> None:
        self._listings[kind, namespace] = listing

    def lend(self, kind: ApiKind, namespace: str, whole: PackedListing) -> Listing:
        """What lies in one namespace of a list of the whole cluster, opened once while it is in use."""
        part = self._parts[kind, namespace] = whole.listing_of(namespace)
        return part

    def pack_all_but(self, namespace: str) -> None:
        """The round has moved on to `namespace`: what belongs to others is kept small."""
        self._parts = {name: part for name, part in self._parts.items() if name[1] == namespace}
        for (kind, place), kept in self._listings.items():
            if place not in ("", namespace) and isinstance(kept, Listing) and kept.manifests:
                # Under the place that was asked for, whatever the objects say of themselves.
                stack = Stack(kept.seal, kept.count, [pack(kept.manifests)])
                self._listings[kind, place] = PackedListing(kept.complete_at, stacks={place: stack})


def read_packed(
    call: ClusterCall, request: ListRequest, mask: Mask, known: Known, *, place: str | None = None
) -> PackedListing:
    """As `read_listing`, for what need not be objects yet: by namespace, or all of it under `place`."""

    def read() -> PackedListing:
        packed = PackedListing(first_seal=request.kind.api_version)
        for page in read_pages(call, request):
            for namespace, items in cut(page):
                run = known.run(request.kind, items, partial(_pack, items, request, mask))
                packed.add(namespace if place is None else place, items, run)
        packed.complete_at = datetime.now(UTC)
        return packed

    return begin_again(read, request.kind)


def _pack(items: list[Any], request: ListRequest, mask: Mask) -> bytes:
    return pack([ingest(item, request, mask) for item in items])


def pack(manifests: Sequence[Manifest]) -> bytes:
    return zlib.compress(json.dumps(manifests, separators=(",", ":")).encode(), 1)


def unpack(page: bytes) -> list[Manifest]:
    manifests: list[Manifest] = json.loads(zlib.decompress(page))
    return manifests
