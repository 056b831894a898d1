"""Answers of a small API server, to be broken one by one; the stand-in of the demo imitates a whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from gitopsui.adapters.cluster import ClusterAccess, ClusterReader, Known
from gitopsui.adapters.http import HttpPolicy
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.resource import GroupKind, Manifest
from tests.adapters.fault_server import Answer, FaultServer, Request, always

POD = GroupKind("", "Pod")
NODE = GroupKind("", "Node")
SECRET = GroupKind("", "Secret")
CONFIG_MAP = GroupKind("", "ConfigMap")
DEPLOYMENT = GroupKind("apps", "Deployment")
SCALER = GroupKind("autoscaling", "HorizontalPodAutoscaler")
METRICS = GroupKind("metrics.example.com", "PodMetrics")

PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


def resource(
    plural: str, kind: str, *, scope: str = "Namespaced", verbs: tuple[str, ...] = ("get", "list")
) -> Any:
    return {
        "resource": plural,
        "responseKind": {"group": "", "version": "", "kind": kind},
        "scope": scope,
        "verbs": list(verbs),
        "subresources": [{"subresource": "status", "verbs": ["get"]}],
    }


def version(name: str, *resources: Any, freshness: str = "Current") -> Any:
    return {"version": name, "resources": list(resources), "freshness": freshness}


def groups(**versions: list[Any]) -> Any:
    """An aggregated answer; underscores in a name stand for dots, `core` for the core group."""
    items = [
        {"metadata": {} if name == "core" else {"name": name.replace("_", ".")}, "versions": listed}
        for name, listed in versions.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}


CORE = groups(
    core=[
        version(
            "v1",
            resource("pods", "Pod"),
            resource("nodes", "Node", scope="Cluster"),
            resource("secrets", "Secret"),
            resource("configmaps", "ConfigMap"),
            resource("bindings", "Binding", verbs=("create",)),
        )
    ]
)
OTHERS = groups(
    apps=[version("v1", resource("deployments", "Deployment"))],
    autoscaling=[
        version("v2", resource("horizontalpodautoscalers", "HorizontalPodAutoscaler")),
        version("v1", resource("horizontalpodautoscalers", "HorizontalPodAutoscaler")),
    ],
)


def make_object(name: str, namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"}, **fields}


def listed(*names: str, next_page: str = "", namespace: str = "shop") -> Answer:
    items = [make_object(name, namespace) for name in names]
    return always({"kind": "List", "metadata": {"continue": next_page}, "items": items})


def by_page(pages: dict[str, Answer]) -> Answer:
    """The answer that belongs to the `continue` token of the request."""
    return lambda request: pages[request.query.get("continue", "")](request)


def in_turn(*answers: Answer) -> Answer:
    """Each request gets the next answer, and the last one for ever."""
    waiting = list(answers)

    def answer(request: Request) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)

    return answer


def start(routes: dict[str, Answer], **options: Any) -> FaultServer:
    known: dict[str, Answer] = {
        "/api": always(CORE),
        "/apis": always(OTHERS),
        "/version": always({"gitVersion": "v1.36.1"}),
    }
    return FaultServer(known | routes, **options)


Mask = Callable[[Manifest], Manifest]


def as_it_is(manifest: Manifest) -> Manifest:
    return manifest


def open_reader(
    server: FaultServer,
    *,
    mask: Mask = as_it_is,
    seconds: float = 60,
    known: Known | None = None,
    **access: Any,
) -> ClusterReader:
    policy = HttpPolicy(private_hosts=frozenset({server.host_port}))
    account = ClusterAccess(server.url, **{"token": "CANARY-kubeconfig-token", **access})
    budget = timedelta(seconds=seconds)
    return ClusterReader(account, policy=policy, mask=mask, budget=budget, known=known)


@contextmanager
def reading(routes: dict[str, Answer], **options: Any) -> Iterator[tuple[FaultServer, ClusterReader]]:
    with start(routes) as server, open_reader(server, **options) as reader:
        yield server, reader


def error_of_pods(answer: Answer, **options: Any) -> ClusterError:
    """The error in the listing of pods when their list is answered so."""
    with reading({PODS: answer}, **options) as (_, reader):
        listing = reader.live([POD], namespace="shop").listings[POD]
    assert listing.manifests == ()
    assert listing.complete_at is None
    assert listing.error is not None
    assert "CANARY" not in f"{listing.error!r} {listing.error.__cause__!r}"
    return listing.error


def refusal(routes: dict[str, Answer], **options: Any) -> ClusterError:
    """The error of a reading that fails as a whole."""
    with reading(routes, **options) as (_, reader), pytest.raises(ClusterError) as caught:
        reader.live([POD], namespace="shop")
    assert "CANARY" not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


def names(manifests: tuple[Manifest, ...]) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in manifests]
