"""
Switches that make the stand-in fail as real servers fail.

In one process they are the attribute `faults` of a stand-in; from elsewhere `POST /standin/faults` with the
token of an admin sets them: `{"faults": [{"path": "/apis/apps", "effect": "busy", "retry_after": 2}],
"forbidden_kinds": ["Secret"], "broken_groups": ["apps"]}`; what is left out is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .access import refusal
from .address import Target
from .answers import ApiError, bad_request, forbidden, service_unavailable, too_many_requests, unauthorized
from .exchange import Request

PATH = "/standin/faults"


class Effect(StrEnum):
    """What happens to a request."""

    UNAUTHORISED = "unauthorised"  # 401
    FORBIDDEN = "forbidden"  # 403
    BUSY = "busy"  # 429 with Retry-After
    UNAVAILABLE = "unavailable"  # 503
    HANG = "hang"  # no answer until the fault is switched off or the server stops
    SLOW = "slow"  # the right answer, late
    GARBAGE = "garbage"  # 200 and half a JSON text


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` is a prefix; `times` is how often it strikes, 0 always; `seconds` is the delay of SLOW."""

    effect: Effect
    path: str = "/"
    retry_after: int = 1
    seconds: float = 1.0
    times: int = 0

    def error(self) -> ApiError | None:
        """The refusal of this fault, None for those that are none."""
        match self.effect:
            case Effect.UNAUTHORISED:
                return unauthorized()
            case Effect.FORBIDDEN:
                return forbidden(f'User "standin" cannot read path "{self.path}"')
            case Effect.BUSY:
                return too_many_requests(self.retry_after)
            case Effect.UNAVAILABLE:
                return service_unavailable()
        return None


class Faults:
    """What is switched on. The last fault whose path fits counts."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._struck: dict[int, int] = {}
        self.forbidden_kinds: frozenset[str] = frozenset()
        self.broken_groups: frozenset[str] = frozenset()

    def add(self, effect: Effect | str, path: str = "/", **more: Any) -> Fault:
        """Switch a fault on."""
        fault = Fault(Effect(effect), path, **more)
        self._faults = [*self._faults, fault]
        return fault

    def forbid(self, *kinds: str) -> None:
        """403 for these kinds."""
        self.forbidden_kinds |= set(kinds)

    def break_group(self, *groups: str) -> None:
        """Discovery lists these groups and cannot say what they serve; requests to them get 503."""
        self.broken_groups |= set(groups)

    def clear(self) -> None:
        """Switch everything off."""
        self._faults = []
        self._struck = {}
        self.forbidden_kinds = self.broken_groups = frozenset()

    def find(self, path: str) -> Fault | None:
        """The fault that strikes a request now; it counts as one of its `times`."""
        for fault in reversed(self._faults):
            if path.startswith(fault.path):
                self._count(fault)
                return fault
        return None

    def is_on(self, fault: Fault) -> bool:
        return any(other is fault for other in self._faults)

    def check_kind(self, request: Request, target: Target, verb: str) -> None:
        """Raises `ApiError` 403 and 503 for the kinds and groups that are switched off."""
        if target.kind.group in self.broken_groups:
            raise service_unavailable()
        if target.kind.kind in self.forbidden_kinds:
            raise refusal(request.role, verb, target.kind, target.namespace, target.name)

    def set_from(self, body: Mapping[str, Any]) -> None:
        """What was posted. Raises `ApiError` 400."""
        try:
            faults = [
                Fault(**{**item, "effect": Effect(item["effect"])}) for item in body.get("faults") or ()
            ]
            kinds = frozenset(map(str, body.get("forbidden_kinds") or ()))
            groups = frozenset(map(str, body.get("broken_groups") or ()))
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request(f"these are no faults: {error}") from error
        self.clear()
        self._faults, self.forbidden_kinds, self.broken_groups = faults, kinds, groups

    def _count(self, fault: Fault) -> None:
        if not fault.times:
            return
        struck = self._struck[id(fault)] = self._struck.get(id(fault), 0) + 1
        if struck >= fault.times:
            self._faults = [other for other in self._faults if other is not fault]
