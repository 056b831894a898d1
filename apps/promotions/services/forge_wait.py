"""
A forge that does not merge yet: it works something out, or a rule of its own is not met.

Waiting is one state. It is asked again less and less often, nothing is written down while the reason stays
the same, and after a week it ends with a notice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.promotions.models import Promotion
from apps.promotions.services.notices import tell_event
from apps.promotions.services.turn import Turn, close_quietly
from gitopsui.adapters.forge.base import MergeAnswer, MergeOutcome
from gitopsui.domain.promotion import Phase
from gitopsui.domain.text import clean_text

FIRST_PAUSE = timedelta(seconds=5)  # then 10, 20, 40 …: what it works out is usually there at once
UNCLEAR_FOR = timedelta(minutes=10)  # after that it is one more thing that somebody has to look at
OFTEN = timedelta(seconds=30)
OFTEN_FOR = timedelta(minutes=10)
SELDOM = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=7)
UNCLEAR = "it does not say whether this can be merged, though it conflicts with nothing"
# What it says, where our own mirror has it otherwise.
SAYS_OTHERWISE = {
    MergeOutcome.MOVED: "it says that its branch moved, though that is as we left it",
    MergeOutcome.CONFLICT: "it says that this conflicts, though a merge of our own does not",
}
MOST_SAID = 500


def wait_for_forge(turn: Turn, answer: MergeAnswer, *, now: datetime) -> None:
    """Take note of a merge that was not done, and is asked for again when `find_pause` says."""
    promotion = turn.promotion
    since = promotion.forge_waits_since or now
    is_refused = answer.outcome is MergeOutcome.REFUSED
    sentence = f"Waiting for the forge: {_words_of(answer)}"
    if now - since >= LONGEST_WAIT:
        _give_up(turn, sentence)
    elif promotion.phase == Phase.MERGING and (is_refused or now - since >= UNCLEAR_FOR):
        text = "The forge does not merge it yet."
        turn.claim.write(text, phase=Phase.OPEN, attention=sentence, forge_waits_since=since)
    elif promotion.phase == Phase.MERGING:
        turn.claim.write(forge_waits_since=since)
    elif is_refused and sentence != promotion.attention:
        turn.claim.write(sentence, attention=sentence)


def _words_of(answer: MergeAnswer) -> str:
    if answer.outcome is MergeOutcome.REFUSED:
        return clean_text(answer.reason, limit=MOST_SAID) or "a rule of it is not met"
    return SAYS_OTHERWISE.get(answer.outcome, UNCLEAR)


def _give_up(turn: Turn, sentence: str) -> None:
    text = f"It was not merged within {LONGEST_WAIT.days} days. {sentence}"
    told: dict[str, Any] = {
        "error": text,
        "error_code": "FORGE_WAITED",
        "attention": "",
        "forge_waits_since": None,
    }
    with transaction.atomic():
        turn.claim.write(text, phase=Phase.FAILED, **told)
        tell_event(turn.promotion, "missed", detail=text)
    close_quietly(turn, text)


def stop_waiting(turn: Turn) -> None:
    """A gate of our own holds it up again, so the forge is not what it waits for."""
    if turn.promotion.forge_waits_since is not None:
        turn.claim.write(forge_waits_since=None, attention="")


def find_pause(promotion: Promotion, *, now: datetime) -> timedelta | None:
    """When a promotion that waits for its forge is looked at again; None where it does not wait."""
    since = promotion.forge_waits_since
    if since is None or promotion.phase not in (Phase.OPEN, Phase.MERGING):
        return None
    waited = max(now - since, timedelta())
    if promotion.phase == Phase.MERGING:
        # As long again as it has waited: 5, 10, 20 … seconds without a counter.
        return min(waited + FIRST_PAUSE, SELDOM)
    return OFTEN if waited < OFTEN_FOR else SELDOM
