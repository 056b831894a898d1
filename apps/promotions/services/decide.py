"""What people decide about a promotion that is under way: yes, no, merge, close, open a gate."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Person, Role
from apps.accounts.permissions import has_role
from apps.core import audit, jobs
from apps.promotions.models import Approval, GateOverride, Promotion
from apps.promotions.selectors.facts import promotion_facts, seen_of
from apps.promotions.services.claims import add_event
from apps.promotions.services.notices import tell_event
from apps.promotions.services.propose import ADVANCE
from gitopsui.domain.approval import Approver, Seen, check_can_approve
from gitopsui.domain.errors import OwnApprovalDenied, PromotionDenied
from gitopsui.domain.gate_facts import GateState
from gitopsui.domain.gates import prognosis
from gitopsui.domain.promotion import CLOSABLE, Phase
from gitopsui.domain.text import clean_text

MOST_REASON = 1_000


def _may(person: Person, role: Role, promotion: Promotion) -> bool:
    """In the environment the promotion goes into: a right of its own."""
    return has_role(person, role, promotion.project, environment=promotion.environment.name)


def approver_of(person: Person, promotion: Promotion) -> Approver:
    return Approver(
        name=person.get_username(),
        groups=frozenset(person.groups.values_list("name", flat=True)),
        has_role=_may(person, Role.APPROVER, promotion),
        emails=frozenset({person.email} - {""}),
    )


def approve(promotion_id: int, *, by: Person, seen: Seen) -> Promotion:
    """
    Say yes to exactly what was seen. Raises PromotionDenied, for the second of two at once as well. Whoever
    tries it on a promotion of their own is on record with that.
    """
    try:
        return _approve(promotion_id, by, seen)
    except OwnApprovalDenied as denial:
        promotion = Promotion.objects.select_related("project").get(pk=promotion_id)
        audit.record(by, "was refused to approve promotion", promotion, after={"reason": str(denial)})
        raise


@transaction.atomic
def _approve(promotion_id: int, by: Person, seen: Seen) -> Promotion:
    promotion = _lock(promotion_id)
    _check_stays(promotion)
    facts = promotion_facts(promotion, now=timezone.now())
    check_can_approve(facts, by=approver_of(by, promotion), seen=seen)
    _answer(promotion, by, seen)
    tell_event(promotion, "approved", detail=f"Approved by {by.get_username()}.", by=by)
    return promotion


@transaction.atomic
def reject(promotion_id: int, *, by: Person, seen: Seen, reason: str) -> Promotion:
    """Say no, with a reason. Whoever may approve may reject, the proposer as well."""
    promotion, reason = _lock(promotion_id), clean_text(reason, limit=MOST_REASON).strip()
    if not reason:
        raise PromotionDenied("A rejection needs a reason.")
    if promotion.phase != Phase.OPEN:
        raise PromotionDenied(f"This promotion is {promotion.phase}; only an open one can be rejected.")
    if not _may(by, Role.APPROVER, promotion):
        raise PromotionDenied(f"Only approvers of {promotion.environment} may reject.")
    if seen != seen_of(promotion):
        raise PromotionDenied("It changed since you looked at it. Look at it again, then reject.")
    _answer(promotion, by, seen, reason)
    return promotion


def _answer(promotion: Promotion, by: Person, seen: Seen, reason: str = "") -> None:
    now, name = timezone.now(), by.get_username()
    try:
        with transaction.atomic():
            Approval.objects.create(
                promotion=promotion,
                person=by,
                name=name,
                groups=sorted(by.groups.values_list("name", flat=True)),
                at=now,
                base_sha=seen.base_sha,
                head_sha=seen.head_sha,
                diff_hash=seen.diff_hash,
                is_rejection=bool(reason),
                reason=reason,
            )
    except IntegrityError as error:
        raise PromotionDenied("You approved it already.") from error
    word = "rejected" if reason else "approved"
    text = f"{name} {word} it{f': {reason}' if reason else ''}."
    add_event(promotion, text, actor=name, now=now)
    after = {"base": seen.base_sha, "head": seen.head_sha, "edit": seen.diff_hash, "reason": reason}
    audit.record(by, f"{word} promotion", promotion, after=after)
    go_on(promotion)


@transaction.atomic
def ask_merge(promotion_id: int, *, by: Person) -> Promotion:
    """Merge as soon as every gate is open; a worker does it."""
    promotion = _lock(promotion_id)
    if not _may(by, Role.PROMOTER, promotion):
        raise PromotionDenied(f"Only promoters may merge into {promotion.environment}.")
    if promotion.phase != Phase.OPEN:
        raise PromotionDenied(f"This promotion is {promotion.phase}; only an open one can be merged.")
    _check_stays(promotion)
    shut = [gate for gate in prognosis(promotion_facts(promotion, now=timezone.now())) if not gate.is_open]
    if any(gate.state is GateState.BLOCK for gate in shut):
        raise PromotionDenied(f"It may not go yet: {shut[0].reason}")
    if not promotion.wants_merge:
        Promotion.objects.filter(pk=promotion.pk).update(wants_merge=True)
        text = f"{by.get_username()} asked to merge it{' when its gates open' if shut else ''}."
        add_event(promotion, text, actor=by.get_username(), now=timezone.now())
        audit.record(by, "asked to merge promotion", promotion)
    go_on(promotion)
    return promotion


@transaction.atomic
def ask_close(promotion_id: int, *, by: Person) -> Promotion:
    """Close it without merging; a worker does it."""
    promotion = _lock(promotion_id)
    if not _may(by, Role.PROMOTER, promotion):
        raise PromotionDenied(f"Only promoters may close promotions into {promotion.environment}.")
    if promotion.phase not in CLOSABLE:
        raise PromotionDenied(f"This promotion is {promotion.phase} and cannot be closed any more.")
    if _is_asked_for(promotion):
        raise PromotionDenied(
            "Its forge is being asked to merge it at this moment. Try again in a few seconds."
        )
    if not promotion.wants_close:
        now, name = timezone.now(), by.get_username()
        rows = Promotion.objects.filter(pk=promotion.pk)
        rows.update(wants_close=True, close_asked_by=name, close_asked_at=now)
        add_event(promotion, f"{name} closes it.", actor=name, now=now)
        audit.record(by, "closed promotion", promotion)
    go_on(promotion)
    return promotion


@transaction.atomic
def override_gate(promotion_id: int, gate: str, *, by: Person, reason: str) -> Promotion:
    """Open one gate in spite of its answer. Administrators only, with a reason that everybody reads."""
    promotion, reason = _lock(promotion_id), clean_text(reason, limit=MOST_REASON).strip()
    if not has_role(by, Role.ADMIN, promotion.project):
        raise PromotionDenied("Only an administrator may open a gate.")
    if not reason:
        raise PromotionDenied("Opening a gate needs a reason.")
    shut = {
        one.name: one for one in prognosis(promotion_facts(promotion, now=timezone.now())) if not one.is_open
    }
    if gate not in shut:
        raise PromotionDenied(f"The gate {gate} does not hold this promotion up.")
    now, name = timezone.now(), by.get_username()
    # Once more where somebody shut it again since; the trail keeps both.
    values = {"name": name, "reason": reason, "at": now}
    GateOverride.objects.update_or_create(promotion=promotion, gate=gate, defaults=values)
    Promotion.objects.filter(pk=promotion.pk).update(
        body=f"{promotion.body}\n\n> Gate “{gate}” was opened by {name}: {reason}\n"
    )
    add_event(promotion, f"{name} opened the gate {gate}: {reason}", actor=name, now=now)
    audit.record(by, "overrode gate", promotion, before={gate: shut[gate].reason}, after={gate: reason})
    go_on(promotion)
    return promotion


def _is_asked_for(promotion: Promotion) -> bool:
    """
    Whether a worker asks its forge for the merge just now: it stays open while it waits for it. A close that
    came before the worker claimed it is seen by that worker.
    """
    lease = promotion.lease_until
    is_claimed = lease is not None and lease > timezone.now()
    return promotion.phase == Phase.OPEN and promotion.forge_waits_since is not None and is_claimed


def _check_stays(promotion: Promotion) -> None:
    """Raises PromotionDenied once somebody has said that it is closed, with who and since when."""
    if not promotion.wants_close:
        return
    by, at = promotion.close_asked_by, promotion.close_asked_at
    who = f"{by} closes it since {at:%Y-%m-%d %H:%M:%S} UTC" if at else "It is being closed"
    raise PromotionDenied(f"{who}, so nothing was done. Promote again if it is still wanted.")


def _lock(promotion_id: int) -> Promotion:
    """The row, kept from others who decide; a worker writes with its fence all the same."""
    rows = Promotion.objects.select_for_update(of=("self",)).select_related(
        "environment", "source_environment", "project", "repository"
    )
    return rows.get(pk=promotion_id)


def go_on(promotion: Promotion) -> None:
    """Let a worker look at it at once."""
    jobs.make_due(ADVANCE, [promotion.pk])
    transaction.on_commit(lambda: jobs.enqueue_due(ADVANCE))
