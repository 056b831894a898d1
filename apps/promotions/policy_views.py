"""The pages about what an environment asks of promotions: its rules, whether it is held, its freezes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Project, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.core.crypto import fingerprint
from apps.core.paging import page_of
from apps.environments.models import Environment
from apps.promotions.forms import PolicyForm
from apps.promotions.freeze_forms import FreezeForm
from apps.promotions.models import FreezeWindow
from apps.promotions.selectors import rules
from apps.promotions.selectors.edit_rules import way_rows
from apps.promotions.selectors.policies import describe_hold, lock_rows, policy_of
from apps.promotions.services import policies
from apps.promotions.services.auto_promote import left_of
from gitopsui.domain.errors import PromotionDenied


def find_environment(request: HttpRequest, pk: int) -> Environment:
    visible = Project.objects.visible_to(person_of(request))
    rows = Environment.objects.select_related("project").filter(project__in=visible)
    return get_object_or_404(rows, pk=pk)


def tried(request: HttpRequest, act: Callable[[], object], said: str) -> None:
    """Do it; a refusal is a sentence on the next page."""
    try:
        act()
    except PromotionDenied as denial:
        messages.error(request, str(denial))
    else:
        messages.success(request, said)


@requires(Role.VIEWER)
@require_safe
def environment_policy(request: HttpRequest, pk: int) -> HttpResponse:
    """The rules of an environment, which everybody may read."""
    environment, person, now = find_environment(request, pk), person_of(request), timezone.now()
    policy, source, project = policy_of(environment), left_of(environment), environment.project
    freezes = [one for one in rules.open_freezes(project) if one.environment_id in (None, pk)]
    context = {
        "project": project,
        "environment": environment,
        "policy": policy,
        "source": source,
        "heading": _heading(
            environment, describe_hold(policy), rules.freezes_for(environment, freezes, now=now)
        ),
        "ways": way_rows(environment),
        "rules": rules.rule_rows(policy, source.name if source else ""),
        "hold": describe_hold(policy),
        "freeze": rules.describe_freezes(rules.freezes_for(environment, freezes, now=now), now),
        "freezes": [rules.freeze_row(one, now=now) for one in freezes],
        "locks": [
            rules.lock_row(one) for one in lock_rows(environment, environment.applications.all(), now=now)
        ],
        "can_edit": has_role(person, Role.ADMIN, project),
        "can_hold": has_role(person, Role.PROMOTER, project, environment=environment.name),
    }
    return render(request, "promotions/policy_detail.html", context)


def _heading(environment: Environment, hold: str, freezes: Any) -> str:
    if hold:
        return f"{environment} is held"
    if freezes.active:
        return f"{environment} is frozen"
    return f"What {environment} asks of promotions"


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def environment_policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    environment, person = find_environment(request, pk), person_of(request)
    if not has_role(person, Role.ADMIN, environment.project):
        raise PermissionDenied(f"Only an administrator may change the rules of {environment}.")
    policy = policy_of(environment)
    form = PolicyForm(request.POST if request.method == "POST" else None, policy=policy)
    if request.method == "POST" and form.is_valid():
        policies.save_policy(environment, form.cleaned_data, by=person)
        messages.success(request, f"The rules of {environment} are saved. Open promotions are asked anew.")
        return redirect("environment-policy", pk=pk)
    context = {
        "project": environment.project,
        "environment": environment,
        "form": form,
        "secret": fingerprint(policy.gate_secret) if policy.gate_secret else "",
    }
    return render(request, "promotions/policy_edit.html", context)


@requires(Role.PROMOTER)
@require_POST
def environment_hold(request: HttpRequest, pk: int) -> HttpResponse:
    environment, person = find_environment(request, pk), person_of(request)
    reason = request.POST.get("reason", "")
    tried(request, lambda: policies.hold(environment, by=person, reason=reason), f"{environment} is held.")
    return redirect("environment-policy", pk=pk)


@requires(Role.PROMOTER)
@require_POST
def environment_release(request: HttpRequest, pk: int) -> HttpResponse:
    environment, person = find_environment(request, pk), person_of(request)
    tried(request, lambda: policies.release(environment, by=person), f"{environment} is released.")
    return redirect("environment-policy", pk=pk)


@requires(Role.VIEWER)
@require_safe
def freeze_list(request: HttpRequest, slug: str) -> HttpResponse:
    project, now = find_project(request, slug), timezone.now()
    rows = FreezeWindow.objects.filter(project=project).select_related("environment")
    page = page_of(
        rows.order_by("ended_at", "-created_at"),
        request.GET.get("page"),
        lambda row: rules.freeze_row(row, now=now),
    )
    current = [rules.freeze_row(one, now=now) for one in rules.open_freezes(project)]
    context = {
        "project": project,
        "freezes": page,
        "active": [one for one in current if one["state"] == "now"],
        "can_edit": has_role(person_of(request), Role.ADMIN, project),
    }
    return render(request, "promotions/freeze_list.html", context)


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def freeze_new(request: HttpRequest, slug: str) -> HttpResponse:
    project, person = find_project(request, slug), person_of(request)
    if not has_role(person, Role.ADMIN, project):
        raise PermissionDenied(f"Only an administrator may freeze {project}.")
    initial = {"environment": request.GET.get("environment", "")}
    form = FreezeForm(request.POST if request.method == "POST" else None, project=project, initial=initial)
    if request.method == "POST" and form.is_valid():
        policies.add_freeze(project, form.wish, by=person)
        messages.success(request, "The freeze is set.")
        return redirect("freeze-list", slug=slug)
    return render(request, "promotions/freeze_new.html", {"project": project, "form": form})


@requires(Role.ADMIN)
@require_POST
def freeze_end(request: HttpRequest, pk: int) -> HttpResponse:
    person = person_of(request)
    rows = FreezeWindow.objects.filter(project__in=Project.objects.visible_to(person))
    row = get_object_or_404(rows.select_related("project", "environment"), pk=pk)
    tried(request, lambda: policies.end_freeze(row, by=person), "The freeze is over.")
    return redirect("freeze-list", slug=row.project.slug)
