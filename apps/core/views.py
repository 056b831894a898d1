"""Signs of health for whatever runs the program, and the icon. Public, and they tell nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core import ticks

WORKER_PATIENCE = timedelta(minutes=3)

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
    """Database, migrations and workers; 503 with the names of what is not well."""
    checks = {"database": _is_database_there()}
    if checks["database"]:
        checks["migrations"] = _is_migrated()
        checks["worker"] = checks["migrations"] and _is_worker_alive()
    is_ready = all(checks.values())
    body = {"status": "ok" if is_ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


@_public
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for where a page names no icon, such as an error page or a file of text."""
    return HttpResponseRedirect(static("img/favicon.svg"))


def _is_database_there() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _is_worker_alive() -> bool:
    age = ticks.age(ticks.WORKER)
    return age is not None and age < WORKER_PATIENCE
