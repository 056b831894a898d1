"""
How long and how much memory a large list takes: `python -m tests.benchmarks.cluster_reading [pods]`.

The server runs in a process of its own and sends bytes made beforehand, so that what is measured is ours.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import resource
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from gitopsui.adapters.cluster import ClusterAccess, ClusterReader
from gitopsui.adapters.http import HttpPolicy
from gitopsui.domain.mask import mask
from gitopsui.domain.resource import GroupKind
from tests.adapters.fault_server import FaultServer, Request, always
from tests.adapters.small_cluster import CORE, groups

POD = GroupKind("", "Pod")


def make_pod(number: int) -> dict[str, Any]:
    """About 6 kB, a third of it managed fields, as on real servers."""
    labels = {f"label-{key}": f"value-{number}-{key}" for key in range(10)}
    fields: dict[str, Any] = {f"f:field-{key}": {".": {}, f"f:inner-{number}": {}} for key in range(70)}
    container = {
        "name": "app",
        "image": f"registry.example.com/shop/app:{number}",
        "env": [{"name": f"VARIABLE_{key}", "value": f"value {number} of {key}"} for key in range(34)],
        "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m"}},
        "volumeMounts": [{"name": "data", "mountPath": f"/data/{key}"} for key in range(5)],
    }
    conditions = [{"type": f"Type{key}", "status": "True", "reason": "x" * 40} for key in range(5)]
    return {
        "metadata": {
            "name": f"pod-{number}",
            "namespace": "shop",
            "labels": labels,
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": fields}],
        },
        "spec": {"containers": [container], "nodeName": f"node-{number % 50}"},
        "status": {"phase": "Running", "conditions": conditions},
    }


def serve(count: int, channel: Connection) -> None:
    pages = [
        json.dumps(
            {
                "kind": "PodList",
                "metadata": {"continue": str(begin + 500) if begin + 500 < count else ""},
                "items": [make_pod(number) for number in range(begin, min(begin + 500, count))],
            }
        ).encode()
        for begin in range(0, count, 500)
    ]

    def answer(request: Request) -> None:
        request.reply(pages[int(request.query.get("continue", "0")) // 500])

    routes = {"/api": always(CORE), "/apis": always(groups()), "/api/v1/namespaces/shop/pods": answer}
    with FaultServer(routes) as server:
        channel.send((server.host_port, sum(len(page) for page in pages)))
        channel.recv()


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int) -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(count, theirs), daemon=True)
    server.start()
    host_port, size = ours.recv()
    before = megabytes()
    begun = time.perf_counter()
    hide = functools.partial(mask, key=b"k" * 32)
    policy = HttpPolicy(private_hosts=frozenset({host_port}))
    with ClusterReader(ClusterAccess(f"http://{host_port}"), policy=policy, mask=hide) as reader:
        opened = time.perf_counter()
        state = reader.live([POD], namespace="shop")
        read = time.perf_counter()
    print(
        f"{len(state.manifests)} pods, {size / 1e6:.1f} MB of JSON: opened in {opened - begun:.2f} s, "
        f"read in {read - opened:.2f} s, peak {megabytes():.0f} MB ({megabytes() - before:.0f} MB more)"
    )
    ours.send("done")
    server.join()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
