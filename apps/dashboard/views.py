"""The board and the pages about gitopsui's own work. They show what is stored and reach for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import ptag

from apps.accounts.models import Project, Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.core import audit, jobs
from apps.core.models import JobState
from apps.core.paging import page_of
from apps.dashboard.context import current_project, projects_of, signs_of
from apps.dashboard.drawn import draw_board
from apps.dashboard.filters import Filters
from apps.dashboard.job_rows import detail_of, heading_of, row_of
from apps.dashboard.job_scope import project_of, visible_jobs
from apps.dashboard.overview import Overview, build_stamp, read_overview
from apps.repositories.forms import ConnectForm
from apps.repositories.models import Repository


@requires(Role.VIEWER)
@require_safe
def board(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Which version is where, and is it well?"""
    project = _find_project(request, slug) if slug else current_project(request)
    if project is None:
        return _empty(request, None)
    context = _context(request, project)
    if not context["answer"].applications and not Repository.objects.filter(project=project).exists():
        return _empty(request, project)
    if request.session.get("project") != project.slug:
        # Only then: each change of the session is a write.
        request.session["project"] = project.slug
    return render(request, "dashboard/board_detail.html", context)


def _empty(request: HttpRequest, project: Project | None) -> HttpResponse:
    return render(request, "dashboard/board_empty.html", {"form": ConnectForm(), "project": project})


def _find_project(request: HttpRequest, slug: str) -> Project:
    """The project of the address, if the person may see it; else 404."""
    for project in projects_of(request):
        if project.slug == slug:
            return project
    raise Http404("No such project.")


def _context(request: HttpRequest, project: Project) -> dict[str, Any]:
    filters, page, now = _asked(request)
    overview = _overview(request, project, now)
    rights = _rights(request, project, overview)
    board = draw_board(project, overview, filters, page, now=now, rights=rights)
    return {
        "project": project,
        "answer": replace(board.answer, silent=signs_of(request, project).silent),
        "board": board,
        "filters": filters,
        "labels": board.labels,
        "ptag": board.stamp,
        "may_promote": bool(rights) and len(overview.columns) > 1,
    }


def _asked(request: HttpRequest) -> tuple[Filters, str, datetime]:
    return Filters.of(request.GET), request.GET.get("page", "1"), timezone.now()


def _overview(request: HttpRequest, project: Project, now: datetime) -> Overview:
    """Read once in a request: the tag is made of it, and the page."""
    known: Overview | None = getattr(request, "overview", None)
    if known is None:
        known = read_overview(project, now=now)
        request.overview = known  # type: ignore[attr-defined]
    return known


def _stamp(request: HttpRequest, slug: str) -> str:
    filters, page, now = _asked(request)
    project = _find_project(request, slug)
    overview = _overview(request, project, now)
    return build_stamp(overview, filters, page, now=now, rights=_rights(request, project, overview))


def _rights(request: HttpRequest, project: Project, overview: Overview) -> frozenset[str]:
    """The environments that the person may promote into."""
    person, names = person_of(request), (column.name for column in overview.columns)
    return frozenset(name for name in names if has_role(person, Role.PROMOTER, project, environment=name))


@requires(Role.VIEWER)
@require_safe
@ptag(_stamp)
def board_table(request: HttpRequest, slug: str) -> HttpResponse:
    """The rows alone, for the poll of the page; 304 when nothing changed."""
    return render(request, "dashboard/_board_table.html", _context(request, _find_project(request, slug)))


@requires(Role.VIEWER)
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    visible = visible_jobs(person_of(request))
    rows = visible.order_by("-started_at", "-pk")
    state = request.GET.get("state", "")
    if state in JobState.values:
        rows = rows.filter(state=state)
    page = page_of(rows, request.GET.get("page"), row_of)
    query = f"state={state}" if state in JobState.values else ""
    context = {"jobs": page, "heading": heading_of(visible), "filters": {"query": query}}
    return render(request, "core/job_list.html", context)


@requires(Role.VIEWER)
@require_safe
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(visible_jobs(person_of(request)), pk=pk)
    return render(request, "core/job_detail.html", {"job": row_of(job), **detail_of(job)})


@requires(Role.PROMOTER)
@require_POST
def job_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift the quarantine, or do not wait for the next time."""
    person = person_of(request)
    job = get_object_or_404(visible_jobs(person), pk=pk)
    project = project_of(job)
    if not has_role(person, Role.PROMOTER, project):
        raise PermissionDenied(f"Only who may promote in {project} may have its jobs tried again.")
    if jobs.retry(job):
        audit.record(person, "asked to try again", job, project_id=project.pk if project else None)
        messages.success(request, "It is tried again in a moment.")
    else:
        messages.info(request, "It runs already.")
    return redirect("job-detail", pk=pk)
