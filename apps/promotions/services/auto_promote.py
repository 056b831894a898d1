"""Promotes by itself what an environment lets in by itself: once for each application and version."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from apps.environments.models import Application, Environment
from apps.promotions.models import EnvironmentPolicy, Promotion, PromotionItem
from apps.promotions.selectors.facts import prospective_facts
from apps.promotions.selectors.newest import find_newest
from apps.promotions.services.planning import Wish, plan_promotion
from apps.promotions.services.propose import Request, start_promotion
from gitopsui.domain.errors import InputError, PromotionDenied
from gitopsui.domain.gates import prognosis
from gitopsui.domain.promotion import Phase, PromotionKind
from gitopsui.domain.version_range import VersionRange

# These are asked of the pull request itself, so they are no reason not to open it.
ASKED_LATER = ("approvals", "checks", "source checks")
# What ended so was no answer to the version: what it stood on had moved.
TRIED_AGAIN = (Phase.STALE, Phase.EMPTY)


def promote_automatically(environment: Environment, *, now: datetime) -> list[Promotion]:
    """Start a promotion for each application whose newer release may come; most often none."""
    policy = EnvironmentPolicy.objects.filter(environment=environment, auto_promote=True).first()
    allowed = _range_of(policy) if policy else None
    if policy is None or allowed is None:
        return []
    source, started = left_of(environment), []
    for application, version in find_newest(environment, source, allowed):
        wish = Wish(application, version)
        if not _was_tried(wish) and _is_free(environment, wish, policy, now):
            request = Request(environment, source, [wish], reason=_reason(policy), kind=PromotionKind.AUTO)
            # Somebody else was faster, or a gate of the plan changed: the next round looks again.
            with suppress(PromotionDenied):
                started.append(start_promotion(request, by=None))
    return started


def left_of(environment: Environment) -> Environment | None:
    """The environment before it in its project."""
    rows = list(environment.project.environments.all())
    position = rows.index(environment)
    return rows[position - 1] if position else None


def _range_of(policy: EnvironmentPolicy) -> VersionRange | None:
    """None where the range cannot be read: then nothing goes by itself."""
    try:
        return VersionRange.parse(policy.auto_range)
    except InputError:
        return None


def _was_tried(wish: Wish) -> bool:
    """Whether it was started by itself before, or somebody went back from it: people decide from then on."""
    rows = PromotionItem.objects.filter(application=wish.application)
    tried = rows.filter(to_version=wish.version, promotion__kind=PromotionKind.AUTO)
    left = rows.filter(
        from_version=wish.version,
        promotion__kind=PromotionKind.ROLLBACK,
        promotion__phase__in=(Phase.MERGED, Phase.DEPLOYED),
    )
    return tried.exclude(promotion__phase__in=TRIED_AGAIN).exists() or left.exists()


def _is_free(environment: Environment, wish: Wish, policy: EnvironmentPolicy, now: datetime) -> bool:
    """Whether something would change and no gate but those of the pull request is shut."""
    if plan_promotion(environment, [wish]).is_empty:
        return False
    moved: list[tuple[Application, str]] = [(wish.application, wish.version)]
    gates = prognosis(prospective_facts(environment, moved, now=now, proposer="gitopsui"))
    later = {*ASKED_LATER, *(str(one["name"]) for one in policy.external_gates)}
    return all(gate.is_open for gate in gates if gate.name not in later)


def _reason(policy: EnvironmentPolicy) -> str:
    name = policy.environment.name
    asked = f" in {policy.auto_range}" if policy.auto_range else ""
    return f"{name} takes newer versions{asked} by itself."
