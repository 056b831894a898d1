"""What a server says it serves, in the new way, in the old way and in part."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.fault_server import Answer, always
from tests.adapters.small_cluster import (
    DEPLOYMENT,
    DEPLOYMENTS,
    METRICS,
    OTHERS,
    POD,
    PODS,
    groups,
    listed,
    names,
    reading,
    resource,
    version,
)


def test_f53_a_group_that_is_stale_is_failed_and_never_gone() -> None:
    stale = groups(
        apps=OTHERS["items"][0]["versions"], metrics_example_com=[version("v1", freshness="Stale")]
    )
    with reading({"/apis": always(stale), DEPLOYMENTS: listed("d")}) as (_, reader):
        assert set(reader.kinds().failed_groups) == {"metrics.example.com"}
        state = reader.live([METRICS, DEPLOYMENT], namespace="shop")
    listing = state.listings[METRICS]
    assert listing.error is not None
    assert (listing.error.code, listing.error.permanent) == ("KIND_UNAVAILABLE", False)
    assert listing.complete_at is None
    assert names(state.manifests) == ["d"]


CLASSIC = {
    "/api": always({"kind": "APIVersions", "versions": ["v1"]}),
    "/api/v1": always(
        {
            "kind": "APIResourceList",
            "resources": [
                {"name": "pods", "namespaced": True, "kind": "Pod", "verbs": ["list"]},
                {"name": "pods/log", "namespaced": True, "kind": "Pod", "verbs": ["get"]},
                {"name": "nodes", "namespaced": False, "kind": "Node", "verbs": ["list"]},
            ],
        }
    ),
    "/apis": always(
        {
            "kind": "APIGroupList",
            "groups": [
                {
                    "name": "apps",
                    "versions": [{"version": "v1beta1"}, {"version": "v1"}],
                    "preferredVersion": {"version": "v1"},
                },
                {"name": "metrics.example.com", "versions": [{"version": "v1"}], "preferredVersion": {}},
                {"name": "../../evil", "versions": [{"version": "v1"}]},
            ],
        }
    ),
    "/apis/apps/v1": always(
        {"resources": [{"name": "deployments", "namespaced": True, "kind": "Deployment", "verbs": ["list"]}]}
    ),
    "/apis/apps/v1beta1": always(
        {"resources": [{"name": "deployments", "namespaced": True, "kind": "Deployment", "verbs": ["list"]}]}
    ),
}


@pytest.mark.parametrize(
    "fault", [always(status=503), always(b"CANARY"), always(status=403), always(status=404)]
)
def test_f53_an_older_server_is_discovered_group_by_group_and_one_may_fail(fault: Answer) -> None:
    routes = {**CLASSIC, "/apis/metrics.example.com/v1": fault, DEPLOYMENTS: listed("d"), PODS: listed("p")}
    with reading(routes) as (server, reader):
        discovery = reader.kinds()
        state = reader.live([METRICS, DEPLOYMENT, POD], namespace="shop")
        assert not any("evil" in path for path in server.paths())
    assert set(discovery.failed_groups) == {"metrics.example.com"}
    assert "CANARY" not in repr(discovery)
    assert names(state.manifests) == ["p", "d"]
    assert state.errors[METRICS].code == "KIND_UNAVAILABLE"
    assert [kind.version for kind in discovery.kinds if kind.kind == "Deployment"] == ["v1", "v1beta1"]
    assert [kind.plural for kind in discovery.kinds if kind.group == ""] == ["pods", "nodes"]


def test_discovery_survives_answers_of_odd_shape() -> None:
    odd: Any = {
        "kind": "APIGroupDiscoveryList",
        "items": [
            None,
            {"metadata": None, "versions": "x"},
            {"metadata": {"name": "a.example.com"}, "versions": [None, {"version": 1}]},
            {
                "metadata": {"name": "b.example.com"},
                "versions": [
                    version(
                        "v1",
                        None,
                        {"resource": "../secrets", "responseKind": {"kind": "Evil"}},
                        {"resource": "nothings", "responseKind": None},
                        resource("goods", "Good"),
                    )
                ],
            },
        ],
    }
    with reading({"/apis": always(odd)}) as (_, reader):
        assert [kind.kind for kind in reader.kinds().kinds if kind.group] == ["Good"]
