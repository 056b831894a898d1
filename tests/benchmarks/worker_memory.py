"""What a worker holds that has read 3,000 pods and compared them all."""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
import tempfile
import time

from tests.benchmarks.cluster_reading import POD, megabytes, serve
from tests.benchmarks.table import Figure, show
from tests.benchmarks.web_server import resident_megabytes


def start_worker(folder: str) -> None:
    """Everything a worker has loaded before its first task."""
    os.environ |= {"GITOPSUI_DATA": folder, "DJANGO_SETTINGS_MODULE": "gitopsui.settings"}
    import django

    django.setup()
    from apps.core import jobs

    jobs.load_tasks()


def check(host_port: str) -> tuple[int, float, float]:
    """How many pods; seconds to read and seconds to compare them with a desired state of the same size."""
    from gitopsui.adapters.cluster import ClusterAccess, ClusterReader
    from gitopsui.adapters.http import HttpPolicy
    from gitopsui.domain.drift import compare
    from gitopsui.domain.mask import mask

    hide = functools.partial(mask, key=b"k" * 32)
    policy = HttpPolicy(private_hosts=frozenset({host_port}))
    with ClusterReader(ClusterAccess(f"http://{host_port}"), policy=policy, mask=hide) as reader:
        begun = time.perf_counter()
        live = reader.live([POD], namespace="shop").manifests
        read = time.perf_counter()
    desired = [{**one, "metadata": {**one["metadata"], "managedFields": []}} for one in live]
    compare(desired, live)
    return len(live), read - begun, time.perf_counter() - read


def main(count: int) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(count, theirs), daemon=True)
    server.start()
    host_port, size = ours.recv()
    with tempfile.TemporaryDirectory(prefix="gitopsui-bench-") as folder:
        start_worker(folder)
        before = resident_megabytes(os.getpid())
        pods, reading, comparing = check(host_port)
    rows = [
        Figure(f"{pods} pods, {size / 1e6:.1f} MB", "read", f"{reading:.2f} s", "≤ 1 s"),
        Figure(f"{pods} pods", "compare with as many", f"{comparing:.2f} s"),
        Figure("a worker before it", "memory", f"{before:.0f} MB"),
        Figure("a worker after it", "memory", f"{resident_megabytes(os.getpid()):.0f} MB", "≤ 400 MB"),
        Figure("a worker", "highest memory", f"{megabytes():.0f} MB", "≤ 400 MB"),
    ]
    show("Check of a large application", rows)
    ours.send("done")
    server.join()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
