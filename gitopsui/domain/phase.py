"""Where a promotion may stand."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a promotion stands."""

    PLANNED = "planned"  # asked for; nothing was sent anywhere
    PUSHING = "pushing"  # its commit is made and on its way
    OPENING = "opening"  # its branch is there, the pull request is asked for
    OPEN = "open"  # the pull request is open and waits for its gates
    MERGING = "merging"  # every gate passed, the merge is asked for
    MERGED = "merged"  # the forge says so; the cluster follows
    DEPLOYED = "deployed"  # the cluster runs it, Synced and Healthy
    STALE = "stale"  # what it was planned on moved; it must be planned again
    FAILED = "failed"  # it cannot go on; the reason says why
    CLOSED = "closed"  # somebody closed it without merging
    EMPTY = "empty"  # there was nothing to promote
