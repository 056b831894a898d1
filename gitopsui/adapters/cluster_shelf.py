"""
What one round has listed, shared by all applications of it. Objects take ten times the memory of their
text and a hundred times that of their compressed text, so only those in use stay objects.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from gitopsui.adapters.cluster_call import ClusterCall
from gitopsui.adapters.cluster_discovery import ApiKind
from gitopsui.adapters.cluster_listing import Listing, ListRequest, Mask, begin_again, read_pages
from gitopsui.domain.resource import Manifest

# Of text that is let go page by page: a cluster with 150,000 pods.
PACKED_LISTING_BYTES = 1 << 30


@dataclass(slots=True)
class PackedListing:
    """A complete listing, compressed, by namespace."""

    complete_at: datetime | None = None
    pages: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, manifests: list[Manifest]) -> None:
        # Servers list in the order of their keys, so a namespace is one run in a page.
        for namespace, group in groupby(manifests, key=namespace_of):
            self.pages.setdefault(namespace, []).append(pack(list(group)))

    def listing_of(self, namespace: str) -> Listing:
        manifests = [item for page in self.pages.get(namespace, ()) for item in unpack(page)]
        return Listing(tuple(manifests), complete_at=self.complete_at)


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

    def put(self, kind: ApiKind, namespace: str, listing: Listing) -> None:
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
                pages = {place: [pack(list(kept.manifests))]}
                self._listings[kind, place] = PackedListing(kept.complete_at, pages)


def read_packed(call: ClusterCall, request: ListRequest, mask: Mask) -> PackedListing:
    """As `read_listing`, for lists larger than one should hold."""

    def read() -> PackedListing:
        packed = PackedListing()
        for page in read_pages(call, request, mask):
            packed.add(page)
        packed.complete_at = datetime.now(UTC)
        return packed

    return begin_again(read, request.kind)


def pack(manifests: list[Manifest]) -> bytes:
    return zlib.compress(json.dumps(manifests, separators=(",", ":")).encode(), 1)


def unpack(page: bytes) -> list[Manifest]:
    manifests: list[Manifest] = json.loads(zlib.decompress(page))
    return manifests


def namespace_of(manifest: Manifest) -> str:
    namespace = manifest["metadata"].get("namespace", "")
    return namespace if isinstance(namespace, str) else ""
