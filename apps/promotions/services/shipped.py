"""Keeps with a merged promotion what it shipped: tags and history may move, that does not."""

from __future__ import annotations

from apps.promotions.selectors.cargo import SHIPS, keep_cargo
from apps.promotions.services.claims import Claim


def keep_shipped(claim: Claim) -> None:
    """Store what is known of it and not stored yet. Repeated it changes nothing; raises LostClaimError."""
    promotion = claim.promotion
    ships = keep_cargo(promotion)
    if ships != promotion.preview.get(SHIPS, []):
        claim.write(preview=promotion.preview | {SHIPS: ships})
