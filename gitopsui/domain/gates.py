"""The gates of a promotion: each answers before anything starts, in a sentence with a cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from gitopsui.domain.approval import Answer, valid_answers, why_void
from gitopsui.domain.gate_checks import ask_checks, ask_source_checks
from gitopsui.domain.gate_facts import Gate, GateState, Override, PlaceFacts, PromotionFacts, Rules

MOST_STRANGERS = 2  # named in one sentence
MOST_VERSIONS = 3


def prognosis(facts: PromotionFacts) -> list[Gate]:
    """Every gate with its answer, those that ask nothing left out; blocks first, then what waits."""
    gates = [gate for ask in _GATES if (gate := ask(facts)) is not None]
    overrides = {override.gate: override for override in facts.overrides}
    gates = [_opened(gate, overrides.get(gate.name)) for gate in (*gates, *facts.external)]
    order = [GateState.BLOCK, GateState.WAIT, GateState.PASS]
    return sorted(gates, key=lambda gate: (gate.is_open, order.index(gate.state)))


def _opened(gate: Gate, override: Override | None) -> Gate:
    """What somebody shut after an administrator had opened it was not what that one opened."""
    if override is None or gate.state is GateState.PASS:
        return gate
    if gate.shut_at is not None and override.at is not None and gate.shut_at > override.at:
        return gate
    reason = f"{gate.reason} Opened by {override.by}: {override.reason}"
    return replace(gate, reason=reason, overridden_by=override.by)


def all_open(gates: list[Gate]) -> bool:
    """Whether nothing holds a merge up."""
    return all(gate.is_open for gate in gates)


def _ask_approvals(facts: PromotionFacts) -> Gate | None:
    name, rules = "approvals", facts.rules
    answers = valid_answers(facts.answers, facts.seen)
    rejected = [answer for answer in answers if answer.is_rejection]
    if rejected:
        said = max(rejected, key=lambda answer: answer.at)
        return Gate(name, GateState.BLOCK, f"{said.by} rejected it: {said.reason}", shut_at=said.at)
    if not rules.approvals and not rules.groups:
        return None
    void = {answer: why_void(answer, facts, counts_strangers=rules.counts_strangers) for answer in answers}
    given = [answer for answer in answers if not void[answer]]
    missing = list(_missing_approvals(rules, given))
    if missing:
        names = ", ".join(sorted(answer.by for answer in given))
        have = f"{len(given)} of {max(rules.approvals, len(given))} given" + (f" ({names})" if names else "")
        strangers = [f"; {why}" for answer, why in void.items() if why and answer.stranger_on]
        told = "".join(strangers[:MOST_STRANGERS])
        return Gate(name, GateState.WAIT, f"{' and '.join(missing)} still to come; {have}{told}.")
    return Gate(name, GateState.PASS, f"Approved by {_names(answer.by for answer in given)}.")


def _missing_approvals(rules: Rules, given: list[Answer]) -> Iterator[str]:
    lacking = rules.approvals - len(given)
    if lacking > 0:
        yield f"{lacking} approval{'s' * (lacking != 1)}"
    for group, count in rules.groups:
        lacking = count - sum(group in answer.groups for answer in given)
        if lacking > 0:
            yield f"{lacking} of the group {group}"


def _names(people: Iterator[str]) -> str:
    *most, last = sorted(people)
    return f"{', '.join(most)} and {last}" if most else last


def _ask_freeze(facts: PromotionFacts) -> Gate | None:
    if not facts.freezes:
        return _tell_coming_freeze(facts)
    freeze = max(facts.freezes, key=lambda one: one.until)
    until = f"{freeze.until:%A %-d %B %H:%M} {freeze.until.tzname()}"
    reason = f"{facts.environment} is frozen until {until}: {freeze.reason}, set by {freeze.set_by}."
    set_at = max((one.set_at for one in facts.freezes if one.set_at), default=None)
    return Gate("freeze", GateState.WAIT, reason, shut_at=set_at)


def _tell_coming_freeze(facts: PromotionFacts) -> Gate | None:
    """`None now. Production freezes Friday 18:00 CET until Monday 08:00 CET: Black Friday, set by ada.`"""
    coming = [(one.starts_at, one) for one in facts.coming_freezes if one.starts_at is not None]
    if not coming:
        return None
    begins_at, freeze = min(coming, key=lambda pair: pair[0])
    name = facts.environment[:1].upper() + facts.environment[1:]
    span = f"{describe_moment(begins_at, facts.now)} until {describe_moment(freeze.until, facts.now)}"
    reason = f"None now. {name} freezes {span}: {freeze.reason}, set by {freeze.set_by}."
    return Gate("freeze", GateState.PASS, reason)


def describe_moment(at: datetime, now: datetime) -> str:
    """`Friday 18:00 CET` within six days, else `Friday 27 November 18:00 CET`."""
    day = "" if abs(at - now) < timedelta(days=6) else " %-d %B"
    return f"{at:%A{day} %H:%M} {at.tzname()}"


def _ask_lock(facts: PromotionFacts) -> Gate | None:
    times = [facts.held_at, *(one.set_at for one in facts.locks)]
    shut_at = max(filter(None, times), default=None)
    if facts.is_held:
        return Gate("lock", GateState.BLOCK, facts.is_held, shut_at=shut_at)
    if not facts.locks:
        return None
    lock = facts.locks[0]
    until = f" until {lock.expires_at:%-d %B %H:%M} {lock.expires_at.tzname()}" if lock.expires_at else ""
    reason = f"{lock.owner} locked {lock.scope}{until}: {lock.message}"
    return Gate("lock", GateState.BLOCK, reason, shut_at=shut_at)


def _ask_soak(facts: PromotionFacts) -> Gate | None:
    soak, source = facts.rules.soak, facts.source_environment
    if not soak or not source:
        return None
    if facts.never_ran:
        return Gate("soak", GateState.BLOCK, _never_ran(facts))
    if facts.source_since is None and facts.ran_for is not None:
        words = f"It ran in {source} for {_duration(facts.ran_for)}, {_duration(soak)} are asked for"
        if facts.ran_for >= soak:
            return Gate("soak", GateState.PASS, f"{words}.")
        return Gate("soak", GateState.WAIT, f"{words}; it does not run there now.")
    if facts.source_since is None:
        return Gate("soak", GateState.WAIT, f"It is not known since when it runs in {source}.")
    ran = facts.now - facts.source_since
    if ran < soak:
        left = _duration(soak - ran)
        return Gate(
            "soak",
            GateState.WAIT,
            f"It runs in {source} for {_duration(ran)}; {left} are left of {_duration(soak)}.",
        )
    return Gate(
        "soak", GateState.PASS, f"It ran in {source} for {_duration(ran)}, {_duration(soak)} are asked for."
    )


def _never_ran(facts: PromotionFacts) -> str:
    """`2.0.0 has not run in staging yet.`"""
    more = len(facts.never_ran) - MOST_VERSIONS
    *most, last = [*facts.never_ran[:MOST_VERSIONS], *[f"{more} more"] * (more > 0)]
    names = f"{', '.join(most)} and {last}" if most else last
    return f"{names} {'have' if most else 'has'} not run in {facts.source_environment} yet."


def _duration(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size * (2 if size == 1440 else 1):
            count = minutes // size
            return f"{count} {word}{'s' * (count != 1)}"
    return f"{minutes} minutes"


def _ask_source(facts: PromotionFacts) -> Gate | None:
    if not facts.rules.needs_healthy_source or not facts.sources:
        return None
    if facts.never_ran:
        # However well it is with another version, that says nothing about this one.
        return Gate("source health", GateState.BLOCK, _never_ran(facts))
    return _judge_places("source health", facts.sources, facts.source_environment, needs_sync=False)


def _ask_target(facts: PromotionFacts) -> Gate | None:
    rules = facts.rules
    if not (rules.needs_healthy_target or rules.needs_synced_target) or not facts.targets:
        return None
    watched = tuple(place for place in facts.targets if place.has_cluster)
    return _judge_places(
        "target state", watched, facts.environment,
        needs_sync=rules.needs_synced_target, needs_health=rules.needs_healthy_target,
    ) if watched else None  # fmt: skip


def _judge_places(
    name: str,
    places: tuple[PlaceFacts, ...],
    environment: str,
    *,
    needs_sync: bool,
    needs_health: bool = True,
) -> Gate:
    """What is not known never passes."""
    for place in places:
        if not place.has_cluster:
            return Gate(
                name, GateState.WAIT, f"{place.name}: no cluster is connected that could say how it is."
            )
        if place.is_stale:
            return Gate(name, GateState.WAIT, f"{place.name} is not known: its last check is too old.")
        if needs_health and place.health not in ("Healthy", "Suspended"):
            state = GateState.WAIT if place.health in ("Progressing", "Unknown") else GateState.BLOCK
            return Gate(name, state, f"{place.name} is {place.health}.")
        if needs_sync and place.sync != "Synced":
            drift = f": {place.drift}" if place.drift else ""
            state = GateState.WAIT if place.sync == "Unknown" else GateState.BLOCK
            return Gate(name, state, f"{place.name} is {place.sync}{drift}.")
    words = " and ".join(["healthy"] * needs_health + ["in sync"] * needs_sync)
    return Gate(name, GateState.PASS, f"{environment} is {words}.")


def _ask_signature(facts: PromotionFacts) -> Gate | None:
    if not facts.rules.needs_signature:
        return None
    answers = {
        "good": (GateState.PASS, "The tag is signed by a known key."),
        "bad": (GateState.BLOCK, "The signature of the tag is bad."),
        "unsigned": (GateState.BLOCK, "The tag is not signed."),
        "expired": (GateState.BLOCK, "The tag is signed with a key that has expired."),
        "unknown": (GateState.WAIT, "The tag is signed with a key that is not trusted here."),
    }
    state, reason = answers.get(facts.signature, (GateState.WAIT, "The signature cannot be checked."))
    return Gate("signature", state, facts.signature_note or reason)


def _ask_release(facts: PromotionFacts) -> Gate | None:
    if not facts.bad_releases:
        return None
    return Gate("release", GateState.BLOCK, f"Marked bad: {', '.join(facts.bad_releases)}.")


_GATES: tuple[Callable[[PromotionFacts], Gate | None], ...] = (
    _ask_approvals,
    _ask_release,
    _ask_freeze,
    _ask_lock,
    _ask_soak,
    _ask_source,
    _ask_target,
    ask_checks,
    ask_source_checks,
    _ask_signature,
)
