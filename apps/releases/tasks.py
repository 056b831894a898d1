"""What the workers do with releases, deployment records and lags."""

from __future__ import annotations

from datetime import timedelta

from apps.core import jobs
from apps.environments.models import Component
from apps.releases import rendering
from apps.releases.services import components
from apps.releases.services.inputs import find_moved
from apps.repositories.connect import mirror


@jobs.job(components.UPDATE, lease=timedelta(minutes=14))
def update_component(component_id: int) -> None:
    """One look at the versions of one component. Safe to repeat; what it does not get done is due again."""
    component = Component.objects.select_related("source__credential", "project").get(pk=component_id)
    is_more = components.update_component(
        component,
        git=mirror(component.source) if component.source else None,
        sanitise=rendering.sanitise,
        report=jobs.report,
    )
    if is_more:
        jobs.make_due(components.UPDATE, [component_id])


def update_due_components() -> None:
    """Each tick: the components whose tags or versions moved since they were last worked on are due."""
    moved = find_moved()
    for component in moved:
        jobs.schedule(components.UPDATE, component.pk, label=f"versions of {component}")
    jobs.make_due(components.UPDATE, [component.pk for component in moved])
    jobs.enqueue_due(components.UPDATE)
