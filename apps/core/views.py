"""Signs of health for whatever runs the program, and the icon. Public, and they tell nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

from apps.core import ticks
from apps.core.migrated import is_migrated
from gitopsui.schedules import PROMOTIONS

WORKER_PATIENCE = timedelta(minutes=3)
TRY_AGAIN = timedelta(seconds=5)

View = TypeVar("View", bound=Callable[..., Any])


def _public(view: View) -> View:
    """As `apps.accounts.permissions.requires(PUBLIC)`, which lies above the core."""
    view.permission = "public"  # type: ignore[attr-defined]
    return view


@_public
@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """The web process answers."""
    return JsonResponse({"status": "ok"})


@_public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, migrations and both sets of workers; 503 with the names of what is not well."""
    checks = {"database": _is_database_there()}
    if checks["database"]:
        checks["migrations"] = is_migrated()
        checks["worker"] = checks["migrations"] and _is_worker_alive("")
        checks["promotions"] = checks["migrations"] and _is_worker_alive(PROMOTIONS)
    is_ready = all(checks.values())
    body = {"status": "ok" if is_ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


@_public
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for where a page names no icon, such as an error page or a file of text."""
    return HttpResponseRedirect(static("img/favicon.svg"))


def failed(request: HttpRequest) -> HttpResponse:
    """
    What is shown where a page broke. A database that is out of reach is no fault of the page: 503, so that
    browsers, proxies and forges try again.
    """
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return server_error(request)
    response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(int(TRY_AGAIN.total_seconds()))
    return response


def _is_database_there() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _is_worker_alive(queue_name: str) -> bool:
    age = ticks.age(ticks.sign_of(queue_name))
    return age is not None and age < WORKER_PATIENCE
