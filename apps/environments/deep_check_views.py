"""The panel of the deep check, and the button that asks for one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import ptag

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.environments.models import Application
from apps.environments.selectors.deep_check import deep_check_of
from apps.environments.services import deep_check as service
from apps.environments.views import find_application
from gitopsui.domain.errors import InputError


def _stamp(request: HttpRequest, pk: int) -> str:
    """A poll that would bring nothing new is answered 304; ages are words and change each minute."""
    return f"{deep_check_of(find_application(request, pk)).stamp} {timezone.now():%Y-%m-%dT%H:%M}"


@requires(Role.VIEWER)
@require_safe
@ptag(_stamp)
def deep_check(request: HttpRequest, pk: int) -> HttpResponse:
    return _panel(request, find_application(request, pk))


def _panel(request: HttpRequest, application: Application, refusal: str = "") -> HttpResponse:
    context = {
        "application": {"pk": application.pk},
        "deep_check": deep_check_of(application),
        "deep_check_refusal": refusal,
        "can_check": has_role(person_of(request), Role.PROMOTER, application.component.project),
    }
    return render(request, "environments/_deep_check.html", context)


@requires(Role.PROMOTER)
@require_POST
def deep_check_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Have it done by a job. What the connection may not is said and changes nothing."""
    application, refusal = find_application(request, pk, Role.PROMOTER), ""
    try:
        service.ask_deep_check(application, by=person_of(request), now=timezone.now())
    except InputError as error:
        refusal = error.message
    if request.headers.get("HX-Request"):
        return _panel(request, application, refusal)
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, f"{application} will be checked deeply in a moment.")
    return redirect("application-detail", pk=pk)
