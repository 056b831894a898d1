"""The pages of locks: who keeps what as it is, why, and until when."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.core.addresses import row_number
from apps.environments.models import Application
from apps.promotions.freeze_forms import LockForm
from apps.promotions.models import Lock
from apps.promotions.policy_views import tried
from apps.promotions.selectors import rules
from apps.promotions.services import locks
from gitopsui.domain.errors import PromotionDenied


@requires(Role.VIEWER)
@require_safe
def lock_list(request: HttpRequest, slug: str) -> HttpResponse:
    project, person = find_project(request, slug), person_of(request)
    found = rules.open_locks(project, now=timezone.now())
    context = {
        "project": project,
        "locks": [rules.lock_row(one) | {"can_end": _may_end(one, person)} for one in found],
        "may_lock": has_role(person, Role.PROMOTER, project),
    }
    return render(request, "promotions/lock_list.html", context)


def _may_end(lock: Lock, person: Person) -> bool:
    return has_role(person, Role.PROMOTER, lock.project) and locks.may_end(lock, person)


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def lock_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Lock an application (`?application=7`), an environment, a component, or the one in the other."""
    project, person = find_project(request, slug), person_of(request)
    if not has_role(person, Role.PROMOTER, project):
        raise Http404("No such project.")
    data = request.POST if request.method == "POST" else request.GET
    application = _application(project, data.get("application", ""))
    initial = {name: request.GET.get(name, "") for name in ("environment", "component")}
    form = LockForm(
        request.POST if request.method == "POST" else None,
        project=project,
        has_application=application is not None,
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        try:
            locks.add_lock(project, form.wish(application), by=person)
        except PromotionDenied as denial:
            form.add_error(None, str(denial))
        else:
            messages.success(request, "It is locked.")
            return (
                redirect("application-detail", application.pk) if application else redirect("lock-list", slug)
            )
    context = {"project": project, "form": form, "application": application}
    return render(request, "promotions/lock_new.html", context)


def _application(project: Project, pk: str) -> Application | None:
    """Raises Http404 for one that is not of the project."""
    if not pk:
        return None
    rows = Application.objects.filter(component__project=project).select_related("component", "environment")
    return get_object_or_404(rows, pk=row_number(pk))


@requires(Role.PROMOTER)
@require_POST
def lock_end(request: HttpRequest, pk: int) -> HttpResponse:
    person = person_of(request)
    rows = Lock.objects.filter(project__in=Project.objects.visible_to(person)).select_related(
        "project", "environment", "component", "application__component", "application__environment"
    )
    lock = get_object_or_404(rows, pk=pk)
    tried(request, lambda: locks.end_lock(lock, by=person), "It is unlocked.")
    return redirect("lock-list", slug=lock.project.slug)
