"""Connect your own, step by step: a repository, what it holds, a cluster, done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.accounts.services import find_or_make_project
from apps.core.addresses import row_number
from apps.core.jobs import job_of
from apps.environments import connect
from apps.environments.forms import EXEC_CODES, ClusterForm, InClusterForm, KubeconfigForm, TokenForm
from apps.environments.models import Cluster
from apps.environments.selectors.clusters import cluster_row
from apps.environments.services import clusters, layouts
from apps.repositories import connect as repository_connect
from apps.repositories import services as repositories
from apps.repositories.forms import ConnectForm
from apps.repositories.models import POLL, Repository
from apps.repositories.selectors import JobRow, job_context, row_of
from gitopsui.domain.errors import InputError
from gitopsui.domain.layout import Proposal

DEFAULT_PROJECT = "default"
NAME_LIMIT = 100


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = ConnectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            repository = repositories.connect_repository(
                _project(request, person),
                form.cleaned_data["url"],
                policy=repository_connect.git_policy(),
                credential=form.credential(),
                by=person,
            )
        except InputError as error:
            form.add_error("url", error.message)
        else:
            return redirect("set-up-repository", pk=repository.pk)
    context = {
        "form": form,
        "repositories": [row_of(one) for one in _repositories(person)[:20]],
        "clusters": [cluster_row(one) for one in Cluster.objects.visible_to(person)[:20]],
    }
    return render(request, "environments/setup_start.html", context)


def _repositories(person: Person) -> QuerySet[Repository]:
    return Repository.objects.visible_to(person).select_related("project")


def _project(request: HttpRequest, person: Person) -> Project:
    """Where a new connection goes: the project of theirs looked at last, else the first, else a new one."""
    own = {one.slug: one for one in person.find_projects() if has_role(person, Role.ADMIN, one)}
    wanted = own.get(request.session.get("project", ""))
    return wanted or next(iter(own.values()), None) or find_or_make_project(DEFAULT_PROJECT)


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_repository(request: HttpRequest, pk: int) -> HttpResponse:
    repository = get_object_or_404(_repositories(person_of(request)), pk=pk)
    if not has_role(person_of(request), Role.ADMIN, repository.project):
        raise Http404("No such repository.")
    proposals = layouts.stored_proposals(repository)
    if request.method == "POST":
        return _take(request, repository, proposals)
    context = {
        "repository": row_of(repository),
        "job": _awaited(repository) if repository.layout is None else None,
        "layout": _layout(repository, proposals) if repository.layout is not None else {},
    }
    return render(request, "environments/setup_repository.html", context)


def _awaited(repository: Repository) -> JobRow | None:
    """The job that people wait for: the first clone, else the look at what was cloned."""
    if repository.polled_at is None:
        row = job_of(POLL, repository.pk)
    else:
        layouts.ask_to_recognise(repository)
        row = job_of(layouts.RECOGNISE, repository.pk)
    return job_context(row) if row else None


def _layout(repository: Repository, proposals: list[Proposal]) -> dict[str, Any]:
    stored = repository.layout or {}
    labels = {"plain": "plain YAML", "kustomize": "kustomize", "helm": "Helm"}
    rows = [
        {
            "index": index,
            "component": one.component,
            "environment": one.environment,
            "path": one.path,
            "renderer_label": ", ".join([labels[one.renderer], *one.values_files]),
            "note": one.note or one.managed_by,
            "reason": one.reason,
            "is_taken": True,
        }
        for index, one in enumerate(proposals)
    ]
    return {
        "proposals": rows,
        "findings": stored.get("findings", []),
        "environments": stored.get("environments", []),
        "asks_namespace": any(one.renderer == "helm" and not one.namespace for one in proposals),
    }


def _take(request: HttpRequest, repository: Repository, proposals: list[Proposal]) -> HttpResponse:
    ticked = [int(raw) for raw in request.POST.getlist("take") if raw.isascii() and raw.isdigit()]
    taken = [_edited(request, proposals[index], index) for index in ticked if index < len(proposals)]
    if not taken:
        messages.warning(request, "Nothing was ticked, so nothing was taken.")
        return redirect("set-up-repository", pk=repository.pk)
    namespace = request.POST.get("namespace", "").strip()[:NAME_LIMIT]
    taken = layouts.in_namespace(taken, namespace)
    order = [name.strip() for name in request.POST.get("order", "").split(",") if name.strip()]
    done = layouts.take_layout(repository, taken, environments=_order(order, taken), by=person_of(request))
    request.session["project"] = repository.project.slug
    messages.success(request, f"{done.applications} applications are on the board.")
    return redirect(f"{reverse('set-up-cluster')}?repository={repository.pk}")


def _edited(request: HttpRequest, proposal: Proposal, index: int) -> Proposal:
    component = request.POST.get(f"component-{index}", "").strip()[:NAME_LIMIT] or proposal.component
    environment = request.POST.get(f"environment-{index}", "").strip()[:NAME_LIMIT] or proposal.environment
    return layouts.renamed(proposal, component=component, environment=environment)


def _order(order: list[str], taken: list[Proposal]) -> list[str]:
    """The columns people asked for; environments without an application are left out."""
    used = {proposal.environment for proposal in taken}
    return [name[:NAME_LIMIT] for name in order if name in used]


_WAYS: dict[str, tuple[type[ClusterForm], str, str]] = {
    "kubeconfig": (
        KubeconfigForm,
        "Paste a kubeconfig",
        "nothing in it is run, only addresses and tokens are read",
    ),
    "token": (TokenForm, "Server and token", "of a service account that may list"),
    "in-cluster": (InClusterForm, "The account of this pod", "where gitopsui runs inside the cluster"),
}


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_cluster(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    project = _cluster_project(request, person)
    names = list(project.environments.values_list("name", flat=True))
    forms = {
        key: kind(
            request.POST if request.method == "POST" and request.POST.get("way") == key else None,
            environments=names,
            auto_id=f"id_{key}_%s",
        )
        for key, (kind, _, _) in _WAYS.items()
    }
    chosen = forms.get(request.POST.get("way", ""))
    if chosen is not None and chosen.is_valid() and chosen.access is not None:
        return _connect_cluster(request, project, chosen)
    ways = [
        {"key": key, "title": title, "text": text, "form": forms[key], "is_open": _is_open(key, forms)}
        for key, (_, title, text) in _WAYS.items()
    ]
    context = {
        "ways": ways,
        "repository": _asked_repository(request, person),
        "exec_help": _exec_help(chosen),
    }
    return render(request, "environments/setup_cluster.html", context)


def _is_open(key: str, forms: dict[str, ClusterForm]) -> bool:
    bound = [name for name, form in forms.items() if form.is_bound]
    return key == (bound[0] if bound else "kubeconfig")


def _asked_repository(request: HttpRequest, person: Person) -> Repository | None:
    number = row_number(request.GET.get("repository"))
    repository = _repositories(person).filter(pk=number).first() if number else None
    is_own = repository is not None and has_role(person, Role.ADMIN, repository.project)
    return repository if is_own else None


def _cluster_project(request: HttpRequest, person: Person) -> Project:
    repository = _asked_repository(request, person)
    return repository.project if repository else _project(request, person)


def _connect_cluster(request: HttpRequest, project: Project, form: ClusterForm) -> HttpResponse:
    data = form.cleaned_data
    if form.access is None:
        raise InputError("The form holds no access.", code="CLUSTER_FORM")
    cluster = clusters.connect_cluster(
        project,
        data["name"],
        form.access,
        is_in_cluster=isinstance(form, InClusterForm),
        by=person_of(request),
    )
    clusters.place_applications(project, cluster, data.get("environments", []))
    messages.success(request, f"{cluster.name} is connected.")
    return redirect("set-up-done")


def _exec_help(form: ClusterForm | None) -> dict[str, str] | None:
    """For a kubeconfig that starts programs: the commands that make an access which does not."""
    if form is None or form.code not in EXEC_CODES:
        return None
    return connect.read_only_access()


@requires(Role.ADMIN)
@require_safe
def set_up_done(request: HttpRequest) -> HttpResponse:
    return render(request, "environments/setup_done.html")
