"""How a reading ends when the server hangs, drips, refuses, is busy or talks nonsense."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from gitopsui.adapters.cluster import ClusterAccess, ClusterReader
from gitopsui.adapters.http import HttpPolicy
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.resource import GroupKind
from tests.adapters.fault_server import Answer, Request, always
from tests.adapters.small_cluster import (
    DEPLOYMENT,
    DEPLOYMENTS,
    POD,
    PODS,
    as_it_is,
    error_of_pods,
    groups,
    in_turn,
    listed,
    names,
    open_reader,
    reading,
    refusal,
    resource,
    start,
    version,
)
from tests.ports import closed_port

# Seconds; a slow machine needs the longer ones to list what does answer.
BUDGETS = (0.6, 6, 60)


def test_f57_a_kind_we_may_not_list_is_alone_in_failing() -> None:
    with reading({PODS: always({"message": "CANARY"}, status=403), DEPLOYMENTS: listed("d")}) as (_, reader):
        state = reader.live([POD, DEPLOYMENT], namespace="shop")
    error = state.errors[POD]
    assert (error.code, error.permanent) == ("KIND_FORBIDDEN", True)
    assert "Pod" in error.message
    assert "pods" in error.hint
    assert names(state.listings[DEPLOYMENT].manifests) == ["d"]


def test_a_kind_that_vanished_since_discovery_is_unknown() -> None:
    assert error_of_pods(always(status=404)).code == "KIND_UNKNOWN"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>CANARY</html>",
        b'{"items": [CANARY',
        b'["CANARY"]',
        b'{"kind": "Status"}',
        b'{"items": {"CANARY": 1}}',
        b'{"items": ["CANARY"]}',
        b'{"items": [{"kind": "CANARY"}]}',
        b'{"items": [], "metadata": {"continue": 5}}',
        b'{"items": [{"metadata": {}, "x": NaN}]}',
        b"[" * 200_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_garbage_is_an_error_that_quotes_nothing(body: bytes) -> None:
    assert error_of_pods(always(body)).code == "CLUSTER_ERROR"


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "CLUSTER_ERROR"), (302, "CLUSTER_ERROR"), (504, "CLUSTER_TIMEOUT"), (406, "CLUSTER_ERROR")],
)
def test_any_other_status_is_an_error(status: int, code: str) -> None:
    assert error_of_pods(always(status=status, headers={"Location": "http://127.0.0.1:1/"})).code == code


def test_one_object_larger_than_any_answer_is_an_error() -> None:
    begin = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n"
    assert error_of_pods(lambda request: request.send_raw(begin)).code == "CLUSTER_TOO_LARGE"


@pytest.mark.parametrize(
    "fault", [Request.hang, lambda request: request.drip(b"HTTP/1.1 200 OK\r\n" * 99, pause=0.02)]
)
def test_f58_a_kind_that_never_answers_ends_by_the_clock_and_the_others_are_kept(fault: Answer) -> None:
    with reading({PODS: fault, DEPLOYMENTS: listed("d")}) as (_, reader):
        reader.kinds()
        for seconds in BUDGETS:
            reader._budget = timedelta(seconds=seconds)
            state = reader.live([POD, DEPLOYMENT], namespace="shop")
            if DEPLOYMENT not in state.errors:
                break
    assert state.errors[POD].code == "CLUSTER_TIMEOUT"
    assert names(state.listings[DEPLOYMENT].manifests) == ["d"]


def test_the_time_of_a_call_is_shared_by_all_its_kinds() -> None:
    """Of eight silent kinds on four connections the last four have no time left to be asked for."""
    kinds = [GroupKind("many.example.com", f"Kind{number}") for number in range(8)]
    resources = [resource(f"kind{number}s", f"Kind{number}") for number in range(8)]
    routes = {"/apis": always(groups(many_example_com=[version("v1", *resources)]))}
    with start(routes, default=Request.hang) as server, open_reader(server) as reader:
        reader.kinds()
        asked = len(server.requests)
        reader._budget = timedelta(seconds=0.8)
        state = reader.live(kinds, namespace="shop")
        assert len(server.requests) - asked <= 4
    assert {error.code for error in state.errors.values()} == {"CLUSTER_TIMEOUT"}


def test_what_the_clock_cut_off_is_tried_again_by_the_next_call() -> None:
    with reading({PODS: in_turn(Request.hang, listed("a"))}) as (server, reader):
        reader.kinds()
        # The first may be over before it was asked for at all.
        while PODS not in server.paths():
            reader._budget = timedelta(seconds=0.5)
            assert reader.live([POD], namespace="shop").errors
        reader._budget = timedelta(minutes=1)
        assert names(reader.live([POD], namespace="shop").manifests) == ["a"]


def test_f56_a_busy_server_is_given_the_pause_it_asks_for_once() -> None:
    answer = in_turn(always(status=429, headers={"Retry-After": "1"}), listed("a"))
    begun = time.monotonic()
    with reading({PODS: answer}) as (server, reader):
        assert names(reader.live([POD], namespace="shop").manifests) == ["a"]
        assert server.paths().count(PODS) == 2
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_f56_a_pause_longer_than_the_time_left_is_not_begun(status: int) -> None:
    """It would be longer than a test may take."""
    error = error_of_pods(always(status=status, headers={"Retry-After": "3000"}))
    assert (error.code, error.retry_after) == ("CLUSTER_BUSY", timedelta(seconds=3000))
    assert not error.permanent


def test_f56_a_server_that_stays_busy_is_asked_twice_and_then_left_alone() -> None:
    """The other kinds of the same reading do not knock either."""
    busy, still_busy = (always(status=429, headers={"Retry-After": after}) for after in ("1", "3000"))
    with reading({PODS: in_turn(busy, still_busy), DEPLOYMENTS: listed("d")}) as (server, reader):
        assert reader.live([POD], namespace="shop").errors[POD].code == "CLUSTER_BUSY"
        assert server.paths().count(PODS) == 2
        error = reader.live([DEPLOYMENT], namespace="shop").errors[DEPLOYMENT]
        assert error.code == "CLUSTER_BUSY"
        assert error.retry_after is not None
        assert server.paths().count(DEPLOYMENTS) == 0


def test_a_part_that_is_down_is_not_waited_for() -> None:
    with reading({PODS: always(status=503)}) as (server, reader):
        assert reader.live([POD], namespace="shop").errors[POD].code == "CLUSTER_BUSY"
        assert server.paths().count(PODS) == 1


def test_f57_refused_credentials_end_the_reading_and_are_not_sent_again() -> None:
    with reading({PODS: always({"message": "CANARY"}, status=401)}) as (server, reader):
        for _ in range(2):
            with pytest.raises(ClusterError) as caught:
                reader.live([POD], namespace="shop")
            assert (caught.value.code, caught.value.permanent) == ("CLUSTER_AUTH", True)
        assert server.paths().count(PODS) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_discovery_that_is_refused_is_a_matter_of_credentials(status: int) -> None:
    error = refusal({"/api": always(status=status)})
    assert (error.code, error.permanent) == ("CLUSTER_AUTH", True)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (always(status=503), "CLUSTER_BUSY"),
        (always(status=500), "CLUSTER_ERROR"),
        (always(b"CANARY"), "CLUSTER_ERROR"),
        (always(status=301, headers={"Location": "https://evil.example"}), "CLUSTER_ERROR"),
        (lambda request: request.send_raw(b""), "CLUSTER_UNREACHABLE"),
        (lambda request: request.send_raw(b"SSH-2.0 CANARY\r\n"), "CLUSTER_ERROR"),
    ],
)
def test_a_cluster_that_cannot_say_what_it_serves_is_an_error(answer: Answer, code: str) -> None:
    assert refusal({"/api": answer}).code == code


@pytest.mark.parametrize("fault", [Request.hang, lambda request: request.drip(b" " * 999, pause=0.02)])
def test_f58_a_cluster_that_accepts_and_never_answers_ends_by_the_clock(fault: Answer) -> None:
    assert refusal({"/api": fault}, seconds=0.5).code == "CLUSTER_TIMEOUT"


def test_f59_a_cluster_that_is_gone_is_unreachable_and_worth_another_try() -> None:
    with closed_port() as host_port:
        policy = HttpPolicy(private_hosts=frozenset({host_port}))
        reader = ClusterReader(ClusterAccess(f"http://{host_port}"), policy=policy, mask=as_it_is)
        with reader, pytest.raises(ClusterError) as caught:
            reader.kinds()
    assert (caught.value.code, caught.value.permanent) == ("CLUSTER_UNREACHABLE", False)


def test_a_server_at_a_private_address_is_refused_before_anything_is_sent() -> None:
    with start({}) as server:
        access = ClusterAccess(f"https://{server.host_port}")
        with pytest.raises(ClusterError) as caught:
            ClusterReader(access, policy=HttpPolicy(), mask=as_it_is)
        assert (caught.value.code, caught.value.permanent) == ("URL_ADDRESS", True)
        assert server.requests == []


def test_a_token_that_cannot_be_a_header_is_not_sent() -> None:
    error = refusal({}, token="CANARY\r\nX-Evil: 1")
    assert (error.code, error.permanent) == ("CLUSTER_AUTH", True)


def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with reading({}) as (_, reader):
        assert reader.server_version() == "v1.36.1"
