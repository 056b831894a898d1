"""Promotions, what they must pass, and what is told about them."""

from __future__ import annotations

from apps.promotions.models.edit_rules import EDIT_WAYS, EditRule
from apps.promotions.models.forge_logins import ForgeLogin
from apps.promotions.models.messages import (
    EVENTS,
    ForgePause,
    Notification,
    Subscription,
    WebhookDelivery,
)
from apps.promotions.models.policies import (
    BUILT_IN,
    EditTarget,
    EnvironmentPolicy,
    ForgeConnection,
    FreezeWindow,
    Lock,
)
from apps.promotions.models.promotions import (
    PHASE_CHOICES,
    Approval,
    GateOverride,
    Promotion,
    PromotionEvent,
    PromotionItem,
)
from apps.promotions.models.renderings import Rendering

__all__ = [
    "BUILT_IN",
    "EDIT_WAYS",
    "EVENTS",
    "PHASE_CHOICES",
    "Approval",
    "EditRule",
    "EditTarget",
    "EnvironmentPolicy",
    "ForgeConnection",
    "ForgeLogin",
    "ForgePause",
    "FreezeWindow",
    "GateOverride",
    "Lock",
    "Notification",
    "Promotion",
    "PromotionEvent",
    "PromotionItem",
    "Rendering",
    "Subscription",
    "WebhookDelivery",
]
