"""What the page of an application reads, shaped as its template shows it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.environments.models import Application
from apps.environments.selectors.drift import drift_of
from apps.environments.selectors.resources import resource_tree
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health import HealthStatus
from gitopsui.domain.history import Deployment, Observation, deployments_of

MOST_VERSIONS = 12
MOST_EVENTS = 15
MOST_OBSERVATIONS = 400
_LABELS = {"plain": "plain YAML", "kustomize": "kustomize", "helm": "Helm"}
_WELL = (HealthStatus.HEALTHY, HealthStatus.SUSPENDED)


def application_context(application: Application, *, now: datetime) -> dict[str, Any]:
    """Everything the page of an application shows."""
    nodes, count = resource_tree(application)
    return {
        "application": application_row(application, now=now),
        "heading": heading_of(application, now=now),
        "facts": facts_of(application),
        "drift": drift_of(application),
        "resources": nodes,
        "resource_count": count,
        "versions": versions_of(application),
        "events": list(application.events.all()[:MOST_EVENTS]),
        "links": [],
    }


def stamp_of(application: Application, part: str, *, now: datetime) -> str:
    """Changes when the part of the page does; ages are words in minutes."""
    facts = (application.pk, application.changed_at, application.checked_at, application.is_stale(now))
    text = f"{part} {facts!r} {now:%Y-%m-%dT%H:%M}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def application_row(application: Application, *, now: datetime) -> dict[str, Any]:
    cluster, component, repository = application.cluster, application.component, application.repository
    return {
        "pk": application.pk,
        "name": str(application),
        "component_name": component.name,
        "component_url": reverse("component-detail", args=[component.project.slug, component.slug]),
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
        "desired_sha": application.desired_sha,
        "checked_at": application.checked_at,
        "failed_at": application.failed_at,
        "error": application.error or application.desired_error,
        "error_hint": application.error_hint if application.error else application.desired_error_hint,
        "is_paused": application.is_paused or bool(cluster and cluster.is_paused),
        "is_stale": application.is_stale(now),
        "stale_since": application.checked_at or application.failed_at,
        "unreadable": _unreadable(application),
        "notes": application.desired_notes,
        "sync": application.sync,
    }


def _renderer_label(application: Application) -> str:
    label = _LABELS.get(application.renderer, application.renderer)
    return f"{label}, {', '.join(application.values_files)}" if application.values_files else label


def _unreadable(application: Application) -> list[Any]:
    prefix = "" if application.path == "." else f"{application.path}/"
    return list(application.repository.unreadable.filter(path__startswith=prefix)[:50])


def heading_of(application: Application, *, now: datetime) -> str:
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
        return f"{name} {word}{joint} {_not_as_asked(application)}"
    return f"{name} {word} and in sync" if health in _WELL else f"{name} {word}"


def _not_as_asked(application: Application) -> str:
    count = application.drift_count
    if count == 1:
        return "one thing is not what Git asks for"
    return f"{count} fields are not what Git asks for"


def facts_of(application: Application) -> dict[str, Any]:
    has_cluster = application.cluster_id is not None
    version = (
        application.live_version if has_cluster and application.checked_at else application.desired_version
    )
    return {
        "sync": application.sync,
        "sync_reason": application.sync_reason,
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
