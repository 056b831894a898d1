"""
Health of kinds nobody described, by the conventions that most controllers keep.
Source: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md

Where that source answers "current" because it knows no better, the usual words for failing and for waiting
are looked for first: a false green is worse than a careful answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.domain.health_status import (
    Health,
    conditions_of,
    degraded,
    find_condition,
    healthy,
    metadata_of,
    progressing,
    status_of,
    suspended,
)
from gitopsui.domain.identity import Manifest
from gitopsui.domain.tree import mapping, text

_UNSEEN = "The controller has not seen the latest change yet."
# Conditions that are bad when True, and those that are bad when False.
_BAD_CONDITIONS = frozenset(
    {"Degraded", "Error", "Failed", "Failure", "Invalid", "Orphan", "Stalled", "Unhealthy"}
)
_GOOD_CONDITIONS = frozenset(
    {
        "Accepted",
        "Admitted",
        "Adopted",
        "Applied",
        "Available",
        "Deployed",
        "Established",
        "Healthy",
        "Initialized",
        "Installed",
        "ReconcileSuccess",
        "Reconciled",
        "Scheduled",
        "Succeeded",
        "Synced",
        "Valid",
    }
)
# Where controllers write one word instead of conditions, and what they write there.
_WORD_FIELDS = ("phase", "state", "health", "status")
_FAILED_WORDS = frozenset(
    {"degraded", "error", "failed", "failure", "invalid", "lost", "red", "rejected", "stalled"}
)
_WAITING_WORDS = frozenset(
    {
        "creating",
        "deploying",
        "init",
        "initializing",
        "inprogress",
        "installing",
        "pending",
        "progressing",
        "provisioning",
        "reconciling",
        "scheduling",
        "starting",
        "stopping",
        "submitted",
        "updating",
        "upgrading",
        "waiting",
    }
)


def custom_health(manifest: Manifest) -> Health | None:
    """
    Unseen by its controller, reconciling, stalled, ready: the first that applies. An object without a
    status has no health.
    """
    status = status_of(manifest)
    if not status:
        return None
    if _is_unseen(manifest, status):
        return progressing(_UNSEEN)
    for kind, answer in (("Reconciling", progressing), ("Stalled", degraded)):
        condition = mapping(find_condition(manifest, kind))
        if condition.get("status") == "True":
            return answer(_sentence(condition))
    ready = find_condition(manifest, "Ready")
    if ready is not None:
        return _by_ready(manifest, ready)
    return _by_other_conditions(manifest) or _by_word(status) or _by_flag(status) or healthy()


def _is_unseen(manifest: Manifest, report: Mapping[str, Any]) -> bool:
    generation, seen = metadata_of(manifest).get("generation"), report.get("observedGeneration")
    return None not in (generation, seen) and generation != seen


def _by_ready(manifest: Manifest, ready: Mapping[str, Any]) -> Health:
    if _is_unseen(manifest, ready):
        return progressing(_UNSEEN)
    return healthy(_sentence(ready)) if ready.get("status") == "True" else progressing(_sentence(ready))


def _by_other_conditions(manifest: Manifest) -> Health | None:
    for condition in conditions_of(manifest):
        if condition.get("status") == "True" and condition.get("type") in _BAD_CONDITIONS:
            return degraded(_sentence(condition))
    for condition in conditions_of(manifest):
        if condition.get("status") == "False" and condition.get("type") in _GOOD_CONDITIONS:
            return progressing(_sentence(condition))
    return None


def _by_word(status: Mapping[str, Any]) -> Health | None:
    for field in _WORD_FIELDS:
        word = text(status.get(field))
        short = word.lower().replace(" ", "").replace("-", "")
        message = text(status.get("message")) or word
        if short in _FAILED_WORDS or short.endswith(("error", "failed")):
            return degraded(message)
        if short in _WAITING_WORDS:
            return progressing(message)
        if short in ("paused", "suspended"):
            return suspended(message)
    return None


def _by_flag(status: Mapping[str, Any]) -> Health | None:
    error = status.get("error")
    if error:
        return degraded(text(error) or mapping(error).get("message"))
    is_waiting = any(status.get(field) is False for field in ("ready", "readyToUse", "healthy"))
    return progressing(status.get("message")) if is_waiting else None


def _sentence(condition: Mapping[str, Any]) -> str:
    return text(condition.get("message")) or text(condition.get("reason"))
