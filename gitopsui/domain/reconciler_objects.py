"""
Reading the objects of Argo CD and Flux: every served version of each kind, any shape, nothing raises.

https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml (status: its CRD, v2 and v3)
https://fluxcd.io/flux/components/kustomize/kustomizations/#kustomization-status
https://fluxcd.io/flux/components/helm/helmreleases/#helmrelease-status (v2beta1 to v2)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gitopsui.domain.health_status import conditions_of, find_condition, metadata_of, spec_of, status_of
from gitopsui.domain.identity import GroupKind, Manifest, ResourceKey, annotations_of, find_key, group_kind_of
from gitopsui.domain.managed_fields import entries_of, parse_time
from gitopsui.domain.reconciler import ARGO_CD, FLUX, Place, ReconcilerState
from gitopsui.domain.tree import mapping, number, objects, reach, sequence, text

SOURCE_GROUP = "source.toolkit.fluxcd.io"
APPLICATION = GroupKind("argoproj.io", "Application")
KUSTOMIZATION = GroupKind("kustomize.toolkit.fluxcd.io", "Kustomization")
HELM_RELEASE = GroupKind("helm.toolkit.fluxcd.io", "HelmRelease")
GIT_SOURCE = GroupKind(SOURCE_GROUP, "GitRepository")
OCI_SOURCE = GroupKind(SOURCE_GROUP, "OCIRepository")
HELM_SOURCE = GroupKind(SOURCE_GROUP, "HelmRepository")
RECONCILERS = (APPLICATION, KUSTOMIZATION, HELM_RELEASE)
SOURCES = (GIT_SOURCE, OCI_SOURCE, HELM_SOURCE)
SKIP = "argocd.argoproj.io/skip-reconcile"

_SHA = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_FAILED_PHASES = ("Error", "Failed")
_SHOWN_YEARS = range(1970, 9000)


def parse_reconciler(manifest: Any) -> ReconcilerState | None:
    """What a reconciling object or a source of Flux says; None for any other kind of object."""
    parse = _PARSERS.get(group_kind_of(manifest))
    return parse(manifest) if parse is not None and find_key(manifest).name else None


def lean(manifest: Manifest) -> Manifest:
    """
    An Application without the lists that grow with what it manages and that nothing here reads; any other
    object as it is. They are most of its size: hundreds of such objects are read at once.
    """
    status = manifest.get("status")
    if group_kind_of(manifest) != APPLICATION or not isinstance(status, dict):
        return manifest
    kept = {name: value for name, value in status.items() if name not in ("resources", "history")}
    operation = kept.get("operationState")
    if isinstance(operation, dict):
        kept["operationState"] = {name: operation[name] for name in operation if name != "syncResult"}
    return {**manifest, "status": kept}


def with_source(state: ReconcilerState, sources: Mapping[ResourceKey, ReconcilerState]) -> ReconcilerState:
    """The state with what its source adds: where its folders lie, and why nothing new comes from there."""
    source = sources.get(state.source) if state.source is not None else None
    if source is None:
        return state
    url = source.places[0].url if source.places else ""
    name = f"{source.key.kind} {source.key.name}"
    problem = ""
    if source.is_suspended:
        problem = f"the {name} is suspended"
    elif source.says_synced is False:
        problem = f"{name}: {source.message or source.sync}"
    places = tuple(replace(place, url=place.url or url) for place in state.places)
    return replace(state, places=places, source_problem=problem)


# --- Argo CD ----------------------------------------------------------------------------------------------


def _application(manifest: Manifest) -> ReconcilerState:
    spec, status = spec_of(manifest), status_of(manifest)
    sync, health = mapping(status.get("sync")), mapping(status.get("health"))
    word = text(sync.get("status"))
    revisions = _revisions(sync)
    places = _argo_places(spec, revisions)
    shas = [place.sha for place in places if place.sha]
    is_skipped = text(annotations_of(manifest).get(SKIP)).lower() == "true"
    skipped_at = _written_at(manifest, "f:metadata", "f:annotations", f"f:{SKIP}")
    destination = mapping(spec.get("destination"))
    return ReconcilerState(
        ARGO_CD,
        find_key(manifest),
        sync=word,
        health=text(health.get("status")),
        revision=", ".join(dict.fromkeys(filter(None, revisions))),
        message=_argo_message(manifest),
        says_synced={"Synced": True, "OutOfSync": False}.get(word),
        is_suspended=is_skipped,
        suspended_at=skipped_at if is_skipped else None,
        reconciled_at=_time(status.get("reconciledAt")),
        source_sha=shas[0] if shas else "",
        places=places,
        namespace=text(destination.get("namespace")),
        cluster=text(destination.get("server")) or text(destination.get("name")),
    )


def _revisions(sync: Mapping[str, Any]) -> list[str]:
    several = [text(item) for item in sequence(sync.get("revisions"))]
    return several or [text(sync.get("revision"))]


def _argo_places(spec: Mapping[str, Any], revisions: Sequence[str]) -> tuple[Place, ...]:
    """What is applied, source by source; the revisions come in the order of the sources."""
    hydrator = mapping(spec.get("sourceHydrator"))
    if hydrator:
        # What a hydrator wrote is applied, from the repository it read.
        path = text(reach(hydrator, "syncSource", "path"))
        found = [{"repoURL": reach(hydrator, "drySource", "repoURL"), "path": path}]
    else:
        found = objects(spec.get("sources")) or [dict(mapping(spec.get("source")))]
    padded = [*revisions, *[""] * len(found)]
    return tuple(
        Place(text(source.get("repoURL")), text(source.get("path")), _sha(revision))
        for source, revision in zip(found, padded, strict=False)
        if source.get("repoURL")
    )


def _argo_message(manifest: Manifest) -> str:
    """Errors of the comparison first, then how the last operation went, then the reason of the health."""
    status = status_of(manifest)
    errors = [
        text(item.get("message"))
        for item in conditions_of(manifest)
        if text(item.get("type")).endswith("Error")
    ]
    if any(errors):
        return " ".join(filter(None, dict.fromkeys(errors)))
    operation = mapping(status.get("operationState"))
    if operation.get("phase") in (*_FAILED_PHASES, "Running"):
        return text(operation.get("message"))
    return text(reach(status, "health", "message")) or text(operation.get("message"))


# --- Flux -------------------------------------------------------------------------------------------------


def _kustomization(manifest: Manifest) -> ReconcilerState:
    spec, status = spec_of(manifest), status_of(manifest)
    revision = text(status.get("lastAppliedRevision"))
    # Of an artifact made from Git elsewhere, the commit is told apart.
    sha = _sha(revision) or _sha(status.get("lastAppliedOriginRevision"))
    path = text(spec.get("path"))
    return replace(
        _flux(manifest, ("Healthy", "Healthy", "Unhealthy")),
        revision=revision or text(status.get("lastAttemptedRevision")),
        source_sha=sha,
        places=(Place("", path, sha),),
        namespace=text(spec.get("targetNamespace")),
        source=_source_key(manifest, spec.get("sourceRef")),
    )


def _helm_release(manifest: Manifest) -> ReconcilerState:
    spec, status = spec_of(manifest), status_of(manifest)
    newest = _newest(status)
    chart = mapping(reach(spec, "chart", "spec"))
    reference = chart.get("sourceRef") if chart else spec.get("chartRef")
    is_git = text(mapping(reference).get("kind")) == GIT_SOURCE.kind
    applied = text(newest.get("chartVersion")) or text(status.get("lastAppliedRevision"))
    state = _flux(manifest, ("TestSuccess", "Tests passed", "Tests failed"))
    if not state.health:
        state = replace(state, health=_word_of(manifest, ("Released", "Released", "Not released")))
    return replace(
        state,
        revision=applied or text(status.get("lastAttemptedRevision")),
        reconciled_at=state.reconciled_at or _time(newest.get("lastDeployed")),
        places=(Place("", text(chart.get("chart"))),) if is_git else (),
        namespace=text(spec.get("targetNamespace")) or find_key(manifest).namespace,
        source=_source_key(manifest, reference),
    )


def _source(manifest: Manifest) -> ReconcilerState:
    revision = text(reach(status_of(manifest), "artifact", "revision"))
    state = _flux(manifest, ("", "", ""))
    if group_kind_of(manifest) == HELM_SOURCE and not conditions_of(manifest):
        # Of type oci it only keeps an address, and reports nothing.
        state = replace(state, sync="", says_synced=None)
    place = Place(text(spec_of(manifest).get("url")), "", _sha(revision))
    return replace(state, revision=revision, source_sha=place.sha, places=(place,))


def _flux(manifest: Manifest, health: tuple[str, str, str]) -> ReconcilerState:
    """What all kinds of Flux have in common; `health` is a condition with its words for True and False."""
    ready = mapping(find_condition(manifest, "Ready"))
    word, says_synced = _flux_sync(manifest, ready)
    is_suspended = spec_of(manifest).get("suspend") is True
    return ReconcilerState(
        FLUX,
        find_key(manifest),
        sync=word,
        health=_word_of(manifest, health),
        message=text(ready.get("message")),
        says_synced=says_synced,
        is_suspended=is_suspended,
        suspended_at=_written_at(manifest, "f:spec", "f:suspend") if is_suspended else None,
        reconciled_at=_reconciled_at(manifest, ready),
    )


def _flux_sync(manifest: Manifest, ready: Mapping[str, Any]) -> tuple[str, bool | None]:
    observed = number(status_of(manifest).get("observedGeneration"), -1)
    is_behind = 0 <= observed < number(metadata_of(manifest).get("generation"))
    if mapping(find_condition(manifest, "Stalled")).get("status") == "True":
        return "Stalled", False
    if mapping(find_condition(manifest, "Reconciling")).get("status") == "True" or is_behind:
        # Without a word on what went before: a failing one reconciles all the time.
        return ("Not ready", False) if ready.get("status") == "False" else ("Reconciling", None)
    words = {"True": ("Ready", True), "False": ("Not ready", False), "Unknown": ("Reconciling", None)}
    return words.get(text(ready.get("status")), ("Not reconciled yet", None))


def _word_of(manifest: Manifest, words: tuple[str, str, str]) -> str:
    condition, good, bad = words
    status = mapping(find_condition(manifest, condition)).get("status") if condition else None
    return {"True": good, "False": bad}.get(text(status), "")


def _reconciled_at(manifest: Manifest, ready: Mapping[str, Any]) -> datetime | None:
    """The newest time the object has of its own reconciliation; Flux keeps no time for one without change."""
    status = status_of(manifest)
    known: Iterable[datetime | None] = (
        _time(ready.get("lastTransitionTime")),
        _time(status.get("lastHandledReconcileAt")),
        _time(_newest(status).get("lastReconciled")),
    )
    return max((at for at in known if at is not None), default=None)


def _newest(status: Mapping[str, Any]) -> Mapping[str, Any]:
    history = objects(status.get("history"))
    return history[0] if history else {}


def _source_key(manifest: Manifest, reference: Any) -> ResourceKey | None:
    named = mapping(reference)
    kind, name = text(named.get("kind")), text(named.get("name"))
    if not kind or not name:
        return None
    namespace = text(named.get("namespace")) or find_key(manifest).namespace
    return ResourceKey(SOURCE_GROUP, kind, namespace, name)


# --- both -------------------------------------------------------------------------------------------------


def _sha(revision: Any) -> str:
    """The commit in `3f2a…`, `main@sha1:3f2a…`, `main/3f2a…`; "" in `latest@sha256:…` and `1.2.3`."""
    value = text(revision)
    match = _SHA.search(value)
    return match[0] if match and not value.endswith(f"@sha256:{match[0]}") else ""


def _time(value: Any) -> datetime | None:
    """A time that a page can show: Go writes the year 1 for none at all."""
    found = parse_time(value)
    if found is None or found.year not in _SHOWN_YEARS:
        return None
    return found.astimezone(UTC)


def _written_at(manifest: Manifest, *path: str) -> datetime | None:
    """When the field was written last, by managedFields."""
    times = [_time(entry.at) for entry in entries_of(manifest) if reach(entry.fields, *path) is not None]
    return max((at for at in times if at is not None), default=None)


_PARSERS = {
    APPLICATION: _application,
    KUSTOMIZATION: _kustomization,
    HELM_RELEASE: _helm_release,
    **dict.fromkeys(SOURCES, _source),
}
