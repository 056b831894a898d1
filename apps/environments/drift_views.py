"""The drift of an application: the panel of what differs now, and the page of what differed before."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import ptag

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.core.paging import page_of
from apps.environments.selectors import applications
from apps.environments.selectors import drift_history as history
from apps.environments.selectors.drift import open_drifts, view_of
from apps.environments.views import find_application, wants_unwell


def _drift_stamp(request: HttpRequest, pk: int) -> str:
    view = view_of(request.GET.get("view"))
    application = find_application(request, pk)
    return applications.drift_stamp(application, open_drifts(application), view=view, now=timezone.now())


@requires(Role.VIEWER)
@require_safe
@ptag(_drift_stamp)
def drift_table(request: HttpRequest, pk: int) -> HttpResponse:
    application = find_application(request, pk)
    view = view_of(request.GET.get("view"))
    context = {
        "application": applications.application_row(application, now=timezone.now()),
        "facts": applications.facts_of(application),
        "can_silence": has_role(person_of(request), Role.PROMOTER, application.component.project),
        "only_unwell": wants_unwell(request),
        **applications.drift_context(application, open_drifts(application), view=view),
    }
    return render(request, "environments/_drift_table.html", context)


@requires(Role.VIEWER)
@require_safe
def drift_history(request: HttpRequest, pk: int) -> HttpResponse:
    application = find_application(request, pk)
    kinds = history.kinds_of(application)
    asked = request.GET.get("kind", "")
    kind = asked if asked in kinds else ""
    found = history.findings_of(application, kind)
    context = {
        "application": applications.application_row(application, now=timezone.now()),
        "project": application.component.project,
        "findings": page_of(found, request.GET.get("page"), partial(history.finding_of, application)),
        "kinds": kinds,
        "kind": kind,
        "query": urlencode({"kind": kind}) if kind else "",
    }
    return render(request, "environments/drift_history.html", context)
