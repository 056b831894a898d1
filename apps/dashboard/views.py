"""The board and the pages about gitopsui's own work. They show what is stored and reach for nothing."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import ptag

from apps.accounts.models import Project, Role
from apps.accounts.permissions import person_of, requires
from apps.core import audit, jobs
from apps.core.models import Job, JobState
from apps.core.paging import page_of
from apps.dashboard.context import current_project
from apps.dashboard.job_rows import detail_of, heading_of, row_of
from apps.dashboard.selectors import Filters, board_answer, board_stamp, labels_of, read_board
from apps.repositories.forms import ConnectForm
from apps.repositories.models import Repository


@requires(Role.VIEWER)
@require_safe
def board(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Which version is where, and is it well?"""
    person = person_of(request)
    visible = Project.objects.visible_to(person)
    project = get_object_or_404(visible, slug=slug) if slug else current_project(request, person)
    if project is None or not Repository.objects.filter(project=project).exists():
        return render(request, "dashboard/board_empty.html", {"form": ConnectForm(), "project": project})
    request.session["project"] = project.slug
    filters, page, now = Filters.of(request.GET), request.GET.get("page", "1"), timezone.now()
    context = {
        "project": project,
        "answer": board_answer(project, now=now),
        "board": read_board(project, filters, page, now=now),
        "filters": filters,
        "labels": labels_of(project),
        "ptag": board_stamp(project, filters, page, now=now),
    }
    return render(request, "dashboard/board_detail.html", context)


def _stamp(request: HttpRequest, slug: str) -> str:
    project = get_object_or_404(Project.objects.visible_to(person_of(request)), slug=slug)
    return board_stamp(project, Filters.of(request.GET), request.GET.get("page", "1"), now=timezone.now())


@requires(Role.VIEWER)
@require_safe
@ptag(_stamp)
def board_table(request: HttpRequest, slug: str) -> HttpResponse:
    """The rows alone, for the poll of the page; 304 when nothing changed."""
    project = get_object_or_404(Project.objects.visible_to(person_of(request)), slug=slug)
    filters, page, now = Filters.of(request.GET), request.GET.get("page", "1"), timezone.now()
    context = {
        "project": project,
        "answer": board_answer(project, now=now),
        "board": read_board(project, filters, page, now=now),
        "filters": filters,
    }
    return render(request, "dashboard/_board_table.html", context)


@requires(Role.VIEWER)
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    rows = Job.objects.order_by("-started_at", "-pk")
    state = request.GET.get("state", "")
    if state in JobState.values:
        rows = rows.filter(state=state)
    page = page_of(rows, request.GET.get("page"), row_of)
    query = f"state={state}" if state in JobState.values else ""
    context = {"jobs": page, "heading": heading_of(), "filters": {"query": query}}
    return render(request, "core/job_list.html", context)


@requires(Role.VIEWER)
@require_safe
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(Job, pk=pk)
    return render(request, "core/job_detail.html", {"job": row_of(job), **detail_of(job)})


@requires(Role.PROMOTER)
@require_POST
def job_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift the quarantine, or do not wait for the next time."""
    job = get_object_or_404(Job, pk=pk)
    if jobs.retry(job):
        audit.record(person_of(request), "asked to try again", job)
        messages.success(request, "It is tried again in a moment.")
    else:
        messages.info(request, "It runs already.")
    return redirect("job-detail", pk=pk)
