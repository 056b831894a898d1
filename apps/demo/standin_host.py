"""A stand-in API server with its controllers, as the world of the demo opens it."""

from __future__ import annotations

from collections.abc import Mapping

from apps.demo.cluster_client import Cluster, ClusterClient
from apps.demo.cluster_host import ClusterHost, HostPlan
from apps.demo.controllers import Controllers
from apps.demo.standin import StandIn, TokenRole
from apps.demo.standin.exchange import Request
from apps.demo.standin.faults import Effect


def open_stand_in(plan: HostPlan) -> ClusterHost:
    """Start serving. Raises OSError when the port is taken."""
    return StandInHost(plan)


class StandInHost:
    """
    A `ClusterHost`. What the demo itself writes does not go over the network: a year of deployments would
    cost some thousand handshakes. It takes the same way otherwise, faults and permissions included.
    """

    def __init__(self, plan: HostPlan) -> None:
        self._tokens = plan.tokens
        roles = {plan.tokens.reader: TokenRole.READER, plan.tokens.writer: TokenRole.WRITER}
        self._standin = StandIn(port=plan.port, tokens=roles, state_file=plan.state, clock=plan.clock)
        self._standin.start()
        self._is_silent = False
        self._write_count = 0
        self.client: Cluster = ClusterClient(self._send)
        self._controllers = Controllers(ClusterClient(self._send), plan.clock, plan.is_broken)

    @property
    def url(self) -> str:
        return self._standin.url

    @property
    def port(self) -> int:
        return self._standin.port

    @property
    def kubeconfig(self) -> str:
        return self._standin.kubeconfig(self._tokens.reader)

    @property
    def is_silent(self) -> bool:
        return self._is_silent

    @is_silent.setter
    def is_silent(self, value: bool) -> None:
        if value and not self._is_silent:
            self._standin.faults.add(Effect.UNAVAILABLE)
        elif self._is_silent and not value:
            self._standin.faults.clear()
        self._is_silent = value

    def look(self) -> bool:
        before = self._write_count
        self._controllers.look()
        return self._write_count > before

    def save(self) -> None:
        self._standin.save()

    def close(self) -> None:
        self._standin.stop()

    def _send(
        self, verb: str, path: str, query: Mapping[str, str], content_type: str, body: bytes
    ) -> tuple[int, bytes]:
        self._write_count += verb != "GET"
        request = Request(
            verb,
            path,
            query,
            TokenRole.NOBODY,
            accept="application/json",
            content_type=content_type,
            body=body,
        )
        answer = self._standin.answer(request, f"Bearer {self._tokens.writer}")
        return answer.code, answer.body
