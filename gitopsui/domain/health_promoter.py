"""
Health of the kinds of gitops-promoter. Source: resource_customizations/promoter.argoproj.io of
https://github.com/argoproj/argo-cd and https://gitops-promoter.readthedocs.io/en/latest/crd-specs/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitopsui.domain.health_status import (
    Health,
    Rule,
    conditions_of,
    degraded,
    healthy,
    metadata_of,
    progressing,
    status_of,
)
from gitopsui.domain.identity import Manifest
from gitopsui.domain.tree import mapping, objects, reach, sequence, text

_GROUP = "promoter.argoproj.io"
# What each waits for, and what is lost by force:
# https://gitops-promoter.readthedocs.io/en/latest/debugging/finalizers/
_FINALIZERS = {
    "pullrequest.promoter.argoproj.io/finalizer": (
        "Waiting for SCM closure or reconciliation of the pull request.",
        "the real PR can stay open after the CR is gone.",
    ),
    "changetransferpolicy.promoter.argoproj.io/pullrequest-finalizer": (
        "Waiting for the ChangeTransferPolicy to observe PR identity and state.",
        "promotion status or history can be wrong or racy.",
    ),
}


def _reconciled(noun: str, rule: Rule) -> Rule:
    """What all kinds share: first the controller must have seen the object, then its own rule speaks."""

    def judge(manifest: Manifest) -> Health | None:
        if not isinstance(manifest.get("status"), dict):
            return progressing(f"Initializing {noun}")
        ready = [item for item in conditions_of(manifest) if item.get("type") in ("Ready", "Reconciled")]
        for condition in ready:
            found = _condition_trouble(condition, metadata_of(manifest).get("generation"), noun)
            if found is not None:
                return found
        return rule(manifest) if ready else progressing(f"{noun.capitalize()} is not ready yet")

    return judge


def _condition_trouble(condition: Mapping[str, Any], generation: Any, noun: str) -> Health | None:
    seen = condition.get("observedGeneration")
    if seen is not None and generation is not None and seen != generation:
        return progressing(f"Waiting for {noun} spec update to be observed")
    if condition.get("status") != "False":
        return None
    reason = text(condition.get("reason")) or "Unknown"
    why = "" if reason == "ReconciliationError" else f" ({reason})"
    message = text(condition.get("message")) or "Unknown error"
    return degraded(f"{noun.capitalize()} reconciliation failed{why}: {message}")


def _pull_request(manifest: Manifest) -> Health:
    number, state = status_of(manifest).get("id"), status_of(manifest).get("state")
    if not number or not state:
        return healthy("Pull request is healthy")
    return healthy(f"Pull request is {state} as PR {number}")


def _commit_status(manifest: Manifest) -> Health:
    sha, phase = status_of(manifest).get("sha"), status_of(manifest).get("phase")
    if not sha or not phase:
        return healthy("Commit status is healthy")
    return healthy(f"Commit status for commit {sha} reports {phase}")


def _strategy(manifest: Manifest) -> Health:
    environments = objects(status_of(manifest).get("environments"))
    if not environments:
        return degraded("Promotion strategy has no environments configured")
    for environment in environments:
        found = _unknown_commit(environment)
        if found:
            branch = text(environment.get("branch"))
            return progressing(f"The {found} commit DRY SHA is missing or empty in environment '{branch}'.")
    proposed = _hydrated(environments[0])
    if any(_hydrated(environment) != proposed for environment in environments):
        return progressing(
            "Not all environments have the same proposed commit SHA. "
            "This likely means the hydrator has not run for all environments yet."
        )
    return _promotion(environments) or _unsettled(environments) or _settled(environments[0])


def _commit(environment: Mapping[str, Any], stage: str) -> str:
    return text(reach(environment, stage, "dry", "sha"))


def _hydrated(environment: Mapping[str, Any]) -> str:
    """The commit the hydrator has processed; its note is newer than the metadata of the branch."""
    return text(reach(environment, "proposed", "note", "drySha")) or _commit(environment, "proposed")


def _unknown_commit(environment: Mapping[str, Any]) -> str:
    if not _commit(environment, "active"):
        return "active"
    return "" if _hydrated(environment) else "proposed"


def _statuses(environment: Mapping[str, Any], stage: str, phase: str) -> list[str]:
    statuses = objects(mapping(environment.get(stage)).get("commitStatuses"))
    return [text(item.get("key")) for item in statuses if item.get("phase") == phase]


def _promotion(environments: Sequence[Mapping[str, Any]]) -> Health | None:
    """The first environment whose branch proposes another commit than the one that is active."""
    for environment in environments:
        active, proposed = _commit(environment, "active"), _commit(environment, "proposed")
        if active == proposed:
            continue
        pending, success, failure = (
            _statuses(environment, "proposed", phase) for phase in ("pending", "success", "failure")
        )
        parts = [
            f"Promotion in progress for environment '{text(environment.get('branch'))}' "
            f"from '{active[:7]}' to '{proposed[:7]}': "
            f"{len(pending)} pending, {len(success)} successful, {len(failure)} failed. "
        ]
        parts += [f"Pending commit statuses: {', '.join(pending)}. "] if pending else []
        parts += [f"Failed commit statuses: {', '.join(failure)}. "] if failure else []
        parts += [f"Hydrator has processed dry commit '{_hydrated(environment)[:7]}'. "]
        return progressing("".join(parts))
    return None


def _unsettled(environments: Sequence[Mapping[str, Any]]) -> Health | None:
    counts = []
    for environment in environments:
        failed, pending = (len(_statuses(environment, "active", phase)) for phase in ("failure", "pending"))
        if failed or pending:
            counts.append(f"{text(environment.get('branch'))} ({failed} failed, {pending} pending)")
    if not counts:
        return None
    return healthy(
        "Environments are up-to-date, but some environments have non-successful commit statuses: "
        f"{', '.join(counts)}."
    )


def _settled(environment: Mapping[str, Any]) -> Health:
    return healthy(
        f"All environments are up-to-date on commit '{_commit(environment, 'active')[:7]}'. "
        f"Hydrator has processed dry commit '{_hydrated(environment)[:7]}'."
    )


def finalizer_notes(manifest: Manifest) -> str:
    """What an object that is being deleted still waits for; empty, or a sentence with a space in front."""
    notes = ""
    for finalizer in map(text, sequence(metadata_of(manifest).get("finalizers"))):
        if finalizer in _FINALIZERS:
            waiting, risk = _FINALIZERS[finalizer]
            notes += f" {finalizer}: {waiting} Risk if removed manually: {risk}"
    return notes


RULES: dict[tuple[str, str], Rule] = {
    (_GROUP, "CommitStatus"): _reconciled("commit status", _commit_status),
    (_GROUP, "PromotionStrategy"): _reconciled("promotion strategy", _strategy),
    (_GROUP, "PullRequest"): _reconciled("pull request", _pull_request),
}
# What these say while they are being deleted.
DELETIONS = {
    (_GROUP, "CommitStatus"): "Commit status is being deleted",
    (_GROUP, "PromotionStrategy"): "Promotion strategy is being deleted",
    (_GROUP, "PullRequest"): "Pull request is being deleted.",
}
