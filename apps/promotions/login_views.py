"""Who somebody is on forges: kept by administrators of all projects, read by each person of themselves."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Person, Role
from apps.accounts.permissions import person_of, requires
from apps.promotions.login_forms import LoginForm
from apps.promotions.models import ForgeLogin
from apps.promotions.selectors.forges import connected_hosts
from apps.promotions.services import forge_logins
from gitopsui.domain.errors import PromotionDenied


def _find(request: HttpRequest, pk: int) -> Person:
    if not person_of(request).keeps_accounts:
        raise PermissionDenied(
            "Accounts belong to no project: only administrators of all projects keep them."
        )
    return get_object_or_404(Person, pk=pk)


def _logins(person: Person) -> list[ForgeLogin]:
    return list(ForgeLogin.objects.filter(person=person))


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def person_logins(request: HttpRequest, pk: int) -> HttpResponse:
    person, hosts = _find(request, pk), connected_hosts()
    form = LoginForm(request.POST if request.method == "POST" else None, hosts=hosts)
    if request.method == "POST" and form.is_valid() and _added(request, person, form):
        return redirect("person-logins", pk=pk)
    context = {"person": person, "logins": _logins(person), "hosts": hosts, "form": form}
    return render(request, "promotions/login_list.html", context)


def _added(request: HttpRequest, person: Person, form: LoginForm) -> bool:
    try:
        row = forge_logins.add_login(person, **form.cleaned_data, by=person_of(request))
    except PromotionDenied as denial:
        form.add_error("login", str(denial))
        return False
    messages.success(request, f"{person.get_username()} is {row}. Open promotions are asked anew.")
    return True


@requires(Role.ADMIN)
@require_POST
def person_login_remove(request: HttpRequest, pk: int, login: int) -> HttpResponse:
    row = get_object_or_404(ForgeLogin.objects.select_related("person"), pk=login, person=_find(request, pk))
    forge_logins.remove_login(row, by=person_of(request))
    messages.success(request, f"{row} is nobody here any more. Open promotions are asked anew.")
    return redirect("person-logins", pk=pk)


@requires(Role.VIEWER)
@require_safe
def account_logins(request: HttpRequest) -> HttpResponse:
    """The same of oneself, to read."""
    person = person_of(request)
    context = {"person": person, "logins": _logins(person), "is_own": True}
    return render(request, "promotions/login_list.html", context)
