"""
The one door to Kubernetes: a reader that lists, and asks for dry runs where it may. Only this module imports
`kubernetes`.

Of that library the connection pool is used, and neither its models (they drop fields they do not know) nor
its readers of kubeconfigs (they run programs) nor its discovery (its cache lies in a shared folder).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import urllib3

from gitopsui.adapters.cluster_access import ClusterAccess, build_context, in_cluster_access
from gitopsui.adapters.cluster_call import ClusterCall
from gitopsui.adapters.cluster_discovery import ApiKind, Discovery, discover
from gitopsui.adapters.cluster_dry_run import DryRun, Outcome, dry_run, find_place
from gitopsui.adapters.cluster_known import Known, KnownRuns
from gitopsui.adapters.cluster_listing import (
    Glance,
    Listing,
    ListRequest,
    LiveState,
    Mask,
    read_listing,
    unknown_kind,
)
from gitopsui.adapters.cluster_role import NAMESPACE
from gitopsui.adapters.cluster_shelf import PACKED_LISTING_BYTES, PackedListing, Shelf, read_packed
from gitopsui.adapters.http_policy import HttpPolicy, check_target
from gitopsui.adapters.http_socket import Deadline
from gitopsui.adapters.http_transport import guard
from gitopsui.domain.errors import ClusterError, InputError
from gitopsui.domain.resource import GroupKind, Manifest, group_kind_of

__all__ = [
    "ApiKind",
    "ClusterAccess",
    "ClusterReader",
    "Discovery",
    "DryRun",
    "Glance",
    "Known",
    "KnownRuns",
    "Listing",
    "LiveState",
    "Outcome",
    "in_cluster_access",
]

DEFAULT_BUDGET = timedelta(seconds=30)
PARALLEL_CALLS = 4

# From the fourth namespace on, one list of the whole cluster is cheaper than one more list.
NAMESPACES_BEFORE_ALL = 3

Read = TypeVar("Read", Listing, Glance)


class ClusterReader:
    """
    Reads one cluster for one round of checks. What it has listed it does not list again, so it is made anew
    for each round and closed after it; use it in a `with`, from one thread.

    `mask` is given each object before anything else sees it. `budget` is the wall clock time of one method
    call, however many requests that takes. Without `reads_secrets` the values of Secrets are not asked for.
    `known` is what earlier rounds read under the same mask and grants.
    """

    def __init__(
        self,
        access: ClusterAccess,
        *,
        policy: HttpPolicy,
        mask: Mask,
        budget: timedelta = DEFAULT_BUDGET,
        reads_secrets: bool = False,
        known: Known | None = None,
    ) -> None:
        """Raises ClusterError: CLUSTER_TLS and the codes of the address policy, all permanent."""
        check_server(access, policy)
        self._manager = open_pool(access, policy)
        self._call = ClusterCall(self._manager, access)
        self._policy = policy
        self._mask = mask
        self._budget = budget
        self._reads_secrets = reads_secrets
        self._known = known or Known(KnownRuns(), "")
        self._discovery: Discovery | None = None
        self._shelf = Shelf()
        # Lists of the whole cluster; None where there cannot be one.
        self._packed: dict[ApiKind, PackedListing | None] = {}
        self._namespaces: dict[ApiKind, set[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._manager.clear()

    def server_version(self) -> str:
        """As the server says it ("v1.34.5"), "" when it does not. Raises ClusterError."""
        version = self._call.get_json("/version", self._deadline()).get("gitVersion")
        return version[:80] if isinstance(version, str) and version.isprintable() else ""

    def kinds(self) -> Discovery:
        """What the cluster serves; asked once. Raises ClusterError when that cannot be known at all."""
        return self._discover(self._deadline())

    def live(
        self,
        wanted: Iterable[GroupKind],
        *,
        namespace: str,
        versions: Mapping[GroupKind, str] | None = None,
    ) -> LiveState:
        """
        All objects of each kind in `namespace` ("" for every one); kinds without a namespace are read whole.
        `versions` names the version to read a kind in, where the cluster serves it.

        Failures of a kind stand in its listing: KIND_FORBIDDEN, KIND_UNKNOWN, KIND_UNAVAILABLE (its API
        group is down), CLUSTER_TIMEOUT, CLUSTER_BUSY … Raises ClusterError when the cluster as a whole
        refuses or cannot be reached.
        """
        found, missing = self._look(wanted, namespace, versions, self._list)
        return LiveState(found | {kind: Listing(error=error) for kind, error in missing.items()})

    def glance(
        self,
        wanted: Iterable[GroupKind],
        *,
        namespace: str,
        versions: Mapping[GroupKind, str] | None = None,
    ) -> dict[GroupKind, Glance]:
        """As `live`, but only how each kind was listed: what is known already is not even opened."""
        found, missing = self._look(wanted, namespace, versions, self._glance)
        return found | {kind: Glance(error=error) for kind, error in missing.items()}

    def _look(
        self,
        wanted: Iterable[GroupKind],
        namespace: str,
        versions: Mapping[GroupKind, str] | None,
        read: Callable[[ListRequest], Read],
    ) -> tuple[dict[GroupKind, Read], dict[GroupKind, ClusterError]]:
        """What `read` answers for each kind, and why others are not there to be read."""
        if namespace and not NAMESPACE.fullmatch(namespace):
            raise ClusterError("This is not the name of a namespace.", code="NAMESPACE", permanent=True)
        deadline = self._deadline()
        discovery = self._discover(deadline)
        names = sorted(set(wanted))
        kinds = {kind: discovery.find(kind, version=(versions or {}).get(kind, "")) for kind in names}
        requests = {kind: self._request(kind, namespace, deadline) for kind in kinds.values() if kind}
        with collector_paused():
            self._shelf.pack_all_but(namespace)
            answers = self._read_all(requests, read)
        found = {kind: answers[api_kind] for kind, api_kind in kinds.items() if api_kind is not None}
        return found, {kind: absent(kind, discovery) for kind in names if kind not in found}

    def _read_all(
        self, requests: Mapping[ApiKind, ListRequest], read: Callable[[ListRequest], Read]
    ) -> dict[ApiKind, Read]:
        """Threads are for waiting: what is known already is taken from the shelf without any."""
        unknown = {kind: one for kind, one in requests.items() if not self._is_at_hand(one)}
        answers = {kind: read(one) for kind, one in requests.items() if kind not in unknown}
        if unknown:
            with ThreadPoolExecutor(PARALLEL_CALLS) as threads:
                answers |= zip(unknown, threads.map(read, unknown.values()), strict=True)
        return answers

    def _is_at_hand(self, request: ListRequest) -> bool:
        return self._packed.get(request.kind) is not None or self._shelf.has(request.kind, request.place)

    def dry_run_apply(self, manifest: Manifest, *, manager: str, namespace: str) -> DryRun:
        """
        What applying `manifest` as `manager` would do; nothing is stored. `namespace` is where an object
        without one goes. A refusal is an answer; raises ClusterError KIND_UNKNOWN and KIND_UNAVAILABLE for
        this object alone, any other when the cluster cannot be asked.
        """
        deadline = self._deadline()
        discovery = self._discover(deadline)
        try:
            place = find_place(manifest, discovery, namespace)
        except InputError as error:
            return DryRun(Outcome.REFUSED, message=error.message)
        if place is None:
            raise absent(group_kind_of(manifest), discovery)
        return dry_run(self._call, place, manifest, manager=manager, mask=self._mask, deadline=deadline)

    def _request(self, kind: ApiKind, namespace: str, deadline: Deadline) -> ListRequest:
        return ListRequest(kind, namespace, deadline, reads_secrets=self._reads_secrets)

    def _deadline(self) -> Deadline:
        return Deadline.after(self._budget, silence=self._policy.read_timeout)

    def _discover(self, deadline: Deadline) -> Discovery:
        if self._discovery is None:
            self._discovery = discover(
                lambda path, accept: self._call.get_json(path, deadline, accept=accept),
                lambda paths: self._get_all(paths, deadline),
            )
        return self._discovery

    def _get_all(self, paths: list[str], deadline: Deadline) -> list[dict[str, Any] | ClusterError]:
        def get(path: str) -> dict[str, Any] | ClusterError:
            try:
                return self._call.get_json(path, deadline)
            except ClusterError as error:
                if self._call.is_refused:
                    raise
                return error

        with ThreadPoolExecutor(PARALLEL_CALLS) as threads:
            return list(threads.map(get, paths))

    def _list(self, request: ListRequest) -> Listing:
        """One kind in one place, from what is known already where possible. Raises CLUSTER_AUTH alone."""
        kind, place = request.kind, request.place
        known = self._shelf.find(kind, place)
        if known is not None:
            return known
        try:
            packed = self._find_packed(request)
            if packed is not None:
                return self._shelf.lend(kind, place, packed)
            listing = read_listing(self._call, request, self._mask)
        except ClusterError as error:
            return self._failed(request, error)
        self._shelf.put(kind, place, listing)
        return listing

    def _glance(self, request: ListRequest) -> Glance:
        """As `_list`; what has to be read for it is put away without being looked at."""
        kind, place = request.kind, request.place
        known = self._shelf.glance(kind, place)
        if known is not None:
            return known
        try:
            packed = self._find_packed(request)
            if packed is None:
                packed = read_packed(self._call, request, self._mask, self._known, place=place)
                self._shelf.put(kind, place, packed)
        except ClusterError as error:
            return Glance(error=self._failed(request, error).error)
        return packed.glance_of(place)

    def _failed(self, request: ListRequest, error: ClusterError) -> Listing:
        """The listing that says so. Raises `error` when no other kind would fare better."""
        if self._call.is_refused:
            raise error
        listing = Listing(error=error)
        if request.deadline.remaining() > 0:
            # An error after the time was over says nothing about the next call.
            self._shelf.put(request.kind, request.place, listing)
        return listing

    def _find_packed(self, request: ListRequest) -> PackedListing | None:
        """The list of the whole cluster, once enough namespaces were asked for and if it may be read."""
        kind = request.kind
        if not kind.is_namespaced or not request.namespace:
            return None
        asked = self._namespaces.setdefault(kind, set())
        asked.add(request.namespace)
        if kind not in self._packed and len(asked) > NAMESPACES_BEFORE_ALL:
            self._packed[kind] = None  # also when it fails: it is not tried a second time
            self._packed[kind] = self._try_all(request)
        return self._packed.get(kind)

    def _try_all(self, request: ListRequest) -> PackedListing | None:
        everywhere = replace(request, namespace="", max_bytes=PACKED_LISTING_BYTES)
        try:
            return read_packed(self._call, everywhere, self._mask, self._known)
        except ClusterError as error:
            if error.code in ("KIND_FORBIDDEN", "CLUSTER_TOO_LARGE"):
                return None
            raise


@contextmanager
def collector_paused() -> Iterator[None]:
    """
    Objects read from JSON hold no cycles, and a collector that walks them again and again while they come
    in doubles the time of a large list. Without it they are still freed when nobody refers to them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_server(access: ClusterAccess, policy: HttpPolicy) -> None:
    try:
        check_target(access.server, policy)
    except InputError as error:
        raise ClusterError(error.message, code=error.code, permanent=True) from None


def open_pool(access: ClusterAccess, policy: HttpPolicy) -> urllib3.PoolManager:
    """A pool for this cluster alone. Nothing is contacted yet."""
    # Not at the top: the package takes 0.4 s and 40 MB, which a web process never needs.
    from kubernetes.client.api_client import ApiClient  # type: ignore[import-untyped,unused-ignore]
    from kubernetes.client.configuration import Configuration  # type: ignore[import-untyped,unused-ignore]

    context = build_context(access)
    configuration = Configuration(
        host=access.server,
        verify_ssl=not access.is_insecure,
        tls_server_name=access.tls_server_name or None,
        retries=False,
        connection_pool_maxsize=PARALLEL_CALLS,
        # Empty, not None: None would take a proxy from the environment.
        proxy="",
        no_proxy="",
    )
    manager: urllib3.PoolManager = ApiClient(configuration).rest_client.pool_manager
    guard(manager, policy, context)
    return manager


def absent(wanted: GroupKind, discovery: Discovery) -> ClusterError:
    """Why a kind was not found: its group may only be silent, which must not look like a missing kind."""
    if wanted.group not in discovery.failed_groups:
        return unknown_kind(wanted)
    message = discovery.failed_groups[wanted.group]
    return ClusterError(message, code="KIND_UNAVAILABLE", hint="What is shown of it is the last known state.")
