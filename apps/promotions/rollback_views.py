"""The page that takes an environment back: what it would get, what is lost, every gate, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Project, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.core.addresses import row_number
from apps.environments.models import Application, Environment
from apps.promotions.edit_page import planned_context
from apps.promotions.models import Promotion
from apps.promotions.selectors import pages
from apps.promotions.selectors.cargo import Cargo, cargo_of
from apps.promotions.selectors.facts import prospective_facts
from apps.promotions.selectors.policies import policy_of
from apps.promotions.selectors.rollback import Earlier, bad_versions, find_earlier, is_bad
from apps.promotions.services.planning import Plan, Wish, plan_promotion
from apps.promotions.services.propose import describe
from apps.promotions.services.rollback import start_rollback, wishes_back
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.promotion import IN_GIT, PromotionKind, prognosis


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: a promotion to undo, or an application and a version it should run."""

    environment: Environment
    wishes: list[Wish]
    promotion: Promotion | None = None
    application: Application | None = None
    choices: tuple[Earlier, ...] = ()
    version: str = ""


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def rollback_new(request: HttpRequest, slug: str) -> HttpResponse:
    """`?promotion=7` undoes one, `?application=7` offers the versions that one can go back to."""
    project, person = find_project(request, slug), person_of(request)
    data = request.POST if request.method == "POST" else request.GET
    asked = _asked(project, data)
    if asked is None:
        messages.info(request, "Go back from an application or from a promotion that was deployed.")
        return redirect("promotion-list", slug=slug)
    if not has_role(person, Role.PROMOTER, project, environment=asked.environment.name):
        messages.error(request, f"Only promoters into {asked.environment} may roll it back.")
        return redirect("promotion-list", slug=slug)
    if request.method == "POST":
        return _start(request, asked)
    return render(request, "promotions/rollback_new.html", _context(request, project, asked))


def _asked(project: Project, data: Any) -> Asked | None:
    if promotion_id := row_number(data.get("promotion")):
        rows = project.promotions.select_related("environment__project", "repository")
        promotion = get_object_or_404(rows, pk=promotion_id, phase__in=IN_GIT)
        return Asked(promotion.environment, _good(wishes_back(promotion)), promotion=promotion)
    if application_id := row_number(data.get("application")):
        rows_ = Application.objects.filter(component__project=project).select_related(
            "component__project", "component__source", "environment__project", "repository"
        )
        application = get_object_or_404(rows_, pk=application_id)
        choices = tuple(find_earlier(application))
        version = data.get("version", "")[:200] or next((one.version for one in choices), "")
        offered = version in {one.version for one in choices}
        wishes = [Wish(application, version, is_back=True)] if offered else []
        return Asked(application.environment, wishes, None, application, choices, version)
    return None


def _good(wishes: list[Wish]) -> list[Wish]:
    """A release that is marked bad is never offered."""
    bad = {one.application.component_id: bad_versions(one.application.component_id) for one in wishes}
    return [one for one in wishes if not is_bad(one.version, bad[one.application.component_id])]


def _start(request: HttpRequest, asked: Asked) -> HttpResponse:
    data = request.POST
    try:
        if not asked.wishes:
            raise PromotionDenied(f"{asked.version or 'That version'} is not offered: it never ran there.")
        promotion = start_rollback(
            asked.environment,
            asked.wishes,
            by=person_of(request),
            reason=data.get("reason", ""),
            seen=data.get("seen", ""),
            reverts=asked.promotion,
        )
    except PromotionDenied as denial:
        messages.error(request, str(denial))
        return redirect(f"{request.path}?{_query(asked)}")
    messages.success(request, "It is on its way back: the pull request is opened now.")
    return redirect("promotion-detail", pk=promotion.pk)


def _query(asked: Asked) -> str:
    if asked.promotion is not None:
        return f"promotion={asked.promotion.pk}"
    return f"application={asked.application.pk}" if asked.application is not None else ""


def _context(request: HttpRequest, project: Project, asked: Asked) -> dict[str, Any]:
    now, person = timezone.now(), person_of(request)
    plan = plan_promotion(asked.environment, asked.wishes)
    moved = [(move.application, move.to_version) for move in plan.moves]
    facts = prospective_facts(
        asked.environment, moved, now=now, proposer=person.get_username(), kind=PromotionKind.ROLLBACK
    )
    return {
        "project": project,
        "asked": asked,
        "target": asked.environment,
        "plan": plan,
        "heading": _heading(asked, plan),
        "gates": pages.gate_rows(prognosis(facts)) if plan.moves else [],
        "cargo": [_cargo(move.application, move.from_version, move.to_version) for move in plan.moves],
        "policy": policy_of(asked.environment),
        **planned_context(request, plan),
    }


def _heading(asked: Asked, plan: Plan) -> str:
    if plan.is_empty:
        what = asked.application or asked.environment
        return f"There is nothing to go back to for {what}" if not asked.wishes else "It is there already"
    return f"{describe(plan, PromotionKind.ROLLBACK)}?"


def _cargo(application: Application, old: str, new: str) -> Cargo:
    component = application.component
    return cargo_of(component, old, new)
