"""The way of a merged promotion into the cluster: there when it runs, Synced and Healthy, at that version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from apps.environments.models import Application
from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.selectors.policies import policy_of
from apps.promotions.services.claims import Claim
from apps.promotions.services.notices import tell_event
from gitopsui.domain.errors import GitError
from gitopsui.domain.promotion import Phase


class Ancestry(Protocol):
    """The part of a mirror that says which commit is in which."""

    def is_ancestor(self, ancestor: str, descendant: str) -> bool: ...


def time_to_arrive(promotion: Promotion) -> timedelta:
    return timedelta(minutes=policy_of(promotion.environment).arrive_minutes)


def watch_arrival(
    claim: Claim, *, git: Ancestry, now: datetime, tidy: Callable[[], str] = lambda: ""
) -> None:
    """
    Note which applications have arrived; all: it is deployed, and when time is up, that is said. Where no
    cluster is connected that Git asks for it is as far as it is followed, and it stays merged. `tidy` is
    called before nobody looks at it any more; what it answers is told with that.
    """
    promotion = claim.promotion
    items = list(promotion.items.select_related("application__component", "application__environment"))
    for item in items:
        if item.arrived_at is None and _has_arrived(item, promotion, git, now):
            PromotionItem.objects.filter(pk=item.pk).update(arrived_at=now)
            item.arrived_at = now
    waiting = [item for item in items if item.arrived_at is None]
    followed = [item for item in waiting if not _is_asked_for_only(item, promotion, git)]
    is_late = promotion.arrive_by is not None and now > promotion.arrive_by
    if not items:
        text = f"None of its applications is here any more, so nothing says whether they run it. {tidy()}"
        claim.write(text.strip(), unfollowed_at=now, attention="")
    elif not waiting:
        text = f"{_describe(items)} {tidy()}".strip()
        claim.write(text, phase=Phase.DEPLOYED, deployed_at=now, attention="")
    elif not followed:
        text = f"{_describe_asked(waiting)} {tidy()}".strip()
        claim.write(text, unfollowed_at=now, attention="")
    elif is_late and promotion.arrival_missed_at is None:
        text = f"It did not arrive in time. {_explain(followed[0].application, followed[0])}"
        claim.write(f"{text} {tidy()}".strip(), arrival_missed_at=now, attention=text)
        tell_event(promotion, "missed", detail=text)


def _has_arrived(item: PromotionItem, promotion: Promotion, git: Ancestry, now: datetime) -> bool:
    application = item.application
    return (
        application.cluster_id is not None
        and application.live_version == item.to_version
        and application.sync == "Synced"
        and application.health == "Healthy"
        and not application.is_stale(now)
        and _has_merge(application, promotion, git)
    )


def _is_asked_for_only(item: PromotionItem, promotion: Promotion, git: Ancestry) -> bool:
    """Whether Git asks for it and there is no cluster that could say more."""
    application = item.application
    is_asked_for = application.cluster_id is None and application.desired_version == item.to_version
    return is_asked_for and _has_merge(application, promotion, git)


def _has_merge(application: Application, promotion: Promotion, git: Ancestry) -> bool:
    """Whether what the application is compared with holds the commit of the promotion."""
    if not application.desired_sha:
        return False
    try:
        return git.is_ancestor(promotion.head_sha, application.desired_sha) or (
            bool(promotion.merge_sha) and git.is_ancestor(promotion.merge_sha, application.desired_sha)
        )
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return False


def _describe(items: list[PromotionItem]) -> str:
    if len(items) == 1:
        return f"{items[0].application} runs {items[0].to_version}."
    return f"All {len(items)} applications run what was promoted."


def _describe_asked(items: list[PromotionItem]) -> str:
    if len(items) == 1:
        asked = f"Git asks for {items[0].to_version} in {items[0].application}"
    else:
        asked = f"Git asks for what was promoted in {len(items)} applications"
    return f"{asked}; no cluster is connected that could say whether it runs."


def _explain(application: Application, item: PromotionItem) -> str:
    """Why one has not arrived, as far as the last check tells."""
    if application.error:
        return f"{application} is not known: {application.error}"
    if application.cluster_id is not None and application.live_version != item.to_version:
        return f"{application} still runs {application.live_version or 'an unknown version'}."
    return f"{application} is {application.health} and {application.sync}."
