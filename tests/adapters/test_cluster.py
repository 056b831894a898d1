"""What the reader answers when all is well, and what it never keeps."""

from __future__ import annotations

import gc
import hashlib
import json
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gitopsui.adapters.cluster import ClusterAccess
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.mask import mask
from gitopsui.domain.resource import GroupKind, Manifest, group_kind_of
from tests.adapters.fault_server import Answer, always
from tests.adapters.small_cluster import (
    CONFIG_MAP,
    DEPLOYMENT,
    DEPLOYMENTS,
    NODE,
    POD,
    PODS,
    SCALER,
    SECRET,
    error_of_pods,
    groups,
    listed,
    make_object,
    names,
    open_reader,
    reading,
    resource,
    start,
    version,
)

SHARED = Path(__file__).parents[2] / "../shared/conformance/badinput"


def test_objects_come_with_the_kind_that_items_of_a_list_lack() -> None:
    before = datetime.now(UTC)
    with reading({PODS: listed("a", "b"), DEPLOYMENTS: listed("c")}) as (_, reader):
        state = reader.live([POD, DEPLOYMENT], namespace="shop")
    assert [(item["apiVersion"], item["kind"]) for item in state.manifests] == [
        ("v1", "Pod"),
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
    ]
    assert state.errors == {}
    complete_at = state.listings[POD].complete_at
    assert complete_at is not None
    assert before <= complete_at <= datetime.now(UTC)


def test_the_token_is_sent_and_nothing_but_get() -> None:
    with reading({PODS: listed()}) as (server, reader):
        reader.live([POD], namespace="shop")
        reader.server_version()
    assert {request.method for request in server.requests} == {"GET"}
    assert {request.headers["authorization"] for request in server.requests} == {
        "Bearer CANARY-kubeconfig-token"
    }


def test_an_empty_list_may_be_null() -> None:
    with reading({PODS: always({"kind": "PodList", "metadata": {}, "items": None})}) as (_, reader):
        assert reader.live([POD], namespace="shop").listings[POD].error is None


def test_discovery_takes_two_requests_and_is_asked_once() -> None:
    with reading({PODS: listed()}) as (server, reader):
        reader.kinds()
        reader.live([POD], namespace="shop")
        assert server.paths() == ["/api", "/apis", PODS]


def test_the_collector_runs_again_after_a_reading_that_failed() -> None:
    with reading({PODS: always(status=401)}) as (_, reader), pytest.raises(ClusterError):
        reader.live([POD], namespace="shop")
    assert gc.isenabled()


def test_printing_the_access_shows_no_secret() -> None:
    access = ClusterAccess("https://k8s.example.com", "CANARY", "CANARY", "CANARY", "CANARY")
    assert "CANARY" not in repr(access)


def test_the_server_says_its_version() -> None:
    with reading({}) as (_, reader):
        assert reader.server_version() == "v1.36.1"


def test_a_kind_is_read_in_the_version_asked_for_where_it_is_served() -> None:
    base = "/apis/autoscaling/{}/namespaces/shop/horizontalpodautoscalers"
    routes = {base.format("v1"): listed("old"), base.format("v2"): listed("new")}
    with reading(routes) as (_, reader):
        for wanted, name in (("v1", "old"), ("v2", "new"), ("v2beta2", "new")):
            state = reader.live([SCALER], namespace="shop", versions={SCALER: wanted})
            assert names(state.manifests) == [name]


@pytest.mark.parametrize(
    "kind", [GroupKind("example.com", "Widget"), GroupKind("", "Widget"), GroupKind("", "Binding")]
)
def test_a_kind_nobody_serves_is_unknown_and_not_empty(kind: GroupKind) -> None:
    with reading({}) as (_, reader):
        listing = reader.live([kind], namespace="shop").listings[kind]
    assert listing.error is not None
    assert listing.error.code == "KIND_UNKNOWN"
    assert listing.complete_at is None


def test_a_namespace_cannot_leave_its_place_in_the_path() -> None:
    with reading({}) as (server, reader):
        for namespace in ("..", "a/../b", "a?b", "A"):
            with pytest.raises(ClusterError):
                reader.live([POD], namespace=namespace)
        assert server.requests == []


def test_the_same_list_is_read_once() -> None:
    with reading({PODS: listed("a"), "/api/v1/nodes": listed("n", namespace="")}) as (server, reader):
        first = reader.live([POD, NODE], namespace="shop")
        again = reader.live([POD, NODE, POD], namespace="shop")
        elsewhere = reader.live([NODE], namespace="other")
        assert again.listings == first.listings
        assert elsewhere.listings[NODE] is first.listings[NODE]
        assert server.paths().count(PODS) == 1
        assert server.paths().count("/api/v1/nodes") == 1


def namespaced(number: int) -> str:
    return f"/api/v1/namespaces/n{number}/pods"


def everywhere(count: int) -> Answer:
    items = [make_object(f"p{number}", f"n{number}") for number in range(count)]
    return always({"metadata": {}, "items": items})


def test_many_namespaces_are_read_with_one_list_of_the_whole_cluster() -> None:
    routes = {namespaced(number): listed(f"p{number}") for number in range(3)}
    with reading({**routes, "/api/v1/pods": everywhere(6)}) as (server, reader):
        states = [reader.live([POD], namespace=f"n{number}") for number in range(7)]
        assert [names(state.manifests) for state in states] == [[f"p{number}"] for number in range(6)] + [[]]
        assert all(not state.errors for state in states)
        assert states[5].manifests[0]["kind"] == "Pod"
        assert server.paths()[2:] == [namespaced(0), namespaced(1), namespaced(2), "/api/v1/pods"]


def test_where_the_whole_cluster_may_not_be_listed_each_namespace_is() -> None:
    routes = {namespaced(number): listed(f"p{number}") for number in range(6)}
    with reading({**routes, "/api/v1/pods": always(status=403)}) as (server, reader):
        states = [reader.live([POD], namespace=f"n{number}") for number in range(6)]
        assert [names(state.manifests) for state in states] == [[f"p{number}"] for number in range(6)]
        assert server.paths().count("/api/v1/pods") == 1


def test_a_list_of_the_whole_cluster_that_failed_is_not_tried_again() -> None:
    routes = {namespaced(number): listed(f"p{number}") for number in range(6)}
    with reading({**routes, "/api/v1/pods": always(status=500)}) as (server, reader):
        states = [reader.live([POD], namespace=f"n{number}") for number in range(6)]
        assert [state.errors[POD].code for state in states if state.errors] == ["CLUSTER_ERROR"]
        assert names(states[5].manifests) == ["p5"]
        assert server.paths().count("/api/v1/pods") == 1


def test_every_namespace_can_be_asked_for() -> None:
    with reading({"/api/v1/pods": everywhere(4)}) as (_, reader):
        assert len(reader.live([POD], namespace="").manifests) == 4


def test_everything_passes_the_mask_before_it_is_kept() -> None:
    def hide(manifest: Manifest) -> Manifest:
        return {**manifest, "data": "••••••"}

    item = make_object("c", data={"password": "CANARY-live-configmap-password"})
    answer = always({"metadata": {}, "items": [item]})
    with reading({"/api/v1/namespaces/shop/configmaps": answer}, mask=hide) as (_, reader):
        state = reader.live([CONFIG_MAP], namespace="shop")
    assert "CANARY" not in repr(state)
    assert state.manifests[0]["data"] == "••••••"


def test_an_object_that_cannot_be_masked_is_not_kept() -> None:
    def fail(manifest: Manifest) -> Manifest:
        raise ValueError(manifest["metadata"]["name"])

    assert error_of_pods(listed("CANARY"), mask=fail).code == "CLUSTER_ERROR"


def test_of_secrets_only_metadata_is_asked_for_and_kept() -> None:
    """Also when the server does not understand and sends the values."""
    item = make_object("s", data={"k": "CANARY-live-secret"}, stringData={"k": "CANARY"}, type="Opaque")
    path = "/api/v1/namespaces/shop/secrets"
    with reading({path: always({"kind": "SecretList", "metadata": {}, "items": [item]})}) as (server, reader):
        state = reader.live([SECRET], namespace="shop")
        accept = server.requests[-1].headers["accept"]
    assert accept == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert state.manifests == ({"apiVersion": "v1", "kind": "Secret", "metadata": item["metadata"]},)


def test_f52_a_planted_discovery_cache_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with start({PODS: listed("a")}) as server:
        for host in (server.url, server.host_port):
            digest = hashlib.md5(host.encode(), usedforsecurity=False).hexdigest()
            (tmp_path / f"osrcp-{digest}.json").write_text('{"library_version": "x", "resources": {}}')
        planted = sorted(tmp_path.iterdir())
        with open_reader(server) as reader:
            assert reader.live([POD], namespace="shop").errors == {}
    assert sorted(tmp_path.iterdir()) == planted


@pytest.mark.shared
def test_no_sample_secret_survives_the_reading() -> None:
    if not SHARED.is_dir():
        pytest.skip("sample cases are not beside this repository")
    samples = [json.loads(path.read_text()) for path in sorted((SHARED / "live").glob("*.json"))]
    canaries = [word for word in (SHARED / "canaries.txt").read_text().split() if word]
    served = {
        "/api/v1/namespaces/shop/secrets": [item for item in samples if item["apiVersion"] == "v1"],
        "/apis/evil.example/v1/namespaces/shop/secrets": [
            item for item in samples if item["apiVersion"] == "evil.example/v1"
        ],
        "/apis/source.toolkit.fluxcd.io/v1/namespaces/shop/gitrepositories": [
            item for item in samples if item["kind"] == "GitRepository"
        ],
    }
    others = groups(
        evil_example=[version("v1", resource("secrets", "Secret"))],
        source_toolkit_fluxcd_io=[version("v1", resource("gitrepositories", "GitRepository"))],
    )
    routes = {path: always({"metadata": {}, "items": items}) for path, items in served.items()}
    wanted = {group_kind_of(item) for item in samples}

    with reading({"/apis": always(others), **routes}, mask=partial(mask, key=b"k" * 32)) as (_, reader):
        state = reader.live(wanted, namespace="shop")

    assert len(state.manifests) == len(samples)
    assert [word for word in canaries if word in repr(state)] == []
