"""The history of an application in its config repository."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import person_of, requires
from apps.environments.models import Application
from apps.releases.selectors import config_commits
from apps.releases.selectors.releases import component_place


@requires(Role.VIEWER)
@require_safe
def application_commits(request: HttpRequest, pk: int) -> HttpResponse:
    """The commits of the config repository that touch it, with the source commits each of them carried."""
    visible = Application.objects.visible_to(person_of(request)).select_related(
        "component__project", "component__source", "environment", "repository"
    )
    application = get_object_or_404(visible, pk=pk)
    component = application.component
    context = {
        "project": component.project,
        "component": component_place(component),
        "application": application,
        "page": config_commits.read_page(application, request.GET.get("page", "")),
    }
    return render(request, "releases/application_commits.html", context)
