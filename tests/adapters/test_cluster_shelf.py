"""Listings that one round shares, large while in use and small after that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gitopsui.adapters.cluster_discovery import ApiKind
from gitopsui.adapters.cluster_known import cut
from gitopsui.adapters.cluster_listing import Listing
from gitopsui.adapters.cluster_shelf import PackedListing, Shelf, pack
from gitopsui.domain.errors import ClusterError
from tests.adapters.fault_server import always
from tests.adapters.small_cluster import POD, listed, make_object, names, reading

PODS = ApiKind("", "v1", "Pod", "pods", True, ("list",))
NODES = ApiKind("", "v1", "Node", "nodes", False, ("list",))
AT = datetime(2026, 5, 1, tzinfo=UTC)


def listing(*items: dict[str, Any]) -> Listing:
    return Listing(items, complete_at=AT)


def test_a_listing_is_the_same_after_the_round_came_back_to_it() -> None:
    odd = make_object("odd", data={"text": "\ud800 ü ••••••", "number": 1.5, "nothing": None})
    shelf = Shelf()
    shelf.put(PODS, "shop", listing(make_object("a"), odd))
    shelf.pack_all_but("other")
    assert shelf.find(PODS, "shop") == listing(make_object("a"), odd)


def test_an_object_that_names_another_namespace_is_not_lost() -> None:
    strays = [make_object("a", "elsewhere"), {"metadata": {"name": "b"}}, {"metadata": {"namespace": 1}}]
    shelf = Shelf()
    shelf.put(PODS, "shop", listing(*strays))
    shelf.pack_all_but("other")
    assert shelf.find(PODS, "shop") == listing(*strays)


def test_what_is_in_use_or_without_a_namespace_stays_as_it_is() -> None:
    shelf = Shelf()
    kept = {(PODS, "shop"): listing(make_object("a")), (NODES, ""): listing(make_object("n", ""))}
    for (kind, place), found in kept.items():
        shelf.put(kind, place, found)
    shelf.pack_all_but("shop")
    assert all(shelf.find(kind, place) is found for (kind, place), found in kept.items())


def test_an_error_is_kept_as_an_error() -> None:
    failed = Listing(error=ClusterError("no", code="KIND_FORBIDDEN"))
    shelf = Shelf()
    shelf.put(PODS, "shop", failed)
    shelf.pack_all_but("other")
    assert shelf.find(PODS, "shop") is failed


def test_what_was_never_listed_is_not_an_empty_list() -> None:
    assert Shelf().find(PODS, "shop") is None


def test_a_list_of_the_whole_cluster_is_told_apart_by_namespace() -> None:
    packed = PackedListing(AT)
    for page in (
        [make_object("a", "n1"), make_object("b", "n2"), make_object("c", "n1")],
        [make_object("d", "n1")],
    ):
        for place, run in cut(page):
            packed.add(place, run, pack(run))
    assert names(packed.listing_of("n1").manifests) == ["a", "c", "d"]
    assert names(packed.listing_of("n2").manifests) == ["b"]
    assert packed.listing_of("n3") == listing()
    assert [packed.glance_of(place).count for place in ("n1", "n2", "n3")] == [3, 1, 0]


def test_a_reader_that_goes_back_and_forth_reads_each_list_once() -> None:
    paths = ["/api/v1/namespaces/n1/pods", "/api/v1/namespaces/n2/pods"]
    with reading({paths[0]: listed("a"), paths[1]: listed("b"), "/api/v1/pods": always(status=403)}) as (
        server,
        reader,
    ):
        for _ in range(3):
            assert names(reader.live([POD], namespace="n1").manifests) == ["a"]
            assert names(reader.live([POD], namespace="n2").manifests) == ["b"]
        assert [server.paths().count(path) for path in paths] == [1, 1]
