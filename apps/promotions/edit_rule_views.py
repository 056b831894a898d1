"""The page that says how an application is promoted."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.environments.models import Application
from apps.promotions.edit_rule_forms import EditRuleForm
from apps.promotions.selectors.edit_rules import (
    copied_count,
    describe_way,
    read_at,
    rule_of,
    stored_problem,
)
from apps.promotions.services.edit_rules import save_rule


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def application_edits(request: HttpRequest, pk: int) -> HttpResponse:
    """What a promotion of the application edits: shown, and changed by a POST."""
    person = person_of(request)
    rows = Application.objects.visible_to(person).select_related("component__project", "environment")
    application = get_object_or_404(rows, pk=pk)
    project = application.component.project
    if not has_role(person, Role.ADMIN, project):
        raise PermissionDenied(f"Only an administrator may change how {application} is promoted.")
    rule = rule_of(application)
    form = EditRuleForm(request.POST if request.method == "POST" else None, rule=rule)
    if request.method == "POST" and form.is_valid():
        save_rule(application, form.values, by=person)
        messages.success(request, "Saved. Its files are read now; the next preview follows them.")
        return redirect("application-edits", pk=pk)
    context = {
        "project": project,
        "application": application,
        "environment": application.environment,
        "form": form,
        "way": describe_way(rule),
        "problem": stored_problem(application),
        "read_at": read_at(application),
        "copied_count": copied_count(application),
    }
    return render(request, "promotions/application_edits.html", context)
