"""Pages: joined, begun again, made smaller."""

from __future__ import annotations

import json

import pytest

from gitopsui.domain.resource import Manifest
from tests.adapters.fault_server import Request, always
from tests.adapters.small_cluster import (
    CONFIG_MAP,
    POD,
    PODS,
    by_page,
    error_of_pods,
    in_turn,
    listed,
    make_object,
    names,
    reading,
)


def test_pages_are_joined() -> None:
    pages = by_page({"": listed("a", "b", next_page="p/2+="), "p/2+=": listed("c")})
    with reading({PODS: pages}) as (server, reader):
        assert names(reader.live([POD], namespace="shop").manifests) == ["a", "b", "c"]
        assert server.requests[-1].query == {"limit": "500", "continue": "p/2+="}


@pytest.mark.parametrize("status", [410, 400])
def test_f54_an_expired_page_starts_that_list_again_and_keeps_no_half(status: int) -> None:
    pages = by_page(
        {
            "": in_turn(listed("gone", "a", next_page="1"), listed("a", next_page="2")),
            "1": always({"code": status}, status=status),
            "2": listed("b"),
        }
    )
    with reading({PODS: pages}) as (_, reader):
        assert names(reader.live([POD], namespace="shop").manifests) == ["a", "b"]


def test_f54_a_list_that_always_expires_is_begun_again_three_times_and_no_more() -> None:
    pages = by_page({"": listed("a", next_page="1"), "1": always(status=410)})
    with reading({PODS: pages}) as (server, reader):
        listing = reader.live([POD], namespace="shop").listings[POD]
        assert listing.error is not None
        assert listing.manifests == ()
        assert len([request for request in server.requests if not request.query.get("continue")]) == 2 + 4


def test_a_page_that_repeats_itself_ends() -> None:
    error = error_of_pods(by_page({"": listed("a", next_page="1"), "1": listed("b", next_page="1")}))
    assert error.code == "CLUSTER_ERROR"


def test_a_page_of_large_objects_is_asked_for_with_fewer() -> None:
    """F61: 40 objects of 900 kB do not fit into one answer."""
    large = "x" * 900_000
    everything = [make_object(f"c{number:02}", data={"k": large}) for number in range(40)]

    def answer(request: Request) -> None:
        begin = int(request.query.get("continue", "0"))
        end = begin + int(request.query["limit"])
        token = str(end) if end < len(everything) else ""
        request.reply({"metadata": {"continue": token}, "items": everything[begin:end]})

    with reading({"/api/v1/namespaces/shop/configmaps": answer}, seconds=30) as (server, reader):
        state = reader.live([CONFIG_MAP], namespace="shop")
        limits = [int(request.query["limit"]) for request in server.requests if request.query]
    assert state.errors == {}
    assert len(state.manifests) == 40
    assert limits[:3] == [500, 50, 5]
    assert max(limits[2:]) == 5


def test_f61_more_than_can_be_held_is_an_error_of_that_kind() -> None:
    page = json.dumps(
        {"metadata": {"continue": "x"}, "items": [make_object("c", data={"k": "x" * 12_000_000})]}
    ).encode()

    def answer(request: Request) -> None:
        token = str(int(request.query.get("continue", "0")) + 1)
        request.reply(page.replace(b'"continue": "x"', b'"continue": "' + token.encode() + b'"'))

    def forget(manifest: Manifest) -> Manifest:
        return {**manifest, "data": {}}

    with reading({"/api/v1/namespaces/shop/configmaps": answer}, mask=forget, seconds=60) as (server, reader):
        listing = reader.live([CONFIG_MAP], namespace="shop").listings[CONFIG_MAP]
        assert listing.error is not None
        assert listing.error.code == "CLUSTER_TOO_LARGE"
        assert len(server.requests) < 30
