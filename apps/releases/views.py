"""The pages of releases and components. They show only what is stored."""

from __future__ import annotations

import csv

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Person, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.environments.models import Component
from apps.releases.forms import ComponentForm, PolicyForm
from apps.releases.models import ReleasePolicy
from apps.releases.selectors import components as component_page
from apps.releases.selectors import registry
from apps.releases.selectors import releases as release_pages
from apps.releases.selectors.next_versions import read_proposal
from apps.releases.services.components import Origin, edit_component


@requires(Role.VIEWER)
@require_safe
def release_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = find_project(request, slug)
    filters = release_pages.Filters.of(request.GET.dict())
    context = {
        "project": project,
        "filters": filters,
        "components": release_pages.component_names(project),
        "releases": release_pages.read_release_page(project, filters, request.GET.get("page", "")),
    }
    return render(request, "releases/release_list.html", context)


def _get_component(person: Person, slug: str, component_slug: str) -> Component:
    """The component of that address, or a 404 for whoever may not know that it is there."""
    visible = Component.objects.visible_to(person).select_related("project", "source")
    return get_object_or_404(visible, project__slug=slug, slug=component_slug)


@requires(Role.VIEWER)
@require_safe
def component_detail(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    person = person_of(request)
    component = _get_component(person, slug, component_slug)
    now, days = timezone.now(), component_page.span_of(request.GET.get("days", ""))
    from_at = component_page.starts_at(now, days)
    found = component_page.find_applications(component)
    rows = component_page.read_applications(component, found)
    is_admin = has_role(person, Role.ADMIN, component.project)
    lanes = component_page.read_lanes(component, found, from_at=from_at)
    context = {
        "project": component.project,
        "component": _component_facts(component),
        "edit_url": reverse("component-edit", args=[slug, component_slug]) if is_admin else "",
        "heading": component_page.describe_newest(component.name, rows, now),
        "applications": rows,
        "lanes": lanes,
        "bad_versions": component_page.find_bad_versions(component, lanes),
        "registry": registry.read_panel(component, now=now) if component.image else None,
        "proposal": read_proposal(component) if component.source_id else None,
        "from_at": from_at,
        "to_at": now,
        "days": days,
        "filters": {"query": f"days={days}"},
        "deployments": component_page.read_deployments(component, request.GET.get("page", "")),
        "releases": component_page.read_latest_releases(component),
    }
    return render(request, "releases/component_detail.html", context)


def _component_facts(component: Component) -> dict[str, str]:
    source = component.source
    return release_pages.component_place(component) | {
        "source_name": source.name if source else "",
        "source_url": reverse("repository-detail", args=[source.pk]) if source else "",
        "tag_pattern": component.tag_pattern,
        "image": component.image,
    }


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def component_edit(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    person = person_of(request)
    component = _get_component(person, slug, component_slug)
    if not has_role(person, Role.ADMIN, component.project):
        raise PermissionDenied(f"Only an administrator of {component.project} may change its components.")
    stored = ReleasePolicy.objects.select_related("registry_credential").filter(component=component).first()
    form = ComponentForm(request.POST or None, component=component)
    policy = PolicyForm(
        request.POST or None,
        policy=stored or ReleasePolicy(component=component),
        image=request.POST.get("image", component.image),
    )
    if request.method == "POST" and all([form.is_valid(), policy.is_valid()]):
        origin = Origin(**form.cleaned_data)
        edit_component(component, origin, by=person, policy=policy.policy(), login=policy.login())
        messages.success(request, f"{component.name} is saved. Its releases are read again now.")
        return redirect(release_pages.component_url(component))
    context = {"project": component.project, "component": _component_facts(component), "form": form}
    return render(request, "releases/component_edit.html", context | {"policy": policy})


@requires(Role.VIEWER)
@require_safe
def component_deployments(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    """Which version ran where and when, as a table for a spreadsheet."""
    component = _get_component(person_of(request), slug, component_slug)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{component.slug}-deployments.csv"'
    writer = csv.writer(answer)
    for row in component_page.read_csv(component):
        writer.writerow([_as_text(cell) for cell in row])
    return answer


def _as_text(cell: str) -> str:
    """What a spreadsheet would take for a formula is marked as text: a version may be called anything."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
