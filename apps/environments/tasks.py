"""What the workers do with applications and clusters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial

from django.db.models import F, Q
from django.utils import timezone

from apps.core import jobs, queue
from apps.environments import connect
from apps.environments.models import Application, Cluster, Reconciliation
from apps.environments.selectors.deep_check import DEEP_CHECK
from apps.environments.selectors.reconcilers import REFRESH
from apps.environments.services import checks, clusters, deep_check, history, layouts, reconcilers
from apps.environments.services.unmoved import settle_unmoved
from apps.repositories.connect import mirror
from apps.repositories.models import Repository


@jobs.job(layouts.CHECK, lease=timedelta(minutes=5))
def check_application(application_id: int) -> None:
    """One look at one application. Safe to repeat: the verdict replaces the one before."""
    application = Application.objects.select_related(
        "cluster", "component", "environment", "repository__credential"
    ).get(pk=application_id)
    cluster = application.cluster
    checks.check_application(
        application,
        git=mirror(application.repository),
        renderer=connect.renderer(),
        cluster=connect.current_round(cluster) if cluster and not cluster.is_paused else None,
        mask=connect.masker(),
        bases=connect.bases(),
    )


@jobs.job(REFRESH, lease=timedelta(minutes=2))
def refresh_reconciler(reconciliation_id: int) -> None:
    """Ask Argo CD or Flux to look again. Safe to repeat: it asks for the same wish."""
    rows = Reconciliation.objects.select_related("application__cluster")
    reconciliation = rows.get(pk=reconciliation_id)
    reconcilers.check_can_refresh(reconciliation)
    if reconciliation.application.cluster is not None:
        with connect.cluster_refresher(reconciliation.application.cluster) as cluster:
            reconcilers.refresh(reconciliation, cluster=cluster)


@jobs.job(DEEP_CHECK, lease=timedelta(minutes=5))
def run_deep_check(application_id: int) -> None:
    """What the API server says that applying Git would change. Safe to repeat: nothing is stored there."""
    application = Application.objects.select_related(
        "cluster", "component", "environment", "repository__credential"
    ).get(pk=application_id)
    with connect.dry_run_door(application.cluster) as cluster:
        deep_check.run_deep_check(
            application,
            git=mirror(application.repository),
            renderer=connect.renderer(),
            cluster=cluster,
            now=timezone.now(),
        )


@jobs.job(history.HISTORY, lease=timedelta(minutes=14))
def read_history(application_id: int) -> None:
    """Which versions Git asked for until now. Goes on where it ended last."""
    application = Application.objects.select_related("component", "repository__credential").get(
        pk=application_id
    )
    history.read_history(
        application,
        git=mirror(application.repository),
        renderer=connect.renderer(),
        mask=connect.masker(),
        report=jobs.report,
    )


@jobs.job(layouts.RECOGNISE, lease=timedelta(minutes=5))
def recognise_repository(repository_id: int) -> None:
    """What a repository holds, stored for the page that proposes it."""
    repository = Repository.objects.select_related("credential").get(pk=repository_id)
    layouts.store_layout(repository, layouts.recognise_repository(repository, git=mirror(repository)))


def check_due_applications() -> None:
    """Each tick: what Git moved is due now; then one message for each cluster with something due."""
    moved = Application.objects.filter(repository__changed_at__isnull=False).filter(
        Q(desired_at=None) | Q(desired_at__lt=F("repository__changed_at"))
    )
    jobs.make_due(layouts.CHECK, list(moved.values_list("pk", flat=True)))
    due = set(jobs.due(layouts.CHECK, now=timezone.now()))
    paused = Q(cluster__is_paused=True) | Q(is_paused=True)
    places = Application.objects.filter(pk__in=due).exclude(paused).values_list("cluster", flat=True)
    for cluster_id in sorted({place or 0 for place in places}):
        queue.enqueue("apps.environments.tasks.check_cluster", cluster_id)
    _make_history_due()
    jobs.enqueue_due(REFRESH)
    jobs.enqueue_due(DEEP_CHECK)


def _make_history_due() -> None:
    behind = (
        Application.objects.exclude(desired_sha="").exclude(history_sha=F("desired_sha")).filter(refusal="")
    )
    for application in behind.select_related("component", "environment")[:500]:
        row = jobs.schedule(history.HISTORY, application.pk, label=f"versions of {application}")
        if row.state in ("done", "waiting"):
            jobs.make_due(history.HISTORY, [application.pk])
    jobs.enqueue_due(history.HISTORY)


def check_cluster(cluster_id: int) -> None:
    """
    Check what is due on one cluster (0: what has none) with shared lists: first all together, which settles
    those of which nothing moved, then the others one by one. Two at once split the work, since each
    application is claimed by its own job.
    """
    due = jobs.due(layouts.CHECK, now=timezone.now())
    if cluster_id == 0:
        ids = list(Application.objects.filter(pk__in=due, cluster=None).values_list("pk", flat=True))
        jobs.run_batch(layouts.CHECK, ids, threads=1)
        return
    cluster = Cluster.objects.filter(pk=cluster_id, is_paused=False).first()
    if cluster is None:
        return
    rows = cluster.applications.filter(pk__in=due, is_paused=False)
    # By namespace, so that the lists of each are opened once.
    ids = list(rows.order_by("namespace", "pk").values_list("pk", flat=True))
    with connect.shared_round(cluster) as current:
        for application_id in jobs.run_together(layouts.CHECK, ids, _look_at(cluster, current)):
            check_application(application_id)
    if current.error is not None:
        clusters.record_silence(cluster, current.error, at=timezone.now())
    else:
        clusters.record_answer(cluster, current.version, current.listings, at=timezone.now())


def _look_at(cluster: Cluster, current: connect.ClusterRound) -> Callable[[Sequence[int]], Collection[int]]:
    """What settles many applications of a round at once."""
    return partial(
        settle_unmoved,
        cluster=cluster,
        door=current,
        bases=connect.bases(),
        renderer=connect.renderer(),
        git=mirror,
        at=timezone.now(),
    )
