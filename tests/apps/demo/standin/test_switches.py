"""The switches of the stand-in, and what our own reader of clusters makes of each."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.demo.standin import StandIn, TokenRole
from apps.demo.standin.faults import Effect
from gitopsui.adapters.cluster import ClusterReader, LiveState
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.kubeconfig import parse_kubeconfig
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.identity import GroupKind

CONFIG_MAP = GroupKind("", "ConfigMap")
DEPLOYMENT = GroupKind("apps", "Deployment")
PATH = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(tokens={"admin": TokenRole.ADMIN, "reader": TokenRole.READER}) as found:
        for number in range(5):
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c-{number}"}}
            ask(found, PATH, method="POST", body=body)
        yield found


def ask(standin: StandIn, path: str, *, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """One request of an admin → status and JSON body."""
    headers = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(standin.url + path, data=data, method=method, headers=headers)
    try:
        trust = ssl._create_unverified_context()
        with urllib.request.urlopen(request, timeout=60, context=trust) as answer:
            return answer.status, json.loads(answer.read().splitlines()[0])
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def read(standin: StandIn, *, token: str = "reader", seconds: float = 60) -> LiveState:
    policy = HttpPolicy(private_hosts=frozenset({urlsplit(standin.url).netloc}))
    access = parse_kubeconfig(standin.kubeconfig(token), policy=policy).access
    budget = timedelta(seconds=seconds)
    with ClusterReader(access, policy=policy, mask=lambda manifest: manifest, budget=budget) as reader:
        return reader.live([CONFIG_MAP, DEPLOYMENT], namespace="default")


def test_without_a_fault_everything_is_read(standin: StandIn) -> None:
    state = read(standin)
    assert len(state.listings[CONFIG_MAP].manifests) == 5
    assert not state.errors


@pytest.mark.parametrize(
    ("effect", "code"),
    [
        (Effect.UNAUTHORISED, "CLUSTER_AUTH"),
        (Effect.UNAVAILABLE, "CLUSTER_BUSY"),
        (Effect.BUSY, "CLUSTER_BUSY"),
        (Effect.GARBAGE, "CLUSTER_ERROR"),
    ],
)
def test_a_failing_server_is_an_error_of_the_whole_cluster(
    standin: StandIn, effect: Effect, code: str
) -> None:
    standin.faults.add(effect)
    with pytest.raises(ClusterError) as caught:
        read(standin)
    assert caught.value.code == code


def test_a_wrong_token_is_refused_for_good(standin: StandIn) -> None:
    with pytest.raises(ClusterError) as caught:
        read(standin, token="nobody")
    assert (caught.value.code, caught.value.permanent) == ("CLUSTER_AUTH", True)


def test_a_server_that_hangs_is_left_at_the_deadline(standin: StandIn) -> None:
    standin.faults.add(Effect.HANG)
    with pytest.raises(ClusterError) as caught:
        read(standin, seconds=1)
    assert caught.value.code == "CLUSTER_TIMEOUT"


def test_a_refused_kind_is_an_error_of_that_kind_alone(standin: StandIn) -> None:
    standin.faults.forbid("ConfigMap")
    state = read(standin)
    assert [error.code for error in state.errors.values()] == ["KIND_FORBIDDEN"]
    assert state.listings[DEPLOYMENT].error is None


def test_a_broken_group_is_not_read_and_never_gone(standin: StandIn) -> None:
    standin.faults.break_group("apps")
    state = read(standin)
    assert state.listings[DEPLOYMENT].error is not None
    assert len(state.listings[CONFIG_MAP].manifests) == 5


def test_a_list_comes_in_pages_and_a_garbled_token_is_refused(standin: StandIn) -> None:
    _, first = ask(standin, f"{PATH}?limit=2")
    assert len(first["items"]) == 2
    _, second = ask(standin, f"{PATH}?limit=10&continue={first['metadata']['continue']}")
    assert len(second["items"]) == 3
    assert ask(standin, f"{PATH}?limit=2&continue=garbage")[0] == 400


def test_a_watch_tells_what_changes(standin: StandIn) -> None:
    _, listing = ask(standin, PATH)
    version = listing["metadata"]["resourceVersion"]
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    ask(standin, PATH, method="POST", body=body)
    _, event = ask(standin, f"{PATH}?watch=true&timeoutSeconds=1&resourceVersion={version}")
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "new")
