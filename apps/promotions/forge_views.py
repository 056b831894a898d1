"""The page of a repository that says how its pull requests are made."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.core import jobs
from apps.promotions import connect
from apps.promotions.forge_forms import ForgeForm
from apps.promotions.models import BUILT_IN, ForgeConnection
from apps.promotions.selectors.forges import busy_until, guess_for, is_in_use
from apps.promotions.services import forges
from apps.repositories.models import Repository
from gitopsui.domain.errors import InputError, PromotionDenied


def _find(request: HttpRequest, pk: int) -> Repository:
    rows = Repository.objects.visible_to(person_of(request)).select_related("project", "forge")
    repository = get_object_or_404(rows, pk=pk)
    if not has_role(person_of(request), Role.ADMIN, repository.project):
        raise Http404("No such repository.")
    return repository


def _connection(repository: Repository) -> ForgeConnection | None:
    return getattr(repository, "forge", None)


@requires(Role.ADMIN)
@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
def repository_forge(request: HttpRequest, pk: int) -> HttpResponse:
    repository = _find(request, pk)
    connection = _connection(repository)
    form = ForgeForm(request.POST or None, connection=connection, guess=guess_for(repository))
    if request.method == "POST" and form.is_valid() and _store(request, repository, form):
        return redirect("repository-forge", pk=pk)
    return render(request, "promotions/forge_detail.html", _context(repository, form))


def _store(request: HttpRequest, repository: Repository, form: ForgeForm) -> bool:
    wanted, policy = form.connection_wanted(), connect.forge_policy()
    try:
        row = forges.connect_forge(repository, wanted, policy=policy, by=person_of(request))
    except PromotionDenied as denial:
        form.add_error(None, str(denial))
    except InputError as error:
        form.add_error(error.field or "api_url", error.message)
    else:
        said = (
            "Pull requests are reviewed and merged here."
            if row.kind == BUILT_IN
            else ("It is saved and being tried.")
        )
        messages.success(request, said)
        return True
    return False


def _context(repository: Repository, form: ForgeForm) -> dict[str, Any]:
    connection = _connection(repository)
    is_used = connection is not None and is_in_use(connection)
    job = jobs.job_of(forges.DETECT, repository.pk)
    return {
        "repository": repository,
        "connection": connection,
        "form": form,
        "is_used": is_used,
        "busy_until": busy_until(connection, now=timezone.now()) if connection is not None else None,
        "is_being_checked": is_used and connection is not None and connection.checked_at is None,
        "is_being_detected": job is not None and job.state in ("waiting", "running"),
        "has_secret": bool(connection is not None and connection.webhook_secret),
        "webhook_address": _webhook_address(repository),
    }


def _webhook_address(repository: Repository) -> str:
    """What somebody pastes into the forge; "" where no webhooks are taken."""
    try:
        return settings.GITOPSUI_URL + reverse("webhook", args=[repository.pk])
    except NoReverseMatch:
        return ""


@requires(Role.ADMIN)
@require_POST
def repository_forge_check(request: HttpRequest, pk: int) -> HttpResponse:
    connection = _connection(_find(request, pk))
    if connection is not None and is_in_use(connection):
        forges.ask_check(connection)
        messages.success(request, "It will be tried in a moment.")
    return redirect("repository-forge", pk=pk)


@requires(Role.ADMIN)
@require_POST
def repository_forge_detect(request: HttpRequest, pk: int) -> HttpResponse:
    forges.ask_detect(_find(request, pk), by=person_of(request))
    messages.success(request, "The host is being asked what it is.")
    return redirect("repository-forge", pk=pk)


@requires(Role.ADMIN)
@require_POST
@never_cache
def repository_forge_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """The only page that ever shows the secret: the answer to the request that made it."""
    repository = _find(request, pk)
    secret = forges.make_secret(repository, by=person_of(request))
    context = {
        "repository": repository,
        "secret": secret,
        "webhook_address": _webhook_address(repository),
    }
    return render(request, "promotions/forge_secret.html", context)


@requires(Role.ADMIN)
@require_POST
def repository_forge_remove(request: HttpRequest, pk: int) -> HttpResponse:
    repository = _find(request, pk)
    try:
        forges.remove_forge(repository, by=person_of(request))
    except PromotionDenied as denial:
        messages.error(request, str(denial))
    else:
        messages.success(request, "Pull requests are reviewed and merged here from now on.")
    return redirect("repository-forge", pk=pk)
