"""What the world of the demo needs of a stand-in cluster: to be started, told the time, muted and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from apps.demo.cluster_client import Cluster


class Clock:
    """The time of a cluster: the real one, unless `fixed_at` says another."""

    def __init__(self) -> None:
        self.fixed_at: datetime | None = None

    def __call__(self) -> datetime:
        return self.fixed_at or datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The bearer tokens of one cluster: one may only read, one may do everything."""

    reader: str
    writer: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    def __repr__(self) -> str:
        return "Tokens(…)"


@dataclass(frozen=True, slots=True)
class HostPlan:
    """
    A cluster to be opened. `port` 0 takes a free one; `state` is the file an earlier one may have saved and
    that this one will; `is_broken` tells of an image whether it crashes.
    """

    name: str
    port: int
    tokens: Tokens
    clock: Clock
    state: Path
    is_broken: Callable[[str], bool]


class ClusterHost(Protocol):
    """One stand-in cluster that runs in this process, from `open` to `close`."""

    is_silent: bool  # every request is answered with 503

    @property
    def client(self) -> Cluster:
        """Writes into it."""

    @property
    def url(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def kubeconfig(self) -> str:
        """With the token that may only read."""

    def look(self) -> bool:
        """Let its controllers act once, at the time of its clock; False where there was nothing to do."""

    def save(self) -> None:
        """Write its state file."""

    def close(self) -> None:
        """Stop answering, and save."""


OpenHost = Callable[[HostPlan], ClusterHost]
