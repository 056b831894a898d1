"""The pages of repositories: what each said last, and how it is reached."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.core import jobs
from apps.core.paging import PAGE_ROWS, page_of
from apps.repositories import connect, services
from apps.repositories.forms import RepositoryForm
from apps.repositories.models import POLL, Repository
from apps.repositories.selectors import row_of


def find_repository(request: HttpRequest, pk: int, role: Role = Role.VIEWER) -> Repository:
    """The repository, if the person may see it and has the role in its project; else 404."""
    repositories = Repository.objects.visible_to(person_of(request)).select_related("project", "credential")
    repository = get_object_or_404(repositories, pk=pk)
    if not has_role(person_of(request), role, repository.project):
        raise Http404("No such repository.")
    return repository


@requires(Role.VIEWER)
@require_safe
def repository_list(request: HttpRequest) -> HttpResponse:
    repositories = Repository.objects.visible_to(person_of(request)).select_related("project")
    page = page_of(repositories, request.GET.get("page"), row_of)
    return render(request, "repositories/repository_list.html", {"repositories": page})


@requires(Role.VIEWER)
@require_safe
def repository_detail(request: HttpRequest, pk: int) -> HttpResponse:
    repository = find_repository(request, pk)
    refs = repository.revisions.filter(gone_at=None).order_by("kind", "-dated_at", "name")
    context = {
        "repository": row_of(repository),
        "refs": Paginator(
            refs.annotate(date=F("dated_at")).only("short", "kind", "sha", "commit_sha", "dated_at"),
            PAGE_ROWS,
        ).get_page(request.GET.get("page")),
        "commits": [
            {**commit, "at": parse_datetime(commit["at"]) if commit.get("at") else None}
            for commit in repository.recent_commits
        ],
        "unreadable": list(repository.unreadable.all()[:200]),
        "applications": _applications(repository),
        "components": _components(repository),
        "credential_text": str(repository.credential) if repository.credential else "none",
        "is_admin": has_role(person_of(request), Role.ADMIN, repository.project),
        "rewrites": [{"text": repository.rewritten_note}] if repository.rewritten_note else [],
    }
    return render(request, "repositories/repository_detail.html", context)


def _applications(repository: Repository) -> list[dict[str, str]]:
    """Those that are described by it, as names and addresses."""
    found = repository.applications.select_related("component", "environment")[:200]
    return [{"name": str(one), "url": reverse("application-detail", args=[one.pk])} for one in found]


def _components(repository: Repository) -> list[dict[str, str]]:
    """Those that are built from it, as names and addresses."""
    # The relation comes from an app above this one: its rows are read, its code is not imported.
    found = repository.components.select_related("project")[:200]
    return [
        {"name": one.name, "url": reverse("component-detail", args=[one.project.slug, one.slug])}
        for one in found
    ]


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def repository_edit(request: HttpRequest, pk: int) -> HttpResponse:
    repository = find_repository(request, pk, Role.ADMIN)
    form = RepositoryForm(request.POST or None, repository=repository, initial=_as_it_is(repository))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        credential = form.credential()
        services.change_repository(
            repository,
            raw_url=data["url"],
            name=data["name"],
            branch=data["branch"],
            is_config=data["is_config"],
            is_source=data["is_source"],
            credential=credential if credential.password or credential.ssh_key else None,
            policy=connect.git_policy(),
            by=person_of(request),
        )
        messages.success(request, f"{repository.name} is saved and will be read now.")
        # Who came from the set-up goes on there.
        is_set_up = request.GET.get("from") == "set-up"
        return redirect("set-up-repository" if is_set_up else "repository-detail", pk)
    return render(
        request, "repositories/repository_edit.html", {"repository": row_of(repository), "form": form}
    )


def _as_it_is(repository: Repository) -> dict[str, Any]:
    return {
        "url": repository.url,
        "name": repository.name,
        "branch": repository.branch,
        "is_config": repository.is_config,
        "is_source": repository.is_source,
        "username": repository.credential.username if repository.credential else "",
    }


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def repository_remove(request: HttpRequest, pk: int) -> HttpResponse:
    repository = find_repository(request, pk, Role.ADMIN)
    if request.method == "POST":
        services.remove_repository(repository, by=person_of(request))
        messages.success(request, f"{repository.name} is removed.")
        return redirect("repository-list")
    context = {"repository": row_of(repository), "applications": _applications(repository)}
    return render(request, "repositories/repository_remove.html", context)


@requires(Role.PROMOTER)
@require_POST
def repository_poll(request: HttpRequest, pk: int) -> HttpResponse:
    repository = find_repository(request, pk, Role.PROMOTER)
    jobs.make_due(POLL, [repository.pk])
    messages.success(request, f"{repository.name} will be read in a moment.")
    return redirect("repository-detail", pk=pk)


@requires(Role.ADMIN)
@require_POST
def repository_pause(request: HttpRequest, pk: int) -> HttpResponse:
    services.set_paused(find_repository(request, pk, Role.ADMIN), True, by=person_of(request))
    return redirect("repository-detail", pk=pk)


@requires(Role.ADMIN)
@require_POST
def repository_resume(request: HttpRequest, pk: int) -> HttpResponse:
    services.set_paused(find_repository(request, pk, Role.ADMIN), False, by=person_of(request))
    return redirect("repository-detail", pk=pk)
