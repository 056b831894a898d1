from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health_status import HealthStatus
from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.reconciler import ARGO_CD, FLUX, ReconcilerState, disagreement

OLD, NEW = "3f2a1bc" + "0" * 33, "91bc0de" + "1" * 33
SYNCED, OUT, BLIND = SyncStatus.SYNCED, SyncStatus.OUT_OF_SYNC, SyncStatus.UNKNOWN
WELL, BAD = HealthStatus.HEALTHY, HealthStatus.DEGRADED
ARGO = ReconcilerState(
    ARGO_CD,
    ResourceKey("argoproj.io", "Application", "argocd", "cart"),
    sync="Synced",
    health="Healthy",
    says_synced=True,
    source_sha=OLD,
)
KUSTOMIZATION = ReconcilerState(
    FLUX,
    ResourceKey("kustomize.toolkit.fluxcd.io", "Kustomization", "flux-system", "cart"),
    sync="Ready",
    says_synced=True,
    source_sha=OLD,
)
OUT_OF_SYNC = replace(ARGO, sync="OutOfSync", says_synced=False)
NOT_READY = replace(KUSTOMIZATION, sync="Not ready", says_synced=False)
SUSPENDED = replace(KUSTOMIZATION, is_suspended=True)
BLIND_ARGO = replace(ARGO, sync="Unknown", says_synced=None)
LOCKED_OUT = replace(KUSTOMIZATION, source_problem="GitRepository config: authentication required.")
SINCE = replace(SUSPENDED, suspended_at=datetime(2026, 11, 22, 16, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("state", "sync", "waiting", "count", "said"),
    [
        (ARGO, OUT, 2, 3, "Argo CD says Synced at 3f2a1bc, Git is at 91bc0de: 2 commits waiting."),
        (ARGO, OUT, 1, 1, "Argo CD says Synced at 3f2a1bc, Git is at 91bc0de: 1 commit waiting."),
        (ARGO, BLIND, 2, 0, "Argo CD says Synced at 3f2a1bc, Git is at 91bc0de: 2 commits waiting."),
        (OUT_OF_SYNC, OUT, 2, 3, "Argo CD says OutOfSync at 3f2a1bc, Git is at 91bc0de: 2 commits waiting."),
        (ARGO, OUT, 0, 1, "Argo CD says Synced, we see 1 field differ: it may ignore it."),
        (ARGO, OUT, None, 4, "Argo CD says Synced, we see 4 fields differ: it may ignore them."),
        (
            KUSTOMIZATION, OUT, 0, 2,
            "Flux says Ready, we see 2 fields differ: it did not look again since, or leaves them alone.",
        ),
        (
            OUT_OF_SYNC, SYNCED, 0, 0,
            "Argo CD says OutOfSync, we see everything as Git asks: "
            "we may ignore what it counts, or it looked earlier.",
        ),
        (BLIND_ARGO, OUT, 0, 1, "Argo CD cannot compare, we see OutOfSync."),
        (SINCE, SYNCED, 0, 0, "Flux is suspended since 2026-11-22 16:30 UTC, so nothing is applied."),
        (SUSPENDED, OUT, 3, 1, "Flux is suspended, so nothing is applied: 3 commits waiting."),
        (
            LOCKED_OUT, SYNCED, 0, 0,
            "Flux gets nothing new from its source: GitRepository config: authentication required.",
        ),
    ],
)  # fmt: skip
def test_a_disagreement_is_said_in_one_sentence(
    state: ReconcilerState, sync: SyncStatus, waiting: int | None, count: int, said: str
) -> None:
    assert disagreement(state, sync, WELL, NEW, waiting, drift_count=count) == said


@pytest.mark.parametrize(
    ("state", "sync", "health", "waiting"),
    [
        (ARGO, SYNCED, WELL, 0),
        (ARGO, SYNCED, WELL, None),
        # Commits about something else: what we see is what the newest commit asks for.
        (ARGO, SYNCED, WELL, 25),
        (OUT_OF_SYNC, OUT, WELL, 0),
        (NOT_READY, OUT, WELL, 0),
        # Neither is wrong while one of both cannot know, or waits.
        (ARGO, BLIND, HealthStatus.UNKNOWN, None),
        (replace(KUSTOMIZATION, sync="Reconciling", says_synced=None), OUT, WELL, 0),
        (replace(ARGO, health="Progressing"), SYNCED, WELL, 0),
        (ARGO, SYNCED, HealthStatus.PROGRESSING, 0),
        (replace(ARGO, health="Suspended"), SYNCED, WELL, 0),
        (replace(ARGO, health=""), SYNCED, BAD, 0),
    ],
)
def test_agreement_and_not_knowing_are_silent(
    state: ReconcilerState, sync: SyncStatus, health: HealthStatus, waiting: int | None
) -> None:
    assert disagreement(state, sync, health, NEW, waiting) == ""


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        ("Healthy", HealthStatus.DEGRADED, "Argo CD says Healthy, we see Degraded."),
        ("Healthy", HealthStatus.MISSING, "Argo CD says Healthy, we see Missing."),
        ("Degraded", HealthStatus.HEALTHY, "Argo CD says Degraded, we see Healthy."),
    ],
)
def test_healths_that_cannot_both_be_true_are_said(theirs: str, ours: HealthStatus, said: str) -> None:
    assert disagreement(replace(ARGO, health=theirs), SYNCED, ours, OLD, 0) == said


def test_sync_and_health_are_two_sentences() -> None:
    said = disagreement(ARGO, OUT, BAD, NEW, 2, drift_count=1)
    assert said.count(".") == 2
    assert said.endswith("Argo CD says Healthy, we see Degraded.")


def test_health_of_flux_has_other_words_and_never_contradicts() -> None:
    state: Any = replace(KUSTOMIZATION, health="Unhealthy")
    assert disagreement(state, SYNCED, WELL, OLD, 0) == ""
