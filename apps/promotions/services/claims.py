"""
Who works on a promotion: a claim with a fence. Whoever claims later has a higher fence, and a write with an
older one changes nothing; so of two workers that both believe it is theirs, one can write.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.core import audit
from apps.promotions.models import Promotion, PromotionEvent
from apps.promotions.services.notices import tell
from gitopsui.domain.promotion import ENDS, OPEN_PHASES, Phase, check_transition
from gitopsui.domain.text import clean_text

LEASE = timedelta(minutes=3)


class LostClaimError(Exception):
    """
    Somebody else has claimed the promotion since, or wants it closed where it was about to be merged; nothing
    more is written by this turn.
    """


class Claim:
    """The right to write one promotion, as long as nobody claims it anew."""

    def __init__(self, promotion: Promotion) -> None:
        self.promotion = promotion
        self.fence = promotion.fence

    def write(
        self, text: str = "", *, phase: Phase | None = None, actor: str = "system", **values: Any
    ) -> None:
        """
        Store `values`, and with `phase` the step to it: row, event and audit row together, or none of them.

        Raises LostClaimError, and InvalidTransition for a phase that does not follow.
        """
        promotion, now = self.promotion, timezone.now()
        old = Phase(promotion.phase)
        moved = phase is not None and phase is not old
        if phase is not None and moved:
            check_transition(old, phase)
            values |= {"phase": phase.value, "phase_at": now}
        with transaction.atomic():
            rows = Promotion.objects.filter(pk=promotion.pk, fence=self.fence, phase=old.value)
            if phase is Phase.MERGING:
                # Of closing and merging at once one wins: to close what is being merged is refused.
                rows = rows.filter(wants_close=False)
            if not rows.update(**values, lease_until=now + LEASE, changed_at=now):
                raise LostClaimError
            for name, value in values.items():
                setattr(promotion, name, value)
            if phase is not None and moved:
                self._tell_step(phase, text, actor, now)
            elif text:
                add_event(promotion, text, actor=actor, now=now, fence=self.fence)

    def _tell_step(self, phase: Phase, text: str, actor: str, now: datetime) -> None:
        promotion = self.promotion
        add_event(promotion, text or f"It is {phase}.", actor=actor, now=now, fence=self.fence, is_step=True)
        promotion.items.update(is_open=phase in OPEN_PHASES)
        audit.record(None, f"promotion {phase}", promotion, after={"text": text, "actor": actor})
        tell(promotion, phase)

    def release(self) -> None:
        """Let the next one begin at once; a claim that is not released ends with its lease."""
        Promotion.objects.filter(pk=self.promotion.pk, fence=self.fence).update(owner="", lease_until=None)


def add_event(
    promotion: Promotion, text: str, *, actor: str, now: datetime, fence: int = 0, is_step: bool = False
) -> None:
    PromotionEvent.objects.create(
        promotion=promotion,
        at=now,
        phase=promotion.phase,
        is_transition=is_step,
        fence=fence,
        actor=actor,
        text=clean_text(text, limit=2_000),
    )


def claim(promotion_id: int) -> Claim | None:
    """Claim an unsettled promotion that nobody works on; None where there is nothing to claim."""
    now = timezone.now()
    free = Promotion.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), pk=promotion_id).exclude(
        phase__in=ENDS
    )
    if not free.update(owner=secrets.token_hex(8), fence=F("fence") + 1, lease_until=now + LEASE):
        return None
    related = ("environment", "source_environment", "repository__credential", "project", "proposer")
    return Claim(Promotion.objects.select_related(*related).get(pk=promotion_id))
