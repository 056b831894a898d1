"""What Argo CD and Flux say of an application is read and stored here, and they are asked to look again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.environments.models import Application, Reconciliation
from apps.environments.selectors.reconcilers import REFRESH
from apps.environments.services.layouts import CHECK
from apps.environments.services.live import Live, LiveDoor
from gitopsui.adapters.git import Mirror
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.errors import GitError, InputError, SourceError
from gitopsui.domain.health import HealthStatus
from gitopsui.domain.identity import GroupKind, ResourceKey
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.reconciler import ReconcilerState, disagreement
from gitopsui.domain.reconciler_match import ARGO_NAMESPACE, Mark, Target, common_marks, find_managers
from gitopsui.domain.reconciler_objects import RECONCILERS, SOURCES, parse_reconciler, with_source
from gitopsui.domain.text import clean_text

FLUX_NAMESPACE = "flux-system"
MESSAGE_CHARS = 2000
_HOMES = (ARGO_NAMESPACE, FLUX_NAMESPACE)
_NOT_THERE = "KIND_UNKNOWN"


@runtime_checkable
class SharedDoor(LiveDoor, Protocol):
    """A door whose answers many applications share."""

    def once(self, name: Hashable, read: Callable[[], Found]) -> Found: ...


class RefreshDoor(Protocol):
    """What a service asks of a cluster whose connection may refresh."""

    def refresh(self, key: ResourceKey, *, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """What we found ourselves, to be compared with what the tools say."""

    sync: SyncStatus
    health: HealthStatus
    desired_sha: str
    drift_count: int
    live: Live | None


@dataclass(frozen=True, slots=True)
class Found:
    """The reconcilers of a cluster, and the kinds that could not be read: nothing is known of those."""

    states: tuple[ReconcilerState, ...]
    unread: frozenset[GroupKind]


@dataclass(frozen=True, slots=True)
class Told:
    """What the reconcilers of one application said, by which marks they were found, and what was not read."""

    marks: tuple[Mark, ...]
    states: tuple[ReconcilerState, ...]
    unread: frozenset[GroupKind]


def update_reconcilers(
    application: Application, own: OwnVerdict, *, git: Mirror, cluster: LiveDoor | None, now: datetime
) -> Told | None:
    """
    Store what the reconcilers of the application say now, and answer it. What cannot be read stays as it was
    last; why, the listings of the cluster say. Never raises SourceError: its check is done already.
    """
    if own.live is None or cluster is None:
        return None
    marks = tuple(common_marks(own.live.own))
    try:
        found = read_reconcilers(cluster, marks)
    except SourceError:
        return None
    states = managers_of(application, found, marks)
    told = [(state, _compare(state, own, git)) for state in states]
    _store(application, told, found.unread, now=now)
    return Told(marks, tuple(states), found.unread)


def managers_of(application: Application, found: Found, marks: Sequence[Mark]) -> list[ReconcilerState]:
    """Those that manage the application, whose objects carry `marks`."""
    return find_managers(found.states, marks, _target_of(application)) if found.states else []


def is_level(
    rows: Sequence[Reconciliation], states: Sequence[ReconcilerState], unread: frozenset[GroupKind]
) -> bool:
    """Whether the stored rows of an application say what `states` say."""
    stored = {key: row for row in rows if (key := _key_of(row)).group_kind not in unread}
    if stored.keys() != {state.key for state in states}:
        return False
    return all(
        getattr(stored[state.key], name) == value
        for state in states
        for name, value in _values(state).items()
    )


def read_reconcilers(cluster: LiveDoor, marks: Sequence[Mark]) -> Found:
    """
    All reconcilers of the cluster in one list for each kind, which its applications share. Where that is not
    allowed, those of the namespaces that `marks` name and of the usual ones. Raises ClusterError.
    """
    whole = _read(cluster, "", frozenset({*RECONCILERS, *SOURCES}))
    if not whole.unread:
        return whole
    homes = sorted({*_HOMES, *(mark.namespace for mark in marks if mark.namespace)})
    parts = [whole, *(_read(cluster, home, whole.unread) for home in homes)]
    return Found(
        _linked(state for part in parts for state in part.states),
        frozenset.intersection(*(part.unread for part in parts)),
    )


def _read(cluster: LiveDoor, namespace: str, kinds: frozenset[GroupKind]) -> Found:
    """What is in one place ("" everywhere). Hundreds of applications ask, so a round parses it once."""
    if isinstance(cluster, SharedDoor):
        return cluster.once(("reconcilers", namespace), lambda: _parse(cluster, namespace, kinds))
    return _parse(cluster, namespace, kinds)


def _parse(cluster: LiveDoor, namespace: str, kinds: frozenset[GroupKind]) -> Found:
    state = cluster.live(sorted(kinds), namespace=namespace)
    parsed = (parse_reconciler(manifest) for manifest in state.manifests)
    unread = frozenset(kind for kind, error in state.errors.items() if error.code != _NOT_THERE)
    return Found(_linked(one for one in parsed if one is not None), unread)


def _linked(states: Iterable[ReconcilerState]) -> tuple[ReconcilerState, ...]:
    """The reconcilers and sources, each reconciler with what its source adds."""
    by_key = {state.key: state for state in states}
    return tuple(with_source(state, by_key) for state in by_key.values())


def _target_of(application: Application) -> Target:
    cluster = application.cluster
    return Target(
        application.repository.url,
        application.path,
        application.namespace,
        application.release_name,
        (cluster.server, cluster.name) if cluster else (),
    )


def _compare(state: ReconcilerState, own: OwnVerdict, git: Mirror) -> str:
    sha, waiting = _waiting(state, own, git)
    at_sha = replace(state, source_sha=sha)
    return disagreement(at_sha, own.sync, own.health, own.desired_sha, waiting, drift_count=own.drift_count)


def _waiting(state: ReconcilerState, own: OwnVerdict, git: Mirror) -> tuple[str, int | None]:
    """The commit of the tool that our mirror holds, and how many it is behind; None without such a commit."""
    shas = dict.fromkeys([*(place.sha for place in state.places), state.source_sha])
    for sha in shas:
        if sha and own.desired_sha and own.sync is not SyncStatus.SYNCED:
            try:
                return sha, git.count(own.desired_sha, exclude=sha)
            except GitError:
                continue
    return "", None


def _store(
    application: Application,
    told: Sequence[tuple[ReconcilerState, str]],
    unread: frozenset[GroupKind],
    *,
    now: datetime,
) -> None:
    """Rows of kinds that could not be read stay; those of objects that are gone go."""
    rows = {_key_of(row): row for row in application.reconciliations.all()}
    if not rows and not told:
        return
    with transaction.atomic():
        for state, said in told:
            rows.pop(state.key, None)
            key = {name: getattr(state.key, name) for name in ("group", "kind", "namespace", "name")}
            values = {**_values(state), "disagreement": _cleaned(said), "seen_at": now}
            application.reconciliations.update_or_create(**key, defaults=values)
        gone = [row for key, row in rows.items() if key.group_kind not in unread]
        if gone:
            application.reconciliations.filter(pk__in=[row.pk for row in gone]).delete()
            for row in gone:
                jobs.forget(REFRESH, row.pk)


def _key_of(row: Reconciliation) -> ResourceKey:
    return ResourceKey(row.group, row.kind, row.namespace, row.name)


def _values(state: ReconcilerState) -> Mapping[str, Any]:
    return {
        "tool": state.tool,
        "sync": clean_text(state.sync, limit=100),
        "health": clean_text(state.health, limit=100),
        "revision": clean_text(mask_text(state.revision), limit=300),
        "message": _cleaned(state.message),
        "is_suspended": state.is_suspended,
        "reconciled_at": state.reconciled_at,
    }


def _cleaned(said: str) -> str:
    return mask_text(clean_text(said, limit=MESSAGE_CHARS))


# --- looking again ----------------------------------------------------------------------------------------


def check_can_refresh(reconciliation: Reconciliation) -> None:
    """Raises InputError where the connection of its cluster may only read."""
    cluster = reconciliation.application.cluster
    if cluster is None or not cluster.may_refresh:
        raise InputError(
            "The connection of this cluster may only read. An administrator can let it ask for a refresh.",
            code="REFRESH_OFF",
        )
    if cluster.is_paused:
        raise InputError("This cluster is paused, so it is asked for nothing.", code="CLUSTER_PAUSED")


def ask_refresh(reconciliation: Reconciliation, *, by: Person, now: datetime) -> None:
    """Note that somebody wishes it; a job carries it out. Raises InputError, as `check_can_refresh`."""
    check_can_refresh(reconciliation)
    with transaction.atomic():
        reconciliation.refresh_asked_at = now
        reconciliation.save(update_fields=["refresh_asked_at"])
        audit.record(by, "asked reconciler to look again", reconciliation)
        jobs.ask(REFRESH, reconciliation.pk, label=f"refresh of {reconciliation}")


def refresh(reconciliation: Reconciliation, *, cluster: RefreshDoor) -> None:
    """
    Carry the wish out. It is asked again here whether the connection may: it can have been taken back since.
    Raises ClusterError and InputError, whose sentences the panel shows.
    """
    check_can_refresh(reconciliation)
    if reconciliation.refresh_asked_at is not None:
        cluster.refresh(_key_of(reconciliation), at=reconciliation.refresh_asked_at)
        jobs.make_due(CHECK, [reconciliation.application_id])
