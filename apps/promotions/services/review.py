"""What is read of an open promotion at each turn: checks, reviews of the forge, the gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.core import audit
from apps.promotions.models import Approval, Promotion
from apps.promotions.selectors.answers import find_people, host_of
from apps.promotions.selectors.facts import promotion_facts, seen_of
from apps.promotions.selectors.policies import policy_of
from apps.promotions.services.claims import Claim, add_event
from apps.promotions.services.notices import tell_event
from apps.promotions.services.pull_request import tell_overrides
from apps.promotions.services.statuses import PREFIX, own_statuses, tell_gates
from gitopsui.adapters.forge.base import Forge, Review
from gitopsui.domain.gate_facts import Gate
from gitopsui.domain.gates import prognosis
from gitopsui.domain.promotion import MergeBy
from gitopsui.domain.text import clean_text


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The gates now, and whether somebody or the policy wants it merged here."""

    gates: list[Gate]
    may_merge: bool


def read_review(claim: Claim, forge: Forge, *, now: datetime) -> Reviewed:
    """Read checks and reviews from the forge, and ask the gates. Raises ForgeError."""
    promotion = claim.promotion
    checks = forge.list_checks(promotion.head_sha)
    stored = [
        {"name": one.name, "state": one.state, "detail": one.detail, "url": one.url}
        for one in checks
        if not one.name.startswith(PREFIX)
    ]
    if stored != promotion.checks:
        claim.write(checks=stored)
    _store_reviews(claim, forge.list_reviews(promotion.number))
    return ask_gates(claim, forge, now=now, standing=own_statuses(checks))


def ask_gates(
    claim: Claim, forge: Forge, *, now: datetime, standing: Mapping[str, str] | None = None
) -> Reviewed:
    """
    Ask the gates about what is stored, store their answers, and tell the forge about those it does not know;
    `standing` are the statuses of gates it has, where they were read. An error of an earlier turn is over
    with that.
    """
    promotion = claim.promotion
    policy = policy_of(promotion.environment)
    gates = prognosis(promotion_facts(promotion, now=now))
    told = tell_gates(forge, promotion, gates, standing=standing or {}, now=now)
    tell_overrides(claim, forge, gates)
    claim.write(gates=told, gates_at=now, error="", error_code="", error_hint="")
    may_merge = policy.merge == MergeBy.AUTO or (policy.merge == MergeBy.HERE and promotion.wants_merge)
    return Reviewed(gates, may_merge)


def _store_reviews(claim: Claim, reviews: Sequence[Review]) -> None:
    """What the forge says counts as long as it says so: an approval that was dismissed there is none here."""
    promotion = claim.promotion
    given = [
        review
        for review in reviews
        if review.sha == promotion.head_sha and review.state in ("approved", "rejected")
    ]
    said = {(_name(review), review.state == "rejected") for review in given}
    stored = promotion.approvals.filter(is_from_forge=True, head_sha=promotion.head_sha)
    gone = [row for row in stored if (row.name, row.is_rejection) not in said]
    with transaction.atomic():
        if gone:
            # Only the turn that holds the claim may believe its own list.
            claim.write()
        for row in gone:
            _take_back(promotion, row)
        for review in given:
            _store_review(promotion, review)


def _take_back(promotion: Promotion, row: Approval) -> None:
    word = "rejection" if row.is_rejection else "approval"
    row.delete()
    text = f"The {word} of {row.name} does not stand on the forge any more."
    add_event(promotion, text, actor=row.name, now=timezone.now())
    audit.record(None, f"{word} taken back", promotion, before=_described(row), after={"by": row.name})


def _described(row: Approval) -> dict[str, str]:
    return {"base": row.base_sha, "head": row.head_sha, "edit": row.diff_hash, "reason": row.reason}


def _name(review: Review) -> str:
    return clean_text(review.by, limit=200)


def _store_review(promotion: Promotion, review: Review) -> None:
    """
    An approval or a rejection given on the forge, for exactly the commit it was given for, under the login
    there. Whose that is, is asked each time the gates are: it may be said later, and be taken back.
    """
    seen, is_rejection = seen_of(promotion), review.state == "rejected"
    row, is_new = Approval.objects.get_or_create(
        promotion=promotion,
        name=_name(review),
        is_from_forge=True,
        base_sha=seen.base_sha,
        head_sha=seen.head_sha,
        diff_hash=seen.diff_hash,
        is_rejection=is_rejection,
        defaults={
            "at": review.at or timezone.now(),
            "reason": clean_text(review.reason, limit=1_000)
            or ("rejected on the forge" if is_rejection else ""),
        },
    )
    if is_new:
        word = "rejected" if is_rejection else "approved"
        who = _whose(promotion, row)
        text = f"{_called(row, who)} {word} it on the forge{f': {row.reason}' if is_rejection else ''}."
        add_event(promotion, text, actor=row.name, now=timezone.now())
        after = _described(row) | {"by": row.name, "person": who}
        audit.record(None, f"{word} promotion on the forge", promotion, after=after)
        if not is_rejection:
            tell_event(promotion, "approved", detail=text)


def _whose(promotion: Promotion, row: Approval) -> str:
    """The name here of whose login it is; "" where it is nobody's."""
    person = find_people(host_of(promotion), [row.name]).get(row.name.lower())
    return person.get_username() if person else ""


def _called(row: Approval, who: str) -> str:
    """`ada`, `ada (ada-gh there)`, `ada-gh (nobody here)`."""
    if not who:
        return f"{row.name} (nobody here)"
    return who if who == row.name else f"{who} ({row.name} there)"
