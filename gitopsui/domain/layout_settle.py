"""From drafts to proposals: names that differ, one spelling per environment, nothing twice, an order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitopsui.domain.layout_environment import cluster_name
from gitopsui.domain.layout_names import canonical, rank_of, split_environment
from gitopsui.domain.layout_proposal import MOST_PROPOSALS, Draft, Finding, Proposal, sum_up
from gitopsui.domain.text import clean_text

_LONGEST_NAME = 100
# Characters kept of what people wrote; each is more than Kubernetes or Git allow.
_LONGEST = {
    "environment": _LONGEST_NAME,
    "release_name": 253,
    "namespace": 253,
    "cluster_hint": 500,
    "branch": 500,
    "managed_by": 350,
    "reason": 1_000,
    "note": 1_000,
    "declared_version": 100,
    "inline_values": 131_072,
}
_Key = tuple[str, str, str, tuple[str, ...]]


def settle(drafts: Sequence[Draft]) -> tuple[list[Proposal], list[Finding]]:
    """The proposals, sorted by component, environment and path, and what had to be said of them."""
    spelled, findings = _one_spelling([_storable(draft) for draft in drafts])
    named = _named(spelled)
    unique, dropped = _unique(named)
    findings += dropped
    ordered = sorted(
        unique,
        key=lambda p: (p.component.lower(), p.component, rank_of(p.environment), p.path, p.values_files),
    )
    if len(ordered) > MOST_PROPOSALS:
        detail = f"Only the first {MOST_PROPOSALS} of {len(ordered)} applications are listed."
        findings.append(Finding("limit", "Too many applications", detail, False))
    return ordered[:MOST_PROPOSALS], findings


def _storable(draft: Draft) -> Draft:
    """The draft with texts that a database takes, none longer than it makes sense."""
    changes: dict[str, Any] = {
        name: clean_text(getattr(draft.proposal, name), limit=limit) for name, limit in _LONGEST.items()
    }
    changes["parameters"] = tuple(map(clean_text, draft.proposal.parameters))
    return replace(draft, proposal=replace(draft.proposal, **changes))


def environments_of(proposals: Iterable[Proposal]) -> tuple[str, ...]:
    """The environments from development to production, unknown ones last."""
    return tuple(sorted({proposal.environment for proposal in proposals}, key=rank_of))


def _one_spelling(drafts: Sequence[Draft]) -> tuple[list[Draft], list[Finding]]:
    """The drafts with `prod` and `production` taken as one, in the spelling that is used most."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for draft in drafts:
        used[canonical(draft.proposal.environment)][draft.proposal.environment] += 1
    chosen = {key: min(counts, key=lambda name: (-counts[name], name)) for key, counts in used.items()}
    findings = [
        Finding("environments", f"{chosen[key]} is {' and '.join(sorted(set(counts) - {chosen[key]}))} too",
                "These names were taken as one environment.", True)
        for key, counts in sorted(used.items()) if len(counts) > 1
    ]  # fmt: skip
    spelled = [
        replace(d, proposal=replace(d.proposal, environment=chosen[canonical(d.proposal.environment)]))
        for d in drafts
    ]
    return spelled, findings


def _named(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts with components: where two roots of one environment would share a name, longer names."""
    level: dict[str, int] = {}
    names: dict[str, tuple[str, ...]] = {}
    for draft in drafts:
        level.setdefault(draft.root, 0)
        names.setdefault(draft.root, draft.names)
    doubts = {draft.root: draft.doubt for draft in drafts}
    for _ in range(max((len(n) for n in names.values()), default=0)):
        roots: dict[tuple[str, str], set[str]] = defaultdict(set)
        for draft in drafts:
            roots[draft.proposal.environment, names[draft.root][level[draft.root]]].add(draft.root)
        clashing = {root for same in roots.values() if len(same) > 1 for root in _most_doubtful(same, doubts)}
        longer = {root for root in clashing if level[root] + 1 < len(names[root])}
        for root in longer:
            level[root] += 1
        if not longer:
            break
    return [
        replace(
            d,
            proposal=replace(
                d.proposal, component=clean_text(names[d.root][level[d.root]], limit=_LONGEST_NAME)
            ),
        )
        for d in drafts
    ]


def _most_doubtful(roots: set[str], doubts: Mapping[str, int]) -> set[str]:
    most = max(doubts[root] for root in roots)
    return {root for root in roots if doubts[root] == most}


def _unique(drafts: Sequence[Draft]) -> tuple[list[Proposal], list[Finding]]:
    """No two with the same component, environment, path and values; clusters tell equal ones apart."""
    by_key: dict[_Key, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_key[_key(draft.proposal)].append(draft)
    found: dict[_Key, Proposal] = {}
    twice: list[str] = []
    for same in by_key.values():
        chosen = _told_apart(same)
        new = {_key(proposal): proposal for proposal in chosen if _key(proposal) not in found}
        found.update(new)
        if len(new) < len({draft.proposal for draft in same}):
            twice.append(f"{same[0].proposal.component} in {same[0].proposal.environment}")
    what = "They have the same folder and values, and are listed once"
    return list(found.values()), sum_up(twice, "limit", "Declared more than once", what)


def _told_apart(same: Sequence[Draft]) -> list[Proposal]:
    """The proposals of one key, one for each different deployment, with names that differ."""
    different: dict[tuple[object, ...], Draft] = {}
    for draft in sorted(same, key=lambda draft: bool(draft.proposal.reason)):
        p = draft.proposal
        different.setdefault((p.namespace, p.cluster_hint, p.parameters, p.inline_values), draft)
    proposals = [draft.proposal for draft in different.values()]
    clusters = {proposal.cluster_hint for proposal in proposals}
    if len(proposals) < 2:
        return proposals
    if len(clusters) == len(proposals) and all(map(cluster_name, clusters)):
        return [replace(proposal, environment=_in_cluster(proposal)) for proposal in proposals]
    return [
        replace(draft.proposal, component=clean_text(draft.names[-1], limit=_LONGEST_NAME))
        for draft in different.values()
    ]


def _in_cluster(proposal: Proposal) -> str:
    """The environment by its cluster: `prod-eu` for the cluster prod-eu, else both names."""
    has_word = bool(split_environment(proposal.cluster_hint).environment)
    name = proposal.cluster_hint if has_word else f"{proposal.environment}-{proposal.cluster_hint}"
    return clean_text(name, limit=_LONGEST_NAME)


def _key(proposal: Proposal) -> _Key:
    return (proposal.component, proposal.environment, proposal.path, proposal.values_files)
