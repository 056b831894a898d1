"""The page of a project that says whose signatures it believes."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.releases.key_forms import TrustedKeyForm
from apps.releases.models import TrustedKey
from apps.releases.selectors.trusted_keys import count_verdicts, find_missing_program, list_keys
from apps.releases.services.trusted_keys import add_trusted_key, remove_trusted_key
from gitopsui.domain.errors import InputError

AGAIN = "The tags of the project are checked again now."


@requires(Role.VIEWER)
@sensitive_post_parameters("text")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def trusted_key_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The trusted keys of a project; its administrators add to them."""
    project, person = find_project(request, slug), person_of(request)
    form = TrustedKeyForm(request.POST or None)
    if request.method == "POST":
        _check_may_change(person, project)
        if form.is_valid() and _add(request, project, form, person):
            return redirect("trusted-key-list", slug)
    context = {
        "project": project,
        "keys": list_keys(project, now=timezone.now()),
        "verdicts": count_verdicts(project),
        "missing": find_missing_program(project),
        "is_admin": has_role(person, Role.ADMIN, project),
        "form": form,
    }
    return render(request, "releases/trusted_key_list.html", context)


def _check_may_change(person: Person, project: Project) -> None:
    if not has_role(person, Role.ADMIN, project):
        raise PermissionDenied(f"Only an administrator of {project} may change whose signatures it believes.")


def _add(request: HttpRequest, project: Project, form: TrustedKeyForm, person: Person) -> bool:
    try:
        row = add_trusted_key(project, form.key, by=person)
    except InputError as error:
        form.add_error(error.field, error.message)
        return False
    messages.success(request, f"The key of {row.owner} is trusted. {AGAIN}")
    return True


@requires(Role.ADMIN)
@require_POST
def trusted_key_remove(request: HttpRequest, pk: int) -> HttpResponse:
    visible = TrustedKey.objects.visible_to(person_of(request)).select_related("project")
    row = get_object_or_404(visible, pk=pk)
    _check_may_change(person_of(request), row.project)
    remove_trusted_key(row, by=person_of(request))
    messages.success(request, f"The key of {row.owner} is not trusted any more. {AGAIN}")
    return redirect("trusted-key-list", row.project.slug)
