"""The gates of commit statuses: those of the pull request, and those of the commits that are released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitopsui.domain.gate_facts import Check, CheckedCommit, Gate, GateState, PromotionFacts

MOST_TOLD = 3  # sentences of one gate


def ask_checks(facts: PromotionFacts) -> Gate | None:
    """The checks of the commit that is merged into the config repository."""
    if not facts.rules.checks:
        return None
    found = {check.name: check for check in facts.checks}
    states = {name: found.get(name, Check(name, "missing")) for name in facts.rules.checks}
    for check in states.values():
        if check.state == "failure":
            return Gate("checks", GateState.BLOCK, f"{_failed(check, '')}.")
    waiting = [f"{check.name} is {check.state}" for check in states.values() if check.state != "success"]
    if waiting and facts.checks_problem:
        return Gate("checks", GateState.BLOCK, facts.checks_problem)
    if waiting:
        where = _where(facts.seen.head_sha, facts.checks_repository)
        return Gate("checks", GateState.WAIT, f"{', '.join(waiting)}{where}.")
    return Gate("checks", GateState.PASS, f"{', '.join(states)} passed.")


def ask_source_checks(facts: PromotionFacts) -> Gate | None:
    """The checks of the commits in the source repositories that the versions were released from."""
    name, names = "source checks", facts.rules.source_checks
    if not names:
        return None
    told: dict[GateState, list[str]] = {GateState.BLOCK: [], GateState.WAIT: [], GateState.PASS: []}
    for commit in facts.released:
        for state, sentence in _answers(commit, names):
            told[state].append(sentence)
    for state in (GateState.BLOCK, GateState.WAIT):
        if told[state]:
            return Gate(name, state, _join(told[state]))
    return Gate(name, GateState.PASS, _join(told[GateState.PASS]) or "Nothing is released by it.")


def _answers(commit: CheckedCommit, names: tuple[str, ...]) -> Iterator[tuple[GateState, str]]:
    """What a commit says of these checks; one that cannot say anything tells why."""
    if commit.problem:
        yield (GateState.BLOCK if commit.is_lasting else GateState.WAIT), commit.problem
        return
    where = f"{_where(commit.sha, commit.repository)} ({commit.what})"
    if not commit.is_asked:
        yield GateState.WAIT, f"{', '.join(names)}{where}: asked for once the pull request is open."
        return
    found = {check.name: check for check in commit.checks}
    yield from _states(found, names, where)


def _states(
    found: Mapping[str, Check], names: tuple[str, ...], where: str
) -> Iterator[tuple[GateState, str]]:
    states = [found.get(name, Check(name, "missing")) for name in names]
    for check in states:
        if check.state == "failure":
            yield GateState.BLOCK, f"{_failed(check, where)}."
    waiting = [check for check in states if check.state not in ("success", "failure")]
    if waiting:
        yield GateState.WAIT, f"{', '.join(f'{one.name} is {one.state}' for one in waiting)}{where}."
    if all(check.state == "success" for check in states):
        yield GateState.PASS, f"{', '.join(names)} passed{where}."


def _failed(check: Check, where: str) -> str:
    return f"{check.name} failed{where}{f': {check.detail}' if check.detail else ''}"


def _where(sha: str, repository: str) -> str:
    return f" at {sha[:8]} in {repository}" if sha and repository else ""


def _join(sentences: list[str]) -> str:
    told, rest = sentences[:MOST_TOLD], len(sentences) - MOST_TOLD
    return " ".join([*told, f"And {rest} more."] if rest > 0 else told)
