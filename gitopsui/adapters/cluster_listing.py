"""
Reading all objects of one kind: page by page, masked as they come in, all or nothing.

https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from gitopsui.adapters.cluster_call import JSON, ClusterCall, read_object, unexpected_status
from gitopsui.adapters.cluster_discovery import ApiKind
from gitopsui.adapters.cluster_events import EVENT_KINDS, MOST_PAGES, MOST_PAGES_EVERYWHERE, slim_event
from gitopsui.adapters.cluster_known import sealed
from gitopsui.adapters.http_socket import Deadline
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.resource import GroupKind, Manifest

PAGE_SIZE = 500
# A page of large objects is asked for again with fewer; later ones aim at this many bytes.
PAGE_BYTES_WANTED = 4 << 20
LISTING_BYTES = 256 << 20
MAX_RESTARTS = 3

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
SECRET = GroupKind("", "Secret")

T = TypeVar("T")
Mask = Callable[[Manifest], Manifest]


@dataclass(frozen=True, slots=True)
class Listing:
    """
    All objects of one kind in one place, masked. With an `error` there are none, `complete_at` is None, and
    nothing may be concluded from their absence. `seal` is as that of `Glance`.
    """

    manifests: tuple[Manifest, ...] = ()
    error: ClusterError | None = None
    complete_at: datetime | None = None
    seal: str = field(default="", compare=False)

    @property
    def count(self) -> int:
        return len(self.manifests)


@dataclass(frozen=True, slots=True)
class Glance:
    """
    How one kind was listed in one place, without the objects. Two with the same `seal` listed the same
    objects in the same versions; "" where the cluster does not tell versions.
    """

    count: int = 0
    error: ClusterError | None = None
    complete_at: datetime | None = None
    seal: str = ""


@dataclass(frozen=True, slots=True)
class LiveState:
    listings: Mapping[GroupKind, Listing]

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """Those of all complete listings."""
        return tuple(item for listing in self.listings.values() for item in listing.manifests)

    @property
    def errors(self) -> dict[GroupKind, ClusterError]:
        return {kind: listing.error for kind, listing in self.listings.items() if listing.error is not None}


@dataclass(frozen=True, slots=True)
class ListRequest:
    """
    What is to be listed ("" for every namespace), by when, and how many bytes of JSON are too many. Of
    Secrets the metadata alone is asked for, unless `reads_secrets`.
    """

    kind: ApiKind
    namespace: str
    deadline: Deadline
    max_bytes: int = LISTING_BYTES
    reads_secrets: bool = False

    @property
    def place(self) -> str:
        """The namespace that is listed; "" where the kind has none."""
        return self.namespace if self.kind.is_namespaced else ""

    @property
    def is_metadata_only(self) -> bool:
        return self.kind.group_kind == SECRET and not self.reads_secrets


@dataclass(frozen=True, slots=True)
class Page:
    """`token` asks for the next one, "" after the last; `size` is in bytes."""

    items: list[Any]
    token: str
    size: int
    next_limit: int


class ListingExpired(Exception):
    """The snapshot behind a `continue` token is gone (410)."""


def read_listing(call: ClusterCall, request: ListRequest, mask: Mask) -> Listing:
    """Raises ClusterError: KIND_FORBIDDEN, KIND_UNKNOWN, CLUSTER_TOO_LARGE and those of `ClusterCall.get`."""

    def read() -> Listing:
        manifests: list[Manifest] = []
        seal = request.kind.api_version
        for items in read_pages(call, request):
            seal = sealed(items, seal)
            manifests += [ingest(item, request, mask) for item in drain(items)]
        return Listing(tuple(manifests), complete_at=datetime.now(UTC), seal=seal)

    return begin_again(read, request.kind)


def begin_again(read: Callable[[], T], kind: ApiKind) -> T:
    """What `read` answers; when its pages expire on the way, from the start, a few times."""
    for _ in range(1 + MAX_RESTARTS):
        try:
            return read()
        except ListingExpired:
            continue
    message = f"The list of {kind.kind} changed faster than it could be read, {MAX_RESTARTS + 1} times."
    raise ClusterError(message, code="CLUSTER_ERROR")


def read_pages(call: ClusterCall, request: ListRequest) -> Iterator[list[Any]]:
    """The items as they came, unmasked: for `ingest` alone."""
    token, limit, total, count = "", PAGE_SIZE, 0, 0
    seen: set[str] = set()
    most = MOST_PAGES if request.namespace else MOST_PAGES_EVERYWHERE
    while True:
        page = read_page(call, request, token, limit)
        total += page.size
        if total > request.max_bytes:
            raise too_large(request.kind)
        yield page.items
        count += 1
        if not page.token or (count == most and request.kind.group_kind in EVENT_KINDS):
            return
        if page.token in seen:
            raise ClusterError("The API server gives the same page again and again.", code="CLUSTER_ERROR")
        seen.add(page.token)
        token, limit = page.token, page.next_limit


def read_page(call: ClusterCall, request: ListRequest, token: str, limit: int) -> Page:
    """One page of at most `limit` objects, of fewer when so many are too large for one answer."""
    path = request.kind.path(request.namespace)
    accept = METADATA_ONLY if request.is_metadata_only else JSON
    while True:
        query = {"limit": str(limit)} | ({"continue": token} if token else {})
        try:
            answer = call.get(path, request.deadline, query=query, accept=accept)
            break
        except ClusterError as error:
            if error.code != "CLUSTER_TOO_LARGE" or limit == 1:
                raise
            limit = max(1, limit // 10)
    check_status(answer.status, request, is_continued=bool(token))
    document = read_object(answer)
    items, metadata = document.get("items"), document.get("metadata")
    next_token = metadata.get("continue") if isinstance(metadata, dict) else None
    # `null` is how a Go program writes an empty list; anything else is no list at all.
    if "items" not in document or not isinstance(items or [], list) or not isinstance(next_token or "", str):
        raise ClusterError("The API server answered with something else than a list.", code="CLUSTER_ERROR")
    found: list[Any] = items or []
    size = len(answer.body)
    return Page(found, next_token or "", size, choose_limit(size, len(found)))


def drain(items: list[Any]) -> Iterator[Any]:
    """Each item, let go as soon as it was used: an object and its masked copy need not both stay."""
    items.reverse()
    while items:
        yield items.pop()


def choose_limit(size: int, count: int) -> int:
    """As many objects as fit the wanted size of a page, judged by the `count` that took `size` bytes."""
    average = max(1, size // max(1, count))
    return max(1, min(PAGE_SIZE, PAGE_BYTES_WANTED // average))


def ingest(item: object, request: ListRequest, mask: Mask) -> Manifest:
    """The object with the kind that items of a list lack, and without what must not be kept."""
    kind = request.kind
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        raise ClusterError("The API server listed something that is no object.", code="CLUSTER_ERROR")
    whole = {**item, "apiVersion": kind.api_version, "kind": kind.kind}
    if request.is_metadata_only:
        # A server that did not understand "metadata only" has sent the values: they end here.
        whole = {key: whole[key] for key in ("apiVersion", "kind", "metadata")}
    if kind.group_kind in EVENT_KINDS:
        whole = slim_event(whole)
    try:
        return mask(whole)
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError):
        # Not kept rather than kept unmasked; without a cause, whose text could hold what was to be hidden.
        raise ClusterError(
            f"An object of kind {kind.kind} could not be masked.", code="CLUSTER_ERROR"
        ) from None


def check_status(status: int, request: ListRequest, *, is_continued: bool) -> None:
    if status == 410 or (status == 400 and is_continued):
        raise ListingExpired
    if status == 403:
        raise forbidden(request)
    if status == 404:
        raise unknown_kind(request.kind.group_kind)
    if status != 200:
        raise unexpected_status(status)


def forbidden(request: ListRequest) -> ClusterError:
    kind = request.kind
    place = (
        f"namespace {request.namespace}" if kind.is_namespaced and request.namespace else "the whole cluster"
    )
    return ClusterError(
        f"We may not list {kind.kind} in {place}.",
        code="KIND_FORBIDDEN",
        permanent=True,
        hint=f'Grant "list" on {kind.plural} of the API group "{kind.group}" to our service account.',
    )


def unknown_kind(wanted: GroupKind) -> ClusterError:
    return ClusterError(
        f"The cluster does not know the kind {wanted}.",
        code="KIND_UNKNOWN",
        hint="Its CustomResourceDefinition may not be installed yet.",
    )


def too_large(kind: ApiKind) -> ClusterError:
    message = f"The objects of kind {kind.kind} are too many or too large to be compared here."
    return ClusterError(message, code="CLUSTER_TOO_LARGE")
