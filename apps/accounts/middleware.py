"""Default deny: a view is reached only by those its declared permission names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.models import Person, Role, RoleBinding
from apps.accounts.permissions import PUBLIC, has_role


class PermissionMiddleware:
    """Refuses views without a declaration, sends strangers to sign in, and people without the role away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        permission = getattr(view, "permission", None)
        if permission == PUBLIC:
            return None
        if permission is None:
            raise PermissionDenied("This page does not say who may see it.")
        if not isinstance(request.user, Person):
            return _to_sign_in(request)
        # Read once for the whole request: roles and visible projects are asked again by views and templates.
        prefetch_related_objects(
            [request.user], Prefetch("role_bindings", RoleBinding.objects.select_related("project"))
        )
        if not has_role(request.user, Role(permission)):
            raise PermissionDenied(f"This needs the role {permission}. Ask an administrator for it.")
        return None


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if not Person.objects.filter(is_active=True).exists():
        return redirect("welcome")
    target = f"{reverse('sign-in')}?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request"):
        # A poll of a page whose session ended: stop it and take the whole page to the sign-in.
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("sign-in")})
    return redirect(target)
