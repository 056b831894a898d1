"""Builds what a promotion reaches the outside through: its mirror, and the forge of its repository."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.urls import reverse

from apps.promotions.models import Promotion
from apps.promotions.services.advance import author_of
from apps.promotions.services.turn import Doors
from apps.repositories.connect import mirror
from gitopsui.adapters.forge.base import Forge
from gitopsui.adapters.forge.builtin import BuiltIn
from gitopsui.adapters.git import Mirror


def doors(promotion: Promotion) -> Doors:
    git = mirror(promotion.repository)
    return Doors(git=git, forge=forge_maker(promotion, git))


def forge_maker(promotion: Promotion, git: Mirror) -> Callable[[str], Forge]:
    """The forge of a promotion, for a head. Without a connection it is the review built in here."""

    def make(head_sha: str) -> Forge:
        return BuiltIn(
            git,
            base_branch=promotion.base_branch,
            head_sha=head_sha,
            signer=author_of(promotion),
            url=lambda number: settings.GITOPSUI_URL + reverse("promotion-detail", args=[promotion.pk]),
        )

    return make
