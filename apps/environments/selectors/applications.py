"""What the page of an application reads, shaped as its template shows it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.environments.models import Application, DriftedResource
from apps.environments.selectors.deep_check import DeepCheckPanel, deep_check_of
from apps.environments.selectors.drift import (
    FIELDS,
    UNIFIED,
    VIEW_WORDS,
    DriftCount,
    count_of,
    digest_of,
    drift_of,
    open_drifts,
)
from apps.environments.selectors.drift_diff import diffs_of, find_state, volatile_fields
from apps.environments.selectors.orphans import orphans_of
from apps.environments.selectors.reconcilers import reconcilers_of
from apps.environments.selectors.resources import (
    Resources,
    digest_of_resources,
    read_resources,
    resource_tree,
)
from apps.environments.selectors.silences import silenced_of
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health import HealthStatus
from gitopsui.domain.history import Deployment, Observation, deployments_of
from gitopsui.domain.web_address import folder_address, host_label

MOST_VERSIONS = 12
MOST_EVENTS = 15
MOST_OBSERVATIONS = 400
NOT_RENDERED = "What Git asks for cannot be told, so nothing can be compared with it."
_LABELS = {"plain": "plain YAML", "kustomize": "kustomize", "helm": "Helm"}
_WELL = (HealthStatus.HEALTHY, HealthStatus.SUSPENDED)


def application_context(
    application: Application, *, view: str, only_unwell: bool, now: datetime
) -> dict[str, Any]:
    """Everything the page of an application shows."""
    drifts, resources = open_drifts(application), read_resources(application)
    return {
        "application": application_row(application, now=now),
        "heading": heading_of(application, count_of(drifts), now=now),
        "facts": facts_of(application),
        "facts_ptag": stamp_of(application, "facts", now=now),
        **drift_context(application, drifts, view=view),
        "drift_ptag": drift_stamp(application, drifts, view=view, now=now),
        **resource_context(application, resources, only_unwell=only_unwell, now=now),
        "resources_ptag": resources_stamp(application, resources, only_unwell=only_unwell, now=now),
        "orphans": orphans_of(application, resources.rows, now=now),
        "silenced": silenced_of(application, now=now),
        "reconcilers": reconcilers_of(application),
        "deep_check": _deep_check(application),
        "versions": versions_of(application),
        "events": list(application.events.all()[:MOST_EVENTS]),
        "links": links_of(application),
    }


def drift_context(application: Application, drifts: list[DriftedResource], *, view: str) -> dict[str, Any]:
    """What the drift panel shows in one of its three views."""
    state = find_state(application, with_manifests=view != FIELDS)
    is_diff = view != FIELDS and state is not None
    diffs = diffs_of(application, state, drifts, is_unified=view == UNIFIED) if is_diff and state else {}
    return {
        "drift": drift_of(application, drifts, diffs),
        "drift_view": view,
        "drift_views": VIEW_WORDS,
        "volatile": volatile_fields(state),
    }


def resource_context(
    application: Application, resources: Resources, *, only_unwell: bool, now: datetime
) -> dict[str, Any]:
    return {
        "tree": resource_tree(resources, only_unwell=only_unwell),
        "only_unwell": only_unwell,
        "is_past": is_past(application, now=now),
    }


def is_past(application: Application, *, now: datetime) -> bool:
    """Whether what is stored of the cluster was not looked at again: it is silent, or Git not rendered."""
    return application.is_stale(now) or bool(application.desired_error)


def _deep_check(application: Application) -> DeepCheckPanel | None:
    """The panel where there is an answer or one can be asked for; else the cluster's page says why not."""
    panel = deep_check_of(application)
    return None if panel.state == "none" and panel.refusal else panel


def links_of(application: Application) -> list[dict[str, str]]:
    """Pages about it elsewhere: its folder at the desired commit, where the Git host shows one."""
    remote = application.repository.url
    url = folder_address(remote, application.desired_sha, application.path)
    return [{"url": url, "label": f"Folder on {host_label(remote)}"}] if url else []


def stamp_of(application: Application, part: str, *, now: datetime) -> str:
    """Changes when the part of the page does; ages are words in minutes."""
    facts = (application.pk, application.changed_at, application.checked_at, application.is_stale(now))
    return _digest(part, facts, f"{now:%Y-%m-%dT%H:%M}")


def drift_stamp(application: Application, drifts: list[DriftedResource], *, view: str, now: datetime) -> str:
    """Changes with the findings alone: the page counts ages on, so a look that brings nothing is quiet."""
    facts = (application.pk, view, is_past(application, now=now), application.sync, application.sync_reason)
    return _digest(
        "drift",
        facts,
        application.compared_sha,
        application.desired_sha,
        application.desired_digest,
        digest_of(drifts),
    )


def resources_stamp(
    application: Application, resources: Resources, *, only_unwell: bool, now: datetime
) -> str:
    """Changes with the objects, and with whether they are looked at still."""
    facts = (application.pk, only_unwell, is_past(application, now=now))
    return _digest("resources", facts, digest_of_resources(resources))


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:20]


def application_row(application: Application, *, now: datetime) -> dict[str, Any]:
    cluster, component, repository = application.cluster, application.component, application.repository
    return {
        "pk": application.pk,
        "name": str(application),
        "component_name": component.name,
        "component_url": reverse("component-detail", args=[component.project.slug, component.slug]),
        "silences_url": reverse("silence-list", args=[component.project.slug]),
        "environment_name": application.environment.name,
        "path": application.path,
        "renderer_label": _renderer_label(application),
        "cluster_name": cluster.name if cluster else "",
        "cluster_url": reverse("cluster-detail", args=[cluster.pk]) if cluster else "",
        "namespace": application.namespace,
        "repository_name": repository.name,
        "repository_url": reverse("repository-detail", args=[repository.pk]),
        "branch": application.branch or repository.branch or repository.default_branch,
        "managed_by": application.managed_by,
        "is_paused": application.is_paused or bool(cluster and cluster.is_paused),
        "unreadable": _unreadable(application),
        "notes": application.desired_notes,
        "sync": application.sync,
        **_last_look(application, now=now),
    }


def _last_look(application: Application, *, now: datetime) -> dict[str, Any]:
    """When it was looked at last, with which commit it was compared, and what went wrong."""
    is_failed = bool(application.error)
    return {
        "desired_sha": application.desired_sha,
        "compared_sha": application.compared_sha
        or ("" if application.desired_error else application.desired_sha),
        "checked_at": application.checked_at,
        "failed_at": application.failed_at,
        "error": application.error or application.desired_error,
        "error_hint": application.error_hint if is_failed else application.desired_error_hint,
        "is_stale": application.is_stale(now),
        "is_past": is_past(application, now=now),
        "cannot_render": bool(application.desired_error),
    }


def _renderer_label(application: Application) -> str:
    label = _LABELS.get(application.renderer, application.renderer)
    return f"{label}, {', '.join(application.values_files)}" if application.values_files else label


def _unreadable(application: Application) -> list[Any]:
    prefix = "" if application.path == "." else f"{application.path}/"
    return list(application.repository.unreadable.filter(path__startswith=prefix)[:50])


def heading_of(application: Application, count: DriftCount, *, now: datetime) -> str:
    """The answer to "is it well, and if not, why?", in a sentence."""
    name = str(application)
    if application.is_branch_gone:
        return f"{name} is not known: its branch is gone"
    if application.cluster_id is None:
        version = application.desired_version or "an unknown version"
        return f"Git asks for {version} of {name}"
    if application.is_stale(now):
        return f"{name} is not known: the cluster does not answer"
    if application.checked_at is None:
        return f"{name} is not checked yet"
    health, sync = application.health, application.sync
    word = "cannot be told well or not" if health == HealthStatus.UNKNOWN else f"is {str(health).lower()}"
    if sync == SyncStatus.UNKNOWN:
        if health == HealthStatus.UNKNOWN:
            return f"{name} cannot be compared with Git"
        return f"{name} {word}, and whether it is in sync is not known"
    if sync == SyncStatus.OUT_OF_SYNC:
        joint = ", but" if health in _WELL else " and"
        return f"{name} {word}{joint} {_not_as_asked(count)}"
    return f"{name} {word} and in sync" if health in _WELL else f"{name} {word}"


def _not_as_asked(count: DriftCount) -> str:
    """`3 fields are not what Git asks for and 1 resource is missing`."""
    parts = []
    if count.fields:
        parts.append(f"{_are(count.fields, 'field')} not what Git asks for")
    if count.missing:
        parts.append(f"{_are(count.missing, 'resource')} missing")
    if count.extra:
        parts.append(f"{_are(count.extra, 'resource')} not in Git")
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else _one(parts)


def _one(parts: list[str]) -> str:
    return parts[0] if parts else "not all is as Git asks for"


def _are(count: int, noun: str) -> str:
    return f"{count:,} {noun} is" if count == 1 else f"{count:,} {noun}s are"


def facts_of(application: Application) -> dict[str, Any]:
    has_cluster = application.cluster_id is not None
    version = (
        application.live_version if has_cluster and application.checked_at else application.desired_version
    )
    return {
        "sync": application.sync,
        "sync_reason": NOT_RENDERED if _says_why_not_rendered(application) else application.sync_reason,
        "sync_since": application.sync_since,
        "health": application.health,
        "health_reason": _health_reason(application),
        "health_since": application.health_since,
        "version": version,
        "version_since": application.live_since if has_cluster else None,
        "desired_version": "" if application.desired_error else application.desired_version,
        "version_reason": _version_reason(application, version),
        "version_note": "",
    }


def _says_why_not_rendered(application: Application) -> bool:
    """Whether the reason is the error that stands at the head of the page already."""
    error = application.desired_error
    return bool(error) and application.sync == SyncStatus.UNKNOWN and error in application.sync_reason


def _health_reason(application: Application) -> str:
    reason = application.health_reason
    if application.health_note and application.health_note not in reason:
        reason = f"{application.health_note}. {reason}" if reason else f"{application.health_note}."
    return reason


def _version_reason(application: Application, version: str) -> str:
    if application.cluster_id is None:
        return "This is what Git asks for; no cluster is connected to say what runs."
    if not version:
        return "No image tag, version label or digest tells it."
    if application.desired_error:
        return "What Git asks for is not known."
    if application.desired_version == version:
        return "Git asks for the same."
    return f"Git asks for {application.desired_version or 'an unknown version'}."


def versions_of(application: Application) -> list[dict[str, Any]]:
    """Which version ran from when to when, newest first."""
    rows = application.observations.all()[:MOST_OBSERVATIONS]
    seen = [Observation(row.at, row.version, row.source, row.sha, row.author) for row in rows]  # type: ignore[arg-type]
    return [_deployment(record) for record in deployments_of(seen)[:MOST_VERSIONS]]


def _deployment(record: Deployment) -> dict[str, Any]:
    return {
        "version": record.version,
        "from_at": record.from_at,
        "to_at": record.to_at,
        "sha": record.sha,
        "author": record.author,
        "source": record.source,
        "is_current": record.to_at is None,
    }
