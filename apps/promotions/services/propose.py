"""Starts promotions: from a plan somebody saw, or backwards as a rollback. Everything else is a worker's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Person, Role
from apps.accounts.permissions import has_role
from apps.core import audit, jobs
from apps.environments.models import Application, Environment
from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.services.claims import add_event
from apps.promotions.services.planning import Move, Plan, Wish, plan_promotion
from gitopsui.adapters.forge.base import BRANCH_PREFIX
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.promotion import PromotionKind
from gitopsui.domain.text import clean_text

ADVANCE = "promotions.advance"
TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for; a rollback has a reason."""

    environment: Environment
    source: Environment | None
    wishes: list[Wish]
    reason: str = ""
    kind: PromotionKind = PromotionKind.PROMOTION
    reverts: Promotion | None = None


def start_promotion(request: Request, *, by: Person | None, seen: str = "") -> Promotion:
    """
    Plan once more and start what was planned. `seen` is the hash of the plan the page showed; another plan is
    refused. Raises PromotionDenied with a sentence.
    """
    environment = request.environment
    if by is not None and not has_role(by, Role.PROMOTER, environment.project, environment=environment.name):
        raise PromotionDenied(f"Only promoters into {environment} may do that; ask an administrator.")
    plan = plan_promotion(environment, request.wishes)
    if plan.is_empty:
        reasons = "; ".join(f"{skip.application}: {skip.reason}" for skip in plan.skips[:3])
        raise PromotionDenied(f"There is nothing to promote. {reasons}".strip())
    if seen and seen != plan.diff_hash:
        raise PromotionDenied("What would change is not what the page showed any more. Look at it again.")
    if request.kind == PromotionKind.ROLLBACK and not request.reason.strip():
        raise PromotionDenied("A rollback needs a reason.")
    try:
        with transaction.atomic():
            promotion = _store(request, plan, by)
    except IntegrityError as error:
        raise PromotionDenied(_taken(plan)) from error
    jobs.enqueue_due(ADVANCE)
    return promotion


def _store(request: Request, plan: Plan, by: Person | None) -> Promotion:
    promotion = _row(request, plan, by)
    promotion.save()
    # A forge gets more when it is opened there; for the built-in review its page says the rest.
    promotion.branch, promotion.body = f"{BRANCH_PREFIX}{promotion.pk}", promotion.message
    promotion.save(update_fields=["branch", "body"])
    for move in plan.moves:
        PromotionItem.objects.create(
            promotion=promotion,
            application=move.application,
            component=move.application.component,
            from_version=move.from_version,
            to_version=move.to_version,
            edits=[{"path": path} for path in move.paths],
        )
    actor = promotion.proposer_name
    add_event(promotion, f"{actor} planned it.", actor=actor, now=promotion.planned_at, is_step=True)
    audit.record(by, "planned promotion", promotion, after=_told(promotion, plan))
    jobs.schedule(ADVANCE, promotion.pk, label=promotion.title)
    return promotion


def _row(request: Request, plan: Plan, by: Person | None) -> Promotion:
    """What its commit is made of is fixed here: base, files, message, author and time."""
    now, first = timezone.now(), plan.moves[0].application
    title = describe(plan, request.kind)
    return Promotion(
        project=request.environment.project,
        environment=request.environment,
        source_environment=request.source,
        repository=first.repository,
        kind=request.kind,
        reverts=request.reverts,
        title=title,
        reason=clean_text(request.reason, limit=2_000),
        proposer=by,
        proposer_name=by.get_username() if by else "gitopsui",
        planned_at=now,
        phase_at=now,
        base_branch=_branch_of(first),
        base_sha=plan.base_sha,
        diff_hash=plan.diff_hash,
        message=_message(title, request, plan),
        preview={"files": [one.to_json() for one in plan.files]},
    )


def _told(promotion: Promotion, plan: Plan) -> dict[str, Any]:
    return {
        "environment": promotion.environment.name,
        "kind": promotion.kind,
        "reason": promotion.reason,
        "versions": {
            str(move.application): f"{move.from_version} → {move.to_version}" for move in plan.moves
        },
    }


def _branch_of(application: Application) -> str:
    repository = application.repository
    return application.branch or repository.branch or repository.default_branch


def _taken(plan: Plan) -> str:
    rows = PromotionItem.objects.filter(is_open=True, application__in=[one.application for one in plan.moves])
    item = rows.select_related("promotion").first()
    if item is None:
        return "Somebody else started the same promotion just now. Look at it again."
    return f"{item.application} is in promotion {item.promotion_id} already, {item.promotion.phase}."


def describe(plan: Plan, kind: PromotionKind = PromotionKind.PROMOTION) -> str:
    """`checkout: 2.14.0 to 2.15.0 in production`, `3 components in production`."""
    verb = "Roll back " if kind == PromotionKind.ROLLBACK else ""
    environment = plan.environment.name
    names = sorted({move.application.component.name for move in plan.moves})
    if len(names) > 1:
        return clean_text(
            f"{verb}{len(names)} components in {environment}: {', '.join(names)}", limit=TITLE_CHARS
        )
    move = plan.moves[0]
    versions = f"{move.from_version or 'unknown'} to {move.to_version}"
    if move.from_version == move.to_version:
        versions = f"configuration at {move.to_version}"
    return clean_text(f"{verb}{names[0]}: {versions} in {environment}", limit=TITLE_CHARS)


def _message(title: str, request: Request, plan: Plan) -> str:
    """The message of the commit: what moves, and why."""
    lines = [
        f"- {move.application.component.name}: {move.from_version or 'unknown'} → {move.to_version}"
        + (f", {_count_paths(move)} copied from {move.copied_from}" if move.copied_from else "")
        for move in plan.moves
    ]
    reason = clean_text(request.reason, limit=2_000).strip()
    parts = [f"chore({plan.environment.name}): {title}", "\n".join(lines)]
    if reason:
        parts.append(reason)
    if request.reverts is not None and request.reverts.merge_sha:
        parts.append(f"Reverts: {request.reverts.merge_sha}")
    return clean_text("\n\n".join(parts))


def _count_paths(move: Move) -> str:
    return f"{len(move.paths)} file{'s' * (len(move.paths) != 1)}"
