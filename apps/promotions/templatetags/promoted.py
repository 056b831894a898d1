"""
What pages of applications, components, releases and comparisons say about promotions. These pages belong to
apps below this one, which cannot ask upwards; their templates can.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role
from apps.environments.models import Application
from apps.promotions.selectors import deployments, links

register = template.Library()


def _person(context: template.Context) -> Person | None:
    user = context.get("user")
    return user if isinstance(user, Person) else None


@register.simple_tag(takes_context=True)
def places_of_application(context: template.Context, pk: int) -> links.PlaceLinks | None:
    """What is under way for one application, and its buttons."""
    person = _person(context)
    if person is None:
        return None
    found = links.read_places(Application.objects.filter(pk=pk), person, now=timezone.now())
    return found[0] if found else None


@register.simple_tag(takes_context=True)
def places_of_component(
    context: template.Context, project: Project, component: str
) -> list[links.PlaceLinks]:
    """The same for all applications of a component."""
    person = _person(context)
    rows = Application.objects.filter(component__project=project, component__name=component)
    return links.read_places(rows, person, now=timezone.now()) if person is not None else []


@register.simple_tag(takes_context=True)
def release_promotion(
    context: template.Context, project: Project, component: str, version: str, is_bad: bool = False
) -> list[links.ReleaseLink]:
    """Where a release is promoted; nowhere for one that is bad, and for whoever may not."""
    person = _person(context)
    if person is None or is_bad or not has_role(person, Role.PROMOTER, project):
        return []
    return links.release_links(project, component, version, person)


@register.simple_tag(takes_context=True)
def may_it_go(
    context: template.Context, project: Project, component: str, source: Any, target: Any
) -> links.MayItGo | None:
    """The prognosis of promoting one side of a comparison into the other."""
    person = _person(context)
    if person is None or source is None or target is None:
        return None
    return links.may_it_go(project, component, source, target, person, now=timezone.now())


@register.simple_tag(takes_context=True)
def train_promotion(context: template.Context, project: Project, source: str, target: str) -> str:
    """Where all that differs between two environments is promoted; "" for whoever may not."""
    person = _person(context)
    if person is None or not target or not has_role(person, Role.PROMOTER, project, environment=target):
        return ""
    return links.promote_url(project.slug, from_=source, into=target)


@register.simple_tag
def with_promotions(rows: list[Any]) -> list[tuple[Any, links.PromotionLink | None]]:
    """Config commits (`ConfigRow`), each with the promotion it came from."""
    return list(zip(rows, links.origins_of(rows), strict=True))


@register.simple_tag
def with_bringers(rows: Any) -> list[tuple[Any, links.PromotionLink | None]]:
    """Deployments (`DeploymentRow`), each with the promotion that brought it."""
    listed = list(rows)
    return list(zip(listed, deployments.bringers_of(listed), strict=True))
