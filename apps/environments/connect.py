"""Builds the doors to renderers and clusters from rows and the operator's settings."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from apps.environments.models import Cluster
from apps.environments.services.clusters import Answer
from apps.environments.services.live_index import ListingIndex
from apps.environments.services.unmoved import Bases
from gitopsui.adapters.cluster import (
    ClusterAccess,
    ClusterReader,
    Glance,
    Known,
    KnownRuns,
    Listing,
    LiveState,
    in_cluster_access,
)
from gitopsui.adapters.cluster_refresh import ClusterRefresher, refresh_role
from gitopsui.adapters.cluster_role import deep_check_role, secrets_role
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.kubeconfig import read_only_role, service_account_commands
from gitopsui.adapters.render import Renderer, find_tools
from gitopsui.domain.errors import ClusterError, InputError
from gitopsui.domain.identity import GroupKind, Manifest
from gitopsui.domain.mask import mask
from gitopsui.domain.reconciler_objects import lean

T = TypeVar("T")


def http_policy() -> HttpPolicy:
    """What the operator lets us reach over HTTP."""
    return HttpPolicy(private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS))


@functools.cache
def renderer() -> Renderer:
    """One for the process: it remembers what it read, and the tools are asked for their version once."""
    scratch = Path(settings.GITOPSUI_SCRATCH)
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Renderer(find_tools(os.environ, Path(settings.GITOPSUI_TOOLS)), scratch)


def access(cluster: Cluster) -> ClusterAccess:
    """How to sign in to `cluster`. Raises ClusterError when the account of the pod is not there."""
    if cluster.is_in_cluster:
        return in_cluster_access()
    return ClusterAccess(
        server=cluster.server,
        ca_data=cluster.ca_data,
        token=cluster.token,
        client_certificate=cluster.client_certificate,
        client_key=cluster.client_key,
        is_insecure=cluster.is_insecure,
        tls_server_name=cluster.tls_server_name,
    )


def cluster_reader(cluster: Cluster) -> ClusterReader:
    """A reader for one round of checks. Raises ClusterError for what can never be reached."""
    account, policy = _reach(cluster)
    return ClusterReader(
        account,
        policy=policy,
        mask=live_masker(),
        reads_secrets=cluster.reads_secrets,
        known=Known(known_runs(), _scope(cluster)),
    )


@functools.cache
def known_runs() -> KnownRuns:
    """One for the process: objects that its clusters have not written to since they were read."""
    return KnownRuns()


@functools.cache
def bases() -> Bases:
    """One for the process: what the verdicts of its applications rest on."""
    return Bases()


def _scope(cluster: Cluster) -> tuple[object, ...]:
    """What decides what a masked object of a cluster says, beside its version."""
    key = hashlib.sha256(settings.GITOPSUI_MASK_KEY.encode()).digest()
    return cluster.pk, cluster.server, cluster.reads_secrets, key


def cluster_refresher(cluster: Cluster) -> ClusterRefresher:
    """What asks reconcilers to look again. Raises ClusterError for what can never be reached."""
    account, policy = _reach(cluster)
    return ClusterRefresher(account, policy=policy, mask=live_masker())


@contextmanager
def dry_run_door(cluster: Cluster | None) -> Iterator[ClusterReader | None]:
    """What answers dry runs; None where the connection may not ask for any."""
    if cluster is None or not cluster.may_dry_run or cluster.is_paused:
        yield None
        return
    with cluster_reader(cluster) as reader:
        yield reader


def _reach(cluster: Cluster) -> tuple[ClusterAccess, HttpPolicy]:
    account = access(cluster)
    policy = http_policy()
    return account, policy.with_private_host(account.server) if cluster.is_in_cluster else policy


def live_masker() -> Callable[[Manifest], Manifest]:
    """As `masker`, for what a cluster lists."""
    masked = masker()
    return lambda manifest: masked(lean(manifest))


def masker() -> Callable[[Manifest], Manifest]:
    """Masks under the key of this installation, so that equal secrets stay recognisable as equal."""
    return functools.partial(mask, key=settings.GITOPSUI_MASK_KEY.encode())


class ClusterRound:
    """
    One round of checks of one cluster: its lists are shared, what was listed is remembered, and the first
    failure of the whole cluster is the answer to everything after it, so that a silent server costs one
    time limit and not one for each application.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.error: ClusterError | None = None
        self.version = ""
        self.listings: dict[tuple[str, GroupKind], Answer] = {}
        self._reader: ClusterReader | None = None
        self._shared: dict[Hashable, Any] = {}
        self._indexes: dict[int, tuple[Listing, ListingIndex]] = {}
        self._place = ""
        self._glanced: tuple[object, Mapping[GroupKind, Glance]] | None = None

    def live(
        self, wanted: Iterable[GroupKind], *, namespace: str, versions: Mapping[GroupKind, str] | None = None
    ) -> LiveState:
        """As `ClusterReader.live`."""
        with self._answering():
            state = self._open().live(list(wanted), namespace=namespace, versions=versions)
        self._note(state.listings, namespace)
        if namespace and namespace != self._place:
            # The round has moved on; what it has left behind is not kept as objects.
            self._place, self._indexes = namespace, {}
        return state

    def glance(
        self, wanted: Iterable[GroupKind], *, namespace: str, versions: Mapping[GroupKind, str] | None = None
    ) -> Mapping[GroupKind, Glance]:
        """As `ClusterReader.glance`; what was asked for just before is not asked for again."""
        asked = tuple(wanted), namespace, tuple(sorted((versions or {}).items()))
        if self._glanced is None or self._glanced[0] != asked:
            with self._answering():
                found = self._open().glance(asked[0], namespace=namespace, versions=versions)
            self._note(found, namespace)
            self._glanced = asked, found
        return self._glanced[1]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """The first failure of the cluster is the answer to everything after it."""
        if self.error is not None:
            raise self.error
        try:
            yield
        except ClusterError as error:
            self.error = error
            raise

    def _note(self, listings: Mapping[GroupKind, Listing] | Mapping[GroupKind, Glance], place: str) -> None:
        for kind, listing in listings.items():
            # Looked for everywhere and not served: a tool that is not installed, of which nothing is said.
            if place or listing.error is None or listing.error.code != "KIND_UNKNOWN":
                self.listings[place, kind] = Answer.of(listing)

    def index(self, listing: Listing) -> ListingIndex:
        """The listing brought into order, once for all applications that come one after the other."""
        known = self._indexes.get(id(listing))
        if known is None or known[0] is not listing:
            known = self._indexes[id(listing)] = (listing, ListingIndex.of(listing))
        return known[1]

    def once(self, name: Hashable, read: Callable[[], T]) -> T:
        """What `read` answers, read once in this round and shared under `name`. Raises what `read` raises."""
        if name not in self._shared:
            self._shared[name] = read()
        found: T = self._shared[name]
        return found

    def _open(self) -> ClusterReader:
        if self._reader is None:
            self._reader = cluster_reader(self.cluster)
            self.version = self._reader.server_version()
        return self._reader

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


ROLE_NAMESPACE = "gitopsui"
_ROUND: ContextVar[ClusterRound | None] = ContextVar("cluster_round", default=None)


@contextmanager
def shared_round(cluster: Cluster) -> Iterator[ClusterRound]:
    """Within this block every check of `cluster` in this thread reads through the same round."""
    current = ClusterRound(cluster)
    token = _ROUND.set(current)
    try:
        yield current
    finally:
        _ROUND.reset(token)
        current.close()


def current_round(cluster: Cluster) -> ClusterRound:
    """The shared round of `cluster`, else one of its own."""
    current = _ROUND.get()
    return current if current is not None and current.cluster == cluster else ClusterRound(cluster)


def own_access() -> ClusterAccess:
    """The account of the pod we run in. Raises InputError where we do not run in one."""
    try:
        return in_cluster_access()
    except ClusterError as error:
        raise InputError(error.message, code=error.code, field="name") from error


def check_server(account: ClusterAccess) -> None:
    """Raises InputError for an address we may not reach or a certificate that is none."""
    try:
        ClusterReader(account, policy=http_policy(), mask=lambda manifest: manifest).close()
    except ClusterError as error:
        raise InputError(error.message, code=error.code, field="server") from error


def granted_roles() -> list[dict[str, str]]:
    """What an account needs for each grant beside reading: a label and the role with its binding as YAML."""
    return [
        {"id": "role-dry-run", "label": "Role for deep checks", "yaml": deep_check_role()},
        {"id": "role-refresh", "label": "Role for refreshing Argo CD and Flux", "yaml": refresh_role()},
        {"id": "role-secrets", "label": "Role for the values of Secrets", "yaml": secrets_role()},
    ]


def read_only_access() -> dict[str, str]:
    """The commands that make an access for us which starts no program, and the role by itself."""
    return {"commands": service_account_commands(ROLE_NAMESPACE), "role_yaml": read_only_role()}
