"""What is kept of a cluster from one round to the next, and what is read anew."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.adapters.cluster import Known, KnownRuns
from gitopsui.adapters.cluster_known import KEPT_SECONDS, cut, sealed
from gitopsui.domain.resource import Manifest
from tests.adapters.fault_server import always
from tests.adapters.small_cluster import POD, PODS, open_reader, start


def item(name: str, version: str = "1", namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": version}
    return {"metadata": metadata, **fields}


class Counting:
    """A mask that counts."""

    def __init__(self) -> None:
        self.masked: list[str] = []

    def __call__(self, manifest: Manifest) -> Manifest:
        self.masked.append(manifest["metadata"]["name"])
        return manifest


def read(items: list[dict[str, Any]], known: Known) -> tuple[list[str], list[Any], str]:
    """One round: what was masked, what was read after a glance, and the seal."""
    mask = Counting()
    answer = always({"metadata": {}, "items": items})
    with start({PODS: answer}) as server, open_reader(server, mask=mask, known=known) as reader:
        glance = reader.glance([POD], namespace="shop")[POD]
        found = reader.live([POD], namespace="shop").listings[POD]
    assert glance.count == len(found.manifests)
    assert (glance.seal, glance.complete_at) == (found.seal, found.complete_at)
    return mask.masked, [one.get("data") for one in found.manifests], glance.seal


def test_what_was_not_written_to_is_masked_once() -> None:
    known = Known(KnownRuns(), "eu-1")
    first = read([item("a", data=1), item("b", data=2)], known)
    again = read([item("a", data=1), item("b", data=2)], known)
    assert (first[0], again[0]) == (["a", "b"], [])
    assert first[1:] == again[1:]


def test_what_was_written_to_is_read_anew() -> None:
    known = Known(KnownRuns(), "eu-1")
    first = read([item("a", "1", data=1)], known)
    again = read([item("a", "2", data=2)], known)
    assert (again[0], again[1]) == (["a"], [2])
    assert first[2] != again[2]


def test_an_object_without_a_version_is_masked_each_time_and_seals_nothing() -> None:
    known = Known(KnownRuns(), "eu-1")
    nameless = item("a", data=1)
    del nameless["metadata"]["resourceVersion"]
    assert read([nameless], known)[0] == ["a"]
    assert read([nameless], known)[::2] == (["a"], "")


def test_another_cluster_or_grant_gets_nothing_of_it() -> None:
    runs = KnownRuns()
    read([item("a", data="of one")], Known(runs, ("eu-1", False)))
    for scope in (("eu-2", False), ("eu-1", True)):
        assert read([item("a", data="of the other")], Known(runs, scope))[:2] == (["a"], ["of the other"])


def test_a_list_and_a_glance_at_it_have_one_seal() -> None:
    items = [item(f"p{number}") for number in range(90)]
    with start({PODS: always({"metadata": {}, "items": items})}) as server:
        with open_reader(server) as reader:
            listed = reader.live([POD], namespace="shop").listings[POD].seal
        with open_reader(server) as reader:
            assert reader.glance([POD], namespace="shop")[POD].seal == listed


def test_a_refusal_is_told_by_a_glance_too() -> None:
    with start({PODS: always(status=403)}) as server, open_reader(server) as reader:
        glance = reader.glance([POD], namespace="shop")[POD]
    assert glance.error is not None
    assert (glance.error.code, glance.seal, glance.complete_at) == ("KIND_FORBIDDEN", "", None)


def test_it_does_not_matter_for_the_seal_where_a_list_is_cut() -> None:
    items = [item(f"p{number}") for number in range(10)]
    assert sealed(items) == sealed(items[4:], sealed(items[:4]))
    assert sealed(items) != sealed(items[1:])
    assert sealed([*items[:3], {"metadata": {}}, *items[3:]]) == ""


def test_runs_are_those_of_one_namespace_and_one_more_object_moves_few_of_them() -> None:
    items = [item(f"p{number}", namespace=f"n{number // 500}") for number in range(1000)]
    before = {sealed(run) for _, run in cut(items)}
    after = {sealed(run) for _, run in cut([*items[:250], item("new", namespace="n0"), *items[250:]])}
    assert all(len({one["metadata"]["namespace"] for one in run}) == 1 for _, run in cut(items))
    assert [one for _, run in cut(items) for one in run] == items
    assert len(after - before) <= 2
    assert len(before) > 10


@pytest.mark.parametrize("odd", [None, 7, [], {"metadata": 3}, {"metadata": {"uid": {}, "namespace": []}}])
def test_what_is_no_object_is_no_run_that_is_known(odd: Any) -> None:
    assert list(cut([odd])) == [("", [odd])]
    assert sealed([odd]) == ""


def test_the_least_recently_used_go_first_and_the_old_with_them() -> None:
    now = [0.0]
    runs = KnownRuns(max_bytes=30, clock=lambda: now[0])
    for name in "abc":
        runs.keep(name, b"x" * 10)
    assert runs.find("a") is not None
    runs.keep("d", b"x" * 10)
    assert [runs.find(name) is None for name in "abcd"] == [False, True, False, False]
    assert runs.size == 30
    now[0] = KEPT_SECONDS + 1
    runs.keep("e", b"x")
    assert (runs.size, runs.find("a"), runs.find("e")) == (1, None, b"x")


def test_one_that_is_too_large_alone_is_not_kept() -> None:
    runs = KnownRuns(max_bytes=5)
    runs.keep("a", b"x" * 10)
    assert (runs.size, runs.find("a")) == (0, None)
