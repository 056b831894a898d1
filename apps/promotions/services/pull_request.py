"""
What the pull request of a promotion says on its forge: written before it is opened, and again where a gate
answers otherwise. `body` of a promotion is what its forge was given last.

The review that is built in has no page but our own, so nothing is written for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import promotion_facts
from apps.promotions.selectors.pull_facts import pull_facts
from apps.promotions.services.claims import Claim
from gitopsui.adapters.forge.base import Forge
from gitopsui.adapters.forge.builtin import BuiltIn
from gitopsui.domain.errors import ForgeError
from gitopsui.domain.gate_facts import Gate, GateState
from gitopsui.domain.gates import prognosis
from gitopsui.domain.promotion import PromotionKind
from gitopsui.domain.pull_body import labels_of, mark_of, write_body

# Worth another try at the next turn; anything else is refused the next time as well.
_PASSING = ("FORGE_BUSY", "FORGE_ERROR")


def labels_for(promotion: Promotion) -> tuple[str, ...]:
    is_rollback = promotion.kind == PromotionKind.ROLLBACK
    return labels_of(promotion.environment.name, is_rollback=is_rollback)


def add_labels(claim: Claim, forge: Forge) -> None:
    """Once, after it is open: one that has none is found by its title as well."""
    promotion = claim.promotion
    try:
        forge.add_labels(promotion.number, labels_for(promotion))
    except ForgeError as error:
        claim.write(f"It got no labels on its forge. {error.message}")


def write_first(claim: Claim, forge: Forge, *, now: datetime) -> None:
    """The body it is opened with; nothing is asked of the forge for it."""
    if not isinstance(forge, BuiltIn):
        gates = prognosis(promotion_facts(claim.promotion, now=now))
        claim.write(body=_body_of(claim.promotion, gates))


def tell_overrides(claim: Claim, forge: Forge, gates: Sequence[Gate]) -> None:
    """
    Who merges there reads first which gates were opened by hand, and why. Raises ForgeError to try again.
    """
    promotion = claim.promotion
    before = {(one["name"], one["overridden_by"]) for one in promotion.gates}
    if all((gate.name, gate.overridden_by) in before for gate in gates if gate.overridden_by):
        return
    try:
        _send(claim, forge, gates)
    except ForgeError as error:
        if not error.permanent:
            raise


def tell_answers(claim: Claim, forge: Forge, gates: Sequence[Gate]) -> None:
    """Bring the body up to date where a gate answers otherwise than it says. That holds nothing up."""
    if isinstance(forge, BuiltIn) or _says(claim.promotion, gates):
        return
    try:
        _send(claim, forge, gates)
    except ForgeError as error:
        if error.code not in _PASSING:
            claim.write(body=_body_of(claim.promotion, gates))


def tell_last(claim: Claim, forge: Forge) -> None:
    """After the merge the answers that it was merged by, tried once."""
    promotion = claim.promotion
    gates = [
        Gate(one["name"], GateState(one["state"]), one["reason"], one["overridden_by"])
        for one in promotion.gates
    ]
    if isinstance(forge, BuiltIn) or not promotion.number or _says(promotion, gates):
        return
    try:
        _send(claim, forge, gates)
    except ForgeError:
        claim.write(body=_body_of(promotion, gates))


def _says(promotion: Promotion, gates: Sequence[Gate]) -> bool:
    return mark_of(promotion.pk, gates) in promotion.body


def _send(claim: Claim, forge: Forge, gates: Sequence[Gate]) -> None:
    promotion = claim.promotion
    if isinstance(forge, BuiltIn):
        return
    body = _body_of(promotion, gates)
    forge.update(promotion.number, title=promotion.title, body=body)
    claim.write(body=body)


def _body_of(promotion: Promotion, gates: Sequence[Gate]) -> str:
    return write_body(pull_facts(promotion, gates))
