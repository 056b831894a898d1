"""Clusters are connected, changed, paused and removed here, and what they answered is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.core import audit, jobs
from apps.environments.models import Application, Cluster, KindListing
from apps.environments.services.layouts import CHECK, watch_application
from gitopsui.adapters.cluster import ClusterAccess, Glance, Listing
from gitopsui.domain.cluster_hints import hint_of
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.identity import GroupKind
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text


def connect_cluster(
    project: Project, name: str, access: ClusterAccess, *, is_in_cluster: bool = False, by: Person | None
) -> Cluster:
    """The cluster of that name with this access; one that is there already gets the new access."""
    with transaction.atomic():
        cluster, is_new = Cluster.objects.get_or_create(
            project=project, name=clean_text(name, limit=100), defaults={"server": access.server}
        )
        _store_access(cluster, access, is_in_cluster=is_in_cluster)
        cluster.save()
        verb = "connected cluster" if is_new else "changed access of cluster"
        audit.record(by, verb, cluster, after={"server": access.server})
    _check_again(cluster)
    return cluster


def _store_access(cluster: Cluster, access: ClusterAccess, *, is_in_cluster: bool) -> None:
    cluster.server, cluster.ca_data = access.server, access.ca_data
    cluster.token, cluster.client_key = access.token, access.client_key
    cluster.client_certificate = access.client_certificate
    cluster.tls_server_name, cluster.is_insecure = access.tls_server_name, access.is_insecure
    cluster.is_in_cluster = is_in_cluster
    has_credential = bool(access.token or access.client_key)
    cluster.credential_set_at = timezone.now() if has_credential else None
    cluster.error = cluster.error_code = cluster.error_hint = ""
    cluster.failed_at = None


# What a connection may do beside reading; the names of the fields of a cluster.
GRANTS = ("may_dry_run", "may_refresh", "reads_secrets")


def change_cluster(
    cluster: Cluster, *, name: str, server: str, ca_data: str, token: str, by: Person, **grants: bool
) -> None:
    """
    Edit a connection. An empty token keeps the stored credentials, as long as the address stays the
    same: they are bound to it and dropped with it. `grants` are some of GRANTS; the others stay.
    """
    with transaction.atomic():
        before = {"name": cluster.name, "server": cluster.server, **_grants_of(cluster)}
        cluster.name = clean_text(name, limit=100)
        if token or server != cluster.server:
            _store_access(cluster, ClusterAccess(server, ca_data=ca_data, token=token), is_in_cluster=False)
        cluster.ca_data = ca_data
        for grant in GRANTS:
            setattr(cluster, grant, grants.get(grant, getattr(cluster, grant)))
        cluster.save()
        # The same objects may say more or less now.
        cluster.applications.update(compared="")
        after = {"server": cluster.server, **_grants_of(cluster)}
        audit.record(by, "changed cluster", cluster, before=before, after=after)
    _check_again(cluster)


def _grants_of(cluster: Cluster) -> dict[str, bool]:
    return {grant: getattr(cluster, grant) for grant in GRANTS}


def place_applications(project: Project, cluster: Cluster, environments: list[str]) -> int:
    """Say that the applications of these environments run on `cluster`; how many that are."""
    applications = Application.objects.filter(
        component__project=project, environment__name__in=environments
    ).select_related("cluster", "component", "environment")
    for application in applications:
        application.cluster = cluster
        application.save(update_fields=["cluster"])
        watch_application(application)
    _check_again(cluster)
    return len(applications)


def set_paused(cluster: Cluster, is_paused: bool, *, by: Person) -> None:
    """A paused cluster keeps what it last said, shown as stale, and is not asked again."""
    cluster.is_paused = is_paused
    cluster.save(update_fields=["is_paused"])
    audit.record(by, "paused cluster" if is_paused else "resumed cluster", cluster)
    if not is_paused:
        _check_again(cluster)


def remove_cluster(cluster: Cluster, *, by: Person) -> None:
    """Forget a cluster and its credentials. Its applications stay, with their versions and no cluster."""
    with transaction.atomic():
        audit.record(by, "removed cluster", cluster, before={"server": cluster.server})
        ids = list(cluster.applications.values_list("pk", flat=True))
        cluster.delete()
        Application.objects.filter(pk__in=ids).update(checked_at=None, failed_at=None, error="")
        jobs.make_due(CHECK, ids)


def _check_again(cluster: Cluster) -> None:
    jobs.make_due(CHECK, list(cluster.applications.values_list("pk", flat=True)))


@dataclass(frozen=True, slots=True)
class Answer:
    """How a kind was listed, without what was listed: a round keeps hundreds of these."""

    complete_at: datetime | None = None
    object_count: int = 0
    error: ClusterError | None = None

    @classmethod
    def of(cls, listing: Listing | Glance) -> Answer:
        return cls(listing.complete_at, listing.count, listing.error)


def record_answer(
    cluster: Cluster, version: str, answers: Mapping[tuple[str, GroupKind], Answer], *, at: datetime
) -> None:
    """The cluster answered: when, what it calls itself, and how each kind was listed."""
    if not answers:
        return
    cluster.checked_at, cluster.version = at, clean_text(version, limit=100)
    cluster.failed_at = None
    cluster.error = cluster.error_code = cluster.error_hint = ""
    cluster.save(update_fields=["checked_at", "version", "failed_at", "error", "error_code", "error_hint"])
    rows = [_listing_row(cluster, *place, answer) for place, answer in answers.items()]
    # A failed listing keeps the time and the count of the last complete one.
    _store_listings([row for row in rows if row.error_code], ["error", "error_code"])
    complete = ["error", "error_code", "complete_at", "object_count"]
    _store_listings([row for row in rows if not row.error_code], complete)


def _store_listings(rows: list[KindListing], fields: list[str]) -> None:
    # Twice the same name would be an error of the statement; the last answer counts.
    unique = {(row.namespace, row.group, row.kind): row for row in rows}
    KindListing.objects.bulk_create(
        unique.values(),
        batch_size=500,
        update_conflicts=True,
        update_fields=fields,
        unique_fields=["cluster", "namespace", "group", "kind"],
    )


def _listing_row(cluster: Cluster, namespace: str, kind: GroupKind, answer: Answer) -> KindListing:
    row = KindListing(
        cluster=cluster,
        namespace=clean_text(namespace, limit=253),
        group=clean_text(kind.group, limit=253),
        kind=clean_text(kind.kind, limit=100),
    )
    if answer.error is not None:
        row.error, row.error_code = mask_text(clean_text(str(answer.error))), answer.error.code
    else:
        row.complete_at, row.object_count = answer.complete_at, answer.object_count
    return row


def record_silence(cluster: Cluster, error: ClusterError, *, at: datetime) -> None:
    """The cluster did not answer: since when, why, and what can be done. What it said last stays."""
    cluster.failed_at = cluster.failed_at or at
    cluster.error = mask_text(clean_text(error.message))
    cluster.error_code, cluster.error_hint = error.code, hint_of(error)
    cluster.save(update_fields=["failed_at", "error", "error_code", "error_hint"])
