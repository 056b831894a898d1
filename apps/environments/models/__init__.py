"""Clusters, environments, components, applications, and what was found when they were compared."""

from __future__ import annotations

from apps.environments.models.applications import (
    BRANCH_GONE,
    HEALTH_CHOICES,
    RENDERER_CHOICES,
    SYNC_CHOICES,
    Application,
    ApplicationEvent,
    ApplicationQuerySet,
    ConfigCommit,
    DesiredState,
    VersionObservation,
    stale_after,
)
from apps.environments.models.findings import (
    DeepCheck,
    DriftedResource,
    KindOrphans,
    Reconciliation,
    ResourceState,
    Silence,
)
from apps.environments.models.places import Cluster, Component, Environment, KindListing

__all__ = [
    "BRANCH_GONE",
    "HEALTH_CHOICES",
    "RENDERER_CHOICES",
    "SYNC_CHOICES",
    "Application",
    "ApplicationEvent",
    "ApplicationQuerySet",
    "Cluster",
    "Component",
    "ConfigCommit",
    "DeepCheck",
    "DesiredState",
    "DriftedResource",
    "Environment",
    "KindListing",
    "KindOrphans",
    "Reconciliation",
    "ResourceState",
    "Silence",
    "VersionObservation",
    "stale_after",
]
