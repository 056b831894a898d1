"""A stand-in for a Kubernetes cluster, for the demo and for tests."""

from __future__ import annotations

from .access import TokenRole
from .server import StandIn

__all__ = ["StandIn", "TokenRole"]
