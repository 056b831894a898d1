"""The panel of reconcilers, and the button that has one of them look again."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import ptag

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.environments.models import Application, Reconciliation
from apps.environments.selectors.reconcilers import panel_of
from apps.environments.services import reconcilers as service
from apps.environments.views import find_application
from gitopsui.domain.errors import InputError


def _stamp(request: HttpRequest, pk: int) -> str:
    """A poll that would bring nothing new is answered 304; ages are words, so each minute is new."""
    panel = panel_of(find_application(request, pk))
    return f"{panel.stamp} {timezone.now():%Y-%m-%dT%H:%M}"


@requires(Role.VIEWER)
@require_safe
@ptag(_stamp)
def reconcilers(request: HttpRequest, pk: int) -> HttpResponse:
    return _panel(request, find_application(request, pk))


def _panel(request: HttpRequest, application: Application, refusal: str = "") -> HttpResponse:
    context = {
        "reconcilers": panel_of(application),
        "refusal": refusal,
        "can_check": has_role(person_of(request), Role.PROMOTER, application.component.project),
    }
    return render(request, "environments/_reconcilers.html", context)


def _find(request: HttpRequest, pk: int) -> Reconciliation:
    """The row, if the person may see its application and promote in its project; else 404."""
    visible = Application.objects.visible_to(person_of(request))
    rows = Reconciliation.objects.filter(application__in=visible).select_related(
        "application__cluster", "application__component__project"
    )
    row = get_object_or_404(rows, pk=pk)
    if not has_role(person_of(request), Role.PROMOTER, row.application.component.project):
        raise Http404("No such reconciler.")
    return row


@requires(Role.PROMOTER)
@require_POST
def reconciler_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the reconciler asked; a job does it. What the connection may not is said and changes nothing."""
    row, refusal = _find(request, pk), ""
    try:
        service.ask_refresh(row, by=person_of(request), now=timezone.now())
    except InputError as error:
        refusal = error.message
    if request.headers.get("HX-Request"):
        return _panel(request, row.application, refusal)
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, f"{row.tool} is asked to look again.")
    return redirect("application-detail", pk=row.application_id)
