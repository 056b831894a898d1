"""Which version a component would get if it were released now, and why."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from django.core.cache import cache
from semver import Version

from apps.environments.models import Component
from apps.releases.models import PathCommits, Release, ReleasePolicy
from apps.releases.selectors.own_commits import keep_own, own_commits
from apps.repositories.models import CommitGraph, Repository
from apps.repositories.selectors.commits import commits_between, graph_of
from gitopsui.domain.commit import Commit, ParsedMessage, parse_message
from gitopsui.domain.errors import InputError
from gitopsui.domain.graph import Graph, UnknownCommit
from gitopsui.domain.next_version import PrereleaseMode, VersionPolicy, next_version
from gitopsui.domain.parts import told_by
from gitopsui.domain.version import find_version, parse_tag

MOST_RELEASES = 200  # the highest ones are looked at
MOST_COMMITS = 5_000
KEPT_SECONDS = 3_600
MOST_STEPS = 2_000  # from a tag beside the branch down to where it left it
_FEATURES = ("feat", "feature")
_FIXES = ("fix", "perf", "revert")


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    What would be released at `sha`. `version` is "" where nothing calls for one, and `reason` says why
    or why not, in a sentence; `problem` says why nothing can be told at all.

    `current` is the version it follows, "" before the first; `commits` are those since, newest first.
    `prerelease` is the next pre-release where one was begun. `prefix` is what stands before the version in
    a tag.
    """

    sha: str = ""
    current: str = ""
    current_tag: str = ""
    version: str = ""
    prerelease: str = ""
    prefix: str = ""
    reason: str = ""
    problem: str = ""
    commit_count: int = 0
    commits: list[Commit] = field(default_factory=list)


def policy_of(component: Component) -> VersionPolicy:
    below_one = ReleasePolicy.objects.filter(component=component).values_list("below_one", flat=True).first()
    return VersionPolicy(breaking_bumps_minor_below_one=(below_one or "minor") == "minor")


def read_proposal(component: Component) -> Proposal:
    """
    What `propose` says of the tip of the watched branch, without the commits, which it reads only when
    something that it rests on has changed.
    """
    source = component.source
    if source is None:
        return propose(component)
    releases = component.releases.order_by("position").values_list("tag", "commit_sha")[:MOST_RELEASES]
    policies = ReleasePolicy.objects.filter(component=component).values_list("below_one", "paths")
    facts = [
        component.pk,
        component.tag_pattern,
        _tip(source),
        list(CommitGraph.objects.filter(repository=source).values_list("digest", flat=True)),
        list(PathCommits.objects.filter(component=component).values_list("digest", flat=True)),
        list(policies),
        list(releases),
    ]
    key = f"next-version:{hashlib.sha256(json.dumps(facts).encode()).hexdigest()}"
    known: Proposal | None = cache.get(key)
    if known is None:
        known = replace(propose(component), commits=[])
        cache.set(key, known, KEPT_SECONDS)
    return known


def propose(component: Component, sha: str = "") -> Proposal:
    """
    The next version at the commit `sha` (full id), at the tip of the watched branch where that is "".

    It follows the highest stable release of those that share most with that commit: of its own line, whether
    its tag stands on the branch or beside it on one of its own.
    """
    source = component.source
    if source is None:
        return Proposal(problem="Without a source repository nothing is known of its commits.")
    sha = sha or _tip(source)
    graph = graph_of(source)
    if not sha or graph.find(sha) is None:
        return Proposal(problem=f"The commits of {source.name} are not all read yet.")
    releases = list(
        component.releases.order_by("position").only("tag", "version", "commit_sha", "is_prerelease")
    )[:MOST_RELEASES]
    nearest = _nearest(graph, graph.index(sha), releases)
    stable = next((release for release in nearest if not release.is_prerelease), None)
    begun = next((release for release in nearest if release.is_prerelease), None)
    try:
        return _propose(component, source, sha, stable, begun)
    except UnknownCommit:
        return Proposal(problem=f"The commits of {source.name} are not all read yet.")


def _tip(source: Repository) -> str:
    rows = source.revisions.filter(kind="branch", gone_at=None, name=source.watched_branch)
    return rows.values_list("commit_sha", flat=True).first() or ""


def _nearest(graph: Graph, tip: int, releases: Sequence[Release]) -> list[Release]:
    """
    The releases by how late they left the history of `tip`, then by version, highest first.

    Where one stands in that history itself, those that left it there count if they are of its line: 1.0.1
    belongs to a branch that has 1.0.0, and 2.0.0, made beside it, does not.
    """
    history = graph.ancestors([tip])
    numbers = {release.pk: graph.find(release.commit_sha) for release in releases}
    met = {number: _meet(graph, number, history) for number in set(numbers.values()) if number is not None}
    found: list[tuple[int, int, Release]] = []
    lines: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for rank, release in enumerate(releases):
        number = numbers[release.pk]
        place = met[number] if number is not None else None
        if place is not None:
            found.append((-place, rank, release))
            if place == number:
                lines[-place].add(_line(release))
    kept = [one for one in found if one[0] not in lines or _line(one[2]) in lines[one[0]]]
    return [release for *_, release in sorted(kept, key=lambda one: one[:2])]


def _line(release: Release) -> tuple[int, int]:
    version = find_version(release.version)
    return (version.major, version.minor) if version else (0, 0)


def _meet(graph: Graph, number: int, history: set[int]) -> int | None:
    """The newest commit of `history` that `number` descends from."""
    heap, seen = [-number], {number}
    for _ in range(MOST_STEPS):
        if not heap:
            return None
        at = -heappop(heap)
        if at in history:
            return at
        for parent in graph.parents(at):
            if parent not in seen:
                seen.add(parent)
                heappush(heap, -parent)
    return None


def _propose(
    component: Component, source: Repository, sha: str, stable: Release | None, begun: Release | None
) -> Proposal:
    own, policy = own_commits(component), policy_of(component)
    commits = keep_own(commits_between(source, stable.commit_sha if stable else None, sha), own)[
        :MOST_COMMITS
    ]
    current = find_version(stable.version) if stable else None
    messages = [parse_message(commit.message) for commit in commits]
    found = next_version(current, messages, policy=policy)
    proposal = Proposal(
        sha=sha,
        current=stable.version if stable else "",
        current_tag=stable.tag if stable else "",
        version=str(found) if found else "",
        prefix=_prefix(component, stable or begun),
        reason=_reason(current, found, messages, policy),
        commit_count=len(commits),
        commits=commits,
    )
    return _with_prerelease(component, source, proposal, begun, policy)


def _with_prerelease(
    component: Component, source: Repository, proposal: Proposal, begun: Release | None, policy: VersionPolicy
) -> Proposal:
    """Where a pre-release of what comes was begun, what it goes on as; its core is not gone back from."""
    version = find_version(begun.version) if begun else None
    current = find_version(proposal.current) if proposal.current else None
    if begun is None or version is None or (current is not None and version <= current):
        return proposal
    since = keep_own(commits_between(source, begun.commit_sha, proposal.sha), own_commits(component))
    following = next_version(version, since, policy=policy)
    final = next_version(version, since, policy=replace(policy, prerelease_mode=PrereleaseMode.FINAL))
    if final is None:
        return proposal
    known = find_version(proposal.version) if proposal.version else None
    best = max(known, final) if known else final
    words = f" {begun.version} was its last pre-release."
    return replace(
        proposal,
        version=str(best),
        prerelease=str(following) if following else "",
        reason=proposal.reason + words,
    )


def _prefix(component: Component, release: Release | None) -> str:
    """What stands before the version: as in the newest release, else `v`."""
    if release is None:
        return "v"
    try:
        tag = parse_tag(release.tag, pattern=component.tag_pattern or None)
    except InputError:
        return "v"
    return tag.prefix if tag is not None else "v"


def _reason(
    current: Version | None, found: Version | None, messages: Sequence[ParsedMessage], policy: VersionPolicy
) -> str:
    """`Minor, because of 3 features since 2.15.0. Nothing breaking.`"""
    since = f" since {current}" if current else ""
    breaking = sum(message.is_breaking for message in messages)
    told = [each for message in messages for each in told_by(message)]
    features = sum(each.type in _FEATURES for each in told)
    fixes = sum(each.type in _FIXES for each in told)
    if found is None:
        return _nothing(len(messages), since)
    asked = next((m.release_as for m in messages if m.release_as), None)
    if asked and find_version(asked.strip().removeprefix("v")) == found:
        return f"A commit{since} asks for it with Release-As."
    if current is None:
        return f"The first release, of {_count(len(messages), 'commit')}."
    nothing = "" if breaking else " Nothing breaking."
    if breaking:
        words = f"because of {_count(breaking, 'breaking change')}{since}."
        below = current.major == 0 and found.major == 0
        note = " Below 1.0.0 that raises the minor number." if below else ""
        return f"{_level(current, found)}, {words}{note}"
    counted = [_count(number, noun) for number, noun in ((features, "feature"), (fixes, "fix")) if number]
    return f"{_level(current, found)}, because of {' and '.join(counted[:1])}{since}.{nothing}"


def _nothing(count: int, since: str) -> str:
    if not count:
        return f"Nothing to release: no commit{since}."
    none = "it is no feature or fix" if count == 1 else "none of them a feature or a fix"
    return f"Nothing to release: {_count(count, 'commit')}{since}, {none}."


def _level(current: Version, found: Version) -> str:
    if found.major != current.major:
        return "Major"
    return "Minor" if found.minor != current.minor else "Patch"


def _count(number: int, noun: str) -> str:
    plural = "fixes" if noun == "fix" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
