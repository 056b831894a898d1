"""Everything the gates of a promotion are asked about, read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from apps.environments.models import Environment
from apps.promotions.models import Promotion
from apps.promotions.selectors.answers import answers_of, pusher_of
from apps.promotions.selectors.before import Wanted, facts_before, place_of
from apps.promotions.selectors.checks import Stored, check_facts
from apps.promotions.selectors.external_gates import external_gates
from apps.promotions.selectors.policies import (
    active_locks,
    describe_hold,
    freezes_of,
    policy_of,
    rules_of,
)
from apps.releases.models import Release
from apps.releases.selectors.trusted_keys import describe_release, verdict_of
from apps.releases.selectors.versions import find_releases_of
from gitopsui.domain.approval import Seen
from gitopsui.domain.gate_facts import Check, Override, PromotionFacts
from gitopsui.domain.promotion import Phase, PromotionKind
from gitopsui.domain.signature import Verdict

_WORST_FIRST = list(Verdict)


def promotion_facts(promotion: Promotion, *, now: datetime) -> PromotionFacts:
    """What is known of a promotion that was planned."""
    items = list(promotion.items.select_related("application__component", "application__environment"))
    wanted = [(item.application, item.to_version) for item in items]
    facts = prospective_facts(
        promotion.environment,
        wanted,
        now=now,
        proposer=_proposer(promotion),
        kind=PromotionKind(promotion.kind),
        answers=promotion.source_checks,
    )
    return PromotionFacts(
        **{name: getattr(facts, name) for name in PromotionFacts.__slots__ if name not in _OF_ITS_OWN},
        phase=Phase(promotion.phase),
        last_pusher=pusher_of(promotion),
        seen=seen_of(promotion),
        answers=answers_of(promotion),
        checks=tuple(Check(c["name"], c["state"], c.get("detail", "")) for c in promotion.checks),
        external=external_gates(policy_of(promotion.environment), promotion, now=now),
        overrides=tuple(
            Override(row.gate, row.name, row.reason, row.at) for row in promotion.overrides.all()
        ),
    )


_OF_ITS_OWN = {"phase", "last_pusher", "seen", "answers", "checks", "external", "overrides"}


def prospective_facts(
    environment: Environment,
    wanted: Sequence[Wanted],
    *,
    now: datetime,
    proposer: str,
    kind: PromotionKind = PromotionKind.PROMOTION,
    answers: Sequence[Stored] = (),
) -> PromotionFacts:
    """
    The same before anything is planned. Where the versions are taken from changes nothing: the environment
    before is asked. A rollback has none and is asked less (`for_rollback`).
    """
    policy, applications = policy_of(environment), [application for application, _ in wanted]
    components = [application.component for application in applications]
    freezes = freezes_of(environment, {one.slug for one in components}, now=now)
    return PromotionFacts(
        environment=environment.name,
        now=now,
        rules=rules_of(policy).for_rollback() if kind == PromotionKind.ROLLBACK else rules_of(policy),
        proposer=proposer,
        freezes=freezes.active,
        coming_freezes=freezes.coming,
        locks=tuple(active_locks(environment, applications, now=now)),
        **(facts_before(environment, wanted, now) if kind != PromotionKind.ROLLBACK else {}),
        targets=tuple(place_of(application, now) for application in applications),
        **_release_facts(wanted, needs_signature=policy.needs_signature),
        **check_facts(policy, wanted, answers),
        external=external_gates(policy),
        is_held=describe_hold(policy),
        held_at=policy.held_at,
    )


def _proposer(promotion: Promotion) -> str:
    """As they are called here now: whoever gets another name does not become somebody else."""
    return promotion.proposer.get_username() if promotion.proposer else promotion.proposer_name


def seen_of(promotion: Promotion) -> Seen:
    return Seen(promotion.base_sha, promotion.head_sha, promotion.diff_hash)


def _release_facts(wanted: Sequence[Wanted], *, needs_signature: bool) -> dict[str, Any]:
    """What is known of the releases of the versions, in one query for all."""
    found = find_releases_of((application.component_id, version) for application, version in wanted)
    releases = [
        (f"{application.component.name} {version}", found.get((application.component_id, version)))
        for application, version in wanted
    ]
    bad = tuple(name for name, release in releases if release is not None and release.is_bad)
    return {"bad_releases": bad, **(_signature(releases) if needs_signature else {})}


def _signature(releases: Iterable[tuple[str, Release | None]]) -> dict[str, Any]:
    """The worst signature among these releases, and a sentence that names the version."""
    found = []
    for name, release in releases:
        verdict = verdict_of(release)[1].verdict if release else Verdict.UNCHECKED
        said = describe_release(release) if release else "No tag of this name is known."
        found.append((verdict, f"{name}: {said}"))
    verdict, note = min(found, key=lambda pair: _WORST_FIRST.index(pair[0]), default=(Verdict.UNCHECKED, ""))
    return {"signature": str(verdict), "signature_note": note}
