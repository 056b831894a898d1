"""
Applications of which nothing has moved, known without opening one list of the cluster. What the last check in
this process rested on is remembered; while all of that is as it was, so is the stored verdict. Anything else,
a doubt too, is left to a check of its own.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from django.db import transaction

from apps.environments.models import Application, Cluster, DesiredState, DriftedResource, Reconciliation
from apps.environments.services.desired import Desired, RenderDoor, head_of, source_of
from apps.environments.services.events import update_events_of
from apps.environments.services.live import Live, LiveDoor, versions_of
from apps.environments.services.reconcilers import Told, is_level, managers_of, read_reconcilers
from apps.environments.services.silences import rules_by_application
from apps.environments.services.unchanged import connection_of, is_unchanged
from apps.repositories.models import Repository, Revision
from gitopsui.adapters.cluster import Glance, Listing
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import RenderSource
from gitopsui.domain.drift import IgnoreRule
from gitopsui.domain.errors import RenderError
from gitopsui.domain.identity import GroupKind

MOST_BASES = 5_000
GitDoor = Callable[[Repository], Mirror]


@runtime_checkable
class GlanceDoor(LiveDoor, Protocol):
    """A door that tells how a kind is listed without opening the list."""

    def glance(
        self, wanted: Iterable[GroupKind], *, namespace: str, versions: Mapping[GroupKind, str] | None = None
    ) -> Mapping[GroupKind, Glance]: ...


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a verdict rested on beside our own code; `mark` is stored with the verdict."""

    mark: str
    sha: str
    source: RenderSource
    digest: str
    facts: tuple[object, ...]
    rules: tuple[IgnoreRule, ...]
    namespaces: tuple[str, ...]
    kinds: tuple[GroupKind, ...]
    versions: Mapping[GroupKind, str]
    seal: str
    told: Told


@dataclass(frozen=True, slots=True)
class Unmoved:
    """A basis that still holds, and the commit it holds at now."""

    basis: Basis
    sha: str


@dataclass(slots=True)
class Bases:
    """By application, the most recently used last; there are at most `most`."""

    most: int = MOST_BASES
    _known: OrderedDict[int, Basis] = field(default_factory=OrderedDict)

    def find(self, application: Application) -> Basis | None:
        return self._known.get(application.pk)

    def keep(self, application: Application, basis: Basis | None) -> None:
        self._known.pop(application.pk, None)
        if basis is not None:
            self._known[application.pk] = basis
        while len(self._known) > self.most:
            self._known.popitem(last=False)


def basis_of(
    application: Application,
    desired: Desired,
    live: Live | None,
    *,
    mark: str,
    rules: tuple[IgnoreRule, ...],
    told: Told | None,
) -> Basis | None:
    """What this check rested on; None where that cannot be recognised again."""
    if live is None or told is None or not mark:
        return None
    seal = _seal(live.listings)
    if not seal:
        return None
    return Basis(
        mark,
        desired.sha,
        source_of(application),
        desired.digest,
        _facts(application),
        rules,
        tuple(sorted({namespace for namespace, _ in live.listings})),
        tuple(sorted({kind for _, kind in live.listings})),
        versions_of(desired.manifests),
        seal,
        told,
    )


def _facts(application: Application) -> tuple[object, ...]:
    return application.namespace, application.component.image, *connection_of(application.cluster)


def _seal(listings: Mapping[tuple[str, GroupKind], Listing | Glance]) -> str:
    """
    A digest of what was listed where in which version. "" where a server does not tell versions, and where a
    failure may have passed by the next time.
    """
    total = hashlib.sha256()
    for (namespace, kind), found in sorted(listings.items()):
        error = found.error
        if error is None:
            said = found.seal
        else:
            is_lasting = error.permanent or error.code == "KIND_UNKNOWN"
            said = f"{error.code} {error}" if is_lasting else ""
        if not said:
            return ""
        total.update(repr((namespace, str(kind), said)).encode("utf-8", "surrogatepass"))
    return total.hexdigest()


# --- a look at many ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Look:
    """One look at applications of one cluster. What several of them ask for is asked once."""

    cluster: GlanceDoor
    bases: Bases
    renderer: RenderDoor
    git: GitDoor
    rules: Mapping[int, tuple[IgnoreRule, ...]]
    stored: Mapping[int, Sequence[Reconciliation]]
    _heads: dict[tuple[int, str], Revision | None] = field(default_factory=dict)
    _mirrors: dict[int, Mirror] = field(default_factory=dict)

    def find(self, application: Application) -> Unmoved | None:
        """
        The basis that still holds, and the commit it holds at. None where anything moved. Raises
        ClusterError when the cluster as a whole does not answer.
        """
        basis = self.bases.find(application)
        if basis is None or application.refusal or not is_unchanged(application, basis.mark):
            return None
        if (basis.facts, basis.rules) != (_facts(application), self.rules[application.pk]):
            return None
        head = self._head(application)
        if head is None or not self._renders_the_same(application, head, basis):
            return None
        if not self._is_listed_the_same(basis) or not self._is_told_the_same(application, head, basis):
            return None
        return Unmoved(basis, head.commit_sha)

    def _head(self, application: Application) -> Revision | None:
        name = application.repository_id, application.branch
        if name not in self._heads:
            self._heads[name] = head_of(application)
        return self._heads[name]

    def _renders_the_same(self, application: Application, head: Revision, basis: Basis) -> bool:
        source = source_of(application)
        if source == basis.source and head.commit_sha == basis.sha:
            return True
        repository = application.repository
        if repository.pk not in self._mirrors:
            self._mirrors[repository.pk] = self.git(repository)
        try:
            digest = self.renderer.inputs_digest(self._mirrors[repository.pk], head.commit_sha, source)
        except RenderError:
            return False
        return digest == basis.digest

    def _is_listed_the_same(self, basis: Basis) -> bool:
        found: dict[tuple[str, GroupKind], Glance] = {}
        for namespace in basis.namespaces:
            seen = self.cluster.glance(basis.kinds, namespace=namespace, versions=basis.versions)
            found |= {(namespace, kind): glance for kind, glance in seen.items()}
        return _seal(found) == basis.seal

    def _is_told_the_same(self, application: Application, head: Revision, basis: Basis) -> bool:
        found = read_reconcilers(self.cluster, basis.told.marks)
        states = tuple(managers_of(application, found, basis.told.marks))
        if (states, found.unread) != (basis.told.states, basis.told.unread):
            return False
        # What they disagree about is told against a commit.
        is_same_commit = head.commit_sha == basis.sha == application.desired_sha
        rows = self.stored.get(application.pk, ())
        return (is_same_commit or not states) and is_level(rows, states, found.unread)


def settle_unmoved(
    ids: Sequence[int],
    cluster: Cluster,
    *,
    door: GlanceDoor,
    bases: Bases,
    renderer: RenderDoor,
    git: GitDoor,
    at: datetime,
) -> set[int]:
    """
    Note the look at those of these applications of which nothing moved; which these are. `at` is when the
    round began: no list of it is older. Raises ClusterError when the cluster does not answer.
    """
    rows = Application.objects.filter(pk__in=ids, cluster=cluster, is_paused=False)
    applications = list(rows.select_related("component", "repository").order_by("namespace", "pk"))
    for application in applications:
        application.cluster = cluster
    look = Look(door, bases, renderer, git, rules_by_application(applications, now=at), _stored(applications))
    found = {one.pk: unmoved for one in applications if (unmoved := look.find(one)) is not None}
    settled = _record(found, at=at)
    for one in applications:
        if one.pk in settled:
            bases.keep(one, replace(found[one.pk].basis, sha=found[one.pk].sha))
    update_events_of({pk: found[pk].basis.namespaces for pk in settled}, cluster=door)
    return settled


def _stored(applications: Sequence[Application]) -> dict[int, list[Reconciliation]]:
    found: dict[int, list[Reconciliation]] = {}
    for row in Reconciliation.objects.filter(application__in=applications):
        found.setdefault(row.application_id, []).append(row)
    return found


def _record(found: Mapping[int, Unmoved], *, at: datetime) -> set[int]:
    """One transaction and a few statements, however many there are."""
    with transaction.atomic():
        rows = Application.objects.select_for_update().filter(
            pk__in=found, failed_at=None, checked_at__lte=at
        )
        # Another check may have found something newer meanwhile, which stays.
        same = [row for row in rows.only(*_ASKED) if row.compared == found[row.pk].basis.mark]
        ids = {row.pk for row in same}
        Application.objects.filter(pk__in=ids).update(checked_at=at, desired_at=at)
        for sha in {found[pk].sha for pk in ids}:
            _record_commit([row for row in same if found[row.pk].sha == sha], sha, at)
        told = [pk for pk in ids if found[pk].basis.told.states]
        Reconciliation.objects.filter(application__in=told).update(seen_at=at)
        digests = {found[pk].basis.digest for pk in ids}
        used = DesiredState.objects.filter(digest__in=digests, used_at__lt=at - timedelta(days=1))
        used.update(used_at=at)
    return ids


_ASKED = ("compared", "desired_sha", "drift_count", "sync_reason")


def _record_commit(rows: Sequence[Application], sha: str, at: datetime) -> None:
    """Git may have moved without touching what is read from it; open drift is measured against the newest."""
    moved = [row.pk for row in rows if row.desired_sha != sha]
    Application.objects.filter(pk__in=moved).update(desired_sha=sha, compared_sha=sha, changed_at=at)
    drifting = [row.pk for row in rows if row.drift_count or "silenced" in row.sync_reason]
    open_drift = DriftedResource.objects.filter(application__in=drifting, resolved_at=None)
    open_drift.update(last_seen_at=at, desired_sha=sha)
