"""Releases, their notes and signatures, which version ran where, and how far an environment lags."""

from __future__ import annotations

from apps.releases.models.keys import TrustedKey
from apps.releases.models.releases import (
    Changelog,
    ComponentDigest,
    NoteOverride,
    PathCommits,
    Release,
    ReleaseCut,
    ReleasePolicy,
    ReleaseQuerySet,
)
from apps.releases.models.running import DeploymentRecord, ImageTag, Lag, RegistryState

__all__ = [
    "Changelog",
    "ComponentDigest",
    "DeploymentRecord",
    "ImageTag",
    "Lag",
    "NoteOverride",
    "PathCommits",
    "RegistryState",
    "Release",
    "ReleaseCut",
    "ReleasePolicy",
    "ReleaseQuerySet",
    "TrustedKey",
]
