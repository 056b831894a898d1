"""
Health of Flux objects. Source: resource_customizations/*.toolkit.fluxcd.io of https://github.com/argoproj/argo-cd

Each kind is healthy when a number of its conditions are True, and progressing when Ready has a certain
value while Reconciling is True; the message is the reason of Ready.
"""

from __future__ import annotations

from typing import Any

from gitopsui.domain.health_status import (
    Health,
    Rule,
    conditions_of,
    degraded,
    healthy,
    progressing,
    spec_of,
    status_of,
    suspended,
)
from gitopsui.domain.identity import Manifest
from gitopsui.domain.tree import text


def _flux(*needed: str, count: int, ready: str = "Unknown", reasons: tuple[str, ...] = ()) -> Rule:
    """
    `count` of the `needed` conditions must be True. Progressing: Ready is `ready` and Reconciling is
    True, for one of `reasons` where there are any.
    """

    def rule(manifest: Manifest) -> Health:
        if spec_of(manifest).get("suspend") is True:
            return suspended(f"{text(manifest.get('kind'))} is suspended")
        conditions = conditions_of(manifest)
        if not isinstance(status_of(manifest).get("conditions"), list):
            return progressing("Status unknown")
        message = _message(conditions)
        if _is_progressing(conditions, ready, reasons):
            return progressing(message)
        met = [item for item in conditions if item.get("type") in needed and item.get("status") == "True"]
        return healthy(message) if len(met) == count else degraded(message)

    return rule


def _message(conditions: list[dict[str, Any]]) -> str:
    message = ""
    for condition in conditions:
        if condition.get("type") == "Ready":
            message = text(condition.get("reason"))
        elif condition.get("type") == "ArtifactOutdated" and condition.get("status") == "True":
            message = f"{message} {text(condition.get('reason'))}"
    return message


def _is_progressing(conditions: list[dict[str, Any]], ready: str, reasons: tuple[str, ...]) -> bool:
    if not ready:
        return False
    waits = any(item.get("type") == "Ready" and item.get("status") == ready for item in conditions)
    return waits and any(
        item.get("type") == "Reconciling"
        and item.get("status") == "True"
        and (not reasons or item.get("reason") in reasons)
        for item in conditions
    )


_source = _flux("Ready", "ArtifactInStorage", count=2)


def _helm_repository(manifest: Manifest) -> Health | None:
    spec = spec_of(manifest)
    if spec.get("suspend") is not True and spec.get("type") == "oci":
        # https://fluxcd.io/flux/components/source/helmrepositories/#helmrepository-status
        return healthy("Helm repositories of type 'oci' do not contain any information in the status.")
    return _source(manifest)


_image_repository = _flux("Ready", count=1, ready="False", reasons=("NewGeneration", "Scanning"))
_image_policy = _flux(
    "Ready", count=1, ready="False", reasons=("NewGeneration", "AccessingRepository", "ApplyingPolicy")
)
_ready = _flux("Ready", count=1)

RULES: dict[tuple[str, str], Rule] = {
    # Two of three: a release without tests is ready and released, one with tests is tested too.
    ("helm.toolkit.fluxcd.io", "HelmRelease"): _flux("Ready", "Released", "TestSuccess", count=2),
    ("image.toolkit.fluxcd.io", "ImagePolicy"): _image_policy,
    ("image.toolkit.fluxcd.io", "ImageRepository"): _image_repository,
    ("image.toolkit.fluxcd.io", "ImageUpdateAutomation"): _ready,
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): _ready,
    # A receiver is never on its way: it answers or it does not.
    ("notification.toolkit.fluxcd.io", "Receiver"): _flux("Ready", count=1, ready=""),
    ("source.toolkit.fluxcd.io", "Bucket"): _source,
    ("source.toolkit.fluxcd.io", "GitRepository"): _source,
    ("source.toolkit.fluxcd.io", "HelmChart"): _source,
    ("source.toolkit.fluxcd.io", "HelmRepository"): _helm_repository,
    ("source.toolkit.fluxcd.io", "OCIRepository"): _source,
}
