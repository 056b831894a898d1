"""What the workers do with releases, deployment records and lags."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from apps.core import jobs
from apps.environments.models import Component
from apps.releases import connect, rendering
from apps.releases.models import ReleaseCut
from apps.releases.services import changelogs, components, cuts, deployments, registry
from apps.releases.services.inputs import find_moved
from apps.repositories.connect import mirror


@jobs.job(components.UPDATE, lease=timedelta(minutes=14))
def update_component(component_id: int) -> None:
    """One look at the versions of one component. Safe to repeat; what it does not get done is due again."""
    component = Component.objects.select_related("source__credential", "project").get(pk=component_id)
    git = mirror(component.source) if component.source else None
    is_more = components.update_component(
        component,
        git=git,
        sanitise=rendering.sanitise,
        report=jobs.report,
    )
    changelogs.update_changelog(component, git=git, render=rendering.render_markdown)
    if is_more:
        jobs.make_due(components.UPDATE, [component_id])


@jobs.job(cuts.PUSH, lease=timedelta(minutes=14))
def push_cut(cut_id: int) -> None:
    """Push the tag of one release. Safe to repeat."""
    cut = ReleaseCut.objects.select_related("component__source__credential", "component__project").get(
        pk=cut_id
    )
    if cut.component.source is not None:
        cuts.push_cut(cut, git=mirror(cut.component.source), find_key=connect.signing_key)


def update_due_components() -> None:
    """Each tick: the components whose tags or versions moved since they were last worked on are due."""
    deployments.record_health()
    moved = find_moved()
    for component in moved:
        jobs.schedule(components.UPDATE, component.pk, label=f"versions of {component}")
    jobs.make_due(components.UPDATE, [component.pk for component in moved])
    jobs.enqueue_due(components.UPDATE)
    jobs.enqueue_due(cuts.PUSH)


@jobs.job(registry.CHECK, lease=timedelta(minutes=14), every=registry.EVERY)
def check_registry(component_id: int) -> None:
    """One look at the registry of one component's image. Safe to repeat."""
    component = Component.objects.get(pk=component_id)
    with connect.registry(component) as door:
        registry.check_registry(component, registry=door, report=jobs.report)


def check_due_registries() -> None:
    """Each tick: the registries that are due are asked, two images at a time of each."""
    registry.watch_registries(settings.GITOPSUI_REGISTRY_HOSTS)
    jobs.run_batch(registry.CHECK, jobs.due(registry.CHECK), threads=4, per_group=2)
