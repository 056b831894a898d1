"""The pages of applications and clusters. They show what is stored and reach for nothing."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import ptag

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.core import jobs
from apps.core.paging import page_of
from apps.environments import connect
from apps.environments.forms import ClusterEditForm
from apps.environments.models import Application, Cluster
from apps.environments.selectors import applications
from apps.environments.selectors.clusters import cluster_context, cluster_row
from apps.environments.selectors.drift import count_of, open_drifts, view_of
from apps.environments.selectors.resources import read_resources
from apps.environments.services import clusters
from apps.environments.services.layouts import CHECK


def find_application(request: HttpRequest, pk: int, role: Role = Role.VIEWER) -> Application:
    """The application, if the person may see it and has the role in its project; else 404."""
    visible = Application.objects.visible_to(person_of(request)).select_related(
        "cluster", "component__project", "environment", "repository"
    )
    application = get_object_or_404(visible, pk=pk)
    if not has_role(person_of(request), role, application.component.project):
        raise Http404("No such application.")
    return application


def wants_unwell(request: HttpRequest) -> bool:
    """Whether only what is unwell is asked for: `?show=unwell`."""
    return request.GET.get("show") == "unwell"


@requires(Role.VIEWER)
@require_safe
def application_detail(request: HttpRequest, pk: int) -> HttpResponse:
    application = find_application(request, pk)
    now, view = timezone.now(), view_of(request.GET.get("view"))
    context = applications.application_context(
        application, view=view, only_unwell=wants_unwell(request), now=now
    )
    context["can_check"] = has_role(person_of(request), Role.PROMOTER, application.component.project)
    context["can_silence"] = context["can_check"]
    context["project"] = application.component.project
    return render(request, "environments/application_detail.html", context)


def _facts_stamp(request: HttpRequest, pk: int) -> str:
    return applications.stamp_of(find_application(request, pk), "facts", now=timezone.now())


@requires(Role.VIEWER)
@require_safe
@ptag(_facts_stamp)
def application_facts(request: HttpRequest, pk: int) -> HttpResponse:
    return _facts(request, find_application(request, pk))


def _facts(request: HttpRequest, application: Application) -> HttpResponse:
    now, count = timezone.now(), count_of(open_drifts(application))
    context = {
        "application": applications.application_row(application, now=now),
        "heading": applications.heading_of(application, count, now=now),
        "facts": applications.facts_of(application),
        "can_check": has_role(person_of(request), Role.PROMOTER, application.component.project),
    }
    return render(request, "environments/_application_facts.html", context)


def _resources_stamp(request: HttpRequest, pk: int) -> str:
    application = find_application(request, pk)
    return applications.resources_stamp(
        application, read_resources(application), only_unwell=wants_unwell(request), now=timezone.now()
    )


@requires(Role.VIEWER)
@require_safe
@ptag(_resources_stamp)
def resource_tree(request: HttpRequest, pk: int) -> HttpResponse:
    application = find_application(request, pk)
    context = {
        "application": {"pk": application.pk},
        "drift_view": view_of(request.GET.get("view")),
        **applications.resource_context(
            application,
            read_resources(application),
            only_unwell=wants_unwell(request),
            now=timezone.now(),
        ),
    }
    return render(request, "environments/_resource_tree.html", context)


@requires(Role.PROMOTER)
@require_POST
def application_check(request: HttpRequest, pk: int) -> HttpResponse:
    application = find_application(request, pk, Role.PROMOTER)
    jobs.make_due(CHECK, [application.pk])
    if request.headers.get("HX-Request"):
        return _facts(request, application)
    messages.success(request, f"{application} will be checked in a moment.")
    return redirect("application-detail", pk=pk)


def find_cluster(request: HttpRequest, pk: int, role: Role = Role.VIEWER) -> Cluster:
    """The cluster, if the person may see it and has the role in its project; else 404."""
    found = Cluster.objects.visible_to(person_of(request)).select_related("project")
    cluster = get_object_or_404(found, pk=pk)
    if not has_role(person_of(request), role, cluster.project):
        raise Http404("No such cluster.")
    return cluster


@requires(Role.VIEWER)
@require_safe
def cluster_list(request: HttpRequest) -> HttpResponse:
    found = Cluster.objects.visible_to(person_of(request))
    page = page_of(found, request.GET.get("page"), cluster_row)
    return render(request, "environments/cluster_list.html", {"clusters": page})


@requires(Role.VIEWER)
@require_safe
def cluster_detail(request: HttpRequest, pk: int) -> HttpResponse:
    cluster = find_cluster(request, pk)
    context = cluster_context(cluster)
    context["is_admin"] = has_role(person_of(request), Role.ADMIN, cluster.project)
    return render(request, "environments/cluster_detail.html", context)


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_edit(request: HttpRequest, pk: int) -> HttpResponse:
    cluster = find_cluster(request, pk, Role.ADMIN)
    stored = ("name", "server", "ca_data", *clusters.GRANTS)
    initial = {name: getattr(cluster, name) for name in stored}
    form = ClusterEditForm(request.POST or None, cluster=cluster, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        clusters.change_cluster(cluster, **data, by=person_of(request))
        messages.success(request, f"{cluster.name} is saved and will be asked now.")
        return redirect("cluster-detail", pk=pk)
    context = {"cluster": cluster_row(cluster), "form": form, "roles": connect.granted_roles()}
    return render(request, "environments/cluster_edit.html", context)


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_remove(request: HttpRequest, pk: int) -> HttpResponse:
    cluster = find_cluster(request, pk, Role.ADMIN)
    if request.method == "POST":
        clusters.remove_cluster(cluster, by=person_of(request))
        messages.success(request, f"{cluster.name} is removed.")
        return redirect("cluster-list")
    return render(request, "environments/cluster_remove.html", cluster_context(cluster))


@requires(Role.PROMOTER)
@require_POST
def cluster_check(request: HttpRequest, pk: int) -> HttpResponse:
    cluster = find_cluster(request, pk, Role.PROMOTER)
    jobs.make_due(CHECK, list(cluster.applications.values_list("pk", flat=True)))
    messages.success(request, f"{cluster.name} will be asked in a moment.")
    return redirect("cluster-detail", pk=pk)


@requires(Role.ADMIN)
@require_POST
def cluster_pause(request: HttpRequest, pk: int) -> HttpResponse:
    clusters.set_paused(find_cluster(request, pk, Role.ADMIN), True, by=person_of(request))
    return redirect("cluster-detail", pk=pk)


@requires(Role.ADMIN)
@require_POST
def cluster_resume(request: HttpRequest, pk: int) -> HttpResponse:
    clusters.set_paused(find_cluster(request, pk, Role.ADMIN), False, by=person_of(request))
    return redirect("cluster-detail", pk=pk)
