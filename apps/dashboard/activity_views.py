"""Activity: who did what, as a page and as files."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.accounts.models import Project, Role
from apps.accounts.permissions import person_of, requires
from apps.dashboard.activity import (
    Wanted,
    choices_of,
    events_of,
    is_admin_somewhere,
    is_global_admin,
    page_of_events,
)
from apps.dashboard.activity_export import FORMATS, next_before
from apps.dashboard.context import current_project, projects_of


@requires(Role.VIEWER)
@require_safe
def activity(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The events of a project; without one those that an administrator sees."""
    person, project = person_of(request), _project(request, slug)
    if project is None and not is_admin_somewhere(person):
        return _to_own(request)
    rows, wanted = events_of(person, project), Wanted.of(request.GET)
    context = {
        "scope": project,
        "wanted": wanted,
        "page": page_of_events(rows, wanted),
        "choices": choices_of(rows),
        "sees_all": is_global_admin(person),
        "is_admin": is_admin_somewhere(person),
        "formats": list(FORMATS),
    }
    return render(request, "dashboard/activity.html", context)


@requires(Role.VIEWER)
@require_safe
def activity_export(request: HttpRequest, slug: str = "") -> HttpResponseBase:
    """The same as a file. Where one is not enough, the header `Link` says where the next one is."""
    person, project = person_of(request), _project(request, slug)
    if project is None and not is_admin_somewhere(person):
        return _to_own(request)
    wanted, name = Wanted.of(request.GET), request.GET.get("format", "jsonl")
    if name not in FORMATS:
        raise Http404("No such format.")
    write, content_type = FORMATS[name]
    rows = wanted.narrow(events_of(person, project))
    response = StreamingHttpResponse(write(rows), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="activity-{slug or "all"}.{name}"'
    before = next_before(rows)
    if before is not None:
        response["Link"] = f'<{request.path}?{wanted.query(format=name, before=before)}>; rel="next"'
    return response


def _project(request: HttpRequest, slug: str) -> Project | None:
    """The project of the address, if the person may see it; None where the address names none."""
    if not slug:
        return None
    found = next((one for one in projects_of(request) if one.slug == slug), None)
    if found is None:
        raise Http404("No such project.")
    return found


def _to_own(request: HttpRequest) -> HttpResponse:
    project = current_project(request)
    if project is None:
        raise Http404("No project to look at.")
    return redirect("activity", slug=project.slug)
