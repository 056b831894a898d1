"""The pages of promotions: what is under way, what would happen, and what people decide."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.core.paging import page_of
from apps.environments.models import Environment
from apps.promotions.edit_page import planned_context, promotion_context
from apps.promotions.models import Promotion
from apps.promotions.selectors import links, pages, rules
from apps.promotions.selectors.answers import answer_rows, approvers_of
from apps.promotions.selectors.cargo import Cargo, cargo_of, cargo_of_promotion
from apps.promotions.selectors.facts import promotion_facts, prospective_facts, seen_of
from apps.promotions.selectors.policies import policy_of
from apps.promotions.selectors.sides import Sides, component_choices, read_sides, release_choices
from apps.promotions.services import decide
from apps.promotions.services.planning import Plan, Wish, plan_promotion, wishes_from
from apps.promotions.services.propose import Request, describe, start_promotion
from apps.promotions.services.release_wishes import wishes_of_release
from gitopsui.domain.approval import Seen, can_approve
from gitopsui.domain.errors import OwnApprovalDenied, PromotionDenied
from gitopsui.domain.promotion import CLOSABLE, IN_GIT, OPEN_PHASES, Phase, prognosis


@requires(Role.VIEWER)
@require_safe
def promotion_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = find_project(request, slug)
    ended = pages.promotions_of(project, is_open=False)
    context = {
        "project": project,
        "under_way": [pages.promotion_row(one) for one in pages.promotions_of(project, is_open=True)[:100]],
        "ended": page_of(ended, request.GET.get("page"), pages.promotion_row),
        "environments": list(project.environments.all()),
        "environment_rows": rules.environment_rows(project, now=timezone.now()),
        "may_promote": has_role(person_of(request), Role.PROMOTER, project),
        "filters": {"query": ""},
    }
    return render(request, "promotions/promotion_list.html", context)


# --- before it starts -------------------------------------------------------------------------------------


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def promotion_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The preview: the edit, what ships, every gate; and the button that starts it."""
    project, person = find_project(request, slug), person_of(request)
    if not has_role(person, Role.PROMOTER, project):
        raise Http404("No such project.")
    data = request.POST if request.method == "POST" else request.GET
    sides = read_sides(list(project.environments.all()), data)
    if sides.target is None or not sides.is_complete:
        return render(request, "promotions/promotion_new.html", _choices(project, sides))
    wishes = _wishes(sides.target, sides)
    if request.method == "POST":
        wanted = Request(sides.target, sides.source, wishes, request.POST.get("reason", ""))
        return _start(request, wanted, person, back=sides.address(project))
    return _show_preview(request, project, sides, plan_promotion(sides.target, wishes))


def _wishes(target: Environment, sides: Sides) -> list[Wish]:
    """What runs in the source, or the release that is the source."""
    if sides.source is None:
        return wishes_of_release(target, sides.slugs[0], sides.version)
    return wishes_from(sides.source, target, sides.slugs)


def _choices(project: Project, sides: Sides) -> dict[str, Any]:
    """What the head of the page reads; it keeps what was chosen while something else is."""
    return {
        "project": project,
        "environments": list(project.environments.all()),
        "sides": sides,
        "source": sides.source,
        "target": sides.target,
        "releases": release_choices(project, sides),
        "candidates": component_choices(sides.target) if sides.target and not sides.is_complete else [],
    }


def _start(request: HttpRequest, wanted: Request, person: Person, *, back: str) -> HttpResponse:
    try:
        promotion = start_promotion(wanted, by=person, seen=request.POST.get("seen", ""))
    except PromotionDenied as denial:
        messages.error(request, str(denial))
        return redirect(back)
    messages.success(request, "It is on its way: the pull request is opened now.")
    return redirect("promotion-detail", pk=promotion.pk)


def _show_preview(request: HttpRequest, project: Project, sides: Sides, plan: Plan) -> HttpResponse:
    person, now, target = person_of(request), timezone.now(), plan.environment
    moved = [(move.application, move.to_version) for move in plan.moves]
    facts = prospective_facts(target, moved, now=now, proposer=person.get_username())
    gates = prognosis(facts) if plan.moves else []
    context = {
        **_choices(project, sides),
        "plan": plan,
        "title": describe(plan) if plan.moves else "",
        "heading": _preview_heading(plan, target),
        "gates": pages.gate_rows(gates),
        "cargo": _cargo(plan),
        "policy": policy_of(target),
        "may_start": has_role(person, Role.PROMOTER, project, environment=target.name),
        **planned_context(request, plan),
    }
    return render(request, "promotions/promotion_new.html", context)


def _preview_heading(plan: Plan, target: Environment) -> str:
    if plan.is_empty:
        return f"Nothing to promote into {target.name}"
    return f"Promote {describe(plan)}?"


def _cargo(plan: Plan) -> list[Cargo]:
    seen: dict[int, Cargo] = {}
    for move in plan.moves:
        component = move.application.component
        if component.pk not in seen:
            component.project = plan.environment.project
            seen[component.pk] = cargo_of(component, move.from_version, move.to_version)
    return list(seen.values())


# --- under way --------------------------------------------------------------------------------------------


def _find(request: HttpRequest, pk: int) -> Promotion:
    rows = Promotion.objects.visible_to(person_of(request)).select_related(
        "project", "environment", "source_environment", "repository", "proposer", "reverts"
    )
    return get_object_or_404(rows, pk=pk)


@requires(Role.VIEWER)
@require_safe
def promotion_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, promotion: Promotion, *, status: int = 200) -> HttpResponse:
    items = list(
        promotion.items.select_related(
            "component__source", "component__project", "application__environment", "application__component"
        )
    )
    context = {
        **_card(request, promotion),
        "items": items,
        # Where it answers a refused form the address is that of the form, which cannot be opened again.
        "page_url": reverse("promotion-detail", args=[promotion.pk]) if request.method == "POST" else "",
        "cargo": cargo_of_promotion(promotion, items),
        **promotion_context(request, promotion, items),
    }
    return render(request, "promotions/promotion_detail.html", context, status=status)


@requires(Role.VIEWER)
@require_safe
def promotion_card(request: HttpRequest, pk: int) -> HttpResponse:
    """What moves while it is under way; a settled one is not asked for again."""
    return render(request, "promotions/_promotion_card.html", _card(request, _find(request, pk)))


def _card(request: HttpRequest, promotion: Promotion) -> dict[str, Any]:
    person, facts = person_of(request), promotion_facts(promotion, now=timezone.now())
    is_asked = promotion.phase in OPEN_PHASES
    gates = prognosis(facts) if is_asked else []
    approver, answers = decide.approver_of(person, promotion), answer_rows(promotion, facts)
    is_promoter = has_role(person, Role.PROMOTER, promotion.project, environment=promotion.environment.name)
    rollback = f"{reverse('rollback-new', args=[promotion.project.slug])}?promotion={promotion.pk}"
    return {
        "promotion": promotion,
        "project": promotion.project,
        "heading": pages.heading_of(promotion, gates),
        "tone": pages.tone_of(promotion),
        "steps": pages.steps_of(promotion, approvers_of(answers)),
        "gates": pages.gate_rows(gates) if is_asked else pages.kept_gate_rows(promotion),
        "is_asked": is_asked,
        "is_shut": not all(gate.is_open for gate in gates),
        "seen": seen_of(promotion),
        "approvals": answers,
        "events": list(promotion.events.all()),
        "policy": policy_of(promotion.environment),
        "can_approve": can_approve(facts, by=approver),
        "can_reject": approver.has_role and promotion.phase == Phase.OPEN,
        "can_merge": is_promoter and promotion.phase == Phase.OPEN and not promotion.wants_merge,
        "can_close": is_promoter and promotion.phase in CLOSABLE,
        "can_override": has_role(person, Role.ADMIN, promotion.project) and promotion.phase == Phase.OPEN,
        "can_roll_back": is_promoter and promotion.phase in IN_GIT,
        "rollback_url": rollback,
        "again_url": links.again_url(promotion) if is_promoter else "",
        "polls": not promotion.is_settled,
    }


def _decided(request: HttpRequest, pk: int, act: Callable[[], Promotion], said: str) -> HttpResponse:
    """
    Do it and show the promotion. A refusal is a sentence on the page as it stands now: 403 where one may not,
    409 where it is another one than was looked at.
    """
    promotion = _find(request, pk)
    try:
        act()
    except PromotionDenied as denial:
        messages.error(request, str(denial))
        status = HTTPStatus.FORBIDDEN if isinstance(denial, OwnApprovalDenied) else HTTPStatus.CONFLICT
        return _page(request, _find(request, pk), status=status)
    messages.success(request, said)
    return redirect("promotion-detail", pk=promotion.pk)


def _seen(request: HttpRequest) -> Seen:
    data = request.POST
    return Seen(data.get("base", ""), data.get("head", ""), data.get("diff", ""))


@requires(Role.APPROVER)
@require_POST
def promotion_approve(request: HttpRequest, pk: int) -> HttpResponse:
    person = person_of(request)
    return _decided(request, pk, lambda: decide.approve(pk, by=person, seen=_seen(request)), "Approved.")


@requires(Role.APPROVER)
@require_POST
def promotion_reject(request: HttpRequest, pk: int) -> HttpResponse:
    person, reason = person_of(request), request.POST.get("reason", "")
    said = "Rejected. It is not merged while that stands."
    return _decided(
        request, pk, lambda: decide.reject(pk, by=person, seen=_seen(request), reason=reason), said
    )


@requires(Role.PROMOTER)
@require_POST
def promotion_merge(request: HttpRequest, pk: int) -> HttpResponse:
    said = "It is merged as soon as every gate is open."
    return _decided(request, pk, lambda: decide.ask_merge(pk, by=person_of(request)), said)


@requires(Role.PROMOTER)
@require_POST
def promotion_close(request: HttpRequest, pk: int) -> HttpResponse:
    return _decided(request, pk, lambda: decide.ask_close(pk, by=person_of(request)), "It is being closed.")


@requires(Role.ADMIN)
@require_POST
def promotion_override(request: HttpRequest, pk: int) -> HttpResponse:
    gate, reason, person = request.POST.get("gate", ""), request.POST.get("reason", ""), person_of(request)
    return _decided(
        request,
        pk,
        lambda: decide.override_gate(pk, gate, by=person, reason=reason),
        f"The gate {gate} is open.",
    )
