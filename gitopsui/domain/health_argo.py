"""
Health of Argo's own kinds. Source: resource_customizations/argoproj.io of https://github.com/argoproj/argo-cd

An Application has no health here: its rule is opt-in (`child_health`), so that an application of
applications is not judged twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.domain.health_status import (
    Health,
    HealthStatus,
    Rule,
    by_condition,
    by_phase,
    conditions_of,
    degraded,
    find_condition,
    healthy,
    metadata_of,
    progressing,
    spec_of,
    status_of,
    suspended,
    unknown,
)
from gitopsui.domain.identity import Manifest, annotations_of
from gitopsui.domain.tree import mapping, number, text

_UNSEEN = "Waiting for rollout spec update to be observed"
_ROLL_OUT = "Waiting for roll out to finish: "
_WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"


def child_health(manifest: Manifest) -> Health | None:
    """The health that an Argo CD Application reports of itself; None when it reports none."""
    reported = mapping(status_of(manifest).get("health"))
    return _named(reported.get("status"), reported.get("message")) if reported else None


def _named(status: Any, message: Any) -> Health:
    try:
        return Health(HealthStatus(status), text(message))
    except ValueError:
        return unknown(message)


def _workflow(manifest: Manifest) -> Health:
    status = status_of(manifest)
    message = text(status.get("message"))
    phases = {"Succeeded": healthy, "Failed": degraded, "Error": degraded}
    phases |= {"": progressing, "Pending": progressing, "Running": progressing}
    return phases.get(text(status.get("phase")), unknown)(message)


def _application_set(manifest: Manifest) -> Health:
    answers = (
        ("ErrorOccurred", "True", degraded),
        ("ResourcesUpToDate", "False", degraded),
        ("RolloutProgressing", "True", progressing),
        ("ResourcesUpToDate", "True", healthy),
    )
    for kind, status, answer in answers:
        for condition in conditions_of(manifest):
            if (condition.get("type"), condition.get("status")) == (kind, status):
                return answer(condition.get("message"))
    return progressing("Waiting for the status to be reported")


def _cron_workflow(manifest: Manifest) -> Health:
    for condition in conditions_of(manifest):
        if condition.get("status") != "True":
            continue
        if condition.get("type") in ("SpecError", "SubmissionError"):
            return degraded(condition.get("message"))
        if condition.get("type") == "Completed":
            return healthy(condition.get("message"))
    return healthy("CronWorkflow is healthy.")


def _event_bus(manifest: Manifest) -> Health:
    condition = mapping(find_condition(manifest, "Deployed"))
    message = condition.get("message") or condition.get("reason")
    if condition.get("status") == "False":
        return degraded(message)
    return (
        healthy(message) if condition.get("status") == "True" else progressing("Waiting for initialization")
    )


def _rollout(manifest: Manifest) -> Health:
    if not _is_observed(manifest):
        return progressing(_UNSEEN)
    status = status_of(manifest)
    phase = status.get("phase")
    if phase is not None:
        # Since 1.0 the controller says it itself.
        return _named("Suspended" if phase == "Paused" else phase, status.get("message"))
    return (
        _rollout_failure(manifest)
        or _rollout_pause(manifest)
        or _rollout_progress(manifest)
        or _strategy_progress(manifest)
        or healthy()
    )


def _is_observed(manifest: Manifest) -> bool:
    if not isinstance(manifest.get("status"), dict):
        return False
    generation, seen = metadata_of(manifest).get("generation"), status_of(manifest).get("observedGeneration")
    # Before 0.10 this was a hash: no number, or one far too large.
    is_counted = seen is not None and number(seen, -1) >= 0 and number(seen) <= number(generation)
    if is_counted and number(seen) != number(generation):
        return False
    workload = annotations_of(manifest).get(_WORKLOAD_GENERATION)
    if "workloadRef" not in spec_of(manifest) or not annotations_of(manifest):
        return True
    return number(workload, -1) == number(status_of(manifest).get("workloadObservedGeneration"), -1)


def _rollout_failure(manifest: Manifest) -> Health | None:
    for condition in conditions_of(manifest):
        is_stopped = condition.get("type") == "Progressing" and condition.get("reason") in (
            "RolloutAborted",
            "ProgressDeadlineExceeded",
        )
        if is_stopped or condition.get("type") == "InvalidSpec":
            return degraded(condition.get("message"))
    return None


def _rollout_pause(manifest: Manifest) -> Health | None:
    is_paused = status_of(manifest).get("pauseConditions") or spec_of(manifest).get("paused")
    return suspended("Rollout is paused") if is_paused else None


def _rollout_progress(manifest: Manifest) -> Health | None:
    status = status_of(manifest)
    if status.get("currentPodHash") is None:
        return progressing("Waiting for rollout to finish: status has not been reconciled.")
    wanted, updated = number(spec_of(manifest).get("replicas"), 1), number(status.get("updatedReplicas"))
    if updated < wanted:
        return progressing(f"{_ROLL_OUT}More replicas need to be updated")
    if number(status.get("availableReplicas")) < updated:
        return progressing(f"{_ROLL_OUT}updated replicas are still becoming available")
    return None


def _strategy_progress(manifest: Manifest) -> Health | None:
    strategy, status = mapping(spec_of(manifest).get("strategy")), status_of(manifest)
    current, stable = status.get("currentPodHash"), _stable_hash(status)
    if strategy.get("blueGreen") is not None:
        if mapping(status.get("blueGreen")).get("activeSelector") != current:
            return progressing("active service cutover pending")
        if stable not in ("", current):
            return progressing("waiting for analysis to complete")
    elif strategy.get("canary") is not None:
        if number(status.get("replicas")) > number(status.get("updatedReplicas")):
            return progressing(f"{_ROLL_OUT}old replicas are pending termination")
        if stable != current:
            return progressing("Waiting for rollout to finish steps")
    return None


def _stable_hash(status: Mapping[str, Any]) -> Any:
    # Before 0.8 the hash stood under `canary`.
    found = status.get("stableRS")
    if found is None and isinstance(status.get("canary"), dict):
        return status["canary"].get("stableRS")
    return "" if found is None else found


_ANALYSIS = {
    "Pending": progressing("Analysis run is running"),
    "Running": progressing("Analysis run is running"),
    "Successful": healthy("Analysis run completed successfully"),
    "Failed": degraded("Analysis run failed"),
    "Error": degraded("Analysis run had an error"),
    "Inconclusive": unknown("Analysis run was inconclusive"),
}
_EXPERIMENT = {
    "Pending": progressing("Experiment is pending"),
    "Running": progressing("Experiment is running"),
    "Successful": healthy("Experiment is successful"),
    "Failed": degraded("Experiment has failed"),
    "Error": degraded("Experiment had an error"),
}
_NOT_RECONCILED = "to finish: status has not been reconciled."
_analysis_phase = by_phase(_ANALYSIS, f"Waiting for analysis run {_NOT_RECONCILED}")


def _analysis_run(manifest: Manifest) -> Health | None:
    found = _analysis_phase(manifest)
    message = text(status_of(manifest).get("message"))
    # Once it has ended, the controller tells more than its phase does.
    if found is None or found.status is HealthStatus.PROGRESSING or not message:
        return found
    return Health(found.status, message)


RULES: dict[tuple[str, str], Rule] = {
    ("argoproj.io", "AnalysisRun"): _analysis_run,
    ("argoproj.io", "ApplicationSet"): _application_set,
    ("argoproj.io", "CronWorkflow"): _cron_workflow,
    ("argoproj.io", "EventBus"): _event_bus,
    ("argoproj.io", "Experiment"): by_phase(_EXPERIMENT, f"Waiting for experiment {_NOT_RECONCILED}"),
    ("argoproj.io", "Rollout"): _rollout,
    ("argoproj.io", "Workflow"): _workflow,
    ("bitnami.com", "SealedSecret"): by_condition("Synced", "Waiting for Sealed Secret to be decrypted"),
}
