"""
What Argo CD or Flux says of what it reconciles, as one value, and where that differs from our own verdict.

How the value is read from an object is in `reconciler_objects`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health_status import HealthStatus
from gitopsui.domain.identity import ResourceKey

ARGO_CD, FLUX = "Argo CD", "Flux"
SHORT_SHA = 7
# Between these two there is no "in a moment": one of both is wrong, or looks at something else.
_WELL = (HealthStatus.HEALTHY, HealthStatus.SUSPENDED)
_ILL = (HealthStatus.DEGRADED, HealthStatus.MISSING)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a repository that a reconciler applies; `sha` is the commit it stands at, "" unknown."""

    url: str
    path: str
    sha: str = ""


@dataclass(frozen=True, slots=True)
class ReconcilerState:
    """
    One reconciling object as it was read. `sync`, `health` and `revision` are in the words of the tool, ""
    where it says nothing; `says_synced` is what these words mean, None while it does not know itself.

    `source_sha` is the Git commit the tool stands at: that it compared with (Argo CD) or applied (Flux).
    `places` are what it applies, `namespace` and `cluster` (an address or a name) where to, as far as the
    object itself says it; `source` is the object that has the rest, and `source_problem` why nothing new
    comes from there.
    """

    tool: str
    key: ResourceKey
    sync: str = ""
    health: str = ""
    revision: str = ""
    message: str = ""
    says_synced: bool | None = None
    is_suspended: bool = False
    suspended_at: datetime | None = None
    reconciled_at: datetime | None = None
    source_sha: str = ""
    places: tuple[Place, ...] = ()
    namespace: str = ""
    cluster: str = ""
    source: ResourceKey | None = None
    source_problem: str = ""


def disagreement(
    state: ReconcilerState,
    own_sync: SyncStatus,
    own_health: HealthStatus,
    desired_sha: str,
    commits_waiting: int | None,
    *,
    drift_count: int = 0,
) -> str:
    """
    Where the tool and our own verdict differ, in sentences; "" where they agree or either cannot tell.

    `commits_waiting` are those of `desired_sha` that the commit of the tool does not hold, None when that
    cannot be counted. A commit waits only while we do not see everything as Git asks: most commits of a
    shared repository are about something else.
    """
    waiting = (commits_waiting or 0) if own_sync is not SyncStatus.SYNCED else 0
    parts = (
        _about_suspension(state, waiting),
        _about_source(state),
        _about_sync(state, own_sync, desired_sha, waiting, drift_count),
        _about_health(state, own_health),
    )
    return " ".join(part for part in parts if part)


def _about_suspension(state: ReconcilerState, waiting: int) -> str:
    if not state.is_suspended:
        return ""
    since = f" since {state.suspended_at:%Y-%m-%d %H:%M} UTC" if state.suspended_at else ""
    end = f": {_commits(waiting)} waiting." if waiting else "."
    return f"{state.tool} is suspended{since}, so nothing is applied{end}"


def _about_source(state: ReconcilerState) -> str:
    if not state.source_problem:
        return ""
    return f"{state.tool} gets nothing new from its source: {state.source_problem.rstrip('.')}."


def _about_sync(
    state: ReconcilerState, own_sync: SyncStatus, desired_sha: str, waiting: int, drift_count: int
) -> str:
    says = f"{state.tool} says {state.sync}"
    if state.is_suspended:
        return ""  # what it says is old, and that is said already
    if waiting and state.source_sha:
        ours, theirs = desired_sha[:SHORT_SHA], state.source_sha[:SHORT_SHA]
        return f"{says} at {theirs}, Git is at {ours}: {_commits(waiting)} waiting."
    if state.says_synced is True and own_sync is SyncStatus.OUT_OF_SYNC:
        return f"{says}, we see {_differences(drift_count)}: {_excuse(state, drift_count)}."
    if state.says_synced is False and own_sync is SyncStatus.SYNCED:
        return f"{says}, we see everything as Git asks: we may ignore what it counts, or it looked earlier."
    if state.sync == SyncStatus.UNKNOWN and own_sync is not SyncStatus.UNKNOWN:
        return f"{state.tool} cannot compare, we see {own_sync}."
    return ""


def _excuse(state: ReconcilerState, count: int) -> str:
    it = "it" if count == 1 else "them"
    if state.tool == FLUX:
        # Flux corrects when it reconciles and says Ready until then.
        return f"it did not look again since, or leaves {it} alone"
    return f"it may ignore {it}"


def _about_health(state: ReconcilerState, own: HealthStatus) -> str:
    if state.is_suspended or not state.health:
        return ""
    if (state.health in _WELL and own in _ILL) or (state.health in _ILL and own in _WELL):
        return f"{state.tool} says {state.health}, we see {own}."
    return ""


def _commits(count: int) -> str:
    return f"{count} commit{'' if count == 1 else 's'}"


def _differences(count: int) -> str:
    if not count:
        return "a difference"
    return f"{count} field{'' if count == 1 else 's'} differ"
