"""Promotions, what they must pass, and what is told about them."""

from __future__ import annotations

from apps.promotions.models.messages import EVENTS, Notification, Subscription, WebhookDelivery
from apps.promotions.models.policies import (
    EditTarget,
    EnvironmentPolicy,
    ForgeConnection,
    FreezeWindow,
    Lock,
)
from apps.promotions.models.promotions import (
    OPEN_PHASES,
    PHASE_CHOICES,
    Approval,
    GateOverride,
    Promotion,
    PromotionEvent,
    PromotionItem,
)

__all__ = [
    "EVENTS",
    "OPEN_PHASES",
    "PHASE_CHOICES",
    "Approval",
    "EditTarget",
    "EnvironmentPolicy",
    "ForgeConnection",
    "FreezeWindow",
    "GateOverride",
    "Lock",
    "Notification",
    "Promotion",
    "PromotionEvent",
    "PromotionItem",
    "Subscription",
    "WebhookDelivery",
]
