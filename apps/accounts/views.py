"""Signing in and out, the first administrator, and who may do what."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import services
from apps.accounts.forms import AccountForm, PersonForm
from apps.accounts.models import Person, Role
from apps.accounts.permissions import PUBLIC, person_of, requires
from apps.core import audit
from apps.core.paging import page_of

YEAR = 365 * 24 * 3600


class SignInView(LoginView):
    """Notes who signed in."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        person = person_of(self.request)
        audit.record(person, "signed in", person)
        return answer


sign_in = requires(PUBLIC)(
    SignInView.as_view(template_name="accounts/sign_in.html", redirect_authenticated_user=True)
)
sign_out = requires(PUBLIC)(LogoutView.as_view(next_page="sign-in"))


@requires(PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Make the first administrator. Closed for good as soon as there is an account."""
    if Person.objects.exists():
        return redirect("sign-in")
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = services.make_first_administrator(**form.cleaned_data)
        if person is None:
            return redirect("sign-in")
        login(request, person, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("set-up")
    return render(request, "accounts/welcome.html", {"form": form})


@requires(PUBLIC)
@require_POST
def theme_set(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the system; kept in a cookie so that it holds before anybody signs in."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    # Not `redirect`, which takes what is no address for the name of a page.
    response = HttpResponseRedirect(target)
    theme = request.POST.get("theme", "")
    if theme in ("light", "dark"):
        response.set_cookie("theme", theme, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme")
    return response


def _check_keeper(request: HttpRequest) -> None:
    """An administrator of one project must not become one of all by this page, nor sign in as another."""
    if not person_of(request).keeps_accounts:
        raise PermissionDenied(
            "Accounts belong to no project: only administrators of all projects keep them."
        )


@requires(Role.ADMIN)
@require_safe
def people_list(request: HttpRequest) -> HttpResponse:
    _check_keeper(request)
    people = Person.objects.order_by("username").prefetch_related("role_bindings")
    page = page_of(people, request.GET.get("page"), _row)
    context = {"people": page, "add_url": reverse("person-add")}
    return render(request, "accounts/person_list.html", context)


def _row(person: Person) -> dict[str, object]:
    role = person.find_role() if person.is_active else None
    return {
        "name": person.username,
        "url": reverse("person-edit", args=[person.pk]),
        "role_label": _role_words(person, role),
        "last_sign_in_at": person.last_login,
        "is_active": person.is_active,
    }


def _role_words(person: Person, role: Role | None) -> str:
    """`promoter in dev, staging`."""
    where = ", ".join(_environments(person))
    label = str(role.label) if role else "none"
    return f"{label} in {where}" if where else label


def _environments(person: Person) -> list[str]:
    """Those the role is limited to, where it holds in all projects."""
    return next((one.environments for one in person.role_bindings.all() if one.project_id is None), [])


@requires(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def person_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    _check_keeper(request)
    person = get_object_or_404(Person, pk=pk) if pk else None
    initial: dict[str, Any] | None = None
    if person is not None:
        role = person.find_role() or Role.VIEWER
        initial = {"username": person.username, "role": role, "is_active": person.is_active}
        initial["environments"] = _environments(person)
        initial["groups"] = ", ".join(person.groups.order_by("name").values_list("name", flat=True))
    form = PersonForm(request.POST or None, person=person, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if person == request.user and (not data["is_active"] or data["role"] != Role.ADMIN):
            form.add_error(None, "You cannot take your own administration away; ask another administrator.")
        else:
            data["role"] = Role(data["role"])
            services.save_person(person, **data, by=person_of(request))
            messages.success(request, f"{data['username']} is saved.")
            return redirect("people-list")
    context = {"form": form, "person": {"name": person.username, "pk": person.pk} if person else None}
    return render(request, "accounts/person_edit.html", context)
