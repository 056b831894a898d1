"""
A stand-in Kubernetes API server for the demo and for tests: stdlib and PyYAML, on loopback only.

`StandIn` serves it, `Controllers` moves its world. It is held to a real API server by tests/contracts.
"""

from __future__ import annotations

from .access import TokenRole
from .faults import Fault, FaultMode
from .server import StandIn
from .store import Store
from .writing import Api, Options

__all__ = ["Api", "Fault", "FaultMode", "Options", "StandIn", "Store", "TokenRole"]
