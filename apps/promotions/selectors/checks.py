"""Which commits the required checks of an environment are asked of, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.environments.models import Application
from apps.promotions.models import EnvironmentPolicy, ForgeConnection
from apps.promotions.selectors.forges import is_in_use
from apps.releases.selectors.versions import find_releases_of
from apps.repositories.models import Repository
from gitopsui.domain.gate_facts import Check, CheckedCommit

Wanted = tuple[Application, str]
Stored = Mapping[str, Any]  # repository (its id), sha, asked_at, names, error, checks


@dataclass(frozen=True, slots=True)
class Released:
    """
    The commit that a version of a component was released from. `problem` is why nobody can be asked about
    it, in a sentence; `is_lasting` whether that stays so until somebody mends it.
    """

    what: str
    repository: Repository | None = None
    sha: str = ""
    problem: str = ""
    is_lasting: bool = False


def check_facts(
    policy: EnvironmentPolicy, wanted: Sequence[Wanted], answers: Iterable[Stored] = ()
) -> dict[str, Any]:
    """What of `PromotionFacts` is about checks. No query where none is required."""
    told = _pull_facts(policy, wanted) if policy.checks else {}
    if policy.source_checks:
        known = {(one["repository"], one["sha"]): one for one in answers}
        told["released"] = tuple(_answered(one, known) for one in released_commits(policy, wanted))
    return told


def _pull_facts(policy: EnvironmentPolicy, wanted: Sequence[Wanted]) -> dict[str, Any]:
    """Of the pull request: all its applications lie in one config repository."""
    repository = next((application.repository for application, _ in wanted), None)
    if repository is None or _connected([repository.pk]):
        return {"checks_repository": repository.name if repository else ""}
    text = (
        f"Pull requests of {repository.name} are reviewed here, where nothing can ever report "
        f"{_names(policy.checks)}. Connect the forge of {repository.name}, require it of the released commit "
        f"instead, or take it out of the rules of {policy.environment}."
    )
    return {"checks_repository": repository.name, "checks_problem": text}


def released_commits(policy: EnvironmentPolicy, wanted: Sequence[Wanted]) -> list[Released]:
    """One for each version of a component, in the order of `wanted`."""
    versions = {(one.component_id, version): one.component for one, version in wanted}
    releases = find_releases_of(versions)
    sources = Repository.objects.in_bulk({one.source_id for one in versions.values() if one.source_id})
    connected = _connected(sources)
    out = f"or take {_names(policy.source_checks)} out of the rules of {policy.environment}"
    found = []
    for (pk, version), component in versions.items():
        source, what = sources.get(component.source_id or 0), f"{component.name} {version}"
        release = releases.get((pk, version))
        if source is None:
            text = f"{component.name} has no source repository that could be asked. Name it, {out}."
            found.append(Released(what, problem=text, is_lasting=True))
        elif source.pk not in connected:
            text = f"No forge is connected for {source.name}, the source of {component.name}, so nothing can "
            text += f"ever report its checks. Connect its forge with a token, {out}."
            found.append(Released(what, source, problem=text, is_lasting=True))
        elif release is None:
            text = f"No release {what} is known in {source.name}, so no commit can be asked about."
            found.append(Released(what, source, problem=text))
        else:
            found.append(Released(what, source, release.commit_sha))
    return found


def _connected(repositories: Iterable[int]) -> set[int]:
    """Those of these repositories whose forge can be asked."""
    rows = ForgeConnection.objects.filter(repository__in=list(repositories))
    return {row.repository_id for row in rows if is_in_use(row)}


def _names(names: Iterable[str]) -> str:
    return ", ".join(str(name) for name in names)


def _answered(one: Released, known: Mapping[tuple[int, str], Stored]) -> CheckedCommit:
    name = one.repository.name if one.repository else ""
    answer = known.get((one.repository.pk, one.sha)) if one.repository and one.sha else None
    problem = one.problem
    if answer and answer["error"]:
        problem = f"{name} cannot be asked about {one.sha[:8]} ({one.what}) now: {answer['error']}"
    return CheckedCommit(
        what=one.what,
        repository=name,
        sha=one.sha,
        checks=tuple(Check(c["name"], c["state"], c["detail"]) for c in answer["checks"]) if answer else (),
        is_asked=answer is not None,
        problem=problem,
        is_lasting=one.is_lasting,
    )
